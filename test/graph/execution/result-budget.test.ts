// The result budget over HTTP: which results are too large, in compiled and interpreted execution and in events, and that the work stops.
import type { ServerResponse } from 'node:http';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { ResultBudget, ResultTooLargeError } from '../../../src/graph/execution/result-budget.js';
import { startOnRestApi } from '../../server/subscriptions/polling-gateway.js';
import { createWebSocketClient, startSubscription } from '../../server/subscriptions/subscribers.js';
import { environment, environmentPath, numberedId, numberedVpc, numberedVpn, range } from '../../helpers/fixtures.js';
import { json } from '../../helpers/upstream.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { at, deadlineMs, listAt, requestId, startOnUpstream, textAt } from '../graph-client.js';

const maxFields = 100;
// Calls that nothing cancels take longer than a test may.
const graph = await startOnUpstream({ maxResultFields: maxFields, cloudcaApiTimeoutMs: 10 * deadlineMs });
const wider = await startOnUpstream({ maxResultFields: 400 });
const unlimited = await startOnUpstream({ maxResultFields: 0 });

const tooManyFields =
  `The result would have more than ${maxFields} fields in the rows of its lists (MAX_RESULT_FIELDS). ` +
  'Select fewer fields, or fewer rows with first or filter, or send several requests.';

function tooComplex(message: unknown = tooManyFields, more: object = {}): object {
  return { data: null, errors: [{ message, extensions: { code: 'OPERATION_TOO_COMPLEX', requestId, ...more } }] };
}

/** Makes the REST API have this many VPNs, all of one VPC, and this many VPCs. */
function respondWith({ upstream }: typeof graph, vpns: number, vpcs = 1, vpcFields = {}): void {
  upstream.script(({ url }) => {
    if (url.includes('/sitetositevpns')) return { data: range(vpns).map((index) => numberedVpn(index, 0)) };
    const list = range(vpcs).map((index) => numberedVpc(index, vpcFields));
    return url.includes('/vpcs/') ? { data: list[0] } : { data: list };
  });
}

const variables = { environment };
const query = (fields: string) => `query ($environment: EnvironmentInput!) { ${fields} }`;

// graphql-jit compiles a query at its third execution, but none with an underscore in an alias.
const modes: readonly (readonly [string, number, string])[] = [
  ['interpreted', 1, 'a_b: '],
  ['compiled', 4, ''],
];

describe.each(modes)('The result budget in %s execution', (_mode, times, alias) => {
  const run = async (fields: string, more: Readonly<Record<string, unknown>> = {}): Promise<unknown> => {
    let body: unknown;
    for (let time = 0; time < times; time++) body = await graph.execute(query(fields), { ...variables, ...more });
    return body;
  };
  const rows = (selection: string) => `${alias}siteToSiteVpns(environment: $environment) { ${selection} }`;
  const name = alias === '' ? 'siteToSiteVpns' : 'a_b';

  it('allows as many rows and fields as MAX_RESULT_FIELDS, and not one row more', async () => {
    // Each row has 4 fields and is itself an object.
    respondWith(graph, 20);
    expect(listAt(await run(rows('nodes { id name state cidr }')), 'data', name, 'nodes')).toHaveLength(20);
    respondWith(graph, 21);
    expect(await run(rows('nodes { id name state cidr }'))).toEqual(tooComplex());
  });

  it('counts the fields of edges and of nested objects', async () => {
    // The edge, its cursor, its node, the id, the VPC and the name of the VPC.
    respondWith(graph, 16);
    expect(await run(rows('edges { cursor node { id vpc { name } } }'))).toMatchObject({ data: { [name]: {} } });
    respondWith(graph, 17);
    expect(await run(rows('edges { cursor node { id vpc { name } } }'))).toEqual(tooComplex());
  });

  it('counts an alias as a field of its own, and a repeated field once', async () => {
    respondWith(graph, 30);
    expect(await run(rows('nodes { id id ... on SiteToSiteVpn { id } }'))).toMatchObject({ data: {} });
    expect(await run(rows('nodes { id a: id b: id }'))).toEqual(tooComplex());
  });

  it('counts the rows of nested lists', async () => {
    // 9 rows with 4 fields and objects each, and 9 lists of 9 rows with 2 each.
    respondWith(graph, 9);
    const nested = rows('nodes { vpc { siteToSiteVpns { nodes { id } } } }');
    expect(await run(nested)).toEqual(tooComplex());
    respondWith(graph, 5);
    expect(await run(nested)).toMatchObject({ data: {} });
  });

  it('replaces the whole result by one error, also that of other root fields', async () => {
    respondWith(graph, 200);
    const others = range(5).map((index) => `a${index}: siteToSiteVpns(environment: $environment) { nodes { id } }`);
    expect(await run(`${rows('nodes { id }')} ${others.join(' ')} __typename`)).toEqual(tooComplex());
  });

  it('begins no REST call for the rows of a list that is too large', async () => {
    respondWith(graph, 1, 200);
    const vpcs = `${alias}vpcs(environment: $environment) { nodes { id siteToSiteVpns { totalCount } } }`;
    graph.calls();
    expect(await run(vpcs)).toEqual(tooComplex());
    expect(graph.calls()).toEqual(range(times).map(() => `GET ${environmentPath}/vpcs`));
  });

  it('responds at once, and cancels the REST calls in flight', async () => {
    const held = new Set<ServerResponse>();
    const vpcs = json(200, { data: range(200).map((index) => numberedVpc(index)) });
    graph.upstream.script(({ url }) => (response) => {
      if (url.includes('/vpcs'))
        void waitUntil(() => held.size > 0).then(() => {
          vpcs(response);
        });
      else held.add(response.on('close', () => held.delete(response)));
    });
    const fields = `vpcs(environment: $environment) { nodes { id } } ${rows('totalCount')}`;
    expect(await run(fields)).toEqual(tooComplex());
    await waitUntil(() => held.size === 0);
  });

  it('has no limit if MAX_RESULT_FIELDS is 0, and returns the rows of large lists in order', async () => {
    respondWith(unlimited, 3_000);
    const fields = rows('nodes { id name state vpc { name } }');
    for (let time = 0; time < times; time++) {
      const body = await unlimited.execute(query(fields), variables);
      expect(listAt(body, 'data', name, 'nodes')).toEqual(
        range(3_000).map((index) => ({
          id: numberedId('vpn', index),
          name: `vpn-${String(index).padStart(4, '0')}`,
          state: 'CONNECTED',
          vpc: { name: 'vpc-0000' },
        })),
      );
    }
  });

  it('counts 10 fields for each error after the first 100', async () => {
    const respondWithout = (count: number) => {
      wider.upstream.script(({ url }) =>
        url.includes('/vpcs')
          ? json(403, { errors: [] })
          : { data: range(count).map((index) => numberedVpn(index, 0)) },
      );
    };
    const failing = query(rows('nodes { a: vpc { name } b: vpc { name } c: vpc { name } }'));
    for (let time = 0; time < times; time++) {
      respondWithout(33);
      expect(listAt(await wider.execute(failing, variables), 'errors')).toHaveLength(99);
      respondWithout(50);
      expect(await wider.execute(failing, variables)).toEqual(
        tooComplex(expect.stringContaining('more than 400 fields')),
      );
    }
  });

  it('rejects a result of more than 32 Mi characters before it is made a text', async () => {
    respondWith(unlimited, 6, 1, { description: 'x'.repeat(1024 * 1024) });
    const fields = (count: number) =>
      rows(
        `nodes { vpc { ${range(count)
          .map((index) => `a${index}: description`)
          .join(' ')} } }`,
      );
    for (let time = 0; time < times; time++) {
      expect(await unlimited.execute(query(fields(6)), variables)).toEqual(
        tooComplex(expect.stringMatching(/^The result would be longer than 33554432 characters\. Select fewer/)),
      );
    }
    expect(await unlimited.execute(query(fields(2)), variables)).toMatchObject({ data: {} });
  });
});

describe('The result budget', () => {
  beforeEach(() => {
    respondWith(graph, 15);
  });

  it('does not count what @skip and @include exclude', async () => {
    const fields =
      'siteToSiteVpns(environment: $environment) { nodes { id a: name @skip(if: true) ... @include(if: $all) { b: name c: name d: name e: name f: name g: name } } }';
    const withAll = `query ($environment: EnvironmentInput!, $all: Boolean!) { ${fields} }`;
    expect(await graph.execute(withAll, { environment, all: false })).toMatchObject({ data: {} });
    expect(await graph.execute(withAll, { environment, all: true })).toEqual(tooComplex());
  });

  it('counts 0 rows for an empty list, and 1 for a field without a list', async () => {
    respondWith(graph, 0);
    const fields = 'siteToSiteVpns(environment: $environment) { nodes { id } totalCount }';
    expect(await graph.execute(query(fields), variables)).toEqual({
      data: { siteToSiteVpns: { nodes: [], totalCount: 0 } },
    });
  });

  it('counts every environment of Query.environments', async () => {
    graph.upstream.script(() => ({ data: range(60).map((index) => ({ id: `e${index}`, name: `n${index}` })) }));
    expect(await graph.execute('{ environments { id } }')).toEqual(tooComplex());
  });

  it('says that writes may have been sent if the result of a mutation is too large, and begins no other', async () => {
    graph.upstream.script(({ method, url }) => {
      if (method !== 'GET') return { taskId: numberedId('task', 1), taskStatus: 'PENDING' };
      if (url.includes('/vpcs')) return { data: numberedVpc(0) };
      if (url.includes('vpc_id')) return { data: range(80).map((index) => numberedVpn(index, 0)) };
      return { data: numberedVpn(1, 0) };
    });
    const reset = `resetSiteToSiteVpn(input: {environment: $environment, id: "${numberedId('vpn', 1)}"})`;
    const fields = '{ siteToSiteVpn { vpc { name siteToSiteVpns { nodes { id } } } } }';
    graph.calls();
    const body = await graph.execute(
      `mutation ($environment: EnvironmentInput!) { ${reset} ${fields} b: ${reset} ${fields} }`,
      variables,
    );
    expect(body).toEqual(
      tooComplex(
        `${tooManyFields} The writes of this mutation may have been sent. Before you retry, check what they were to change.`,
        { outcomeUnknown: true },
      ),
    );
    expect(graph.calls().filter((call) => call.startsWith('POST'))).toHaveLength(1);
  });

  it('limits each event of a subscription by itself, and the subscription goes on', async () => {
    const { rest, url } = await startOnRestApi({ maxResultFields: maxFields });
    const list = (count: number) => range(count).map((index) => numberedVpn(index, 0));
    const client = createWebSocketClient(url);
    rest.state.vpns = list(50);
    const subscription = `subscription ($environment: EnvironmentInput!) { siteToSiteVpnsUpdated(environment: $environment) { nodes { id } } }`;
    const { events, waitForEvents } = startSubscription((sink) =>
      client.subscribe({ query: subscription, variables }, sink),
    );
    await waitForEvents(1);
    rest.state.vpns = list(51);
    await waitForEvents(2);
    rest.state.vpns = list(49);
    await waitForEvents(3);
    expect(listAt(events, 0, 'data', 'siteToSiteVpnsUpdated', 'nodes')).toHaveLength(50);
    expect(at(events, 1, 'data')).toBeNull();
    expect(listAt(events, 1, 'errors')).toHaveLength(1);
    expect(textAt(events, 1, 'errors', 0, 'extensions', 'code')).toBe('OPERATION_TOO_COMPLEX');
    expect(listAt(events, 2, 'data', 'siteToSiteVpnsUpdated', 'nodes')).toHaveLength(49);
    await client.dispose();
  });
});

describe('Vpc.siteToSiteVpns', () => {
  it('returns the VPNs of each VPC of a list, and an empty list for a VPC without VPNs', async () => {
    unlimited.upstream.script(({ url }) =>
      url.includes('/vpcs')
        ? { data: range(3).map((index) => numberedVpc(index)) }
        : { data: [numberedVpn(1, 1), numberedVpn(2, 0), numberedVpn(3, 1)] },
    );
    const fields = 'vpcs(environment: $environment) { nodes { siteToSiteVpns { nodes { id } } } }';
    const ids = (...indexes: number[]) => ({ nodes: indexes.map((index) => ({ id: numberedId('vpn', index) })) });
    expect(await unlimited.execute(query(fields), variables)).toEqual({
      data: { vpcs: { nodes: [ids(2), ids(1, 3), ids()].map((siteToSiteVpns) => ({ siteToSiteVpns })) } },
    });
  });
});

describe('ResultBudget.takeText', () => {
  it('stops the operation if the texts have more than 32 Mi characters', () => {
    let cancellations = 0;
    const budget = new ResultBudget(0, undefined, () => cancellations++);
    budget.takeText(20 * 1024 * 1024);
    budget.takeText(12 * 1024 * 1024);
    expect(cancellations).toBe(0);
    expect(() => {
      budget.takeText(1);
    }).toThrow('The result would be longer than 33554432 characters.');
    expect(cancellations).toBe(1);
  });
});

describe('ResultBudget.announceRows', () => {
  it('stops the operation once the announced rows alone exceed the limit', () => {
    let cancelled = 0;
    const budget = new ResultBudget(10, undefined, () => cancelled++);
    budget.announceRows(6);
    budget.announceRows(4);
    expect(budget.stopReason).toBeUndefined();
    expect(() => {
      budget.announceRows(1);
    }).toThrow('more than 10 fields');
    expect([cancelled, budget.stopReason]).toEqual([1, expect.any(ResultTooLargeError)]);
  });

  it('stops nothing without a limit', () => {
    const budget = new ResultBudget(0, undefined, () => undefined);
    budget.announceRows(1_000_000);
    expect(budget.stopReason).toBeUndefined();
  });
});
