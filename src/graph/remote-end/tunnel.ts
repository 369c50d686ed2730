// The tunnel of a site-to-site VPN as its remote end sees it: local is the remote network's side, peer is the VPC's side.
import { BadResponseError } from '../../cloudca/errors.js';
import type {
  DhGroup,
  EncryptionAlgorithm,
  HashAlgorithm,
  SiteToSiteVpnEntity,
} from '../../cloudca/site-to-site-vpns.js';
import type { VpcEntity } from '../../cloudca/vpcs.js';
import { type IpNetwork, parseIpAddress, parseIpNetworks } from '../ip-networks.js';

/** The algorithms and the lifetime of one phase. */
export interface Phase {
  readonly encryption: EncryptionAlgorithm;
  readonly hash: HashAlgorithm;
  readonly dhGroup: DhGroup;
  /** In seconds. Null if the REST API sends none. */
  readonly lifetime: number | null;
}

/** Two networks that the tunnel connects. They are of the same family. */
export interface NetworkPair {
  readonly local: string;
  readonly peer: string;
}

/** The tunnel, without its pre-shared key. */
export interface Tunnel {
  /** Name for a connection and a file: letters, digits, `-` and `_` only. */
  readonly connection: string;
  /** Name of the VPN on one line, for a comment. */
  readonly title: string;
  readonly localAddress: string;
  readonly peerAddress: string;
  readonly localNetworks: readonly IpNetwork[];
  readonly peerNetworks: readonly IpNetwork[];
  readonly pairs: readonly NetworkPair[];
  readonly ike: Phase;
  readonly esp: Phase;
  readonly dpd: boolean;
  readonly forceEncap: boolean;
}

/** The attributes of a VPN that a tunnel is derived from. */
export type TunnelVpn = Omit<SiteToSiteVpnEntity, 'ipSecPsk' | 'state' | 'vpcId' | 'cidr'>;
/** The attributes of a VPC that a tunnel is derived from. */
export type TunnelVpc = Pick<VpcEntity, 'cidr' | 'sourceNatIp'>;

/** Maximum number of network pairs of a tunnel. */
export const maxNetworkPairs = 256;

const maxConnectionLength = 64;

/** Derives the tunnel of a VPN. Throws BadResponseError, whose message names the part that is missing or unknown. */
export function toTunnel(vpn: TunnelVpn, vpc: TunnelVpc): Tunnel {
  const localNetworks = requireNetworks(vpn.cidrs, 'cidr of the VPN');
  const peerNetworks = requireNetworks(vpc.cidr?.split(',') ?? [], 'cidr of the VPC');
  if (localNetworks.length * peerNetworks.length > maxNetworkPairs) {
    throw underivable(`the VPN has more than ${maxNetworkPairs} pairs of networks, the maximum`);
  }
  return {
    connection: toConnectionName(vpn),
    title: toOneLine(vpn.name),
    localAddress: requireAddress(vpn.gateway, 'gateway of the VPN'),
    peerAddress: requireAddress(vpc.sourceNatIp, 'sourceNatIp of the VPC'),
    localNetworks,
    peerNetworks,
    pairs: toPairs(localNetworks, peerNetworks),
    ike: {
      encryption: requireAlgorithm(vpn, 'ikeEncryptionAlgorithm'),
      hash: requireAlgorithm(vpn, 'ikeHashAlgorithm'),
      dhGroup: requireAlgorithm(vpn, 'ikeDhGroup'),
      lifetime: vpn.ikeLifetime,
    },
    esp: {
      encryption: requireAlgorithm(vpn, 'espEncryptionAlgorithm'),
      hash: requireAlgorithm(vpn, 'espHashAlgorithm'),
      dhGroup: requireAlgorithm(vpn, 'espPerfectForwardSecrecy'),
      lifetime: vpn.espLifetime,
    },
    dpd: vpn.dpd ?? false,
    forceEncap: vpn.forceEncap ?? false,
  };
}

/** Creates the error for a remote end, or a file of it, that cannot be derived. */
export function underivable(reason: string): BadResponseError {
  return new BadResponseError(`The remote end cannot be derived: ${reason}.`);
}

function requireAddress(text: string | null, name: string): string {
  const address = text === null ? undefined : parseIpAddress(text);
  if (address !== undefined) return address.toString();
  throw underivable(text === null ? `the REST API sent no ${name}` : `the ${name} is not an IP address`);
}

function requireNetworks(texts: readonly string[], name: string): readonly IpNetwork[] {
  if (texts.length === 0) throw underivable(`the REST API sent no ${name}`);
  const networks = parseIpNetworks(texts);
  if (networks === undefined) throw underivable(`the ${name} is not a list of CIDR blocks`);
  return networks;
}

type AlgorithmField =
  | 'ikeEncryptionAlgorithm'
  | 'ikeHashAlgorithm'
  | 'ikeDhGroup'
  | 'espEncryptionAlgorithm'
  | 'espHashAlgorithm'
  | 'espPerfectForwardSecrecy';

function requireAlgorithm<F extends AlgorithmField>(vpn: TunnelVpn, field: F): NonNullable<TunnelVpn[F]> {
  const value = vpn[field];
  if (value !== null) return value;
  const isUnknown = vpn.unknownValues.some((unknown) => unknown.field === field);
  throw underivable(
    isUnknown
      ? `the gateway does not know the ${field} of the VPN, see unknownValues`
      : `the REST API sent no ${field}`,
  );
}

function toPairs(localNetworks: readonly IpNetwork[], peerNetworks: readonly IpNetwork[]): NetworkPair[] {
  return localNetworks.flatMap((local) =>
    peerNetworks.filter((peer) => peer.family === local.family).map((peer) => ({ local: local.cidr, peer: peer.cidr })),
  );
}

/**
 * Converts the name of a VPN to a name that is no syntax in any file. Appends digits of the id to a name that it changes, so that two VPNs
 * never share a connection.
 */
function toConnectionName({ id, name }: TunnelVpn): string {
  // `include` is a statement in strongSwan's files.
  if (/^[A-Za-z0-9_][A-Za-z0-9_-]*$/.test(name) && name.length <= maxConnectionLength && name !== 'include')
    return name;
  const start = name.slice(0, maxConnectionLength).replace(/[^A-Za-z0-9_-]+/g, '-');
  const digits = id.replace(/[^A-Za-z0-9]/g, '').slice(0, 8);
  return `${start.replace(/^-+|-+$/g, '') || 'vpn'}-${digits}`;
}

/** Replaces control characters and line separators with spaces, so that a name cannot add lines to a file. */
function toOneLine(text: string): string {
  return text.toWellFormed().replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ');
}
