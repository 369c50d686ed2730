// Where networks lie in the address space, for a map. Pure functions, without React.

/** A network to draw. */
export interface NamedNetwork {
  readonly cidr: string;
  readonly label: string;
  readonly side: 'cloud' | 'remote' | 'other';
}

/** A network on the map, from one column line of a grid to another. */
export interface MappedNetwork extends NamedNetwork {
  readonly from: number;
  readonly to: number;
}

/** An overlap on the map: its column lines, and the indexes of the first and the last network that take part. */
export interface MappedOverlap {
  readonly from: number;
  readonly to: number;
  readonly first: number;
  readonly last: number;
}

/** A map: networks of one IP version, on the columns of a grid. */
export interface NetworkMap {
  /** Widths of the columns. Larger networks are wider, on a logarithmic scale; gaps are narrow. */
  readonly columns: readonly number[];
  readonly networks: readonly MappedNetwork[];
  /** Where a remote network overlaps others. */
  readonly overlaps: readonly MappedOverlap[];
}

interface Range {
  /** First address. */
  readonly start: bigint;
  /** Address after the last one. */
  readonly end: bigint;
}

/** Maps the networks of each IP version. Networks that cannot be parsed are left out. */
export function toNetworkMaps(networks: readonly NamedNetwork[]): readonly NetworkMap[] {
  return [32, 128].flatMap((bits) => {
    const parsed = networks.flatMap((network) => {
      const range = parseCidr(network.cidr, bits);
      return range === undefined ? [] : [{ network, range }];
    });
    return parsed.length === 0 ? [] : [toNetworkMap(parsed)];
  });
}

function toNetworkMap(parsed: readonly { readonly network: NamedNetwork; readonly range: Range }[]): NetworkMap {
  const bounds = [...new Set(parsed.flatMap(({ range }) => [range.start, range.end]))].sort((a, b) => (a < b ? -1 : 1));
  const toLine = (address: bigint) => bounds.indexOf(address) + 1;
  const segments = bounds.slice(1).map((end, index) => {
    const start = bounds[index] ?? end;
    const inside = parsed.filter(({ range }) => range.start <= start && range.end >= end);
    return { start, end, inside };
  });
  return {
    columns: segments.map(({ start, end, inside }) => (inside.length === 0 ? 2 : 4 + Math.log2(Number(end - start)))),
    networks: parsed.map(({ network, range }) => ({ ...network, from: toLine(range.start), to: toLine(range.end) })),
    overlaps: segments
      .filter(({ inside }) => inside.length > 1 && inside.some(({ network }) => network.side === 'remote'))
      .map(({ start, end, inside }) => {
        const indexes = inside.map((member) => parsed.indexOf(member));
        return { from: toLine(start), to: toLine(end), first: Math.min(...indexes), last: Math.max(...indexes) };
      }),
  };
}

/** Parses a CIDR of an IP version with so many bits. Returns undefined for another version, or for anything else. */
export function parseCidr(cidr: string, bits: number): Range | undefined {
  const [address = '', length = String(bits)] = cidr.trim().split('/');
  const parts = bits === 32 ? parseIpv4(address) : parseIpv6(address);
  const prefix = Number(length);
  if (parts === undefined || !Number.isInteger(prefix) || prefix < 0 || prefix > bits) return undefined;
  const size = 1n << BigInt(bits - prefix);
  const start = (parts / size) * size;
  return { start, end: start + size };
}

function parseIpv4(address: string): bigint | undefined {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(address)) return undefined;
  return address.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n);
}

function parseIpv6(address: string): bigint | undefined {
  if (!/^[0-9a-f:]+$/i.test(address) || !address.includes(':')) return undefined;
  const [head = '', tail] = address.split('::');
  const toGroups = (text: string) => (text === '' ? [] : text.split(':'));
  const zeros = tail === undefined ? 0 : 8 - toGroups(head).length - toGroups(tail).length;
  if (zeros < 0) return undefined;
  const groups = [...toGroups(head), ...Array.from({ length: zeros }, () => '0'), ...toGroups(tail ?? '')];
  if (groups.length !== 8) return undefined;
  return groups.reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n);
}
