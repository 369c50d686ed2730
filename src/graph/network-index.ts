// Finds the networks among many that have addresses in common.
import { type IpNetwork, overlaps } from './ip-networks.js';

/** A network in an index. */
export interface IndexedNetwork<Owner> {
  readonly network: IpNetwork;
  /** The network as the REST API sent it. */
  readonly cidr: string;
  readonly owner: Owner;
}

/**
 * Indexes networks, so that a list finds its overlaps in less than quadratic time. Of two networks that overlap, one contains the other. In
 * the order of addresses, each network therefore directly precedes those that it contains.
 */
export class NetworkIndex<Owner> {
  readonly #byOwner = new Map<Owner, IndexedNetwork<Owner>[]>();
  // In the order of addresses, a network before those that it contains.
  readonly #sorted: readonly IndexedNetwork<Owner>[];
  readonly #positions = new Map<IndexedNetwork<Owner>, number>();
  // By position: the smallest network that contains this one, -1 if there is none, and the end of those that this one contains.
  readonly #containers: number[] = [];
  readonly #ends: number[] = [];
  // By position: how many networks contain this one.
  readonly #depths: number[] = [];
  readonly #ranks = new Map<IndexedNetwork<Owner>, number>();

  /** Indexes networks in less than quadratic time. */
  constructor(networks: readonly IndexedNetwork<Owner>[]) {
    for (const [rank, network] of networks.entries()) {
      const ofOwner = this.#byOwner.get(network.owner);
      if (ofOwner === undefined) this.#byOwner.set(network.owner, [network]);
      else ofOwner.push(network);
      this.#ranks.set(network, rank);
    }
    this.#sorted = sortByAddress(networks);
    this.#nest();
  }

  /** Reports whether the index has networks of an owner. */
  has(owner: Owner): boolean {
    return this.#byOwner.has(owner);
  }

  /** Returns the networks of an owner, in the order in which the index got them. Empty if there are none. */
  networksOf(owner: Owner): readonly IndexedNetwork<Owner>[] {
    return this.#byOwner.get(owner) ?? [];
  }

  /** Returns the networks of other owners that overlap one of the index, in the order in which the index got them. */
  findOverlaps(network: IndexedNetwork<Owner>): readonly IndexedNetwork<Owner>[] {
    const position = this.#positions.get(network);
    if (position === undefined) return [];
    const found = this.#sorted.slice(position + 1, this.#ends[position]);
    for (let at = this.#containers[position] ?? -1; at >= 0; at = this.#containers[at] ?? -1) {
      const container = this.#sorted[at];
      if (container !== undefined) found.push(container);
    }
    return found
      .filter(({ owner }) => owner !== network.owner)
      .sort((one, other) => (this.#ranks.get(one) ?? 0) - (this.#ranks.get(other) ?? 0));
  }

  /** Returns how many networks overlap one of the index, those of the same owner included. Finds none of them, so it takes constant time. */
  countOverlaps(network: IndexedNetwork<Owner>): number {
    const position = this.#positions.get(network);
    if (position === undefined) return 0;
    return (this.#ends[position] ?? 0) - position - 1 + (this.#depths[position] ?? 0);
  }

  #nest(): void {
    // Positions of the networks that contain the current one, the smallest last.
    const open: number[] = [];
    for (const [position, current] of this.#sorted.entries()) {
      this.#positions.set(current, position);
      this.#close(open, current, position);
      this.#containers.push(open.at(-1) ?? -1);
      this.#depths.push(open.length);
      // Until a network outside closes it, a network contains all that follow.
      this.#ends.push(this.#sorted.length);
      open.push(position);
    }
  }

  #close(open: number[], current: IndexedNetwork<Owner>, position: number): void {
    for (let last = open.at(-1); last !== undefined; last = open.at(-1)) {
      const candidate = this.#sorted[last];
      if (candidate !== undefined && overlaps(candidate.network, current.network)) return;
      this.#ends[last] = position;
      open.pop();
    }
  }
}

function sortByAddress<Owner>(networks: readonly IndexedNetwork<Owner>[]): readonly IndexedNetwork<Owner>[] {
  // Texts of one length for each family, whose order is that of the addresses.
  const keys = new Map(networks.map((entry) => [entry, toSortKey(entry.network)]));
  return networks.toSorted((one, other) => compareTexts(keys.get(one) ?? '', keys.get(other) ?? ''));
}

function toSortKey({ family, address, prefixLength }: IpNetwork): string {
  return `${family} ${Buffer.from(address.toByteArray()).toString('hex')} ${String(prefixLength).padStart(3, '0')}`;
}

function compareTexts(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
