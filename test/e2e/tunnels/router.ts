// Configures the VPC's side of a tunnel from the REST API's attributes. Follows Apache CloudStack's virtual router: CsSite2SiteVpn in
// systemvm/debian/opt/cloud/bin/configure.py.
import type { TunnelCase } from './cases.js';

/** Returns the connection of a VPN. */
export function toRouterConnection({ vpn, vpc, ikeVersion, number }: TunnelCase): string {
  const hours = (seconds: number) => `${Math.floor(seconds / 3600)}h`;
  const policy = (encryption: string, hash: string, group: string) =>
    [encryption, hash, ...(group === 'None' ? [] : [group])].join('-');
  return [
    `conn vpn-${vpn.gateway}-${number}`,
    ` left=${vpc.sourceNatIp}`,
    ` leftsubnet=${vpc.cidr}`,
    ` right=${vpn.gateway}`,
    ` rightsubnet=${vpn.cidr}`,
    ' type=tunnel',
    ' authby=secret',
    ` keyexchange=${ikeVersion === 1 ? 'ikev1' : 'ike'}`,
    ` ike=${policy(vpn.ikeEncryptionAlgorithm, vpn.ikeHashAlgorithm, vpn.ikeDhGroup)}`,
    ` ikelifetime=${hours(vpn.ikeLifetime)}`,
    ` esp=${policy(vpn.espEncryptionAlgorithm, vpn.espHashAlgorithm, vpn.espPerfectForwardSecrecy)}`,
    ` lifetime=${hours(vpn.espLifetime)}`,
    ' keyingtries=2',
    ' auto=route',
    ` forceencaps=${vpn.forceEncap ? 'yes' : 'no'}`,
    ...(vpn.dpd ? [' dpddelay=30', ' dpdtimeout=120', ' dpdaction=restart'] : []),
    '',
  ].join('\n');
}

/** Returns the pre-shared key of a VPN. */
export function toRouterSecret({ vpn, vpc }: TunnelCase): string {
  return `${vpc.sourceNatIp} ${vpn.gateway} : PSK "${vpn.ipSecPsk}"\n`;
}
