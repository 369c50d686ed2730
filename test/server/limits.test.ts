// What one key, and all keys together, may ask for: refused in GraphQL's shape with Retry-After, and nothing is sent for it.
import { describe, expect, it } from '@jest/globals';
import type { ServerResponse } from 'node:http';
import { buildSchema, type DocumentNode, Kind, type OperationDefinitionNode, parse } from 'graphql';
import { toExpectedRestCalls } from '../../src/graph/cost.js';
import { createSchema } from '../../src/graph/schema.js';
import { startGateway, startGatewayOnSandbox } from '../helpers/gateway.js';
import { until } from '../helpers/until.js';
import { json, startUpstream } from '../helpers/upstream.js';

const environment = 'environment: {serviceCode: "compute-on", name: "test_area"}';
const list = `{ siteToSiteVpns(${environment}) { totalCount } }`;

function toOperation(document: DocumentNode): OperationDefinitionNode {
  const operation = document.definitions.find((each) => each.kind === Kind.OPERATION_DEFINITION);
  if (operation === undefined) throw new TypeError('The document has no operation.');
  return operation;
}

describe('the expected REST calls of an operation', () => {
  const schema = createSchema();
  const id = 'id: "d49b2922-0581-4587-94df-6fe719327d0f"';
  it.each([
    [1, '{ __typename }'],
    [1, list],
    [1, `{ siteToSiteVpns(${environment}) { nodes { vpc { id __typename } } } }`],
    [2, `{ siteToSiteVpns(${environment}) { nodes { vpc { name } } } }`],
    [2, `{ siteToSiteVpns(${environment}) { nodes { vpc { ...V } } } } fragment V on Vpc { name }`],
    [2, `{ vpcs(${environment}) { nodes { siteToSiteVpns { totalCount } } } }`],
    [1, '{ environments { name serviceConnection { name } } }'],
    [2, '{ environments { name serviceConnection { serviceCode type } } }'],
    [3, `{ task(${id}) { siteToSiteVpn { vpc { name } } } }`],
    [2, `mutation { resetSiteToSiteVpn(input: {${environment}, ${id}}) { siteToSiteVpn { state } } }`],
    [
      3,
      `{ a: siteToSiteVpn(${environment}, ${id}) { id } b: vpcs(${environment}) { totalCount } environments { id } }`,
    ],
  ])('is %i for %s', (expected, text) => {
    const document = parse(text);
    expect(toExpectedRestCalls(schema, document, toOperation(document))).toBe(expected);
  });

  it('is at least 1 where no field says that it makes a call', () => {
    const document = parse('{ a }');
    expect(toExpectedRestCalls(buildSchema('type Query { a: Int }'), document, toOperation(document))).toBe(1);
  });
});

describe('RATE_LIMIT_PER_MINUTE', () => {
  it('refuses a key that has spent it, with 429 and Retry-After, and no other key', async () => {
    const { run, sandbox } = await startGatewayOnSandbox({}, { rateLimitPerMinute: 3 });
    const deep = `{ siteToSiteVpns(${environment}) { nodes { vpc { name } } } }`;
    expect((await run(deep)).status).toBe(200);
    const calls = sandbox.calls.length;

    const refused = await run(deep);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(refused.body).toEqual({
      errors: [
        {
          message: 'This API key has asked for too much within a minute; ask again later.',
          extensions: {
            code: 'RATE_LIMITED',
            retryAfter: Number(refused.headers.get('retry-after')),
            requestId: refused.headers.get('x-request-id'),
          },
        },
      ],
    });
    expect(sandbox.calls).toHaveLength(calls);
    expect((await run(list, {}, { key: 'read-only-key' })).status).toBe(200);
  });

  it('costs nothing to wait for a task', async () => {
    const { run } = await startGatewayOnSandbox({}, { rateLimitPerMinute: 1 });
    const reset = `mutation { resetSiteToSiteVpn(input: {${environment}, id: "ca86b14f-20db-463d-b58a-9d3fa5959af2", waitSeconds: 1}) { task { status } } }`;
    expect(await run(reset)).toMatchObject({
      status: 200,
      body: { data: { resetSiteToSiteVpn: { task: { status: 'PENDING' } } } },
    });
  });
});

/** An upstream that answers lists only when it is told to, and tasks never with their end. */
async function startHeldUpstream() {
  const held: ServerResponse[] = [];
  const upstream = await startUpstream(({ method, url }) => {
    if (method === 'POST') return { taskId: 'cd7a2da8-6739-4bf6-9e71-518831525ea0', taskStatus: 'PENDING' };
    if (url.includes('/tasks/')) return { taskId: 'cd7a2da8-6739-4bf6-9e71-518831525ea0', taskStatus: 'PENDING' };
    return (response) => held.push(response);
  });
  return {
    upstream,
    /** Waits until that many calls are held. */
    holds: (count: number) => until(() => held.length >= count),
    release: () => {
      for (const response of held.splice(0)) json(200, { data: [] })(response);
    },
  };
}

describe('MAX_IN_FLIGHT_PER_KEY and MAX_IN_FLIGHT', () => {
  it('refuse one operation too many of a key with 429, and take it when another has ended', async () => {
    const { upstream, holds, release } = await startHeldUpstream();
    const { run } = await startGateway(upstream.url, { maxInFlightPerKey: 1 });
    const first = run(list);
    await holds(1);
    const second = await run(list);
    expect(second).toMatchObject({ status: 429, body: { errors: [{ extensions: { code: 'RATE_LIMITED' } }] } });
    expect(second.headers.get('retry-after')).toBe('1');
    const other = run(list, {}, { key: 'another-key' });
    await holds(2);
    release();
    expect((await first).status).toBe(200);
    expect((await other).status).toBe(200);
    const third = run(list);
    await holds(1);
    release();
    expect((await third).status).toBe(200);
  });

  it('refuse one operation too many in all with 503', async () => {
    const { upstream, holds, release } = await startHeldUpstream();
    const { run } = await startGateway(upstream.url, { maxInFlight: 1 });
    const first = run(list);
    await holds(1);
    const second = await run(list, {}, { key: 'another-key' });
    expect(second).toMatchObject({ status: 503, body: { errors: [{ extensions: { code: 'OVERLOADED' } }] } });
    expect(second.headers.get('retry-after')).toBe('1');
    expect((await run('{ __typename }', {}, { key: null })).status).toBe(200);
    release();
    expect((await first).status).toBe(200);
  });

  it('do not count an operation that waits for a task', async () => {
    const { upstream, holds, release } = await startHeldUpstream();
    const { run } = await startGateway(upstream.url, { maxInFlight: 1 });
    const reset = `mutation { resetSiteToSiteVpn(input: {${environment}, id: "ca86b14f-20db-463d-b58a-9d3fa5959af2", waitSeconds: 60}) { task { status } } }`;
    let answered = false;
    const waiting = run(reset).finally(() => {
      answered = true;
    });
    await until(() => upstream.calls.some(({ url }) => url.includes('/tasks/')));
    const other = run(list);
    await holds(1);
    release();
    expect((await other).status).toBe(200);
    expect(answered).toBe(false);
    upstream.script(() => ({ taskId: 'cd7a2da8-6739-4bf6-9e71-518831525ea0', taskStatus: 'SUCCESS' }));
    expect(await waiting).toMatchObject({ body: { data: { resetSiteToSiteVpn: { task: { status: 'SUCCESS' } } } } });
  });
});
