// Query.vpc and Query.vpcs: every field, and what is not there.
import { describe, expect, it } from '@jest/globals';
import { fieldsOfContract } from './contract.js';
import { area, environment, failure, startOnSandbox, startOnUpstream, wireVpc } from './graph-client.js';

const sandbox = await startOnSandbox();
const scripted = await startOnUpstream();

const myVpc = '9fe8e398-06d6-482c-8f55-b805bde4d3cc';
const atlantis = '97bf42fc-d526-423c-bca5-acd40877a2ba';

const wholeVpc = {
  id: myVpc,
  environment: { ...environment, organizationId: null },
  name: 'MyVPC',
  description: 'Some VPC',
  cidr: '10.155.24.0/22',
  zoneId: '04afdbd1-e32d-4999-86d0-96703736dded',
  zoneName: 'QC-1',
  state: 'Enabled',
  networkDomain: 'hello.world',
  vpcOfferingId: '21a40b85-5fa9-440f-ab77-5e560073b584',
  requiresUpgrade: false,
  sourceNatIp: '172.31.3.253',
  vpnStatus: 'Disabled',
};
const ownFields = Object.keys(wholeVpc)
  .map((name) => (name === 'environment' ? 'environment { serviceCode name organizationId }' : name))
  .join(' ');

const oneOf = (fields: string) =>
  `query ($environment: EnvironmentInput!, $id: ID!) { vpc(environment: $environment, id: $id) { ${fields} } }`;
const listOf = (fields: string) =>
  `query ($environment: EnvironmentInput!) { vpcs(environment: $environment) { ${fields} } }`;

describe('Query.vpc', () => {
  it('answers every field of the contract', async () => {
    expect([...Object.keys(wholeVpc), 'siteToSiteVpns'].toSorted()).toEqual(fieldsOfContract('Vpc'));
    const query = oneOf(`${ownFields} siteToSiteVpns(first: 1) { nodes { name } totalCount }`);
    expect(await sandbox.ask(query, { environment, id: myVpc })).toEqual({
      data: { vpc: { ...wholeVpc, siteToSiteVpns: { nodes: [{ name: 'montreal-office' }], totalCount: 4 } } },
    });
    expect(sandbox.calls()).toEqual([`GET ${area}/vpcs/${myVpc}`, `GET ${area}/sitetositevpns?vpc_id=${myVpc}`]);
  });

  it('is null where the environment has none of that id', async () => {
    const id = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
    const query = oneOf('id siteToSiteVpns { totalCount }');
    expect(await sandbox.ask(query, { environment, id })).toEqual({ data: { vpc: null } });
    expect(sandbox.calls()).toEqual([`GET ${area}/vpcs/${id}`]);
  });

  it.each(['', '..', 'vpc-1', `${myVpc}/..`, `${myVpc}\n`])(
    'is null for %j, which is no UUID, without a REST call',
    async (id) => {
      expect(await sandbox.ask(oneOf('id'), { environment, id })).toEqual({ data: { vpc: null } });
      expect(sandbox.calls()).toEqual([]);
    },
  );

  it('sends organizationId as org_id, for its VPNs too', async () => {
    const pegasus = { serviceCode: 'compute-on', name: 'pegasus', organizationId: atlantis };
    const id = '146b6631-a658-4aa9-9a68-91290bc46860';
    const query = oneOf('environment { organizationId } siteToSiteVpns { nodes { name } }');
    expect(await sandbox.ask(query, { environment: pegasus, id })).toEqual({
      data: {
        vpc: { environment: { organizationId: atlantis }, siteToSiteVpns: { nodes: [{ name: 'midway-station' }] } },
      },
    });
    expect(sandbox.calls()).toEqual([
      `GET /services/compute-on/pegasus/vpcs/${id}?org_id=${atlantis}`,
      `GET /services/compute-on/pegasus/sitetositevpns?vpc_id=${id}&org_id=${atlantis}`,
    ]);
  });

  it('has null for an optional field that is absent or of the wrong type', async () => {
    const optional = Object.keys(wholeVpc).filter((name) => !['id', 'environment', 'name'].includes(name));
    for (const value of [undefined, null, 7]) {
      scripted.upstream.script(() => ({ data: wireVpc(1, Object.fromEntries(optional.map((name) => [name, value]))) }));
      expect(await scripted.ask(oneOf(optional.join(' ')), { environment, id: myVpc })).toEqual({
        data: { vpc: Object.fromEntries(optional.map((name) => [name, null])) },
      });
    }
  });

  it.each(['id', 'name'])('is a bad response where the required %s is missing', async (field) => {
    scripted.upstream.script(() => ({ data: wireVpc(1, { [field]: undefined }) }));
    expect(await scripted.ask(oneOf('cidr'), { environment, id: myVpc })).toEqual({
      data: { vpc: null },
      errors: [failure('UPSTREAM_BAD_RESPONSE', ['vpc'], `The REST API sent a vpc whose ${field} is not a string.`)],
    });
  });
});

describe('Query.vpcs', () => {
  it('lists an environment by code units of the name, every field, with one REST call', async () => {
    const query = listOf(`nodes { name } edges { node { ${ownFields} } } totalCount`);
    expect(await sandbox.ask(query, { environment })).toMatchObject({
      data: {
        vpcs: {
          nodes: [{ name: 'MyVPC' }, { name: 'archive' }, { name: 'gate-room' }, { name: 'web' }],
          edges: [{ node: wholeVpc }, {}, {}, {}],
          totalCount: 4,
        },
      },
    });
    expect(sandbox.calls()).toEqual([`GET ${area}/vpcs`]);
  });

  it('pages', async () => {
    const query = `query ($environment: EnvironmentInput!, $after: String) {
      vpcs(environment: $environment, first: 2, after: $after) { edges { cursor node { name } } pageInfo { hasNextPage } }
    }`;
    const cursor = Buffer.from(JSON.stringify(['vpc', 'archive', '0b3f13ec-e005-4a71-8bea-6af42c1a895a'])).toString(
      'base64url',
    );
    expect(await sandbox.ask(query, { environment })).toMatchObject({
      data: { vpcs: { edges: [{ node: { name: 'MyVPC' } }, { cursor }], pageInfo: { hasNextPage: true } } },
    });
    expect(await sandbox.ask(query, { environment, after: cursor })).toMatchObject({
      data: {
        vpcs: {
          edges: [{ node: { name: 'gate-room' } }, { node: { name: 'web' } }],
          pageInfo: { hasNextPage: false },
        },
      },
    });
    expect(sandbox.calls()).toEqual([`GET ${area}/vpcs`, `GET ${area}/vpcs`]);
  });

  it('is NOT_FOUND where there is no such environment, and names service and environment', async () => {
    expect(
      await sandbox.ask(listOf('totalCount'), { environment: { serviceCode: 'compute-on', name: 'nowhere' } }),
    ).toEqual({
      data: { vpcs: null },
      errors: [
        failure('NOT_FOUND', ['vpcs'], 'The REST API knows no environment nowhere in the service compute-on.', {
          upstream: {
            status: 404,
            errors: [{ code: '3001', message: 'The service compute-on has no environment nowhere.' }],
          },
        }),
      ],
    });
    expect(sandbox.calls()).toEqual(['GET /services/compute-on/nowhere/vpcs']);
  });
});
