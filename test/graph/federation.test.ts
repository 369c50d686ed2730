// The schema as a subgraph (FEDERATION): references to VPNs and VPCs, their REST calls, cost and limits, and the composition.
import { describe, expect, it } from '@jest/globals';
import { composeServices } from '@theguild/federation-composition';
import { parse } from 'graphql';
import { createSchema, toSchemaText } from '../../src/graph/schema.js';
import {
  environment,
  environmentPath,
  numberedId,
  numberedVpc,
  numberedVpn,
  otherVpnId,
  range,
  vpcId,
  vpnId,
} from '../helpers/fixtures.js';
import { json } from '../helpers/upstream.js';
import { at, failure, startOnSandbox, startOnUpstream, textAt } from './graph-client.js';

const federation = { federation: true };
const sandbox = await startOnSandbox({}, federation);
const scripted = await startOnUpstream({ ...federation, rateLimitPerMinute: 100_000, maxListItems: 0 });
const plain = await startOnSandbox({}, { introspection: false });
const limited = await startOnSandbox({}, { ...federation, introspection: false, maxResultFields: 50 });

const vpn = (id: unknown, scope: unknown = environment) => ({
  __typename: 'SiteToSiteVpn',
  id,
  environment: scope,
});
const vpc = (id: unknown, scope: unknown = environment) => ({ __typename: 'Vpc', id, environment: scope });
const entities = (fields: string) =>
  `query ($representations: [_Any!]!) { _entities(representations: $representations) { __typename ${fields} } }`;
const names = entities('... on SiteToSiteVpn { name } ... on Vpc { name }');
const unknownId = 'ffffffff-ffff-4fff-8fff-ffffffffffff';

/** Returns the units that a query costs, by the header RateLimit. */
async function measureCost(query: string, representations: readonly unknown[]): Promise<number> {
  const key = `cost-${JSON.stringify([query, representations])}`.replace(/[^a-z0-9]/gi, '').slice(0, 200);
  const { headers } = await scripted.send(query, { representations }, key);
  const left = /;r=(\d+);/.exec(headers.get('ratelimit') ?? '')?.[1];
  return 100_000 - Number(left);
}

describe('Query._entities', () => {
  it('loads one VPN and one VPC with a GET each', async () => {
    expect(await sandbox.execute(names, { representations: [vpc(vpcId), vpn(vpnId)] })).toEqual({
      data: {
        _entities: [
          { __typename: 'Vpc', name: 'archive' },
          { __typename: 'SiteToSiteVpn', name: 'stargate' },
        ],
      },
    });
    expect(sandbox.calls().toSorted()).toEqual([
      `GET ${environmentPath}/sitetositevpns/${vpnId}`,
      `GET ${environmentPath}/vpcs/${vpcId}`,
    ]);
  });

  it('loads several of an environment from its lists, in the order of the representations', async () => {
    const query = entities('... on SiteToSiteVpn { name environment { name } vpc { name } }');
    const representations = [vpn(vpnId), vpn(unknownId), vpn(otherVpnId.toUpperCase()), vpn(vpnId)];
    const stargate = { __typename: 'SiteToSiteVpn', name: 'stargate', environment: { name: 'test_area' } };
    expect(await sandbox.execute(query, { representations })).toMatchObject({
      data: { _entities: [stargate, null, { name: 'toronto-office' }, { ...stargate, vpc: { name: 'gate-room' } }] },
    });
    expect(sandbox.calls()).toEqual([`GET ${environmentPath}/sitetositevpns`, `GET ${environmentPath}/vpcs`]);
  });

  it('is null for what does not exist, without a call if the id is not a UUID', async () => {
    const nowhere = { ...environment, name: 'nowhere' };
    const representations = [vpn(unknownId), vpn('..'), vpc('..'), vpn(vpnId, nowhere), vpn(otherVpnId, nowhere)];
    expect(await sandbox.execute(names, { representations })).toEqual({
      data: { _entities: [null, null, null, null, null] },
    });
    expect(sandbox.calls().toSorted()).toEqual([
      'GET /services/compute-on/nowhere/sitetositevpns',
      `GET ${environmentPath}/sitetositevpns/${unknownId}`,
    ]);
  });

  it('rejects an invalid representation at its index, without a call, and never repeats its values', async () => {
    const typeMessage = 'The __typename of a representation must be that of a type with a key.';
    const environmentMessage =
      'The environment of a representation must have a serviceCode and a name, and may have an organizationId.';
    const cases: [unknown, unknown][] = [
      ['canary', typeMessage],
      [[['canary']], typeMessage],
      [{ ...vpn(vpnId), __typename: 'Task' }, typeMessage],
      [{ ...vpn(vpnId), __typename: '__proto__' }, typeMessage],
      [vpn({ canary: 1 }), 'The id of a representation must be a string.'],
      [vpn(undefined), 'The id of a representation must be a string.'],
      [vpn(vpnId, null), environmentMessage],
      [vpn(vpnId, { serviceCode: ['canary'], name: 'x' }), environmentMessage],
      [vpn(vpnId, { ...environment, organizationId: 7 }), environmentMessage],
      [vpc(vpcId, { ...environment, name: '..' }), expect.stringMatching(/^The name of the environment must not be/)],
      [vpc(vpcId, { ...environment, serviceCode: 'canary/x' }), expect.stringMatching(/^The serviceCode must not/)],
      [vpn(vpnId, { ...environment, organizationId: 'c'.repeat(256) }), expect.stringMatching(/255 characters/)],
    ];
    const representations = [...cases.map(([representation]) => representation), vpc(vpcId)];
    const body = await sandbox.execute(names, { representations });
    expect(body).toEqual({
      data: { _entities: [...cases.map(() => null), { __typename: 'Vpc', name: 'archive' }] },
      errors: cases.map(([, message], index) => failure('BAD_USER_INPUT', ['_entities', index], message)),
    });
    expect(JSON.stringify(body)).not.toMatch(/canary/);
    expect(sandbox.calls()).toEqual([`GET ${environmentPath}/vpcs/${vpcId}`]);
  });

  it('reports a failed list call at each reference to it, and keeps the others', async () => {
    scripted.upstream.script(({ url }) =>
      url.includes('/sitetositevpns')
        ? json(403, { errors: [{ code: 'X', message: 'No.' }] })
        : { data: [numberedVpc(1), numberedVpc(2)] },
    );
    const representations = [1, 2].flatMap((index) => [vpn(numberedId('vpn', index)), vpc(numberedId('vpc', index))]);
    expect(await scripted.execute(names, { representations })).toMatchObject({
      data: { _entities: [null, { name: 'vpc-0001' }, null, { name: 'vpc-0002' }] },
      errors: [0, 2].map((index) => ({ path: ['_entities', index], extensions: { code: 'FORBIDDEN' } })),
    });
  });

  it('needs an API key', async () => {
    expect(await sandbox.execute(names, { representations: [vpn(vpnId)] }, null)).toMatchObject({
      data: null,
      errors: [{ path: ['_entities'], extensions: { code: 'UNAUTHENTICATED' } }],
    });
    expect(sandbox.calls()).toEqual([]);
  });

  it('charges each type and environment for its load and for the calls of the fields', async () => {
    scripted.upstream.script(() => ({ data: [numberedVpn(1, 1)] }));
    const many = range(100);
    const elsewhere = (index: number) => ({ ...environment, name: `area-${index}` });
    const withVpc = entities('...V').concat(' fragment V on SiteToSiteVpn { name vpc { name } }');
    expect(await measureCost(names, [vpn(vpnId)])).toBe(1);
    expect(
      await measureCost(
        names,
        many.map((index) => vpn(numberedId('vpn', index))),
      ),
    ).toBe(1);
    expect(
      await measureCost(
        names,
        many.map((index) => vpn(vpnId, elsewhere(index))),
      ),
    ).toBe(100);
    expect(
      await measureCost(
        withVpc,
        many.map((index) => vpn(vpnId, elsewhere(index))),
      ),
    ).toBe(200);
    expect(await measureCost(names, [vpn(vpnId), vpc(vpcId), vpc(vpcId, elsewhere(1)), 'invalid'])).toBe(3);
  });

  it('makes at most 100 REST calls', async () => {
    scripted.upstream.script(() => ({ data: numberedVpn(1, 1) }));
    const representations = range(101).map((index) =>
      vpn(numberedId('vpn', 1), { ...environment, name: `area-${index}` }),
    );
    expect(await scripted.execute(names, { representations })).toMatchObject({
      errors: [{ path: ['_entities', 100], extensions: { code: 'OPERATION_TOO_COMPLEX' } }],
    });
    expect(scripted.calls()).toHaveLength(100);
  });

  it('counts in the result as the largest of its types', async () => {
    const query = entities('... on SiteToSiteVpn { id name state gateway cidr } ... on Vpc { id }');
    const send = async (count: number) =>
      at(await limited.execute(query, { representations: range(count).map(() => vpn(vpnId)) }), 'errors');
    expect(await send(7)).toBeUndefined();
    expect(await send(8)).toMatchObject([{ extensions: { code: 'OPERATION_TOO_COMPLEX' } }]);
  });
});

describe('Query._service', () => {
  it('returns the schema with the directives of Federation 2, without an API key', async () => {
    const sdl = textAt(await sandbox.execute('{ _service { sdl } }', {}, null), 'data', '_service', 'sdl');
    expect(sdl.split('\n').filter((line) => /@(link|key|shareable)/.test(line))).toEqual([
      'extend schema @link(url: "https://specs.apollo.dev/federation/v2.0", import: ["@key", "@shareable"])',
      'type EnvironmentScope @shareable {',
      'type PageInfo @shareable {',
      'type SiteToSiteVpn @key(fields: "id environment { serviceCode name organizationId }") {',
      'type Vpc @key(fields: "id environment { serviceCode name organizationId }") {',
    ]);
    expect(sdl).not.toMatch(/_entities|_service/);
  });

  it('is rejected like introspection if that is off', async () => {
    expect(await limited.send('{ _service { sdl } }')).toMatchObject({
      status: 400,
      body: { errors: [{ message: 'Introspection is disabled.' }] },
    });
  });

  it('is unknown without FEDERATION', async () => {
    expect(await plain.send('{ _service { sdl } }')).toMatchObject({
      status: 400,
      body: { errors: [{ message: 'Unknown field "_service".' }] },
    });
  });
});

describe('The composition of a supergraph', () => {
  const plainText = toSchemaText(createSchema());
  const sites = `
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@shareable"])
    type Query { sites: [Site!]! }
    type Site { name: String! vpn: SiteToSiteVpn }
    type SiteToSiteVpn @key(fields: "id environment { serviceCode name organizationId }", resolvable: false) {
      id: ID!
      environment: EnvironmentScope
    }
    type EnvironmentScope @shareable { serviceCode: String! name: String! organizationId: ID }
    type PageInfo @shareable { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }
  `;
  const other = `
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@shareable"])
    type Query { version: String! }
    type PageInfo @shareable { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }
  `;
  const compose = (...texts: string[]) =>
    composeServices(
      texts.map((text, index) => ({ name: `subgraph${index}`, url: 'http://127.0.0.1/', typeDefs: parse(text) })),
    );

  it('succeeds with schema.graphql as it is, alone and beside another subgraph', () => {
    expect(compose(plainText).errors).toBeUndefined();
    expect(compose(plainText, other).errors).toBeUndefined();
  });

  it('succeeds with the subgraph, alone and beside one that refers to VPNs', async () => {
    const sdl = textAt(await sandbox.execute('{ _service { sdl } }'), 'data', '_service', 'sdl');
    expect(compose(sdl).errors).toBeUndefined();
    const { errors, supergraphSdl } = compose(sdl, sites);
    expect(errors).toBeUndefined();
    expect(supergraphSdl).toMatch(/type Site\b[\s\S]*vpn: SiteToSiteVpn/);
  });
});
