// Arithmetic with IP networks: parsing, overlap, containment; IPv4 and IPv6.
import { describe, expect, it } from '@jest/globals';
import {
  containsAddress,
  parseIpAddress,
  parseIpNetwork,
  parseIpNetworks,
  overlaps,
} from '../../src/graph/ip-networks.js';

/** Parses a CIDR block. Throws if it is not one. */
function network(cidr: string) {
  const parsed = parseIpNetwork(cidr);
  if (parsed === undefined) throw new Error(`Not a CIDR block: ${cidr}`);
  return parsed;
}

describe('parseIpNetwork', () => {
  it.each([
    ['10.12.0.2/22', '10.12.0.0/22'],
    [' 10.12.0.0/22 ', '10.12.0.0/22'],
    ['203.0.113.7/32', '203.0.113.7/32'],
    ['203.0.113.7/0', '0.0.0.0/0'],
    ['2001:DB8:0:0::7/32', '2001:db8::/32'],
    ['fd00::1/127', 'fd00::/127'],
    ['::1/128', '::1/128'],
  ])('clears the host bits of %s', (text, cidr) => {
    expect(parseIpNetwork(text)?.cidr).toBe(cidr);
  });

  it.each([
    '',
    '10.12.0.0',
    '10.12.0.0/',
    '10.12.0.0/33',
    '10.12.0.0/-1',
    '10.12.0.0/255.255.0.0',
    '10.12/16',
    '010.12.0.0/16',
    '0x0a.1.2.3/8',
    '10.12.0.0/22/24',
    'fd00::/129',
    'fe80::1%eth0/64',
    'example.com/24',
    '10.12.0.0/22\n10.13.0.0/22',
  ])('rejects %j', (text) => {
    expect(parseIpNetwork(text)).toBeUndefined();
  });
});

describe('parseIpNetworks', () => {
  it('keeps the order, and drops repeated networks', () => {
    const networks = parseIpNetworks(['10.2.0.0/16', ' 10.1.0.9/16', '10.2.3.4/16']);
    expect(networks?.map(({ cidr }) => cidr)).toEqual(['10.2.0.0/16', '10.1.0.0/16']);
  });

  it.each([[['']], [['10.2.0.0/16', 'x']], [['10.2.0.0/16;10.3.0.0/16']]])('rejects the whole of %j', (texts) => {
    expect(parseIpNetworks(texts)).toBeUndefined();
  });
});

describe('overlaps', () => {
  it.each([
    ['10.0.0.0/8', '10.12.0.0/22', true],
    ['10.12.0.0/22', '10.12.3.255/32', true],
    ['10.12.0.0/22', '10.12.4.0/22', false],
    ['0.0.0.0/0', '192.0.2.0/24', true],
    ['10.0.0.0/24', '10.0.0.0/24', true],
    ['fd00::/8', 'fd12::/16', true],
    ['fd00::/16', 'fd01::/16', false],
    ['0.0.0.0/0', '::/0', false],
  ])('of %s and %s is %s, in either order', (one, other, expected) => {
    expect(overlaps(network(one), network(other))).toBe(expected);
    expect(overlaps(network(other), network(one))).toBe(expected);
  });
});

describe('containsAddress', () => {
  it.each([
    ['10.12.0.0/22', '10.12.3.1', true],
    ['10.12.0.0/22', '10.12.4.1', false],
    ['::/0', '10.12.3.1', false],
    ['fd00::/8', 'fd00::1', true],
  ])('of %s and %s is %s', (cidr, text, expected) => {
    const address = parseIpAddress(text);
    expect(address && containsAddress(network(cidr), address)).toBe(expected);
  });
});
