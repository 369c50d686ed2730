// Loads the networks of one VPC: its own, and the remote ones of its site-to-site VPNs.
import { BadResponseError } from '../../cloudca/errors.js';
import type { EnvironmentAddress } from '../../cloudca/environments.js';
import { isSameId, toIdKey } from '../../cloudca/ids.js';
import type { Turns } from '../../turns.js';
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

/**
 * Creates the loader of one operation. It reads the VPNs and the VPCs of an environment once, for any number of VPCs. All of them share the
 * turns: each of a thousand VPCs may have few networks.
 */
export function createVpcNetworksLoader(vpns: SiteToSiteVpnLoaders, vpcs: VpcLoaders, turns: Turns): LoadVpcNetworks {
  const load = createListLoader(
    async (key: VpcNetworksKey) => {
      const [vpc, members] = await Promise.all([loadVpc(vpcs, { ...key, id: key.vpcId }), loadMembers(vpns, key)]);
      return { vpc, members, networks: await toNetworks(vpc, members, turns) };
    },
    ({ environment, vpcId, loadStrategy }) => toEnvironmentCacheKey(environment, `${loadStrategy} ${toIdKey(vpcId)}`),
  );
  return async (vpn, key) => {
    const { vpc, members, networks } = await load(key);
    // A VPN that was not loaded with the others may be newer than they are.
    if (networks.has(vpn)) return networks;
    return toNetworks(vpc, [...members.filter(({ id }) => !isSameId(id, vpn.id)), vpn], turns);
  };
}

async function loadMembers(
  { list, byVpc }: SiteToSiteVpnLoaders,
  { environment, vpcId, loadStrategy }: VpcNetworksKey,
): Promise<readonly SiteToSiteVpn[]> {
  return loadStrategy === 'one' ? list({ environment, vpcId }) : ((await byVpc(environment)).get(toIdKey(vpcId)) ?? []);
}

// To parse or index a network takes about as long as executing this many fields.
const workPerNetwork = 10;
const networksPerSlice = 500;

// The index is made in one turn of the event loop. A VPN may have hundreds of networks.
const maxNetworks = 20_000;

async function toNetworks(vpc: Vpc, vpns: readonly SiteToSiteVpn[], turns: Turns): Promise<VpcNetworks> {
  const ofVpc = vpc.cidr?.split(',').map((cidr) => cidr.trim()) ?? [];
  const count = vpns.reduce((sum, { cidrs }) => sum + cidrs.length, ofVpc.length);
  if (count > maxNetworks) throw createError(`the VPC and its VPNs have more than ${maxNetworks} networks`);
  const networks = [...toIndexed(ofVpc, null, 'the VPC')];
  let parsed = 0;
  for (const vpn of vpns) {
    parsed += vpn.cidrs.length;
    if (parsed > networksPerSlice) {
      await turns.take(parsed * workPerNetwork);
      parsed = 0;
    }
    networks.push(...toIndexed(vpn.cidrs, vpn, 'a site-to-site VPN of the VPC'));
  }
  await turns.take(count * workPerNetwork);
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
