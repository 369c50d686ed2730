// Compares a site-to-site VPN with attributes that a client has sent. No other file decides whether they are the same.
import { createHash, timingSafeEqual } from 'node:crypto';
import { isSameId } from '../../cloudca/ids.js';
import type { SiteToSiteVpnAttributes } from '../../cloudca/site-to-site-vpn-writes.js';
import type { SiteToSiteVpnEntity } from '../../cloudca/site-to-site-vpns.js';
import { parseIpAddress, parseIpNetworks } from '../ip-networks.js';

// Compared as they are: the reader of VPNs has read every spelling of a value as the same value.
const plainAttributes = [
  'name',
  'ikeEncryptionAlgorithm',
  'ikeHashAlgorithm',
  'ikeDhGroup',
  'ikeLifetime',
  'espEncryptionAlgorithm',
  'espHashAlgorithm',
  'espPerfectForwardSecrecy',
  'espLifetime',
  'dpd',
  'forceEncap',
] as const satisfies readonly (keyof SiteToSiteVpnAttributes)[];

/** Reports whether a VPN has each of the attributes that are given. Compares pre-shared keys in constant time. */
export function hasAttributes(vpn: SiteToSiteVpnEntity, given: SiteToSiteVpnAttributes): boolean {
  const { vpcId, gateway, cidr, ipSecPsk } = given;
  return (
    plainAttributes.every((name) => given[name] === undefined || given[name] === vpn[name]) &&
    (vpcId === undefined || isSameId(vpcId, vpn.vpcId)) &&
    (gateway === undefined || isSameGateway(gateway, vpn.gateway)) &&
    (cidr === undefined || hasSameNetworks(cidr.split(','), vpn.cidrs)) &&
    (ipSecPsk === undefined || isSameSecret(ipSecPsk, vpn.ipSecPsk))
  );
}

/** Reports whether two gateways are the same address, or the same host name, in any spelling. */
export function isSameGateway(one: string, other: string): boolean {
  return toGatewayKey(one) === toGatewayKey(other);
}

function toGatewayKey(gateway: string): string {
  return parseIpAddress(gateway)?.toString() ?? gateway.trim().toLowerCase();
}

/** Reports whether two lists of CIDR blocks stand for the same networks. Host bits, order and repetition do not matter. */
function hasSameNetworks(one: readonly string[], other: readonly string[]): boolean {
  const networks = parseIpNetworks(one)?.map(({ cidr }) => cidr);
  const others = parseIpNetworks(other)?.map(({ cidr }) => cidr);
  return (
    networks !== undefined && others?.length === networks.length && networks.every((cidr) => others.includes(cidr))
  );
}

function isSameSecret(one: string, other: string | null): boolean {
  return other !== null && timingSafeEqual(digest(one), digest(other));
}

// Digests have one length, which timingSafeEqual requires, so that not even the length of a key is measurable.
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
