// Checks of what keeps a tunnel down, or may do so, as far as the attributes of the VPN and its VPC show it.
import type { SiteToSiteVpnEntity } from '../../cloudca/site-to-site-vpns.js';
import type { VpcEntity } from '../../cloudca/vpcs.js';
import { overlaps, parseIpAddress } from '../ip-networks.js';
import type { Tunnel } from './tunnel.js';

/** Lists the codes of findings. */
export const CheckCode = {
  NOT_CONNECTED: 'NOT_CONNECTED',
  NETWORKS_OVERLAP: 'NETWORKS_OVERLAP',
  NETWORK_WITHOUT_PEER: 'NETWORK_WITHOUT_PEER',
  ADDRESS_NOT_PUBLIC: 'ADDRESS_NOT_PUBLIC',
  ADDRESS_FAMILIES_DIFFER: 'ADDRESS_FAMILIES_DIFFER',
  LIFETIME_UNUSUAL: 'LIFETIME_UNUSUAL',
  NO_IKE_GROUP: 'NO_IKE_GROUP',
  NO_FORWARD_SECRECY: 'NO_FORWARD_SECRECY',
  VPC_NOT_ENABLED: 'VPC_NOT_ENABLED',
  VPC_REQUIRES_UPGRADE: 'VPC_REQUIRES_UPGRADE',
} as const;
/** Names a finding. */
export type CheckCode = keyof typeof CheckCode;

/** Lists the severities of findings. `ERROR`: traffic cannot pass like this. `WARNING`: it depends on what the attributes do not show. */
export const CheckSeverity = { ERROR: 'ERROR', WARNING: 'WARNING' } as const;
/** Names the severity of a finding. */
export type CheckSeverity = keyof typeof CheckSeverity;

/** A finding: the value of the GraphQL type RemoteEndCheck. */
export interface Check {
  readonly code: CheckCode;
  readonly severity: CheckSeverity;
  /** Coordinate of the field that it is about, e.g. `SiteToSiteVpn.cidr`. */
  readonly field: string;
  /** States the fact, and why it matters. */
  readonly message: string;
  readonly advice: string;
}

/** The attributes of a VPN that are checked besides its tunnel. */
export type CheckedVpn = Pick<SiteToSiteVpnEntity, 'state'>;
/** The attributes of a VPC that are checked besides the tunnel. */
export type CheckedVpc = Pick<VpcEntity, 'state' | 'requiresUpgrade'>;

/** Lifetimes in the REST API's own examples, in seconds, which are the defaults of Apache CloudStack too. */
const usualLifetimes = { ike: 86_400, esp: 3_600 } as const;
const secondsPerHour = 3600;

/** Returns the findings about a tunnel; empty if there are none. */
export function toChecks(tunnel: Tunnel, vpn: CheckedVpn, vpc: CheckedVpc): readonly Check[] {
  return [
    ...checkState(vpn),
    ...checkNetworks(tunnel),
    ...checkAddresses(tunnel),
    ...checkLifetime('SiteToSiteVpn.ikeLifetime', tunnel.ike.lifetime, usualLifetimes.ike),
    ...checkLifetime('SiteToSiteVpn.espLifetime', tunnel.esp.lifetime, usualLifetimes.esp),
    ...checkGroups(tunnel),
    ...checkVpc(vpc),
  ];
}

function checkState({ state }: CheckedVpn): readonly Check[] {
  const check = { code: 'NOT_CONNECTED', severity: 'ERROR', field: 'SiteToSiteVpn.state' } as const;
  switch (state) {
    case 'Disconnected':
      return [
        {
          ...check,
          message: 'The REST API reports the state DISCONNECTED: the tunnel is down.',
          advice: 'Correct what the other checks name, compare both ends, then call Mutation.resetSiteToSiteVpn.',
        },
      ];
    case 'Error':
      return [
        {
          ...check,
          message: 'The REST API reports the state ERROR: it could not set up its end of the tunnel.',
          advice:
            'Correct what the other checks name, then call Mutation.resetSiteToSiteVpn. If the state stays ERROR, delete the VPN and create it again.',
        },
      ];
    case 'Connected':
    case 'Pending':
    case 'Unknown':
      return [];
  }
}

function checkNetworks({ localNetworks, peerNetworks, pairs }: Tunnel): readonly Check[] {
  const field = 'SiteToSiteVpn.cidr';
  const overlapping = localNetworks.flatMap((local) =>
    peerNetworks
      .filter((peer) => overlaps(local, peer))
      .map((peer): Check => ({
        code: 'NETWORKS_OVERLAP',
        severity: 'ERROR',
        field,
        message: `The remote network ${local.cidr} overlaps ${peer.cidr} of the VPC, so traffic for shared addresses stays local.`,
        advice: 'Renumber one of the networks, or narrow the cidr of the VPN to networks outside the VPC.',
      })),
  );
  const withPeer = new Set(pairs.map(({ local }) => local));
  const unpaired = localNetworks
    .filter(({ cidr }) => !withPeer.has(cidr))
    .map(({ cidr, family }): Check => ({
      code: 'NETWORK_WITHOUT_PEER',
      severity: 'ERROR',
      field,
      message: `The VPC has no ${family === 'ipv4' ? 'IPv4' : 'IPv6'} network, so the remote network ${cidr} has none to connect to.`,
      advice: 'Remove the network from the cidr of the VPN.',
    }));
  return [...overlapping, ...unpaired];
}

// Addresses that no other host can connect to, and those that the public internet does not route. Keys are those of ipaddr.js.
const unusableRanges: Readonly<Record<string, string | undefined>> = {
  broadcast: 'the broadcast address',
  linkLocal: 'a link-local address',
  loopback: 'a loopback address',
  multicast: 'a multicast address',
  unspecified: 'the unspecified address',
};
const localRanges: Readonly<Record<string, string | undefined>> = {
  carrierGradeNat: "an address of a carrier's NAT (RFC 6598)",
  private: 'a private address (RFC 1918)',
  reserved: 'a reserved address (RFC 6890)',
  uniqueLocal: 'a unique local address (RFC 4193)',
};

function checkAddresses({ localAddress, peerAddress }: Tunnel): readonly Check[] {
  const gateway = parseIpAddress(localAddress);
  const peer = parseIpAddress(peerAddress);
  const differ: readonly Check[] =
    gateway?.kind() === peer?.kind()
      ? []
      : [
          {
            code: 'ADDRESS_FAMILIES_DIFFER',
            severity: 'ERROR',
            field: 'SiteToSiteVpn.gateway',
            message: 'The gateway and the source NAT address of the VPC are of different IP versions.',
            advice: "Set the gateway to an address of the VPC's IP version.",
          },
        ];
  return [
    ...checkAddress('SiteToSiteVpn.gateway', 'gateway', gateway?.range()),
    ...checkAddress('Vpc.sourceNatIp', 'source NAT address of the VPC', peer?.range()),
    ...differ,
  ];
}

function checkAddress(field: string, name: string, range: string | undefined): readonly Check[] {
  const unusable = unusableRanges[range ?? ''];
  const local = localRanges[range ?? ''];
  const check = { code: 'ADDRESS_NOT_PUBLIC', field } as const;
  if (unusable !== undefined) {
    const message = `The ${name} is ${unusable}, which no other host can connect to.`;
    return [{ ...check, severity: 'ERROR', message, advice: 'Use the public address of the remote gateway.' }];
  }
  if (local === undefined) return [];
  const message = `The ${name} is ${local}, which the public internet does not route.`;
  const advice =
    'Unless both ends share a network that routes this address, use a public one; behind NAT, the public address of the NAT.';
  return [{ ...check, severity: 'WARNING', message, advice }];
}

function checkLifetime(field: string, lifetime: number | null, usual: number): readonly Check[] {
  if (lifetime === null || lifetime === usual) return [];
  const facts = [`The lifetime is ${lifetime} s; the usual one is ${usual} s.`];
  if (lifetime % secondsPerHour !== 0) {
    facts.push('The virtual router of Apache CloudStack, as published, rounds lifetimes down to whole hours.');
  }
  const advice =
    'Set the same lifetime at both ends, in whole hours. Some devices refuse, or cut, a longer one than their own.';
  return [{ code: 'LIFETIME_UNUSUAL', severity: 'WARNING', field, message: facts.join(' '), advice }];
}

function checkGroups({ ike, esp }: Tunnel): readonly Check[] {
  const checks: Check[] = [];
  if (ike.dhGroup === 'None') {
    checks.push({
      code: 'NO_IKE_GROUP',
      severity: 'WARNING',
      field: 'SiteToSiteVpn.ikeDhGroup',
      message:
        'IKEv1 and IKEv2 need a group, and the VPN names none. strongSwan 5.9 loads no connection like this: an end that runs it stays silent.',
      advice: 'Choose MODP_1536 for the VPN, and the same at the remote end. The files accept MODP_1536 and MODP_1024.',
    });
  }
  if (esp.dhGroup === 'None') {
    checks.push({
      code: 'NO_FORWARD_SECRECY',
      severity: 'WARNING',
      field: 'SiteToSiteVpn.espPerfectForwardSecrecy',
      message:
        'The VPN has no group for perfect forward secrecy. If the remote end requires one, phase 2 fails: with IKEv2, only when it is renewed.',
      advice: 'Switch perfect forward secrecy off at the remote end, or set the same group at both ends.',
    });
  }
  return checks;
}

function checkVpc({ state, requiresUpgrade }: CheckedVpc): readonly Check[] {
  const checks: Check[] = [];
  if (state !== null && state.toLowerCase() !== 'enabled') {
    checks.push({
      code: 'VPC_NOT_ENABLED',
      severity: 'WARNING',
      field: 'Vpc.state',
      message: 'The state of the VPC is not Enabled.',
      advice: 'Wait until the VPC is enabled, or restart it.',
    });
  }
  if (requiresUpgrade === true) {
    checks.push({
      code: 'VPC_REQUIRES_UPGRADE',
      severity: 'WARNING',
      field: 'Vpc.requiresUpgrade',
      message: 'The router of the VPC must be upgraded. Until then, the REST API may refuse changes of the VPN.',
      advice: 'Restart the VPC with a clean-up, which upgrades its router.',
    });
  }
  return checks;
}
