// The console's texts for the gateway's checks of a tunnel. The gateway's own name its mutations and enums, for developers.
import type { RemoteEndCheckCode, SiteToSiteVpnState } from '../gql/graphql';
import { toDuration } from './duration';

/** A check as the gateway returns it. */
export interface Check {
  readonly code: RemoteEndCheckCode;
  /** Coordinate of the field, e.g. `SiteToSiteVpn.gateway`. */
  readonly field: string;
  readonly message: string;
  readonly advice: string;
}

/** The attributes of a VPN that the texts quote. */
export interface CheckedVpn {
  readonly state: SiteToSiteVpnState;
  readonly ikeLifetime?: number | null;
  readonly espLifetime?: number | null;
}

/** Text of a check: its finding, and the advice. */
export interface CheckText {
  readonly title: string;
  readonly advice: string;
}

/** Returns the text for a check. For a code that this console does not know, returns the gateway's. */
export function toCheckText(check: Check, vpn: CheckedVpn): CheckText {
  const { code, field, message, advice } = check;
  switch (code) {
    case 'NOT_CONNECTED':
      return vpn.state === 'ERROR'
        ? {
            title: 'The cloud could not set up its end of the tunnel.',
            advice:
              'Correct what the other checks name, then reset the VPN. If it stays in error, delete it and create it again.',
          }
        : {
            title: 'The tunnel is down.',
            advice: 'Correct what the other checks name, compare both ends, then reset the VPN.',
          };
    case 'NETWORKS_OVERLAP':
      return {
        // Names both networks.
        title: message,
        advice: 'Renumber one of the networks, or narrow the remote network to what lies outside the VPC.',
      };
    case 'NETWORK_WITHOUT_PEER':
      return { title: message, advice: 'Edit the VPN, and remove the network from its remote networks.' };
    case 'ADDRESS_NOT_PUBLIC':
      return field === 'Vpc.sourceNatIp'
        ? {
            title: 'The VPC’s address is not public.',
            advice:
              'The other end reaches it only through a network that routes it, or at the public address of a NAT.',
          }
        : {
            title: 'The remote gateway’s address is not public.',
            advice:
              'Use the public address of the remote router, or of the NAT before it, unless both ends share a network that routes this one.',
          };
    case 'ADDRESS_FAMILIES_DIFFER':
      return {
        title: 'The remote gateway and the VPC’s address are of different IP versions.',
        advice: 'Use a remote gateway of the VPC’s IP version.',
      };
    case 'LIFETIME_UNUSUAL': {
      const [phase, lifetime] =
        field === 'SiteToSiteVpn.ikeLifetime' ? ['phase 1', vpn.ikeLifetime] : ['phase 2', vpn.espLifetime];
      return {
        title: `The lifetime of ${phase} is unusual: ${toDuration(lifetime) ?? 'not reported'}.`,
        advice:
          'Set the same at both ends, in whole hours. The cloud may round it down, and some routers refuse one longer than their own.',
      };
    }
    case 'NO_IKE_GROUP':
      return {
        title: 'Phase 1 has no Diffie-Hellman group, so many routers open no tunnel.',
        advice: 'Choose group 5 for the VPN, and the same at the other end. The files accept groups 5 and 2.',
      };
    case 'NO_FORWARD_SECRECY':
      return {
        title: 'Phase 2 has no perfect forward secrecy. If the other end requires it, the tunnel fails.',
        advice: 'Switch it off at the other end, or set the same group at both ends.',
      };
    case 'VPC_NOT_ENABLED':
      return { title: 'The VPC is not enabled.', advice: 'Wait until it is, or restart the VPC.' };
    case 'VPC_REQUIRES_UPGRADE':
      return {
        title: 'The router of the VPC must be upgraded. Until then, changes of the VPN may be rejected.',
        advice: 'Restart the VPC with a clean-up, which upgrades its router.',
      };
    // A newer gateway may have more codes.
    default:
      return { title: message, advice };
  }
}
