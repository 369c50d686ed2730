// Loads the networks of one VPC: its own, and the remote ones of its site-to-site VPNs.
import { BadResponseError } from '../../cloudca/errors.js';
import type { EnvironmentAddress } from '../../cloudca/environments.js';
import { isSameId, toIdKey } from '../../cloudca/ids.js';
import { Turns } from '../../turns.js';
import { parseIpNetwork } from '../ip-networks.js';
import { createListLoader, toEnvironmentCacheKey } from '../loaders.js';
import { type IndexedNetwork, NetworkIndex } from '../network-index.js';
import type { VpcLoaders } from '../vpc/vpc.loaders.js';
import type { LoadStrategy, Vpc } from '../vpc/vpc.type.js';
import { loadVpc, type SiteToSiteVpnLoaders } from './site-to-site-vpn.loaders.js';
import type { SiteToSiteVpn } from './site-to-site-vpn.type.js';

/** Names a VPC, and the way to load it and its VPNs. */
export interface VpcNetworksKey {
  readonly environment: EnvironmentAddress;
  readonly vpcId: string;
  readonly loadStrategy: LoadStrategy;
}

/** The networks of a VPC. Null owns those of the VPC itself. */
export type VpcNetworks = NetworkIndex<SiteToSiteVpn | null>;

/** Loads the networks of a VPC. Rejects with a CloudcaError: BadResponseError if a network is missing, or is not a CIDR block. */
export type LoadVpcNetworks = (vpn: SiteToSiteVpn, key: VpcNetworksKey) => Promise<VpcNetworks>;

/** Creates the loader of one operation. It reads the VPNs and the VPCs of an environment once, for any number of VPCs. */
export function createVpcNetworksLoader(vpns: SiteToSiteVpnLoaders, vpcs: VpcLoaders): LoadVpcNetworks {
  const load = createListLoader(
    async (key: VpcNetworksKey) => {
      const [vpc, members] = await Promise.all([loadVpc(vpcs, { ...key, id: key.vpcId }), loadMembers(vpns, key)]);
      return { vpc, members, networks: await toNetworks(vpc, members) };
    },
    ({ environment, vpcId, loadStrategy }) => toEnvironmentCacheKey(environment, `${loadStrategy} ${toIdKey(vpcId)}`),
  );
  return async (vpn, key) => {
    const { vpc, members, networks } = await load(key);
    // A VPN that was not loaded with the others may be newer than they are.
    return networks.has(vpn) ? networks : toNetworks(vpc, [...members.filter(({ id }) => !isSameId(id, vpn.id)), vpn]);
  };
}

async function loadMembers(
  { list, byVpc }: SiteToSiteVpnLoaders,
  { environment, vpcId, loadStrategy }: VpcNetworksKey,
): Promise<readonly SiteToSiteVpn[]> {
  return loadStrategy === 'one' ? list({ environment, vpcId }) : ((await byVpc(environment)).get(toIdKey(vpcId)) ?? []);
}

// To parse the networks of a VPN takes about as long as executing this many fields.
const workPerVpn = 10;
const vpnsPerSlice = 500;

async function toNetworks(vpc: Vpc, vpns: readonly SiteToSiteVpn[]): Promise<VpcNetworks> {
  const turns = new Turns();
  const networks = [...toIndexed(vpc.cidr?.split(',').map((cidr) => cidr.trim()) ?? [], null, 'the VPC')];
  for (let begin = 0; begin < vpns.length; begin += vpnsPerSlice) {
    const slice = vpns.slice(begin, begin + vpnsPerSlice);
    await turns.take(slice.length * workPerVpn);
    networks.push(...slice.flatMap((vpn) => toIndexed(vpn.cidrs, vpn, 'a site-to-site VPN of the VPC')));
  }
  return new NetworkIndex(networks);
}

function toIndexed(
  cidrs: readonly string[],
  owner: SiteToSiteVpn | null,
  noun: string,
): readonly IndexedNetwork<SiteToSiteVpn | null>[] {
  if (cidrs.length === 0) throw createError(`the REST API sent no cidr of ${noun}`);
  return [...new Set(cidrs)].map((cidr) => {
    const network = parseIpNetwork(cidr);
    if (network === undefined) throw createError(`the cidr of ${noun} is not a list of CIDR blocks`);
    return { network, cidr, owner };
  });
}

function createError(reason: string): BadResponseError {
  return new BadResponseError(`The overlaps cannot be determined: ${reason}.`);
}
