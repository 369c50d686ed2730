// Networks that overlap, found by an index.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { overlaps, parseIpNetwork } from '../../src/graph/ip-networks.js';
import { type IndexedNetwork, NetworkIndex } from '../../src/graph/network-index.js';

function toEntry(cidr: string, owner: number): IndexedNetwork<number> {
  const network = parseIpNetwork(cidr);
  if (network === undefined) throw new TypeError(`${cidr} is no CIDR block.`);
  return { network, cidr, owner };
}

// Few different bits, so that many networks contain each other.
const ipv4 = fc
  .tuple(fc.constantFrom(0, 10, 11, 255), fc.constantFrom(0, 1, 128), fc.constantFrom(0, 3, 64), fc.nat(32))
  .map(([a, b, c, prefixLength]) => `${a}.${b}.${c}.9/${prefixLength}`);
const ipv6 = fc
  .tuple(fc.constantFrom('::', '2001:db8::', '2001:db8:8000::1', 'ffff::'), fc.nat(128))
  .map(([address, prefixLength]) => `${address}/${prefixLength}`);

describe('NetworkIndex', () => {
  it('finds and counts the overlaps that a comparison of all pairs finds, in the same order', () => {
    const networks = fc.array(fc.tuple(fc.oneof(ipv4, ipv6), fc.nat(6)), { maxLength: 40 });
    fc.assert(
      fc.property(networks, (list) => {
        const entries = list.map(([cidr, owner]) => toEntry(cidr, owner));
        const index = new NetworkIndex(entries);
        for (const entry of entries) {
          const overlapping = entries.filter((other) => other !== entry && overlaps(other.network, entry.network));
          expect(index.findOverlaps(entry)).toEqual(overlapping.filter(({ owner }) => owner !== entry.owner));
          expect(index.countOverlaps(entry)).toBe(overlapping.length);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('returns the networks of an owner, in their order', () => {
    const index = new NetworkIndex([toEntry('10.2.0.0/16', 1), toEntry('10.0.0.0/8', 2), toEntry('10.1.0.0/16', 1)]);
    expect(index.networksOf(1).map(({ cidr }) => cidr)).toEqual(['10.2.0.0/16', '10.1.0.0/16']);
    expect(index.networksOf(3)).toEqual([]);
    expect([index.has(2), index.has(3)]).toEqual([true, false]);
  });

  it('finds nothing for a network that it does not have', () => {
    const index = new NetworkIndex([toEntry('10.0.0.0/8', 1)]);
    expect(index.findOverlaps(toEntry('10.0.0.0/8', 2))).toEqual([]);
    expect(index.countOverlaps(toEntry('10.0.0.0/8', 2))).toBe(0);
  });
});
