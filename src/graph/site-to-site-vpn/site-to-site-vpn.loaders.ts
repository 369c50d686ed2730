// Loads the site-to-site VPNs of one operation: each VPN and each list takes one REST call.
import type DataLoader from 'dataloader';
import type { RestSession } from '../../cloudca/session.js';
import { NotFoundError } from '../../cloudca/errors.js';
import type { EnvironmentAddress } from '../../cloudca/environments.js';
import { toIdKey } from '../../cloudca/ids.js';
import { memoizePerSharedValue } from '../../cloudca/http/singleflight.js';
import { getSiteToSiteVpn, listSiteToSiteVpns, type SiteToSiteVpnEntity } from '../../cloudca/site-to-site-vpns.js';
import { sortRows } from '../connection.js';
import { createLoader, createListLoader, nullIfNotFound, toEnvironmentCacheKey } from '../loaders.js';
import type { VpcKey, VpcLoaders } from '../vpc/vpc.loaders.js';
import type { LoadStrategy, Vpc } from '../vpc/vpc.type.js';
import { type SiteToSiteVpn, toSiteToSiteVpn } from './site-to-site-vpn.type.js';

/** Names a VPN. */
export interface SiteToSiteVpnKey {
  readonly environment: EnvironmentAddress;
  readonly id: string;
}

/** Names a list of VPNs: those of an environment, or of one of its VPCs. */
export interface SiteToSiteVpnListKey {
  readonly environment: EnvironmentAddress;
  readonly vpcId: string | null;
}

/** The loaders of site-to-site VPNs. */
export interface SiteToSiteVpnLoaders {
  /** Loads one VPN; null if the environment has no VPN with this id. */
  readonly one: DataLoader<SiteToSiteVpnKey, SiteToSiteVpn | null, string>;
  /** Loads a list, sorted by name. */
  readonly list: (list: SiteToSiteVpnListKey) => Promise<readonly SiteToSiteVpn[]>;
  /** Sets a list, sorted by name, which `list` then returns without a REST call. */
  readonly primeList: (list: SiteToSiteVpnListKey, vpns: readonly SiteToSiteVpn[]) => void;
  /** Loads all VPNs of an environment by the keys (toIdKey) of their VPCs, each group sorted by name. */
  readonly byVpc: (environment: EnvironmentAddress) => Promise<ReadonlyMap<string, readonly SiteToSiteVpn[]>>;
}

const toRows = memoizePerSharedValue(
  (entities: readonly SiteToSiteVpnEntity[], environment: EnvironmentAddress, loadStrategy: LoadStrategy) =>
    sortRows(entities.map((entity) => toSiteToSiteVpn(entity, environment, loadStrategy))),
);

/** Creates the loaders of one operation. */
export function createSiteToSiteVpnLoaders(rest: RestSession): SiteToSiteVpnLoaders {
  const one = createLoader(
    ({ environment, id }: SiteToSiteVpnKey) =>
      nullIfNotFound(getSiteToSiteVpn(rest, environment, id), (entity) => toSiteToSiteVpn(entity, environment, 'one')),
    ({ environment, id }) => toEnvironmentCacheKey(environment, toIdKey(id)),
  );
  const toListCacheKey = ({ environment, vpcId }: SiteToSiteVpnListKey) =>
    toEnvironmentCacheKey(environment, vpcId && toIdKey(vpcId));
  const primed = new Map<string, readonly SiteToSiteVpn[]>();
  const list = createListLoader(async (key: SiteToSiteVpnListKey) => {
    const { environment, vpcId } = key;
    const known = primed.get(toListCacheKey(key));
    if (known !== undefined) return known;
    // All VPNs of one VPC belong to the same VPC, which one GET loads.
    const loadStrategy = vpcId === null ? 'list' : 'one';
    return toRows(await listSiteToSiteVpns(rest, environment, vpcId), environment, loadStrategy);
  }, toListCacheKey);
  const primeList = (key: SiteToSiteVpnListKey, vpns: readonly SiteToSiteVpn[]) => {
    primed.set(toListCacheKey(key), vpns);
  };
  // Grouped once: to filter the list for each VPC would take time quadratic in its length.
  const byVpc = createListLoader(
    async (environment: EnvironmentAddress) => groupVpnsByVpc(await list({ environment, vpcId: null })),
    (environment) => toEnvironmentCacheKey(environment),
  );
  return { one, list, primeList, byVpc };
}

/** Groups VPNs by the keys (toIdKey) of their VPCs. Keeps their order. */
export function groupVpnsByVpc<T extends { readonly vpcId: string }>(
  vpns: readonly T[],
): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const vpn of vpns) {
    const key = toIdKey(vpn.vpcId);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [vpn]);
    else group.push(vpn);
  }
  return groups;
}

/** Loads the VPC that a VPN names. Rejects with NotFoundError if the environment has no VPC with this id. */
export async function loadVpc({ one, getLoaded }: VpcLoaders, key: VpcKey): Promise<Vpc> {
  const vpc = getLoaded(key.environment, key.id) ?? (await one.load(key));
  if (vpc === null) throw new NotFoundError('The environment has no VPC with the vpcId of this site-to-site VPN.');
  return vpc;
}
