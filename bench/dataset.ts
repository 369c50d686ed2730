// Defines the data of the REST API: two environments of generated VPNs and VPCs with every documented attribute.
import { createHash } from 'node:crypto';

/** A site-to-site VPN in the REST API's wire format, with the attributes that contenders read. */
export interface WireVpn {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly vpcId: string;
  readonly gateway: string;
  readonly cidr: string;
}

/** A VPC in the REST API's wire format, with the attributes that contenders read. */
export interface WireVpc {
  readonly id: string;
  readonly name: string;
}

/** An environment with its VPCs and VPNs, each sorted by name, so that no contender has to sort. */
export interface Dataset {
  readonly environment: string;
  readonly vpcs: readonly WireVpc[];
  readonly vpns: readonly WireVpn[];
}

/** Service code of every environment. */
export const serviceCode = 'compute-on';

/** 25 VPNs, 10 VPCs. */
export const smallDataset = createDataset('test_area', 25, 10);

/** 1,000 VPNs, 50 VPCs. */
export const largeDataset = createDataset('large_area', 1000, 50);

function createDataset(environment: string, vpnCount: number, vpcCount: number): Dataset {
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

// Deterministic, so that every run has the same IDs, in the format of a version 4 UUID.
function toId(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `a${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  );
}
