// The environment that the address names: what every operation sends along.
import { useMemo } from 'react';
import { useParams } from 'react-router';
import type { EnvironmentInput } from '../gql/graphql';

/** An environment, and where its pages are. */
export interface EnvironmentOfPage {
  readonly environment: EnvironmentInput;
  /** Path of its list; those of its other pages begin with it. */
  readonly path: string;
}

/** Path of an environment's list. */
export function toPath(serviceCode: string, name: string): string {
  return `/${encodeURIComponent(serviceCode)}/${encodeURIComponent(name)}`;
}

/** The environment that the address names. */
export function useEnvironment(): EnvironmentOfPage {
  const { serviceCode = '', environmentName = '' } = useParams();
  return useMemo(
    () => ({ environment: { serviceCode, name: environmentName }, path: toPath(serviceCode, environmentName) }),
    [serviceCode, environmentName],
  );
}
