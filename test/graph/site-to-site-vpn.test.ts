// Query.siteToSiteVpn and Query.siteToSiteVpns: every field, missing VPNs, filters, and values that the schema does not define.
import { describe, expect, it } from '@jest/globals';
import { environment, environmentPath, numberedVpn } from '../helpers/fixtures.js';
import { at, failure, listAt, startOnSandbox, startOnUpstream } from './graph-client.js';
import { fieldsOfContract } from './contract.js';

const sandbox = await startOnSandbox();
const scripted = await startOnUpstream();

const stargate = 'd49b2922-0581-4587-94df-6fe719327d0f';
const webVpc = '84f0b919-185c-4aa6-a6a8-a015b5a72aa2';
const atlantis = '97bf42fc-d526-423c-bca5-acd40877a2ba';

const allFields = `fragment AllFields on SiteToSiteVpn {
  id environment { serviceCode name organizationId } name state vpcId vpc { id } gateway cidr cidrs ipSecPsk
  ikeEncryptionAlgorithm ikeHashAlgorithm ikeDhGroup ikeLifetime
  espEncryptionAlgorithm espHashAlgorithm espPerfectForwardSecrecy espLifetime
  dpd forceEncap securityAdvisories { field severity } unknownValues { field value }
}`;

const expectedStargate = {
  id: stargate,
  environment: { ...environment, organizationId: null },
  name: 'stargate',
  state: 'CONNECTED',
  vpcId: '3fe7d82a-f4c4-4552-ac3b-787fdafed4e7',
  vpc: { id: '3fe7d82a-f4c4-4552-ac3b-787fdafed4e7' },
  gateway: '19.19.19.19',
  cidr: '10.12.0.2/22',
  cidrs: ['10.12.0.2/22'],
  ipSecPsk: 'WtOBS9GRux2XtJPtHY2TUvrv',
  ikeEncryptionAlgorithm: 'TRIPLE_DES',
  ikeHashAlgorithm: 'SHA1',
  ikeDhGroup: 'MODP_1536',
  ikeLifetime: 86400,
  espEncryptionAlgorithm: 'TRIPLE_DES',
  espHashAlgorithm: 'SHA1',
  espPerfectForwardSecrecy: 'MODP_1536',
  espLifetime: 3600,
  dpd: false,
  forceEncap: false,
  securityAdvisories: [
    { field: 'ikeEncryptionAlgorithm', severity: 'NOTICE' },
    { field: 'ikeHashAlgorithm', severity: 'NOTICE' },
    { field: 'ikeDhGroup', severity: 'WARNING' },
    { field: 'espEncryptionAlgorithm', severity: 'WARNING' },
    { field: 'espHashAlgorithm', severity: 'NOTICE' },
    { field: 'espPerfectForwardSecrecy', severity: 'WARNING' },
  ],
  unknownValues: [],
};

const oneOf = (fields: string) =>
  `query ($environment: EnvironmentInput!, $id: ID!) { siteToSiteVpn(environment: $environment, id: $id) { ${fields} } }`;
const listOf = (fields: string) =>
  `query ($environment: EnvironmentInput!, $filter: SiteToSiteVpnFilter) {
    siteToSiteVpns(environment: $environment, filter: $filter) { ${fields} }
  }`;

describe('Query.siteToSiteVpn', () => {
  it('returns every field of the contract, with one REST call', async () => {
    // These take the REST call of the VPC.
    const withVpc = ['remoteEnd', 'networkOverlaps'];
    const ownFields = fieldsOfContract('SiteToSiteVpn').filter((field) => !withVpc.includes(field));
    expect(Object.keys(expectedStargate).toSorted()).toEqual(ownFields);
    expect(await sandbox.execute(`${oneOf('...AllFields')} ${allFields}`, { environment, id: stargate })).toEqual({
      data: { siteToSiteVpn: expectedStargate },
    });
    expect(sandbox.calls()).toEqual([`GET ${environmentPath}/sitetositevpns/${stargate}`]);
  });

  it('is null if the environment has no VPN with this id', async () => {
    const id = '00000000-0000-0000-0000-000000000000';
    expect(await sandbox.execute(oneOf('id'), { environment, id })).toEqual({ data: { siteToSiteVpn: null } });
    expect(sandbox.calls()).toEqual([`GET ${environmentPath}/sitetositevpns/${id}`]);
  });

  it('is null if the environment does not exist, which the REST API does not distinguish', async () => {
    const nowhere = { serviceCode: 'compute-on', name: 'nowhere' };
    expect(await sandbox.execute(oneOf('id'), { environment: nowhere, id: stargate })).toEqual({
      data: { siteToSiteVpn: null },
    });
    expect(sandbox.calls()).toEqual([`GET /services/compute-on/nowhere/sitetositevpns/${stargate}`]);
  });

  it.each(['', 'x', '..', '../vpcs', stargate.slice(1), `${stargate}?operation=reset`, `${stargate}/`, '\ud800'])(
    'is null for the id %j, which is not a UUID, without a REST call',
    async (id) => {
      expect(await sandbox.execute(oneOf('id'), { environment, id })).toEqual({ data: { siteToSiteVpn: null } });
      expect(sandbox.calls()).toEqual([]);
    },
  );

  it('sends organizationId as org_id, and returns it in the environment', async () => {
    const pegasus = { serviceCode: 'compute-on', name: 'pegasus', organizationId: atlantis };
    const id = '17748f62-01e8-4518-bd58-2ea09f1e587c';
    const query = oneOf('name environment { serviceCode name organizationId } vpc { name }');
    expect(await sandbox.execute(query, { environment: pegasus, id })).toEqual({
      data: { siteToSiteVpn: { name: 'midway-station', environment: pegasus, vpc: { name: 'city' } } },
    });
    expect(sandbox.calls()).toEqual([
      `GET /services/compute-on/pegasus/sitetositevpns/${id}?org_id=${atlantis}`,
      `GET /services/compute-on/pegasus/vpcs/146b6631-a658-4aa9-9a68-91290bc46860?org_id=${atlantis}`,
    ]);
  });

  it('percent-encodes special characters of the environment in the path', async () => {
    const special = { serviceCode: 'compute on', name: 'tëst&area=1;+' };
    expect(await sandbox.execute(oneOf('id'), { environment: special, id: stargate })).toEqual({
      data: { siteToSiteVpn: null },
    });
    expect(sandbox.calls()).toEqual([
      `GET /services/compute%20on/t%C3%ABst%26area%3D1%3B%2B/sitetositevpns/${stargate}`,
    ]);
  });

  it('reads every spelling of groups and states, and an absent group as NONE', async () => {
    const spellings: [string | null | undefined, string][] = [
      ['modp1536', 'MODP_1536'],
      ['Group-5 (1536-bit)', 'MODP_1536'],
      ['MODP1024', 'MODP_1024'],
      ['Group-2 (1024-bit)', 'MODP_1024'],
      ['None', 'NONE'],
      ['', 'NONE'],
      [null, 'NONE'],
      [undefined, 'NONE'],
    ];
    for (const [wire, name] of spellings) {
      const fields = { ikeDhGroup: wire, espPerfectForwardSecrecy: wire, ikeHashAlgorithm: 'SHA1', state: 'PENDING' };
      scripted.upstream.script(() => ({ data: numberedVpn(1, 1, fields) }));
      const query = oneOf('state ikeHashAlgorithm ikeDhGroup espPerfectForwardSecrecy unknownValues { field value }');
      expect(await scripted.execute(query, { environment, id: stargate })).toEqual({
        data: {
          siteToSiteVpn: {
            state: 'PENDING',
            ikeHashAlgorithm: 'SHA1',
            ikeDhGroup: name,
            espPerfectForwardSecrecy: name,
            unknownValues: [],
          },
        },
      });
    }
  });

  it.each([
    ['a text', '10.0.0.0/8,10.1.0.0/16'],
    ['an array', ['10.0.0.0/8', '10.1.0.0/16']],
  ])('reads cidr and cidrs from cidrList if cidr is absent or blank: %s', async (_, cidrList) => {
    for (const cidr of [undefined, '']) {
      scripted.upstream.script(() => ({ data: numberedVpn(1, 1, { cidr, cidrList }) }));
      expect(await scripted.execute(oneOf('cidr cidrs'), { environment, id: stargate })).toEqual({
        data: { siteToSiteVpn: { cidr: '10.0.0.0/8,10.1.0.0/16', cidrs: ['10.0.0.0/8', '10.1.0.0/16'] } },
      });
    }
  });

  it('reads numbers and booleans in texts, and an absent state as UNKNOWN', async () => {
    const fields = { ikeLifetime: '86400', espLifetime: ' 3600', dpd: 'true', forceEncap: 'FALSE', state: undefined };
    scripted.upstream.script(() => ({ data: numberedVpn(1, 1, fields) }));
    const query = oneOf('state ikeLifetime espLifetime dpd forceEncap unknownValues { field }');
    expect(await scripted.execute(query, { environment, id: stargate })).toEqual({
      data: {
        siteToSiteVpn: {
          state: 'UNKNOWN',
          ikeLifetime: 86_400,
          espLifetime: 3_600,
          dpd: true,
          forceEncap: false,
          unknownValues: [],
        },
      },
    });
  });

  it.each(['id', 'name', 'vpcId', 'gateway', 'cidr'])(
    'is UPSTREAM_BAD_RESPONSE if the required %s is missing or of the wrong type',
    async (field) => {
      for (const value of [undefined, null, true]) {
        scripted.upstream.script(() => ({ data: numberedVpn(1, 1, { [field]: value }) }));
        expect(await scripted.execute(oneOf('dpd'), { environment, id: stargate })).toEqual({
          data: { siteToSiteVpn: null },
          errors: [
            failure(
              'UPSTREAM_BAD_RESPONSE',
              ['siteToSiteVpn'],
              `The REST API sent a siteToSiteVpn whose ${field} is not a string.`,
            ),
          ],
        });
      }
    },
  );

  it('returns null for an optional field that is absent or of the wrong type', async () => {
    const fields = ['ipSecPsk', 'ikeEncryptionAlgorithm', 'ikeHashAlgorithm', 'ikeLifetime', 'espLifetime', 'dpd'];
    for (const value of [undefined, null, { of: 'another type' }]) {
      scripted.upstream.script(() => ({
        data: numberedVpn(1, 1, Object.fromEntries(fields.map((name) => [name, value]))),
      }));
      expect(await scripted.execute(oneOf(fields.join(' ')), { environment, id: stargate })).toEqual({
        data: { siteToSiteVpn: Object.fromEntries(fields.map((name) => [name, null])) },
      });
    }
  });
});

describe('SiteToSiteVpn.unknownValues', () => {
  it('has the value of the REST API for each field that is null or UNKNOWN because of it', async () => {
    const fields = {
      state: 'Rekeying',
      ikeEncryptionAlgorithm: 'chacha20',
      ikeHashAlgorithm: 'sha256',
      ikeDhGroup: 'modp2048',
      espEncryptionAlgorithm: 'AES256-GCM',
      espHashAlgorithm: 'SHA512',
      espPerfectForwardSecrecy: 'Group-14',
    };
    scripted.upstream.script(() => ({ data: numberedVpn(1, 1, fields) }));
    const query = oneOf(`${Object.keys(fields).join(' ')} unknownValues { field value } securityAdvisories { field }`);
    expect(await scripted.execute(query, { environment, id: stargate })).toEqual({
      data: {
        siteToSiteVpn: {
          ...Object.fromEntries(Object.keys(fields).map((field) => [field, null])),
          state: 'UNKNOWN',
          unknownValues: Object.entries(fields).map(([field, value]) => ({ field, value })),
          securityAdvisories: [],
        },
      },
    });
  });
});

describe('Query.siteToSiteVpns', () => {
  it('lists the VPNs of an environment by name, with every field, in one REST call', async () => {
    const body = await sandbox.execute(`${listOf('nodes { ...AllFields } totalCount')} ${allFields}`, { environment });
    const names = listAt(body, 'data', 'siteToSiteVpns', 'nodes').map((node) => at(node, 'name'));
    expect(names).toEqual([
      'backup-site',
      'call-centre',
      'lost-outpost',
      'montreal-office',
      'ottawa-office',
      'partner-lab',
      'stargate',
      'toronto-office',
      'warehouse',
    ]);
    expect(at(body, 'data', 'siteToSiteVpns', 'nodes', 6)).toEqual(expectedStargate);
    expect(at(body, 'data', 'siteToSiteVpns', 'totalCount')).toBe(9);
    expect(at(body, 'errors')).toBeUndefined();
    expect(sandbox.calls()).toEqual([`GET ${environmentPath}/sitetositevpns`]);
  });

  it('is empty if the environment has no VPNs', async () => {
    const staging = { serviceCode: 'compute-on', name: 'staging' };
    const query = listOf(
      'edges { cursor } nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount',
    );
    expect(await sandbox.execute(query, { environment: staging })).toEqual({
      data: {
        siteToSiteVpns: {
          edges: [],
          nodes: [],
          pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null },
          totalCount: 0,
        },
      },
    });
    expect(sandbox.calls()).toEqual(['GET /services/compute-on/staging/sitetositevpns']);
  });

  it('is NOT_FOUND if the environment does not exist', async () => {
    const nowhere = { serviceCode: 'compute-xy', name: 'nowhere' };
    expect(await sandbox.execute(listOf('totalCount'), { environment: nowhere })).toEqual({
      data: { siteToSiteVpns: null },
      errors: [
        failure(
          'NOT_FOUND',
          ['siteToSiteVpns'],
          'The REST API has no environment nowhere in the service compute-xy. Check both, and the organizationId.',
          {
            upstream: {
              status: 404,
              errors: [{ code: '3001', message: 'The service compute-xy has no environment nowhere.' }],
            },
          },
        ),
      ],
    });
    expect(sandbox.calls()).toEqual(['GET /services/compute-xy/nowhere/sitetositevpns']);
  });

  it('sends organizationId as org_id', async () => {
    const pegasus = { serviceCode: 'compute-on', name: 'pegasus', organizationId: atlantis };
    expect(
      await sandbox.execute(listOf('nodes { name environment { organizationId } }'), { environment: pegasus }),
    ).toEqual({
      data: { siteToSiteVpns: { nodes: [{ name: 'midway-station', environment: { organizationId: atlantis } }] } },
    });
    expect(sandbox.calls()).toEqual([`GET /services/compute-on/pegasus/sitetositevpns?org_id=${atlantis}`]);
  });

  it('is UPSTREAM_BAD_RESPONSE if one entry is not a VPN, or if data is not a list', async () => {
    const cases: [unknown, string][] = [
      [[numberedVpn(1, 1), null], 'The REST API sent a siteToSiteVpn that is not an object.'],
      [[numberedVpn(1, 1), { id: 'x' }], 'The REST API sent a siteToSiteVpn whose name is not a string.'],
      [numberedVpn(1, 1), 'The REST API sent a list of sitetositevpns that is not an array.'],
    ];
    for (const [data, message] of cases) {
      scripted.upstream.script(() => ({ data }));
      expect(await scripted.execute(listOf('totalCount'), { environment })).toEqual({
        data: { siteToSiteVpns: null },
        errors: [failure('UPSTREAM_BAD_RESPONSE', ['siteToSiteVpns'], message)],
      });
    }
  });
});

describe('SiteToSiteVpnFilter.vpcId', () => {
  it('lets the REST API filter', async () => {
    const query = listOf('nodes { name vpcId } totalCount');
    expect(await sandbox.execute(query, { environment, filter: { vpcId: webVpc } })).toEqual({
      data: {
        siteToSiteVpns: {
          nodes: ['backup-site', 'call-centre', 'lost-outpost', 'warehouse'].map((name) => ({ name, vpcId: webVpc })),
          totalCount: 4,
        },
      },
    });
    expect(sandbox.calls()).toEqual([`GET ${environmentPath}/sitetositevpns?vpc_id=${webVpc}`]);
  });

  it('does not filter if it is null', async () => {
    expect(await sandbox.execute(listOf('totalCount'), { environment, filter: { vpcId: null } })).toEqual({
      data: { siteToSiteVpns: { totalCount: 9 } },
    });
    expect(sandbox.calls()).toEqual([`GET ${environmentPath}/sitetositevpns`]);
  });

  it.each(['', 'x', `${webVpc}&org_id=x`, '\ud800'])(
    'returns an empty list for %j, which is not a UUID, without a REST call',
    async (vpcId) => {
      expect(
        await sandbox.execute(listOf('nodes { vpc { name } } totalCount pageInfo { hasNextPage }'), {
          environment,
          filter: { vpcId },
        }),
      ).toEqual({ data: { siteToSiteVpns: { nodes: [], totalCount: 0, pageInfo: { hasNextPage: false } } } });
      expect(sandbox.calls()).toEqual([]);
    },
  );
});

describe('SiteToSiteVpnFilter.states', () => {
  const query = listOf('nodes { name } totalCount');
  const named = (...names: string[]) => ({
    data: { siteToSiteVpns: { nodes: names.map((name) => ({ name })), totalCount: names.length } },
  });

  it('returns the VPNs in one of the states, filtered by the gateway', async () => {
    expect(await sandbox.execute(query, { environment, filter: { states: ['PENDING', 'DISCONNECTED'] } })).toEqual(
      named('call-centre', 'ottawa-office', 'toronto-office'),
    );
    expect(sandbox.calls()).toEqual([`GET ${environmentPath}/sitetositevpns`]);
  });

  it('combines with vpcId', async () => {
    const filter = { vpcId: webVpc, states: ['ERROR'] };
    expect(await sandbox.execute(query, { environment, filter })).toEqual(named('lost-outpost', 'warehouse'));
    expect(sandbox.calls()).toEqual([`GET ${environmentPath}/sitetositevpns?vpc_id=${webVpc}`]);
  });

  it.each([[null], [undefined]])('does not filter if it is %j', async (states) => {
    expect(await sandbox.execute(listOf('totalCount'), { environment, filter: { states } })).toEqual({
      data: { siteToSiteVpns: { totalCount: 9 } },
    });
    expect(sandbox.calls()).toEqual([`GET ${environmentPath}/sitetositevpns`]);
  });

  it('returns an empty list if it is empty, without a REST call', async () => {
    expect(await sandbox.execute(query, { environment, filter: { states: [] } })).toEqual(named());
    expect(sandbox.calls()).toEqual([]);
  });

  it('matches unknown states of the REST API with UNKNOWN', async () => {
    scripted.upstream.script(() => ({ data: [numberedVpn(1, 1), numberedVpn(2, 1, { state: 'Rekeying' })] }));
    expect(await scripted.execute(query, { environment, filter: { states: ['UNKNOWN'] } })).toEqual(named('vpn-0002'));
  });
});
