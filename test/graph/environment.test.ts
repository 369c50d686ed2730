// Query.environments, Query.organizations, and the validation of EnvironmentInput by every root field with such an argument.
import { describe, expect, it } from '@jest/globals';
import { fieldsOfContract } from './contract.js';
import { environmentPath } from '../helpers/fixtures.js';
import { json } from '../helpers/upstream.js';
import { at, failure, listAt, startOnSandbox, startOnUpstream, textAt } from './graph-client.js';
import { rootFields, toOperation } from './root-fields.js';

const sandbox = await startOnSandbox();
const onVersion2 = await startOnSandbox({}, {}, 'v2');
const scripted = await startOnUpstream();
const scriptedVersion2 = await startOnUpstream({ cloudcaApiVersion: 2 });

const atlantis = '97bf42fc-d526-423c-bca5-acd40877a2ba';
const cheyenne = {
  id: '1ee5cd43-8395-4cd5-a20f-0f1e83b7f8bd',
  name: 'cheyenne_mountain',
  description: 'Environment for base at Cheyenne Mountain',
  serviceConnection: {
    id: 'adfbdb51-493b-45b1-8802-3f6327afb9e6',
    name: 'Compute - Québec',
    serviceCode: 'compute-qc',
    type: 'CloudCA',
    reachable: true,
  },
  organization: { id: 'a9f93785-0545-4876-8241-3b19b9a86721', name: 'sg1' },
};

describe('Query.environments', () => {
  it('returns every field of the contract, with one REST call for all service connections', async () => {
    expect(Object.keys(cheyenne).toSorted()).toEqual(fieldsOfContract('Environment'));
    expect(Object.keys(cheyenne.serviceConnection).toSorted()).toEqual(fieldsOfContract('ServiceConnection'));
    const query = `{ environments {
      id name description serviceConnection { id name serviceCode type reachable } organization { id name }
    } }`;
    const body = await sandbox.execute(query);
    expect(listAt(body, 'data', 'environments').map((item) => at(item, 'name'))).toEqual([
      'test_area',
      'production',
      'staging',
      'cheyenne_mountain',
      'disaster_recovery',
    ]);
    expect(at(body, 'data', 'environments', 3)).toEqual(cheyenne);
    expect(at(body, 'errors')).toBeUndefined();
    expect(sandbox.calls().toSorted()).toEqual(['GET /environments', 'GET /services/connections']);
  });

  it('takes one REST call if only id and name of the service connections are selected', async () => {
    const query = `query ($no: Boolean = false) {
      environments { name serviceConnection { id name reachable @include(if: $no) } }
    }`;
    expect(await sandbox.execute(query)).toMatchObject({
      data: { environments: [{ serviceConnection: { name: 'Compute - Ontario' } }, {}, {}, {}, {}] },
    });
    expect(sandbox.calls()).toEqual(['GET /environments']);
  });

  it('takes one REST call for serviceCode and type at version 2 of the REST API', async () => {
    const serviceConnection = { id: 's1', name: 'Compute', serviceCode: 'compute-on', type: 'CloudCA' };
    scriptedVersion2.upstream.script(() => ({
      data: [
        { id: 'e1', name: 'one', state: 'PROVISIONED', serviceConnection, organization: { name: 'without an id' } },
        { id: 'e2', name: 'two' },
      ],
    }));
    const query = '{ environments { name organization { id } serviceConnection { id name serviceCode type } } }';
    expect(await scriptedVersion2.execute(query)).toEqual({
      data: {
        environments: [
          { name: 'one', organization: null, serviceConnection },
          { name: 'two', organization: null, serviceConnection: null },
        ],
      },
    });
    expect(scriptedVersion2.calls()).toEqual(['GET /environments']);
  });

  it('reads from the list of service connections only what the environments lack', async () => {
    scripted.upstream.script(({ url }) =>
      url.endsWith('/connections')
        ? { data: [{ id: 'abc', serviceCode: 'other', type: 'Other', status: { reachable: 'true' } }] }
        : { data: [{ id: 'e1', name: 'one', serviceConnection: { id: 'ABC', serviceCode: 'compute-on' } }] },
    );
    const query = '{ environments { serviceConnection { serviceCode type reachable } } }';
    expect(await scripted.execute(query)).toEqual({
      data: { environments: [{ serviceConnection: { serviceCode: 'compute-on', type: 'Other', reachable: true } }] },
    });
    expect(scripted.calls().toSorted()).toEqual(['GET /environments', 'GET /services/connections']);
  });

  it('returns null for a service connection that the key cannot see, and for absent fields', async () => {
    scripted.upstream.script(({ url }) =>
      url.endsWith('/connections')
        ? { data: [{ id: 'visible', status: {} }] }
        : {
            data: [
              { id: 'e1', name: 'one', serviceConnection: { id: 'visible' }, organization: { id: 'o1' } },
              { id: 'e2', name: 'two', serviceConnection: { id: 'hidden', name: 'Hidden' } },
              { id: 'e3', name: 'three', description: 5, serviceConnection: 'x', organization: [] },
            ],
          },
    );
    const query =
      '{ environments { name description serviceConnection { name serviceCode type reachable } organization { name } } }';
    const absent = { serviceCode: null, type: null, reachable: null };
    expect(await scripted.execute(query)).toEqual({
      data: {
        environments: [
          {
            name: 'one',
            description: null,
            serviceConnection: { name: null, ...absent },
            organization: { name: null },
          },
          { name: 'two', description: null, serviceConnection: { name: 'Hidden', ...absent }, organization: null },
          { name: 'three', description: null, serviceConnection: null, organization: null },
        ],
      },
    });
  });

  it('returns the environments if the one call for service connections fails, with an error for each', async () => {
    scripted.upstream.script(({ url }) =>
      url.endsWith('/connections')
        ? { errors: [{ errorCode: 'BROKEN', message: 'Out of order.' }] }
        : {
            data: [
              { id: 'e1', name: 'one', serviceConnection: { id: 's1' } },
              { id: 'e2', name: 'two', serviceConnection: { id: 's1' } },
            ],
          },
    );
    const error = (index: number) =>
      failure(
        'UPSTREAM_ERROR',
        ['environments', index, 'serviceConnection', 'serviceCode'],
        'The REST API rejected the request.',
        { upstream: { status: 200, errors: [{ code: 'BROKEN', message: 'Out of order.' }] } },
      );
    expect(await scripted.execute('{ environments { name serviceConnection { serviceCode } } }')).toEqual({
      data: {
        environments: [
          { name: 'one', serviceConnection: { serviceCode: null } },
          { name: 'two', serviceConnection: { serviceCode: null } },
        ],
      },
      errors: [error(0), error(1)],
    });
    expect(scripted.calls()).toHaveLength(2);
  });

  it('is UPSTREAM_BAD_RESPONSE if an environment has no name', async () => {
    scripted.upstream.script(() => ({ data: [{ id: 'e1' }] }));
    expect(await scripted.execute('{ environments { id } }')).toEqual({
      data: { environments: null },
      errors: [
        failure(
          'UPSTREAM_BAD_RESPONSE',
          ['environments'],
          expect.stringContaining('environment whose name is not a string.'),
        ),
      ],
    });
  });
});

describe('Query.environments(organizationId:)', () => {
  const query = `query ($organizationId: ID) {
    environments(organizationId: $organizationId) { name organization { id } serviceConnection { serviceCode } }
  }`;

  it('returns the environments of a sub-organization, with org_id in the REST call', async () => {
    expect(await sandbox.execute(query, { organizationId: atlantis })).toEqual({
      data: {
        environments: [
          { name: 'pegasus', organization: { id: atlantis }, serviceConnection: { serviceCode: 'compute-on' } },
        ],
      },
    });
    expect(sandbox.calls().toSorted()).toEqual([`GET /environments?org_id=${atlantis}`, 'GET /services/connections']);
  });

  it("returns those of the caller's own organization if it is null", async () => {
    expect(await sandbox.execute(`{ environments(organizationId: null) { name } }`)).toMatchObject({
      data: { environments: [{ name: 'test_area' }, {}, {}, {}, {}] },
    });
    expect(sandbox.calls()).toEqual(['GET /environments']);
  });

  it.each(['', '..', 'nobody', `${atlantis}x`])(
    'is BAD_USER_INPUT, without a REST call, for %j, which is not a UUID',
    async (organizationId) => {
      const message = 'The organizationId must be a UUID. Query.organizations lists the ids.';
      expect(await sandbox.execute(query, { organizationId })).toEqual({
        data: { environments: null },
        errors: [failure('BAD_USER_INPUT', ['environments'], message)],
      });
      expect(sandbox.calls()).toEqual([]);
    },
  );

  it('is NOT_FOUND for an organization that the REST API does not know', async () => {
    const organizationId = 'a9f93785-0545-4876-8241-000000000000';
    const message = 'The REST API has no organization with this id. Check the organizationId.';
    expect(
      await sandbox.execute('query ($id: ID) { environments(organizationId: $id) { name } }', { id: organizationId }),
    ).toEqual({
      data: { environments: null },
      errors: [
        failure('NOT_FOUND', ['environments'], message, {
          upstream: {
            status: 404,
            errors: [{ code: '3001', message: `The organization ${organizationId} was not found.` }],
          },
        }),
      ],
    });
  });
});

describe('Query.organizations', () => {
  const query = '{ organizations { id name } }';

  it('returns the organization of the key and its sub-organizations with one REST call', async () => {
    expect(await sandbox.execute(query)).toEqual({
      data: {
        organizations: [
          { id: 'a9f93785-0545-4876-8241-3b19b9a86721', name: 'sg1' },
          { id: atlantis, name: 'atlantis' },
        ],
      },
    });
    expect(sandbox.calls()).toEqual(['GET /organizations']);
  });

  it('needs an API key', async () => {
    expect(await sandbox.execute(query, {}, null)).toMatchObject({
      data: { organizations: null },
      errors: [{ path: ['organizations'], extensions: { code: 'UNAUTHENTICATED' } }],
    });
    expect(sandbox.calls()).toEqual([]);
  });

  it('is null with NOT_FOUND if the REST API has no such list', async () => {
    const errors = [{ code: 404, message: 'No such path.' }];
    scripted.upstream.script(() => json(404, { errors }));
    expect(await scripted.execute(`{ organizations { id } environments { id } }`)).toMatchObject({
      data: { organizations: null },
      errors: expect.arrayContaining([
        failure(
          'NOT_FOUND',
          ['organizations'],
          'The REST API has no list of organizations. Ask its operator for their ids.',
          { upstream: { status: 404, errors: [{ code: '404', message: 'No such path.' }] } },
        ),
      ]),
    });
  });

  it('returns null for a name that is absent, and is UPSTREAM_BAD_RESPONSE without an id', async () => {
    scripted.upstream.script(() => ({ data: [{ id: atlantis }] }));
    expect(await scripted.execute(query)).toEqual({ data: { organizations: [{ id: atlantis, name: null }] } });
    scripted.upstream.script(() => ({ data: [{ name: 'atlantis' }] }));
    expect(await scripted.execute(query)).toMatchObject({
      data: { organizations: null },
      errors: [{ extensions: { code: 'UPSTREAM_BAD_RESPONSE' } }],
    });
  });
});

describe.each(['v1', 'v2'])('A gateway on the sandbox, version %s', (version) => {
  it('reads environments, VPNs and VPCs', async () => {
    const graph = await (version === 'v1' ? sandbox : onVersion2).execute(`{
      organizations { name }
      environments { name serviceConnection { serviceCode } }
      siteToSiteVpns(environment: { serviceCode: "compute-on", name: "production" }) {
        nodes { name cidr vpc { name } }
      }
    }`);
    expect(graph).toEqual({
      data: {
        organizations: [{ name: 'sg1' }, { name: 'atlantis' }],
        environments: [
          { name: 'test_area', serviceConnection: { serviceCode: 'compute-on' } },
          { name: 'production', serviceConnection: { serviceCode: 'compute-on' } },
          { name: 'staging', serviceConnection: { serviceCode: 'compute-on' } },
          { name: 'cheyenne_mountain', serviceConnection: { serviceCode: 'compute-qc' } },
          { name: 'disaster_recovery', serviceConnection: { serviceCode: 'compute-qc' } },
        ],
        siteToSiteVpns: {
          nodes: [
            { name: 'payment-provider', cidr: '10.20.250.0/28', vpc: { name: 'shop' } },
            { name: 'toronto-office', cidr: '10.20.0.0/16', vpc: { name: 'shop' } },
          ],
        },
      },
    });
  });
});

const invalidSegments = [
  '',
  '.',
  '..',
  'a/b',
  'a\\b',
  'a?b',
  'a#b',
  'a%2e',
  '\u0000',
  'a\nb',
  'a\u007f',
  'a\u0085',
  '\ud800',
];
const messages = {
  serviceCode: 'The serviceCode must not be empty, "." or "..", or contain / \\ ? # % or control characters.',
  name: 'The name of the environment must not be empty, "." or "..", or contain / \\ ? # % or control characters.',
  organizationId: 'The organizationId must not be empty, "." or "..", or contain / \\ ? # % or control characters.',
} as const;
const parts = ['serviceCode', 'name', 'organizationId'] as const;

describe('EnvironmentInput', () => {
  const queries = rootFields('Query').filter(({ args }) => args.some(({ name }) => name === 'environment'));
  const mutations = rootFields('Mutation');

  it('is an argument of every query but environments, and in the input of every mutation', () => {
    expect(queries.map(({ name }) => name)).toEqual(['siteToSiteVpn', 'siteToSiteVpns', 'task', 'vpc', 'vpcs']);
    expect(mutations).toHaveLength(4);
  });

  it.each(parts)(
    'is BAD_USER_INPUT for every query, without a REST call, if its %s is not a path segment',
    async (part) => {
      for (const field of queries) {
        for (const value of invalidSegments) {
          const { query, variables } = toOperation('query', field, { [part]: value });
          const body = await sandbox.execute(query, variables);
          expect(body).toEqual({
            data: { [field.name]: null },
            errors: [failure('BAD_USER_INPUT', [field.name], messages[part])],
          });
        }
      }
      expect(sandbox.calls()).toEqual([]);
    },
  );

  it.each(parts)(
    'is INVALID for every mutation, without a REST call, if its %s is not a path segment',
    async (part) => {
      for (const field of mutations) {
        for (const value of invalidSegments) {
          const { query, variables } = toOperation(
            'mutation',
            field,
            { [part]: value },
            'userErrors { field code message }',
          );
          expect(await sandbox.execute(query, variables)).toEqual({
            data: {
              [field.name]: {
                userErrors: [{ field: ['input', 'environment', part], code: 'INVALID', message: messages[part] }],
              },
            },
          });
        }
      }
      expect(sandbox.calls()).toEqual([]);
    },
  );

  it('is rejected with all violations at once', async () => {
    const query = '{ vpcs(environment: { serviceCode: "", name: "..", organizationId: "" }) { totalCount } }';
    expect(await sandbox.execute(query)).toEqual({
      data: { vpcs: null },
      errors: [failure('BAD_USER_INPUT', ['vpcs'], Object.values(messages).join(' '))],
    });
    expect(sandbox.calls()).toEqual([]);
  });

  it('accepts null for the organization', async () => {
    const query =
      '{ vpcs(environment: { serviceCode: "compute-on", name: "staging", organizationId: null }) { totalCount } }';
    expect(await sandbox.execute(query)).toEqual({ data: { vpcs: { totalCount: 0 } } });
    expect(sandbox.calls()).toEqual(['GET /services/compute-on/staging/vpcs']);
  });
});

describe('Query', () => {
  it('returns the other root fields if one fails', async () => {
    const query = `{
      good: vpcs(environment: { serviceCode: "compute-on", name: "test_area" }) { totalCount }
      unknown: vpcs(environment: { serviceCode: "compute-on", name: "nowhere" }) { totalCount }
      rejected: siteToSiteVpns(environment: { serviceCode: "..", name: "test_area" }) { totalCount }
      both: siteToSiteVpns(environment: { serviceCode: "compute-on", name: "test_area" }, first: 1, last: 1) { totalCount }
      environments { name }
    }`;
    const body = await sandbox.execute(query);
    expect(at(body, 'data')).toMatchObject({
      good: { totalCount: 4 },
      unknown: null,
      rejected: null,
      both: null,
      environments: [{ name: 'test_area' }, {}, {}, {}, {}],
    });
    const errors = listAt(body, 'errors').map((error) => [at(error, 'path'), textAt(error, 'extensions', 'code')]);
    expect(errors.toSorted()).toEqual([
      [['both'], 'BAD_USER_INPUT'],
      [['rejected'], 'BAD_USER_INPUT'],
      [['unknown'], 'NOT_FOUND'],
    ]);
    expect(sandbox.calls().toSorted()).toEqual([
      'GET /environments',
      'GET /services/compute-on/nowhere/vpcs',
      `GET ${environmentPath}/vpcs`,
    ]);
  });
});
