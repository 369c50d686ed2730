// The initial data of a sandbox: its type, and builders for its parts. default-seed.ts has the default data.
import type {
  Environment,
  Organization,
  OrganizationEntity,
  ServiceConnection,
  SiteToSiteVpn,
  Vpc,
} from './wire-types.js';

/** An environment and its contents. Lists return them in this order. */
export interface SeedEnvironment {
  environment: Environment;
  vpcs: Vpc[];
  siteToSiteVpns: SiteToSiteVpn[];
}

/** The initial data of a sandbox. */
export interface Seed {
  /** Organization of the API keys, which calls without `org_id` use. */
  homeOrganizationId: string;
  /** All organizations: that of the API keys, and those below it. */
  organizations: OrganizationEntity[];
  /** The service connections, all of which the organization of the API keys owns. */
  serviceConnections: ServiceConnection[];
  environments: SeedEnvironment[];
}

/** The organization of the API keys. */
export const homeOrganization: Organization = {
  id: 'a9f93785-0545-4876-8241-3b19b9a86721',
  name: 'sg1',
  entryPoint: 'sg1',
};

/** An organization below `homeOrganization`. Calls must name it in `org_id`. */
export const subOrganization: Organization = {
  id: '97bf42fc-d526-423c-bca5-acd40877a2ba',
  name: 'atlantis',
  entryPoint: 'atlantis',
};

/** The service connection `compute-on`. */
export const computeOntario: ServiceConnection = {
  id: '1db21ef1-33f5-43b0-a04f-28e7ad1531bd',
  serviceCode: 'compute-on',
  name: 'Compute - Ontario',
  type: 'CloudCA',
  status: { lastUpdated: '2017-08-15T12:00:00.000Z', reachable: true },
};

/** The service connection `compute-qc`. */
export const computeQuebec: ServiceConnection = {
  id: 'adfbdb51-493b-45b1-8802-3f6327afb9e6',
  serviceCode: 'compute-qc',
  name: 'Compute - Québec',
  type: 'CloudCA',
  status: { lastUpdated: '2017-08-15T12:00:00.000Z', reachable: true },
};

/** Returns an environment. By default, it is one of compute-on and of the API keys' organization. */
export function seedEnvironment(fields: Pick<Environment, 'id' | 'name'> & Partial<Environment>): Environment {
  const { id, name, ...overrides } = fields;
  return {
    id,
    name,
    description: '',
    membership: 'MANY_USERS',
    creationDate: '2017-08-15T12:00:00.000Z',
    organization: homeOrganization,
    serviceConnection: { id: computeOntario.id, name: computeOntario.name },
    ...overrides,
  };
}

/** Returns a VPC. By default, it is in the zone ON-1. */
export function seedVpc(fields: Pick<Vpc, 'id' | 'name'> & Partial<Vpc>): Vpc {
  const { id, name, ...overrides } = fields;
  return {
    id,
    name,
    description: '',
    cidr: '10.164.0.0/22',
    zoneId: '2a7ceade-ba62-4dc1-86e2-a2016fe858ab',
    zoneName: 'ON-1',
    state: 'Enabled',
    networkDomain: 'sg1.internal',
    vpcOfferingId: '21a40b85-5fa9-440f-ab77-5e560073b584',
    requiresUpgrade: false,
    sourceNatIp: '172.31.4.10',
    vpnStatus: 'Disabled',
    ...overrides,
  };
}

/** Returns a VPN. By default, it is Connected and uses AES256, SHA1 and Group-5. */
export function seedSiteToSiteVpn(
  fields: Pick<SiteToSiteVpn, 'id' | 'name' | 'vpcId' | 'gateway'> & Partial<SiteToSiteVpn>,
): SiteToSiteVpn {
  const { id, name, vpcId, gateway, ...overrides } = fields;
  return {
    id,
    name,
    state: 'Connected',
    vpcId,
    gateway,
    cidr: '10.12.0.0/22',
    ipSecPsk: 'jLc61orHZGiKWZ32YDFKhYUl',
    ikeEncryptionAlgorithm: 'aes256',
    ikeHashAlgorithm: 'sha1',
    ikeDhGroup: 'modp1536',
    ikeLifetime: 86400,
    espEncryptionAlgorithm: 'aes256',
    espHashAlgorithm: 'sha1',
    espPerfectForwardSecrecy: 'modp1536',
    espLifetime: 3600,
    dpd: false,
    forceEncap: false,
    ...overrides,
  };
}
