// What one key, and all keys together, may ask for: refused in GraphQL's shape with Retry-After, and nothing is sent for it.
import { describe, expect, it } from '@jest/globals';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildSchema, type DocumentNode, Kind, type OperationDefinitionNode, parse } from 'graphql';
import { toExpectedRestCalls } from '../../../src/graph/limits/query-cost.js';
import { createSchema } from '../../../src/graph/schema.js';
import { startGateway, startGatewayOnSandbox, type TestGateway } from '../../helpers/gateway.js';
import { until } from '../../helpers/until.js';
import { json, startUpstream } from '../../helpers/upstream.js';
import { post } from '../../helpers/wire.js';

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

  it('costs nothing to ask for what is refused unexecuted', async () => {
    const { run } = await startGatewayOnSandbox({}, { rateLimitPerMinute: 1 });
    for (let count = 0; count < 3; count++) {
      const unfit = await run(`query ($id: ID!) { siteToSiteVpn(${environment}, id: $id) { id } }`);
      expect(unfit.status).toBe(400);
    }
    expect((await run(list)).status).toBe(200);
    expect((await run(list)).status).toBe(429);
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
  const held: { key: unknown; response: ServerResponse }[] = [];
  const upstream = await startUpstream(({ method, url, headers }) => {
    if (method === 'POST') return { taskId: 'cd7a2da8-6739-4bf6-9e71-518831525ea0', taskStatus: 'PENDING' };
    if (url.includes('/tasks/')) return { taskId: 'cd7a2da8-6739-4bf6-9e71-518831525ea0', taskStatus: 'PENDING' };
    return (response) => held.push({ key: headers['mc-api-key'], response });
  });
  return {
    upstream,
    /** Waits until that many calls are held. */
    holds: (count: number) => until(() => held.length >= count),
    /** Answers what is held, of one key or of all. */
    release: (of?: string) => {
      for (const { key, response } of held.splice(0)) {
        if (of === undefined || key === of) json(200, { data: [] })(response);
        else held.push({ key, response });
      }
    },
    /** By which keys lists were asked for, in order. */
    keys: () => upstream.calls.filter(({ method }) => method === 'GET').map(({ headers }) => headers['mc-api-key']),
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

/** Waits until so many operations queue. */
async function queues({ metrics }: TestGateway, count: number): Promise<void> {
  for (let tries = 0; tries < 1_000; tries++) {
    if ((await metrics.text()).includes(`gateway_operations_queued ${count}\n`)) return;
    await sleep(10);
  }
  throw new Error(`There are never ${count} in the queue.`);
}

/** An operation whose reads share no call with those of another number. */
function listOf(number: number): string {
  return `{ siteToSiteVpns(environment: {serviceCode: "compute-on", name: "area-${number}"}) { totalCount } }`;
}

describe('MAX_QUEUED and MAX_QUEUE_MS', () => {
  const long = { maxQueued: 4, maxQueueMs: 60_000 };
  const empty = { status: 200, body: { data: { siteToSiteVpns: { totalCount: 0 } } } };

  it.each([
    ['maxInFlightPerKey', 'sandbox-key', 429, 'RATE_LIMITED', 'operations_of_key'],
    ['maxInFlight', 'another-key', 503, 'OVERLOADED', 'operations'],
  ])('have one beyond %s wait, and refuse it when the time is over', async (limit, key, status, code, full) => {
    const { upstream, holds, release } = await startHeldUpstream();
    const { run, metrics } = await startGateway(upstream.url, { [limit]: 1, maxQueueMs: 50 });
    const first = run(list);
    await holds(1);
    const reset = `mutation { resetSiteToSiteVpn(input: {${environment}, id: "ca86b14f-20db-463d-b58a-9d3fa5959af2"}) { task { status } } }`;
    const refused = await run(reset, {}, { key });
    release();

    expect(refused.status).toBe(status);
    expect(refused.headers.get('retry-after')).toBe('1');
    const requestId = refused.headers.get('x-request-id');
    expect(refused.body).toEqual({
      errors: [{ message: expect.any(String), extensions: { code, retryAfter: 1, requestId } }],
    });
    expect(await first).toMatchObject(empty);
    expect(upstream.calls.map(({ method }) => method)).toEqual(['GET']);
    expect(await metrics.text()).toMatch(`\ngateway_shed_total{full="${full}"} 1\n`);
  });

  it('let it in when another has ended', async () => {
    const { upstream, holds, release } = await startHeldUpstream();
    const gateway = await startGateway(upstream.url, { maxInFlightPerKey: 1, ...long });
    const first = gateway.run(listOf(1));
    await holds(1);
    const second = gateway.run(listOf(2));
    await queues(gateway, 1);
    expect(upstream.calls).toHaveLength(1);
    release();
    await holds(1);
    await queues(gateway, 0);
    release();

    expect([(await first).status, (await second).status]).toEqual([200, 200]);
  });

  it('have keys take turns, whoever came first, and share the queue, whoever fills it', async () => {
    const { upstream, holds, release, keys } = await startHeldUpstream();
    const gateway = await startGateway(upstream.url, { maxInFlight: 1, ...long });
    const ask = (number: number, key: string) => gateway.run(listOf(number), {}, { key }).then(({ status }) => status);
    const flood: Promise<number>[] = [];
    const others: Promise<number>[] = [];
    for (let number = 0; number < 5; number++) {
      flood.push(ask(number, 'flood'));
      if (number === 0) await holds(1);
      else await queues(gateway, number);
    }
    expect(await ask(5, 'flood')).toBe(503);
    for (const [index, key] of ['other', 'third'].entries()) {
      others.push(ask(1, key));
      // Its newest makes way.
      expect(await flood[4 - index]).toBe(503);
      await queues(gateway, 4);
    }
    for (let served = 1; served <= 5; served++) {
      await until(() => upstream.calls.length === served);
      await holds(1);
      release();
    }

    expect(await Promise.all(others)).toEqual([200, 200]);
    expect(await Promise.all(flood)).toEqual([200, 200, 200, 503, 503]);
    expect(keys()).toEqual(['flood', 'flood', 'other', 'third', 'flood']);
  });

  it('pass over a key that may have no more at work', async () => {
    const { upstream, holds, release, keys } = await startHeldUpstream();
    const gateway = await startGateway(upstream.url, { maxInFlight: 2, maxInFlightPerKey: 1, ...long });
    const asked: ReturnType<typeof gateway.run>[] = [];
    for (const [index, key] of ['flood', 'other', 'flood', 'other'].entries()) {
      asked.push(gateway.run(listOf(index), {}, { key }));
      if (index < 2) await holds(index + 1);
      else await queues(gateway, index - 1);
    }
    release('other');
    await until(() => keys().length === 3);
    await holds(2);
    release();
    await holds(1);
    release();

    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(keys()).toEqual(['flood', 'other', 'other', 'flood']);
  });

  it('do not count against the deadline', async () => {
    let calls = 0;
    const upstream = await startUpstream(() => (calls++ === 0 ? () => undefined : { data: [] }));
    const { run } = await startGateway(upstream.url, { maxInFlight: 1, cloudcaApiTimeoutMs: 300, ...long });
    const first = run(listOf(1));
    await until(() => calls === 1);
    const second = run(listOf(2));

    expect(await first).toMatchObject({ body: { errors: [{ extensions: { code: 'UPSTREAM_TIMEOUT' } }] } });
    expect(await second).toMatchObject(empty);
  });

  it('forget who leaves, and nothing is sent for them', async () => {
    const { upstream, holds, release } = await startHeldUpstream();
    const gateway = await startGateway(upstream.url, { maxInFlight: 1, ...long });
    const first = gateway.run(listOf(1));
    await holds(1);
    const leaving = new AbortController();
    const left = post(gateway.url, { query: listOf(2) }, { 'mc-api-key': 'another-key' }, leaving.signal);
    await queues(gateway, 1);
    leaving.abort();
    await expect(left).rejects.toMatchObject({ name: 'AbortError' });
    await queues(gateway, 0);
    release();

    expect(await first).toMatchObject(empty);
    expect(upstream.calls).toHaveLength(1);
  });

  it('end with the process: who queues is told so, and who is at work is answered', async () => {
    const { upstream, holds, release } = await startHeldUpstream();
    const gateway = await startGateway(upstream.url, { maxInFlightPerKey: 1, ...long });
    const first = gateway.run(listOf(1));
    await holds(1);
    const second = gateway.run(listOf(2));
    await queues(gateway, 1);
    gateway.lifecycle.drain();

    expect(await second).toMatchObject({ status: 503, body: { errors: [{ extensions: { code: 'OVERLOADED' } }] } });
    release();
    expect(await first).toMatchObject(empty);
    expect(upstream.calls).toHaveLength(1);
  });

  it('hold no place for what was refused for another reason meanwhile', async () => {
    const { upstream, holds, release } = await startHeldUpstream();
    const gateway = await startGateway(upstream.url, { maxInFlight: 1, ...long });
    const first = gateway.run(listOf(1));
    await holds(1);
    const unfit = await gateway.run(`query ($id: ID!) { siteToSiteVpn(${environment}, id: $id) { id } }`);
    release();
    await first;
    const next = gateway.run(listOf(2));
    await holds(1);
    release();

    expect(unfit.status).toBe(400);
    expect(await next).toMatchObject(empty);
  });
});
