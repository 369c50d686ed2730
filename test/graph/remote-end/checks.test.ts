// The checks of a tunnel: each code, its severity and field.
import { describe, expect, it } from '@jest/globals';
import { type CheckedVpc, type CheckedVpn, toChecks } from '../../../src/graph/remote-end/checks.js';
import type { Tunnel } from '../../../src/graph/remote-end/tunnel.js';
import { tunnelOf } from './tunnels.js';

const up: CheckedVpn = { state: 'Connected' };
const enabled: CheckedVpc = { state: 'Enabled', requiresUpgrade: false };

function summaryOf(tunnel: Tunnel, vpn = up, vpc = enabled): string[] {
  return toChecks(tunnel, vpn, vpc).map(({ code, severity, field }) => `${severity} ${code} ${field}`);
}

const messagesOf = (tunnel: Tunnel) => toChecks(tunnel, up, enabled).map(({ message }) => message);

describe('toChecks', () => {
  it('finds nothing in a usual VPN that is up', () => {
    expect(summaryOf(tunnelOf())).toEqual([]);
    expect(
      summaryOf(tunnelOf({ ikeLifetime: null, espLifetime: null }), up, { state: null, requiresUpgrade: null }),
    ).toEqual([]);
  });

  it.each([
    ['Disconnected', ['ERROR NOT_CONNECTED SiteToSiteVpn.state']],
    ['Error', ['ERROR NOT_CONNECTED SiteToSiteVpn.state']],
    ['Pending', []],
    ['Unknown', []],
  ] as const)('reports the state %s as %j', (state, expected) => {
    expect(summaryOf(tunnelOf(), { state })).toEqual(expected);
  });

  it('names each remote network that overlaps a network of the VPC', () => {
    const tunnel = tunnelOf({ cidrs: ['10.12.0.0/22', '10.164.1.0/24', '10.0.0.0/8'] });
    expect(summaryOf(tunnel)).toEqual(Array(2).fill('ERROR NETWORKS_OVERLAP SiteToSiteVpn.cidr'));
    expect(messagesOf(tunnel)).toEqual([
      expect.stringContaining('10.164.1.0/24 overlaps 10.164.0.0/22'),
      expect.stringContaining('10.0.0.0/8 overlaps 10.164.0.0/22'),
    ]);
  });

  it('names each remote network of an IP version that the VPC lacks', () => {
    const tunnel = tunnelOf({ cidrs: ['10.12.0.0/22', 'fd00::/64'] });
    expect(summaryOf(tunnel)).toEqual(['ERROR NETWORK_WITHOUT_PEER SiteToSiteVpn.cidr']);
    expect(messagesOf(tunnel)).toEqual([expect.stringMatching(/no IPv6 network.*fd00::\/64/)]);
  });

  it.each([
    ['10.1.2.3', 'WARNING', 'a private address'],
    ['172.31.4.11', 'WARNING', 'a private address'],
    ['100.64.0.1', 'WARNING', 'NAT'],
    ['203.0.113.7', 'WARNING', 'a reserved address'],
    ['127.0.0.1', 'ERROR', 'a loopback address'],
    ['169.254.1.1', 'ERROR', 'a link-local address'],
    ['224.0.0.5', 'ERROR', 'a multicast address'],
    ['0.0.0.0', 'ERROR', 'the unspecified address'],
    ['255.255.255.255', 'ERROR', 'the broadcast address'],
  ])('reports the gateway %s as %s: it is %s', (gateway, severity, kind) => {
    const tunnel = tunnelOf({ gateway });
    expect(summaryOf(tunnel)).toEqual([`${severity} ADDRESS_NOT_PUBLIC SiteToSiteVpn.gateway`]);
    expect(messagesOf(tunnel)).toEqual([expect.stringContaining(kind)]);
  });

  it('reports a source NAT address that is private', () => {
    expect(summaryOf(tunnelOf({}, { sourceNatIp: '172.31.4.11' }))).toEqual([
      'WARNING ADDRESS_NOT_PUBLIC Vpc.sourceNatIp',
    ]);
  });

  it('reports addresses of different IP versions', () => {
    expect(summaryOf(tunnelOf({ gateway: '2606:4700::1' }))).toEqual([
      'ERROR ADDRESS_FAMILIES_DIFFER SiteToSiteVpn.gateway',
    ]);
  });

  it('reports each lifetime that is not the usual one, and whether it is in whole hours', () => {
    const tunnel = tunnelOf({ ikeLifetime: 28_800, espLifetime: 1_800 });
    expect(summaryOf(tunnel)).toEqual([
      'WARNING LIFETIME_UNUSUAL SiteToSiteVpn.ikeLifetime',
      'WARNING LIFETIME_UNUSUAL SiteToSiteVpn.espLifetime',
    ]);
    expect(messagesOf(tunnel)).toEqual([
      'The lifetime is 28800 s; the usual one is 86400 s.',
      expect.stringContaining(
        'The lifetime is 1800 s; the usual one is 3600 s. The virtual router of Apache CloudStack',
      ),
    ]);
  });

  it('reports groups that are not set', () => {
    expect(summaryOf(tunnelOf({ ikeDhGroup: 'None', espPerfectForwardSecrecy: 'None' }))).toEqual([
      'WARNING NO_IKE_GROUP SiteToSiteVpn.ikeDhGroup',
      'WARNING NO_FORWARD_SECRECY SiteToSiteVpn.espPerfectForwardSecrecy',
    ]);
  });

  it('reports a VPC that is not enabled or must be upgraded', () => {
    expect(summaryOf(tunnelOf(), up, { state: 'Inactive', requiresUpgrade: true })).toEqual([
      'WARNING VPC_NOT_ENABLED Vpc.state',
      'WARNING VPC_REQUIRES_UPGRADE Vpc.requiresUpgrade',
    ]);
    expect(summaryOf(tunnelOf(), up, { state: 'ENABLED', requiresUpgrade: false })).toEqual([]);
  });
});
