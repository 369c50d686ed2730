// Reads what the gateway derives from the networks of both ends: overlaps, and the configuration of the other end. One query makes few REST
// calls.
import type { ErrorLike } from '@apollo/client';
import { skipToken, useQuery } from '@apollo/client/react';
import { useEffect, useEffectEvent, useRef } from 'react';
import { graphql } from '../gql';
import type { EnvironmentInput, VpnNetworksQuery } from '../gql/graphql';

const Query = graphql(`
  query VpnNetworks($environment: EnvironmentInput!, $id: ID!) {
    siteToSiteVpn(environment: $environment, id: $id) {
      id
      name
      state
      cidrs
      ikeLifetime
      espLifetime
      vpc {
        id
        name
        cidr
      }
      networkOverlaps {
        ...NetworkOverlapDetails
      }
      remoteEnd {
        ...RemoteEndDetails
      }
    }
  }
`);

/** The networks of a VPN. */
export interface VpnNetworks {
  /** Undefined until it is loaded. */
  readonly vpn: VpnNetworksQuery['siteToSiteVpn'] | undefined;
  /** Why it could not be loaded, or why a part of it is missing. */
  readonly error: ErrorLike | undefined;
  readonly retry: () => void;
}

/** Loads the networks once `version` is not empty, and loads them again each time that `version` changes. */
export function useVpnNetworks(environment: EnvironmentInput, id: string, version: string): VpnNetworks {
  const options = { variables: { environment, id }, fetchPolicy: 'no-cache', errorPolicy: 'all' } as const;
  const { data, error, refetch } = useQuery(Query, version === '' ? skipToken : options);
  const loaded = useRef('');
  const load = useEffectEvent(() => {
    if (loaded.current !== '' && loaded.current !== version) void refetch();
    loaded.current = version;
  });
  useEffect(() => {
    load();
  }, [version]);
  return { vpn: data?.siteToSiteVpn, error, retry: () => void refetch() };
}
