// The environment of the current URL, which every operation sends as input.
import { useMemo } from 'react';
import { useParams } from 'react-router';
import type { EnvironmentInput } from '../gql/graphql';

/** The environment of the current page. */
export interface CurrentEnvironment {
  readonly environment: EnvironmentInput;
  /** Path of its VPN list, and the prefix of its other pages' paths. */
  readonly path: string;
}

/** Returns the path of an environment's VPN list. */
export function toPath(serviceCode: string, name: string): string {
  return `/${encodeURIComponent(serviceCode)}/${encodeURIComponent(name)}`;
}

/** Returns the environment of the current URL. */
export function useEnvironment(): CurrentEnvironment {
  const { serviceCode = '', environmentName = '' } = useParams();
  return useMemo(
    () => ({ environment: { serviceCode, name: environmentName }, path: toPath(serviceCode, environmentName) }),
    [serviceCode, environmentName],
  );
}
