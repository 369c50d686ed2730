// Arithmetic with IPv4 and IPv6 addresses and networks.
import ipaddr from 'ipaddr.js';

/** An IP network: a CIDR block whose host bits are clear. */
export interface IpNetwork {
  /** The block in canonical form, e.g. `10.12.0.0/22`. Equal networks have equal texts. */
  readonly cidr: string;
  readonly family: 'ipv4' | 'ipv6';
  readonly address: ipaddr.IPv4 | ipaddr.IPv6;
  readonly prefixLength: number;
}

/** Parses an IPv4 or IPv6 address. Returns undefined for any other text, e.g. a host name, a zone, or IPv4 in another form than four decimals. */
export function parseIpAddress(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  const address = text.trim();
  if (ipaddr.IPv4.isValidFourPartDecimal(address)) return ipaddr.IPv4.parse(address);
  return address.includes('%') || !ipaddr.IPv6.isValid(address) ? undefined : ipaddr.IPv6.parse(address);
}

/** Parses a CIDR block, and clears its host bits. Returns undefined if the text is not one. */
export function parseIpNetwork(text: string): IpNetwork | undefined {
  const [, addressText = '', prefixText = ''] = /^\s*([^/]+)\/(\d{1,3})\s*$/.exec(text) ?? [];
  const address = parseIpAddress(addressText);
  const prefixLength = Number(prefixText);
  const bytes = address?.toByteArray() ?? [];
  if (prefixText === '' || prefixLength > bytes.length * 8 || bytes.length === 0) return undefined;
  const network = ipaddr.fromByteArray(bytes.map((byte, index) => byte & toMask(prefixLength - index * 8)));
  return { cidr: `${network.toString()}/${prefixLength}`, family: network.kind(), address: network, prefixLength };
}

// The mask of a byte of which a number of bits belongs to the network.
function toMask(bits: number): number {
  return bits >= 8 ? 0xff : (0xff << (8 - Math.max(0, bits))) & 0xff;
}

/** Parses CIDR blocks. Drops repeated networks. Returns undefined if one of the texts is not a CIDR block. */
export function parseIpNetworks(texts: readonly string[]): readonly IpNetwork[] | undefined {
  const networks = new Map<string, IpNetwork>();
  for (const text of texts) {
    const network = parseIpNetwork(text);
    if (network === undefined) return undefined;
    networks.set(network.cidr, network);
  }
  return [...networks.values()];
}

/** Reports whether two networks have an address in common. */
export function overlaps(one: IpNetwork, other: IpNetwork): boolean {
  return one.prefixLength <= other.prefixLength
    ? containsAddress(one, other.address)
    : containsAddress(other, one.address);
}

/** Reports whether an address is in a network. An address of the other family never is. */
export function containsAddress(network: IpNetwork, address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  return network.family === address.kind() && address.match(network.address, network.prefixLength);
}
