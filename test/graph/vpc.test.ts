// Query.vpc and Query.vpcs: every field, missing VPCs, and pages.
import { describe, expect, it } from '@jest/globals';
import { fieldsOfContract } from './contract.js';
import { environment, environmentPath, numberedVpc } from '../helpers/fixtures.js';
import { failure, startOnSandbox, startOnUpstream } from './graph-client.js';

const sandbox = await startOnSandbox();
const scripted = await startOnUpstream();

const myVpc = '9fe8e398-06d6-482c-8f55-b805bde4d3cc';
const atlantis = '97bf42fc-d526-423c-bca5-acd40877a2ba';

const expectedVpc = {
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
const ownFields = Object.keys(expectedVpc)
  .map((name) => (name === 'environment' ? 'environment { serviceCode name organizationId }' : name))
  .join(' ');

const oneOf = (fields: string) =>
  `query ($environment: EnvironmentInput!, $id: ID!) { vpc(environment: $environment, id: $id) { ${fields} } }`;
const listOf = (fields: string) =>
  `query ($environment: EnvironmentInput!) { vpcs(environment: $environment) { ${fields} } }`;

describe('Query.vpc', () => {
  it('returns every field of the contract', async () => {
    expect([...Object.keys(expectedVpc), 'siteToSiteVpns'].toSorted()).toEqual(fieldsOfContract('Vpc'));
    const query = oneOf(`${ownFields} siteToSiteVpns(first: 1) { nodes { name } totalCount }`);
    expect(await sandbox.execute(query, { environment, id: myVpc })).toEqual({
      data: { vpc: { ...expectedVpc, siteToSiteVpns: { nodes: [{ name: 'montreal-office' }], totalCount: 4 } } },
    });
    expect(sandbox.calls()).toEqual([
      `GET ${environmentPath}/vpcs/${myVpc}`,
      `GET ${environmentPath}/sitetositevpns?vpc_id=${myVpc}`,
    ]);
  });

  it('is null if the environment has no VPC with this id', async () => {
    const id = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
    const query = oneOf('id siteToSiteVpns { totalCount }');
    expect(await sandbox.execute(query, { environment, id })).toEqual({ data: { vpc: null } });
    expect(sandbox.calls()).toEqual([`GET ${environmentPath}/vpcs/${id}`]);
  });

  it.each(['', '..', 'vpc-1', `${myVpc}/..`, `${myVpc}\n`])(
    'is null for the id %j, which is not a UUID, without a REST call',
    async (id) => {
      expect(await sandbox.execute(oneOf('id'), { environment, id })).toEqual({ data: { vpc: null } });
      expect(sandbox.calls()).toEqual([]);
    },
  );

  it('sends organizationId as org_id, also for its VPNs', async () => {
    const pegasus = { serviceCode: 'compute-on', name: 'pegasus', organizationId: atlantis };
    const id = '146b6631-a658-4aa9-9a68-91290bc46860';
    const query = oneOf('environment { organizationId } siteToSiteVpns { nodes { name } }');
    expect(await sandbox.execute(query, { environment: pegasus, id })).toEqual({
      data: {
        vpc: { environment: { organizationId: atlantis }, siteToSiteVpns: { nodes: [{ name: 'midway-station' }] } },
      },
    });
    expect(sandbox.calls()).toEqual([
      `GET /services/compute-on/pegasus/vpcs/${id}?org_id=${atlantis}`,
      `GET /services/compute-on/pegasus/sitetositevpns?vpc_id=${id}&org_id=${atlantis}`,
    ]);
  });

  it('returns null for an optional field that is absent or of the wrong type', async () => {
    const optional = Object.keys(expectedVpc).filter((name) => !['id', 'environment', 'name'].includes(name));
    for (const value of [undefined, null, {}]) {
      scripted.upstream.script(() => ({
        data: numberedVpc(1, Object.fromEntries(optional.map((name) => [name, value]))),
      }));
      expect(await scripted.execute(oneOf(optional.join(' ')), { environment, id: myVpc })).toEqual({
        data: { vpc: Object.fromEntries(optional.map((name) => [name, null])) },
      });
    }
  });

  it.each(['id', 'name'])('is UPSTREAM_BAD_RESPONSE if the required %s is missing', async (field) => {
    scripted.upstream.script(() => ({ data: numberedVpc(1, { [field]: undefined }) }));
    expect(await scripted.execute(oneOf('cidr'), { environment, id: myVpc })).toEqual({
      data: { vpc: null },
      errors: [failure('UPSTREAM_BAD_RESPONSE', ['vpc'], `The REST API sent a vpc whose ${field} is not a string.`)],
    });
  });
});

describe('Query.vpcs', () => {
  it('lists the VPCs of an environment by code units of the name, in one REST call', async () => {
    const query = listOf(`nodes { name } edges { node { ${ownFields} } } totalCount`);
    expect(await sandbox.execute(query, { environment })).toMatchObject({
      data: {
        vpcs: {
          nodes: [{ name: 'MyVPC' }, { name: 'archive' }, { name: 'gate-room' }, { name: 'web' }],
          edges: [{ node: expectedVpc }, {}, {}, {}],
          totalCount: 4,
        },
      },
    });
    expect(sandbox.calls()).toEqual([`GET ${environmentPath}/vpcs`]);
  });

  it('returns pages by cursor', async () => {
    const query = `query ($environment: EnvironmentInput!, $after: String) {
      vpcs(environment: $environment, first: 2, after: $after) { edges { cursor node { name } } pageInfo { hasNextPage } }
    }`;
    const cursor = Buffer.from(JSON.stringify(['vpc', 'archive', '0b3f13ec-e005-4a71-8bea-6af42c1a895a'])).toString(
      'base64url',
    );
    expect(await sandbox.execute(query, { environment })).toMatchObject({
      data: { vpcs: { edges: [{ node: { name: 'MyVPC' } }, { cursor }], pageInfo: { hasNextPage: true } } },
    });
    expect(await sandbox.execute(query, { environment, after: cursor })).toMatchObject({
      data: {
        vpcs: {
          edges: [{ node: { name: 'gate-room' } }, { node: { name: 'web' } }],
          pageInfo: { hasNextPage: false },
        },
      },
    });
    expect(sandbox.calls()).toEqual([`GET ${environmentPath}/vpcs`, `GET ${environmentPath}/vpcs`]);
  });

  it('is NOT_FOUND if the environment does not exist', async () => {
    expect(
      await sandbox.execute(listOf('totalCount'), { environment: { serviceCode: 'compute-on', name: 'nowhere' } }),
    ).toEqual({
      data: { vpcs: null },
      errors: [
        failure(
          'NOT_FOUND',
          ['vpcs'],
          'The REST API has no environment nowhere in the service compute-on. Check both, and the organizationId.',
          {
            upstream: {
              status: 404,
              errors: [{ code: '3001', message: 'The service compute-on has no environment nowhere.' }],
            },
          },
        ),
      ],
    });
    expect(sandbox.calls()).toEqual(['GET /services/compute-on/nowhere/vpcs']);
  });
});
