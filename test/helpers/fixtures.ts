// Values that many tests use: API keys, environments, ids, and entities as the REST API sends them.
import { SANDBOX_KEY } from '../../src/sandbox/keys.js';
import { seedSiteToSiteVpn, seedVpc } from '../../src/sandbox/seed.js';

/** Any other API key than that of the sandbox. */
export const otherKey = 'another-key';

/** An API key that no output may contain. All secrets of these tests match /canary/. */
export const canaryKey = 'apikeycanary4Tq9';

/** A pre-shared key that no output may contain. */
export const canaryPsk = 'pskcanary7Lq2Zx8W';

/** Returns the header of an API key. Default: the key of the sandbox, which may read and write. */
export function keyHeader(key: string = SANDBOX_KEY): { readonly 'mc-api-key': string } {
  return { 'mc-api-key': key };
}

/** An environment of the sandbox. */
export const environment = { serviceCode: 'compute-on', name: 'test_area' } as const;

/** `environment` as a GraphQL literal. */
export const environmentLiteral = '{serviceCode: "compute-on", name: "test_area"}';

/** Path of `environment` below the base URL of the REST API. */
export const environmentPath = '/services/compute-on/test_area';

/** Id of the VPN stargate of the sandbox. */
export const vpnId = 'd49b2922-0581-4587-94df-6fe719327d0f';

/** Id of the VPN toronto-office of the sandbox. */
export const otherVpnId = 'ca86b14f-20db-463d-b58a-9d3fa5959af2';

/** Id of the VPC archive of the sandbox, which no VPN of the sandbox uses. */
export const vpcId = '0b3f13ec-e005-4a71-8bea-6af42c1a895a';

/** Id of a task. The sandbox does not have it. */
export const taskId = 'cd7a2da8-6739-4bf6-9e71-518831525ea0';

/** Returns a VPN as the REST API sends it, with some fields replaced. Its pre-shared key matches /canary/. */
export function wireVpn(fields: object = {}): object {
  return {
    id: vpnId,
    name: 'stargate',
    state: 'Connected',
    vpcId,
    gateway: '203.0.113.7',
    cidr: '10.0.0.0/24',
    ipSecPsk: 'canary-psk-0123456789',
    ...fields,
  };
}

/** Returns a UUID that ends in a number. Its first digit depends on the kind. */
export function numberedId(kind: 'vpn' | 'vpc' | 'task', index: number): string {
  const first = { vpn: 'a', vpc: 'b', task: 'c' }[kind];
  return `${first}0000000-0000-4000-8000-${String(index).padStart(12, '0')}`;
}

/** Returns a VPN of a VPC as the REST API sends it, with all fields. `fields` replaces fields, or removes them if undefined. */
export function numberedVpn(index: number, vpc: number, fields: Readonly<Record<string, unknown>> = {}): object {
  const id = numberedId('vpn', index);
  const name = `vpn-${String(index).padStart(4, '0')}`;
  return {
    ...seedSiteToSiteVpn({ id, name, vpcId: numberedId('vpc', vpc), gateway: `198.51.100.${index}` }),
    ...fields,
  };
}

/** Returns a VPC as the REST API sends it, with all fields. `fields` replaces fields, or removes them if undefined. */
export function numberedVpc(index: number, fields: Readonly<Record<string, unknown>> = {}): object {
  return {
    ...seedVpc({ id: numberedId('vpc', index), name: `vpc-${String(index).padStart(4, '0')}` }),
    ...fields,
  };
}

/** Returns the integers from 0 to below `length`. */
export function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index);
}
