// A tunnel for the tests of files and checks.
import { toTunnel, type Tunnel, type TunnelVpc, type TunnelVpn } from '../../../src/graph/remote-end/tunnel.js';

const vpn: TunnelVpn = {
  id: 'd49b2922-0581-4587-94df-6fe719327d0f',
  name: 'stargate',
  gateway: '19.19.19.19',
  cidrs: ['10.12.0.2/22'],
  ikeEncryptionAlgorithm: '3des',
  ikeHashAlgorithm: 'sha1',
  ikeDhGroup: 'modp1536',
  ikeLifetime: 86_400,
  espEncryptionAlgorithm: 'aes256',
  espHashAlgorithm: 'md5',
  espPerfectForwardSecrecy: 'modp1024',
  espLifetime: 3_600,
  dpd: true,
  forceEncap: true,
  unknownValues: [],
};
const vpc: TunnelVpc = { cidr: '10.164.0.0/22', sourceNatIp: '20.20.20.20' };

/** Returns the tunnel of the VPN stargate, with some attributes of the VPN and its VPC replaced. */
export function tunnelOf(vpnFields: Partial<TunnelVpn> = {}, vpcFields: Partial<TunnelVpc> = {}): Tunnel {
  return toTunnel({ ...vpn, ...vpnFields }, { ...vpc, ...vpcFields });
}
