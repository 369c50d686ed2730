// What the REST API holds: two environments of made-up VPNs and VPCs, with every attribute that is documented. It knows nothing of HTTP.
import { createHash } from 'node:crypto';

/** A site-to-site VPN, as the REST API sends it. */
export interface WireVpn {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly vpcId: string;
  readonly gateway: string;
  readonly cidr: string;
}

/** A VPC, as the REST API sends it. */
export interface WireVpc {
  readonly id: string;
  readonly name: string;
}

/** An environment and what is in it, in the order of the names, so that nobody has to sort. */
export interface World {
  readonly environment: string;
  readonly vpcs: readonly WireVpc[];
  readonly vpns: readonly WireVpn[];
}

/** The code of the service that every environment is in. */
export const serviceCode = 'compute-on';

/** 25 VPNs, 10 VPCs. */
export const testArea = createWorld('test_area', 25, 10);

/** 1,000 VPNs, 50 VPCs. */
export const largeArea = createWorld('large_area', 1000, 50);

function createWorld(environment: string, vpnCount: number, vpcCount: number): World {
  const vpcs = Array.from({ length: vpcCount }, (_, index) => createVpc(environment, index));
  const vpns = Array.from({ length: vpnCount }, (_, index) =>
    createVpn(environment, index, toId(`${environment} vpc ${index % vpcCount}`)),
  );
  return { environment, vpcs, vpns };
}

function createVpc(environment: string, index: number) {
  return {
    id: toId(`${environment} vpc ${index}`),
    name: `network-${pad(index)}`,
    description: `Network ${index} of ${environment}`,
    cidr: `10.${100 + index}.0.0/22`,
    zoneId: toId('zone'),
    zoneName: 'ON-1',
    state: 'Enabled',
    networkDomain: 'example.internal',
    vpcOfferingId: toId('offering'),
    requiresUpgrade: false,
    sourceNatIp: `172.31.4.${index + 1}`,
    vpnStatus: 'Disabled',
  };
}

function createVpn(environment: string, index: number, vpcId: string) {
  const states = ['Connected', 'Connected', 'Connected', 'Disconnected', 'Pending', 'Error'];
  return {
    id: toId(`${environment} vpn ${index}`),
    name: `office-${pad(index)}`,
    state: states[index % states.length] ?? 'Connected',
    vpcId,
    gateway: `198.51.${100 + Math.floor(index / 250)}.${(index % 250) + 1}`,
    cidr: `10.${Math.floor(index / 250)}.${index % 250}.0/24`,
    ipSecPsk: createHash('sha256').update(`psk ${index}`).digest('hex').slice(0, 24),
    ikeEncryptionAlgorithm: index % 5 === 0 ? '3des' : 'aes256',
    ikeHashAlgorithm: 'sha1',
    ikeDhGroup: 'modp1536',
    ikeLifetime: 86_400,
    espEncryptionAlgorithm: 'aes256',
    espHashAlgorithm: index % 5 === 0 ? 'md5' : 'sha1',
    espPerfectForwardSecrecy: 'modp1536',
    espLifetime: 3600,
    dpd: index % 2 === 0,
    forceEncap: false,
  };
}

function pad(index: number): string {
  return String(index).padStart(4, '0');
}

// The same in every run, and a UUID (version 4) to whoever looks at it.
function toId(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `a${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  );
}
