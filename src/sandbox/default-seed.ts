// The default data of a sandbox: the documented examples, word for word, and more environments, VPCs and VPNs around them.
import {
  computeOntario,
  computeQuebec,
  homeOrganization,
  type Seed,
  type SeedEnvironment,
  seedEnvironment,
  seedSiteToSiteVpn,
  seedVpc,
  subOrganization,
} from './seed.js';
import type { SiteToSiteVpn } from './wire-types.js';

/** Returns the default data of a sandbox, as new objects on each call. README.md lists it. */
export function createDefaultSeed(): Seed {
  return structuredClone({
    homeOrganizationId: homeOrganization.id,
    organizations: [
      homeOrganization,
      { ...subOrganization, parent: { id: homeOrganization.id, name: homeOrganization.name } },
    ],
    serviceConnections: [computeOntario, computeQuebec],
    environments: [
      createTestArea(),
      createProduction(),
      createStaging(),
      createCheyenneMountain(),
      createDisasterRecovery(),
      createPegasus(),
    ],
  });
}

function createTestArea(): SeedEnvironment {
  const testVpc = '3fe7d82a-f4c4-4552-ac3b-787fdafed4e7';
  const myVpc = '9fe8e398-06d6-482c-8f55-b805bde4d3cc';
  const webVpc = '84f0b919-185c-4aa6-a6a8-a015b5a72aa2';
  return {
    environment: seedEnvironment({
      id: '23f48260-2deb-4463-bd1b-384698fd4146',
      name: 'test_area',
      description: 'Where changes are tried out first',
    }),
    vpcs: [
      seedVpc({
        id: myVpc,
        name: 'MyVPC',
        description: 'Some VPC',
        cidr: '10.155.24.0/22',
        zoneId: '04afdbd1-e32d-4999-86d0-96703736dded',
        zoneName: 'QC-1',
        networkDomain: 'hello.world',
        sourceNatIp: '172.31.3.253',
      }),
      seedVpc({
        id: testVpc,
        name: 'gate-room',
        description: 'Iris and dialling computer',
        sourceNatIp: '172.31.4.11',
      }),
      seedVpc({ id: webVpc, name: 'web', cidr: '10.168.0.0/22', sourceNatIp: '172.31.4.12', vpnStatus: 'DISABLED' }),
      // No VPN uses this one.
      seedVpc({ id: '0b3f13ec-e005-4a71-8bea-6af42c1a895a', name: 'archive', cidr: '10.172.0.0/22' }),
    ],
    siteToSiteVpns: [
      // The documented example. It is the only VPN of its VPC, so that the documented list can be requested too.
      seedSiteToSiteVpn({
        id: 'd49b2922-0581-4587-94df-6fe719327d0f',
        name: 'stargate',
        vpcId: testVpc,
        gateway: '19.19.19.19',
        cidr: '10.12.0.2/22',
        ipSecPsk: 'WtOBS9GRux2XtJPtHY2TUvrv',
        ikeEncryptionAlgorithm: '3des',
        espEncryptionAlgorithm: '3des',
      }),
      // The VPN of the documented reset.
      seedSiteToSiteVpn({
        id: 'ca86b14f-20db-463d-b58a-9d3fa5959af2',
        name: 'toronto-office',
        state: 'Disconnected',
        vpcId: myVpc,
        gateway: '198.51.100.17',
        cidr: '10.20.0.0/16',
        ipSecPsk: 'Pib6pb8d3kzy6AQS2sYWVDA',
        dpd: true,
      }),
      seedSiteToSiteVpn({
        id: '4bbc18ef-5f3d-451a-93e9-8d280e919a98',
        name: 'montreal-office',
        vpcId: myVpc,
        gateway: '203.0.113.25',
        cidr: '10.24.0.0/16',
        ipSecPsk: 'IQeeoRlvsUsfO6LWoa8YQ7Ih',
        dpd: true,
        forceEncap: true,
      }),
      seedSiteToSiteVpn({
        id: '8dbed732-1c15-4578-ba17-613863f500bb',
        name: 'ottawa-office',
        state: 'Pending',
        vpcId: myVpc,
        gateway: '192.0.2.44',
        cidr: '10.28.0.0/16',
        ipSecPsk: '58x1iwkl7MI3KhKN0T2k6prF',
        ikeEncryptionAlgorithm: 'aes128',
        ikeDhGroup: 'modp1024',
        ikeLifetime: 28800,
        espEncryptionAlgorithm: 'aes128',
        espPerfectForwardSecrecy: 'modp1024',
      }),
      seedSiteToSiteVpn({
        id: '1f97bfb7-b8d8-48e0-ac62-9714384460ce',
        name: 'warehouse',
        state: 'Error',
        vpcId: webVpc,
        gateway: '198.51.100.90',
        cidr: '172.20.0.0/20',
        ipSecPsk: '1mOX8cDMydqDD4q30NHVuiZX',
        ikeEncryptionAlgorithm: 'aes192',
        ikeHashAlgorithm: 'md5',
        ikeDhGroup: 'modp1024',
        espEncryptionAlgorithm: 'aes192',
        espHashAlgorithm: 'md5',
        espPerfectForwardSecrecy: null,
      }),
      // Its gateway is unreachable: the API accepts a reset, and the task fails.
      seedSiteToSiteVpn({
        id: 'd626c4dc-f4f8-4d31-af4a-d92e17ca8dc1',
        name: 'lost-outpost',
        state: 'Error',
        vpcId: webVpc,
        gateway: '240.0.0.19',
        cidr: '172.21.0.0/20',
        ipSecPsk: 'KSfQGyJyp0fswkJsLU3oNN3',
        ikeDhGroup: 'modp1024',
      }),
      withoutGroups(
        seedSiteToSiteVpn({
          id: '1f41e4e8-982c-452f-bf94-6858b35245ff',
          name: 'backup-site',
          vpcId: webVpc,
          gateway: '192.0.2.130',
          cidr: '192.168.40.0/24',
          ipSecPsk: 'WtNs7y3DI8viEU9P86t0618J',
          espLifetime: 1800,
        }),
      ),
      seedSiteToSiteVpn({
        id: '81ded762-de58-44bd-b8bc-156f36951923',
        name: 'call-centre',
        state: 'Disconnected',
        vpcId: webVpc,
        gateway: '203.0.113.77',
        cidr: '192.168.64.0/20',
        ipSecPsk: 'jhqyj5KgCobA14sSLjTYdgmk',
        ikeEncryptionAlgorithm: '3des',
        ikeHashAlgorithm: 'md5',
        ikeDhGroup: '',
        espEncryptionAlgorithm: '3des',
        espHashAlgorithm: 'md5',
        espPerfectForwardSecrecy: '',
        dpd: true,
      }),
      seedSiteToSiteVpn({
        id: '7fdb5094-17e8-40c9-ac69-0bd6dd56e68d',
        name: 'partner-lab',
        vpcId: myVpc,
        gateway: 'vpn.partner.example',
        cidr: '10.99.8.1/24',
        ipSecPsk: '27yTw4R3cyY2H604R2lbhrsd',
        ikeHashAlgorithm: 'md5',
        ikeDhGroup: null,
        espPerfectForwardSecrecy: 'None',
        forceEncap: true,
      }),
    ],
  };
}

function createProduction(): SeedEnvironment {
  const shopVpc = '19ed8296-768e-4440-b626-4a75ab283fff';
  return {
    environment: seedEnvironment({
      id: '92ed7d8d-2f51-4f3c-b5aa-4b4fd642be66',
      name: 'production',
      description: 'What customers see',
    }),
    vpcs: [
      seedVpc({ id: shopVpc, name: 'shop', cidr: '10.180.0.0/22', sourceNatIp: '172.31.5.10' }),
      seedVpc({ id: '270b5c07-07b2-4aac-864e-c8dfe18a2d60', name: 'reporting', cidr: '10.184.0.0/22' }),
    ],
    siteToSiteVpns: [
      seedSiteToSiteVpn({
        id: '20b360a5-e84b-4bd3-b777-a942c44e67fc',
        name: 'toronto-office',
        vpcId: shopVpc,
        gateway: '198.51.100.17',
        cidr: '10.20.0.0/16',
        ipSecPsk: 'ueDPJmtCaA3PuewqbFKOAIp',
        dpd: true,
      }),
      seedSiteToSiteVpn({
        id: 'feceeb8d-b7e6-4a92-bc64-6324d008bfba',
        // Its network lies in that of toronto-office, so the two overlap.
        name: 'payment-provider',
        vpcId: shopVpc,
        gateway: '203.0.113.200',
        cidr: '10.20.250.0/28',
        ipSecPsk: 'balDgo6S8RiWFSxSdqw0LbFG',
      }),
    ],
  };
}

function createCheyenneMountain(): SeedEnvironment {
  const baseVpc = 'b25c140e-e72f-40ce-837e-7d4ad6dc9734';
  return {
    environment: seedEnvironment({
      id: '1ee5cd43-8395-4cd5-a20f-0f1e83b7f8bd',
      name: 'cheyenne_mountain',
      description: 'Environment for base at Cheyenne Mountain',
      serviceConnection: { id: computeQuebec.id, name: computeQuebec.name },
    }),
    vpcs: [
      seedVpc({
        id: baseVpc,
        name: 'level-28',
        cidr: '10.28.0.0/22',
        zoneId: '04afdbd1-e32d-4999-86d0-96703736dded',
        zoneName: 'QC-1',
        sourceNatIp: '172.31.3.20',
      }),
    ],
    siteToSiteVpns: [
      seedSiteToSiteVpn({
        id: 'bf4fb58d-151a-47dd-af13-e3e36f2ede76',
        name: 'alpha-site',
        vpcId: baseVpc,
        gateway: '192.0.2.1',
        cidr: '10.64.0.0/16',
        ipSecPsk: 'QOMgrwteqcwevm9Nu8bE1RQ',
      }),
      seedSiteToSiteVpn({
        id: '15253bfb-f4e9-497a-b636-e26200918ba3',
        name: 'beta-site',
        state: 'Disconnected',
        vpcId: baseVpc,
        gateway: '192.0.2.2',
        cidr: '10.65.0.0/16',
        ipSecPsk: '9W4fB3lNMf1PPHp0HDt4frT',
        ikeEncryptionAlgorithm: 'aes128',
        espEncryptionAlgorithm: 'aes128',
      }),
    ],
  };
}

/** An empty environment of compute-on. */
function createStaging(): SeedEnvironment {
  return {
    environment: seedEnvironment({
      id: 'fa934ae4-9538-457d-83d1-7210b9020631',
      name: 'staging',
      description: 'Nothing here yet',
    }),
    vpcs: [],
    siteToSiteVpns: [],
  };
}

/** An environment of compute-qc with a VPC and no VPN. */
function createDisasterRecovery(): SeedEnvironment {
  return {
    environment: seedEnvironment({
      id: 'e2904569-b732-494a-bfa6-f8993d848aa5',
      name: 'disaster_recovery',
      description: 'Takes over where production fails',
      serviceConnection: { id: computeQuebec.id, name: computeQuebec.name },
    }),
    vpcs: [seedVpc({ id: '9f2a56af-ea8d-44de-863a-c3a128d0492f', name: 'standby', cidr: '10.190.0.0/22' })],
    siteToSiteVpns: [],
  };
}

/** An environment of compute-on that belongs to the sub-organization. */
function createPegasus(): SeedEnvironment {
  const cityVpc = '146b6631-a658-4aa9-9a68-91290bc46860';
  return {
    environment: seedEnvironment({
      id: '001d478e-2555-4413-a716-1f883aff5d8d',
      name: 'pegasus',
      description: 'Expedition',
      organization: subOrganization,
    }),
    vpcs: [seedVpc({ id: cityVpc, name: 'city', cidr: '10.200.0.0/22', sourceNatIp: '172.31.6.10' })],
    siteToSiteVpns: [
      seedSiteToSiteVpn({
        id: '17748f62-01e8-4518-bd58-2ea09f1e587c',
        name: 'midway-station',
        vpcId: cityVpc,
        gateway: '203.0.113.9',
        cidr: '10.201.0.0/16',
        ipSecPsk: '7LHczZ195QIDcVHhhJnB7QgC',
      }),
    ],
  };
}

/** Returns the VPN without its Diffie-Hellman groups: the REST API omits unused ones from some responses. */
function withoutGroups(vpn: SiteToSiteVpn): SiteToSiteVpn {
  const copy = { ...vpn };
  delete copy.ikeDhGroup;
  delete copy.espPerfectForwardSecrecy;
  return copy;
}
