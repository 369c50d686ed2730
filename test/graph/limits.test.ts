// Limits of what a request may contain: rounds from VPC to VPNs, lengths of strings, and cursors.
import { describe, expect, it } from '@jest/globals';
import {
  getNamedType,
  getNullableType,
  type GraphQLObjectType,
  isListType,
  isObjectType,
  parse,
  validate,
} from 'graphql';
import { readConfig } from '../../src/config.js';
import { createDocumentLimitsRule } from '../../src/graph/limits/document-limits.js';
import { createSchema } from '../../src/graph/schema.js';
import { environment, environmentLiteral, numberedId, range, vpcId } from '../helpers/fixtures.js';
import { at, listAt, startOnUpstream, textAt } from './graph-client.js';

const graph = await startOnUpstream();
const wide = await startOnUpstream({ maxDocumentLength: 100_000 });

const schema = createSchema();
const rule = createDocumentLimitsRule({ ...readConfig({}), maxDepth: 0 });
const violations = (query: string) => validate(schema, parse(query), [rule]).map(({ message }) => message);
const tooManyRounds =
  'The operation goes to lists of VPNs more than 2 times on one path (Vpc.siteToSiteVpns, SiteToSiteVpn.networkOverlaps). Split it into several requests.';

const vpns = (selection: string) => `siteToSiteVpns { nodes { ${selection} } }`;
const vpc = (selection: string) => `vpc { ${selection} }`;
const overlaps = (selection: string) => `networkOverlaps { siteToSiteVpn { ${selection} } }`;

describe('Rounds from VPCs and VPNs to VPNs', () => {
  const twice = vpns(vpc(vpns(vpc('id'))));

  it.each([
    ['from a VPC', `{ vpc(environment: ${environmentLiteral}, id: "${vpcId}") { ${twice} } }`],
    ['from a list of VPNs', `{ siteToSiteVpns(environment: ${environmentLiteral}) { nodes { vpc { ${twice} } } } }`],
    ['side by side', `{ vpcs(environment: ${environmentLiteral}) { nodes { ${twice} b: ${twice} } } }`],
    [
      'in an event',
      `subscription { siteToSiteVpnsUpdated(environment: ${environmentLiteral}) { nodes { vpc { ${twice} } } } }`,
    ],
  ])('are allowed twice on one path, %s', (_place, query) => {
    expect(violations(query)).toEqual([]);
  });

  it.each([
    ['from a VPC', `{ vpc(environment: ${environmentLiteral}, id: "${vpcId}") { ${vpns(vpc(twice))} } }`],
    [
      'with other names',
      `{ vpcs(environment: ${environmentLiteral}) { nodes { a: ${vpns(vpc(`b: ${vpns(vpc(`c: ${vpns('id')}`))}`))} } } }`,
    ],
    [
      'by overlaps of overlaps',
      `{ siteToSiteVpns(environment: ${environmentLiteral}) { nodes { ${overlaps(overlaps(overlaps('name')))} } } }`,
    ],
    [
      'by overlaps and lists',
      `{ vpcs(environment: ${environmentLiteral}) { nodes { ${vpns(overlaps(vpc(vpns('name'))))} } } }`,
    ],
    [
      'in a fragment of the root',
      `{ ...Q } fragment Q on Query { vpcs(environment: ${environmentLiteral}) { nodes { ${vpns(vpc(twice))} } } }`,
    ],
    [
      'through fragments',
      `{ vpcs(environment: ${environmentLiteral}) { nodes { ...A } } }
       fragment A on Vpc { siteToSiteVpns { nodes { vpc { ...B } } } }
       fragment B on Vpc { siteToSiteVpns { nodes { vpc { ... on Vpc { siteToSiteVpns { totalCount } } } } } }`,
    ],
  ])('are refused a third time, %s', (_place, query) => {
    expect(violations(query)).toEqual([tooManyRounds]);
  });

  it('are refused before execution, with GRAPHQL_VALIDATION_FAILED', async () => {
    const query = `{ vpcs(environment: ${environmentLiteral}) { nodes { ${vpns(vpc(twice))} } } }`;
    const { status, body } = await wide.send(query);
    expect(status).toBe(400);
    expect(listAt(body, 'errors').map((error) => textAt(error, 'extensions', 'code'))).toContain(
      'GRAPHQL_VALIDATION_FAILED',
    );
    expect(wide.calls()).toEqual([]);
  });

  it('are the only way to nest a list in itself', () => {
    /** Returns the list fields that lead from a type to one that was visited before. */
    const findRounds = (type: GraphQLObjectType, lists: readonly string[], path: readonly string[]): string[] =>
      Object.values(type.getFields()).flatMap((field) => {
        const coordinate = `${type.name}.${field.name}`;
        const next = getNamedType(field.type);
        if (!isObjectType(next)) return [];
        const isConnection = next.name.endsWith('Connection') || isListType(getNullableType(field.type));
        const nextLists = isConnection ? [...lists, coordinate] : lists;
        if (path.includes(next.name)) return isConnection || lists.length > 0 ? nextLists : [];
        return findRounds(next, nextLists, [...path, next.name]);
      });
    const query = schema.getQueryType();
    const rounds = new Set(
      Object.values(query?.getFields() ?? {}).flatMap(({ type }) => {
        const named = getNamedType(type);
        return isObjectType(named) ? findRounds(named, [], [named.name]) : [];
      }),
    );
    expect([...rounds].filter((coordinate) => !/Connection\.(nodes|edges)$/.test(coordinate))).toEqual([
      'Vpc.siteToSiteVpns',
      'SiteToSiteVpn.networkOverlaps',
    ]);
  });
});

describe('The length of strings', () => {
  const canary = 'canary'.repeat(3_000);
  const byId =
    'query ($environment: EnvironmentInput!, $id: ID!) { siteToSiteVpn(environment: $environment, id: $id) { id } }';
  const list =
    'query ($filter: SiteToSiteVpnFilter, $environment: EnvironmentInput!) { siteToSiteVpns(environment: $environment, filter: $filter) { totalCount } }';

  it.each([
    ['$id', byId, { environment, id: canary }],
    ['$environment.name', byId, { environment: { ...environment, name: canary }, id: vpcId }],
    ['$environment.organizationId', byId, { environment: { ...environment, organizationId: canary }, id: vpcId }],
    ['$filter.vpcId', list, { environment, filter: { vpcId: canary } }],
    ['$filter.states.1', list, { environment, filter: { states: ['CONNECTED', canary] } }],
  ])('is at most 16,384 characters in variables: %s', async (place, query, variables) => {
    const { status, body } = await graph.send(query, variables);
    expect(status).toBe(400);
    expect(at(body, 'errors', 0)).toMatchObject({
      message: `The variables are invalid: ${place} has more than 16384 characters.`,
      extensions: { code: 'BAD_USER_INPUT' },
    });
    expect(JSON.stringify(body)).not.toContain('canary');
    expect(graph.calls()).toEqual([]);
  });

  it.each([
    ['The argument id has', `{ siteToSiteVpn(environment: ${environmentLiteral}, id: "${canary}") { id } }`],
    ['The argument environment has', `{ vpcs(environment: {serviceCode: "c", name: "${canary}"}) { totalCount } }`],
    [
      'The document has',
      `query ($id: ID! = "${canary}") { siteToSiteVpn(environment: ${environmentLiteral}, id: $id) { id } }`,
    ],
  ])('is at most 16,384 characters in documents: %s', async (place, query) => {
    const { status, body } = await wide.send(query);
    expect(status).toBe(400);
    expect(at(body, 'errors', 0)).toMatchObject({
      message: `${place} a string of more than 16384 characters. Send a shorter one.`,
      extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
    });
    expect(JSON.stringify(body)).not.toContain('canary');
  });

  it.each([
    ['serviceCode', 'The serviceCode'],
    ['name', 'The name of the environment'],
    ['organizationId', 'The organizationId'],
  ])('is at most 255 characters for %s of an environment', async (field, label) => {
    graph.upstream.script(() => ({ data: [] }));
    const query = 'query ($environment: EnvironmentInput!) { vpcs(environment: $environment) { totalCount } }';
    const send = (length: number) =>
      graph.execute(query, { environment: { ...environment, [field]: 'x'.repeat(length) } });
    expect(await send(255)).toEqual({ data: { vpcs: { totalCount: 0 } } });
    graph.calls();
    expect(at(await send(256), 'errors', 0)).toMatchObject({
      message: `${label} must not be longer than 255 characters.`,
      extensions: { code: 'BAD_USER_INPUT' },
    });
    expect(graph.calls()).toEqual([]);
  });

  it('is checked in the environment of a mutation too, as a userError', async () => {
    const input = { environment: { ...environment, name: 'x'.repeat(256) }, id: numberedId('vpn', 1) };
    const query =
      'mutation ($input: DeleteSiteToSiteVpnInput!) { deleteSiteToSiteVpn(input: $input) { userErrors { field code message } } }';
    expect(listAt(await graph.execute(query, { input }), 'data', 'deleteSiteToSiteVpn', 'userErrors')).toEqual([
      {
        field: ['input', 'environment', 'name'],
        code: 'INVALID',
        message: 'The name of the environment must not be longer than 255 characters.',
      },
    ]);
    expect(graph.calls()).toEqual([]);
  });
});

describe('A cursor', () => {
  const query =
    'query ($environment: EnvironmentInput!, $after: String) { vpcs(environment: $environment, after: $after) { totalCount pageInfo { endCursor } } }';

  it('of a row whose name has 255 characters of four bytes is accepted', async () => {
    graph.upstream.script(() => ({ data: [{ id: vpcId, name: '\u{1f310}'.repeat(255) }] }));
    const after = textAt(await graph.execute(query, { environment }), 'data', 'vpcs', 'pageInfo', 'endCursor');
    expect(await graph.execute(query, { environment, after })).toMatchObject({ data: { vpcs: { totalCount: 1 } } });
  });

  it.each([
    [
      'is longer than 2,048 characters',
      Buffer.from(JSON.stringify(['vpc', 'x'.repeat(1_600), vpcId])).toString('base64url'),
    ],
    ['has characters outside base64url', `${Buffer.from(JSON.stringify(['vpc', 'x', vpcId])).toString('base64url')}=`],
    ['is empty', ''],
  ])('that %s is rejected, without a REST call', async (_problem, after) => {
    graph.calls();
    expect(at(await graph.execute(query, { environment, after }), 'errors', 0)).toMatchObject({
      message: 'after is not a cursor of this list. Use a cursor from its pageInfo or edges.',
      extensions: { code: 'BAD_USER_INPUT' },
    });
    expect(graph.calls()).toEqual([]);
  });

  it('finds its position in a long list', async () => {
    graph.upstream.script(() => ({
      data: range(500).map((index) => ({ id: numberedId('vpc', index), name: `v${index % 100}` })),
    }));
    const pages =
      'query ($environment: EnvironmentInput!, $after: String) { vpcs(environment: $environment, first: 150, after: $after) { nodes { id } pageInfo { endCursor hasNextPage } } }';
    const ids = new Set<string>();
    for (let after: string | undefined, next = true; next;) {
      const body = await graph.execute(pages, { environment, after });
      for (const node of listAt(body, 'data', 'vpcs', 'nodes')) ids.add(textAt(node, 'id'));
      after = textAt(body, 'data', 'vpcs', 'pageInfo', 'endCursor');
      next = at(body, 'data', 'vpcs', 'pageInfo', 'hasNextPage') === true;
    }
    expect(ids.size).toBe(500);
  });
});
