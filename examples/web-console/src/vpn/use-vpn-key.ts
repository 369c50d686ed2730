// The pre-shared key of a VPN: queried only on the user's request, shown on one page, and never cached.
import type { ErrorLike } from '@apollo/client';
import { useApolloClient } from '@apollo/client/react';
import { useState } from 'react';
import { graphql } from '../gql';
import type { EnvironmentInput } from '../gql/graphql';

const VpnKeyQuery = graphql(`
  query VpnKey($environment: EnvironmentInput!, $id: ID!) {
    siteToSiteVpn(environment: $environment, id: $id) {
      id
      ipSecPsk
    }
  }
`);

/** The key's value and the actions that show or hide it. */
export interface VpnKey {
  /** The key; undefined while hidden. */
  readonly value: string | undefined;
  readonly error: ErrorLike | undefined;
  readonly isPending: boolean;
  readonly show: () => void;
  readonly hide: () => void;
}

/** Returns the pre-shared key of a VPN, hidden until `show` is called. */
export function useVpnKey(environment: EnvironmentInput, id: string): VpnKey {
  const client = useApolloClient();
  const [value, setValue] = useState<string>();
  const [error, setError] = useState<ErrorLike>();
  const [isPending, setPending] = useState(false);
  const show = async (): Promise<void> => {
    setPending(true);
    const { data, error } = await client.query({
      query: VpnKeyQuery,
      variables: { environment, id },
      fetchPolicy: 'no-cache',
      errorPolicy: 'all',
    });
    setPending(false);
    setError(error);
    setValue(data?.siteToSiteVpn?.ipSecPsk ?? undefined);
  };
  return {
    value,
    error,
    isPending,
    show: () => void show(),
    hide: () => {
      setValue(undefined);
    },
  };
}
