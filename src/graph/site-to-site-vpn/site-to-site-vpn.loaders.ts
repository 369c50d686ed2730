// The site-to-site VPNs of one operation: each is read once, alone or in the list of its environment or VPC.
import type DataLoader from 'dataloader';
import type { RestSession } from '../../cloudca/client.js';
import type { EnvironmentAddress } from '../../cloudca/environments.js';
import { createShared } from '../../cloudca/http/singleflight.js';
import { getSiteToSiteVpn, listSiteToSiteVpns, type SiteToSiteVpnEntity } from '../../cloudca/site-to-site-vpns.js';
import { inOrder } from '../connection.js';
import { createLoader, createMemo, orNull, toEnvironmentKey } from '../loaders.js';
import type { Reach } from '../vpc/vpc.type.js';
import { type SiteToSiteVpn, toSiteToSiteVpn } from './site-to-site-vpn.type.js';

/** Which VPN. */
export interface SiteToSiteVpnKey {
  readonly environment: EnvironmentAddress;
  readonly id: string;
}

/** Which list of VPNs: those of an environment, or of one of its VPCs. */
export interface SiteToSiteVpnListKey {
  readonly environment: EnvironmentAddress;
  readonly vpcId: string | null;
}

/** The loaders of site-to-site VPNs. */
export interface SiteToSiteVpnLoaders {
  /** One VPN; null where the environment has none of that id. */
  readonly one: DataLoader<SiteToSiteVpnKey, SiteToSiteVpn | null, string>;
  /** A list, in order. */
  readonly list: (list: SiteToSiteVpnListKey) => Promise<readonly SiteToSiteVpn[]>;
}

const toRows = createShared((entities: readonly SiteToSiteVpnEntity[], environment: EnvironmentAddress, reach: Reach) =>
  inOrder(entities.map((entity) => toSiteToSiteVpn(entity, environment, reach))),
);

/** Makes the loaders for one operation. */
export function createSiteToSiteVpnLoaders(rest: RestSession): SiteToSiteVpnLoaders {
  return {
    one: createLoader(
      ({ environment, id }) =>
        orNull(getSiteToSiteVpn(rest, environment, id), (entity) => toSiteToSiteVpn(entity, environment, 'one')),
      ({ environment, id }) => toEnvironmentKey(environment, id),
    ),
    list: createMemo(
      async ({ environment, vpcId }) => {
        // The VPNs of one VPC need no more than that VPC.
        const reach = vpcId === null ? 'list' : 'one';
        return toRows(await listSiteToSiteVpns(rest, environment, vpcId), environment, reach);
      },
      ({ environment, vpcId }) => toEnvironmentKey(environment, vpcId),
    ),
  };
}
