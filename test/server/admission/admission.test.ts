// Admission: the rate limit, the concurrency limits and the queue. A rejection has Retry-After, and causes no REST call.
import { describe, expect, it } from '@jest/globals';
import type { ServerResponse } from 'node:http';
import { SANDBOX_KEY } from '../../../src/sandbox/keys.js';
import { useFakeClock } from '../../helpers/fake-clock.js';
import { environmentLiteral, keyHeader, otherKey, otherVpnId, taskId, vpnId } from '../../helpers/fixtures.js';
import { startGateway, type TestGateway } from '../../helpers/gateway.js';
import { post } from '../../helpers/http.js';
import { json, startUpstream } from '../../helpers/upstream.js';
import { waitUntil } from '../../helpers/wait-until.js';

const environment = `environment: ${environmentLiteral}`;
const list = `{ siteToSiteVpns(${environment}) { totalCount } }`;

describe('RATE_LIMIT_PER_MINUTE', () => {
  it('rejects a key over its budget with 429 and Retry-After, and no other key', async () => {
    const { run, sandbox } = await startGateway({ config: { rateLimitPerMinute: 3 } });
    const query = `{ siteToSiteVpns(${environment}) { nodes { vpc { name } } } }`;
    expect((await run(query)).status).toBe(200);
    const calls = sandbox.calls.length;

    const rejected = await run(query);
    expect(rejected.status).toBe(429);
    expect(Number(rejected.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(rejected.body).toEqual({
      errors: [
        {
          message: 'This API key has spent its budget for this minute. Try again later.',
          extensions: {
            code: 'RATE_LIMITED',
            retryAfter: Number(rejected.headers.get('retry-after')),
            requestId: rejected.headers.get('x-request-id'),
          },
        },
      ],
    });
    expect(sandbox.calls).toHaveLength(calls);
    expect((await run(list, {}, { key: 'read-only-key' })).status).toBe(200);
  });

  it('is told in headers of each response to an operation with a key, and of no other', async () => {
    const { run, url } = await startGateway({ config: { rateLimitPerMinute: 3 } });
    const readHeaders = ({ headers }: { readonly headers: Headers }) => [
      headers.get('ratelimit-policy'),
      headers.get('ratelimit'),
    ];
    const policy = '"key";q=3;w=60';
    const budget = (left: number) => [
      policy,
      expect.stringMatching(new RegExp(`^"key";r=${left};t=(\\d|[1-5]\\d|60)$`)),
    ];
    expect(readHeaders(await run('{ nothing }'))).toEqual(budget(3));
    expect(readHeaders(await run(list))).toEqual(budget(2));
    expect(readHeaders(await run('{ nothing }'))).toEqual(budget(2));
    const subscription = { query: `subscription { siteToSiteVpnUpdated(${environment}, id: "${taskId}") { id } }` };
    const accept = { accept: 'text/event-stream' };
    expect(readHeaders(await post(url, subscription, { ...accept, ...keyHeader(SANDBOX_KEY) }))).toEqual(budget(1));
    const rejected = await run(`{ a: ${list.slice(1, -1)} b: ${list.slice(1, -1)} }`);
    expect([rejected.status, readHeaders(rejected)]).toEqual([429, budget(0)]);
    expect(rejected.headers.get('ratelimit')).toMatch(new RegExp(`;t=${rejected.headers.get('retry-after') ?? ''}$`));
    expect(readHeaders(await run('{ __typename }', {}, { key: null }))).toEqual([null, null]);
  });

  it('is not told if there is none', async () => {
    const { run } = await startGateway();
    const { headers } = await run(list);
    expect([headers.get('ratelimit-policy'), headers.get('ratelimit')]).toEqual([null, null]);
  });

  it('charges nothing for an invalid operation', async () => {
    const { run } = await startGateway({ config: { rateLimitPerMinute: 1 } });
    for (let attempt = 0; attempt < 3; attempt++) {
      const invalid = await run(`query ($id: ID!) { siteToSiteVpn(${environment}, id: $id) { id } }`);
      expect(invalid.status).toBe(400);
    }
    expect((await run(list)).status).toBe(200);
    expect((await run(list)).status).toBe(429);
  });

  it('charges nothing for waiting for a task', async () => {
    const upstream = await startUpstream((_call, index) => ({ taskId, taskStatus: index < 4 ? 'PENDING' : 'SUCCESS' }));
    const { run } = await startGateway({ restApi: upstream.url, config: { rateLimitPerMinute: 1 } });
    const reset = `mutation { resetSiteToSiteVpn(input: {${environment}, id: "${otherVpnId}", waitSeconds: 60}) { task { status } } }`;
    expect(await run(reset)).toMatchObject({
      status: 200,
      body: { data: { resetSiteToSiteVpn: { task: { status: 'SUCCESS' } } } },
    });
    expect(upstream.calls).toHaveLength(5);
  });

  it('charges a validation for its reads, whatever the payload selects', async () => {
    const { run } = await startGateway({ config: { rateLimitPerMinute: 3 } });
    const validate = () =>
      run(`mutation {
        updateSiteToSiteVpn(input: {${environment}, id: "${vpnId}", dpd: true, validateOnly: true}) {
          siteToSiteVpn { vpc { name } } userErrors { code }
        }
      }`);
    const statuses = [await validate(), await validate(), await validate(), await validate()];
    expect(statuses.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
  });
});

/** Starts an upstream that holds its responses to lists until `release`, and whose tasks stay pending. */
async function startHoldingUpstream() {
  const heldCalls: { key: unknown; response: ServerResponse }[] = [];
  const upstream = await startUpstream(({ method, url, headers }) => {
    if (method === 'POST') return { taskId, taskStatus: 'PENDING' };
    if (url.includes('/tasks/')) return { taskId, taskStatus: 'PENDING' };
    return (response) => heldCalls.push({ key: headers['mc-api-key'], response });
  });
  return {
    upstream,
    /** Waits until the upstream holds a number of responses. */
    waitForHeld: (count: number) => waitUntil(() => heldCalls.length >= count),
    /** Sends the held responses, of one key or of all. */
    release: (onlyKey?: string) => {
      for (const { key, response } of heldCalls.splice(0)) {
        if (onlyKey === undefined || key === onlyKey) json(200, { data: [] })(response);
        else heldCalls.push({ key, response });
      }
    },
    /** Returns the keys of the list calls, in order. */
    keys: () => upstream.calls.filter(({ method }) => method === 'GET').map(({ headers }) => headers['mc-api-key']),
  };
}

describe('MAX_IN_FLIGHT_PER_KEY and MAX_IN_FLIGHT', () => {
  it('reject one operation too many of a key with 429, until another has ended', async () => {
    const { upstream, waitForHeld, release } = await startHoldingUpstream();
    const { run } = await startGateway({ restApi: upstream.url, config: { maxInFlightPerKey: 1, maxQueued: 0 } });
    const first = run(list);
    await waitForHeld(1);
    const second = await run(list);
    expect(second).toMatchObject({ status: 429, body: { errors: [{ extensions: { code: 'RATE_LIMITED' } }] } });
    expect(second.headers.get('retry-after')).toBe('1');
    const other = run(list, {}, { key: otherKey });
    await waitForHeld(2);
    release();
    expect((await first).status).toBe(200);
    expect((await other).status).toBe(200);
    const third = run(list);
    await waitForHeld(1);
    release();
    expect((await third).status).toBe(200);
  });

  it('reject one operation too many in the process with 503', async () => {
    const { upstream, waitForHeld, release } = await startHoldingUpstream();
    const { run } = await startGateway({ restApi: upstream.url, config: { maxInFlight: 1, maxQueued: 0 } });
    const first = run(list);
    await waitForHeld(1);
    const second = await run(list, {}, { key: otherKey });
    expect(second).toMatchObject({ status: 503, body: { errors: [{ extensions: { code: 'OVERLOADED' } }] } });
    expect(second.headers.get('retry-after')).toBe('1');
    expect((await run('{ __typename }', {}, { key: null })).status).toBe(200);
    release();
    expect((await first).status).toBe(200);
  });

  it('do not count an operation that waits for a task', async () => {
    const { upstream, waitForHeld, release } = await startHoldingUpstream();
    const { run } = await startGateway({ restApi: upstream.url, config: { maxInFlight: 1 } });
    const reset = `mutation { resetSiteToSiteVpn(input: {${environment}, id: "${otherVpnId}", waitSeconds: 60}) { task { status } } }`;
    let hasEnded = false;
    const waiting = run(reset).finally(() => {
      hasEnded = true;
    });
    await waitUntil(() => upstream.calls.some(({ url }) => url.includes('/tasks/')));
    const other = run(list);
    await waitForHeld(1);
    release();
    expect((await other).status).toBe(200);
    expect(hasEnded).toBe(false);
    upstream.script(() => ({ taskId, taskStatus: 'SUCCESS' }));
    expect(await waiting).toMatchObject({ body: { data: { resetSiteToSiteVpn: { task: { status: 'SUCCESS' } } } } });
  });
});

/** Waits until the queue has a number of operations. */
function waitForQueued({ metrics }: TestGateway, count: number): Promise<void> {
  return waitUntil(async () => (await metrics.text()).includes(`gateway_operations_queued ${count}\n`));
}

/** Returns a query whose REST calls are not coalesced with those of another area. */
function listOfArea(area: number): string {
  return `{ siteToSiteVpns(environment: {serviceCode: "compute-on", name: "area-${area}"}) { totalCount } }`;
}

describe('MAX_QUEUED and MAX_QUEUE_MS', () => {
  const longQueue = { maxQueued: 4, maxQueueMs: 60_000 };
  const empty = { status: 200, body: { data: { siteToSiteVpns: { totalCount: 0 } } } };

  it.each([
    ['maxInFlightPerKey', SANDBOX_KEY, 429, 'RATE_LIMITED', 'operations_of_key'],
    ['maxInFlight', otherKey, 503, 'OVERLOADED', 'operations'],
  ])('queue an operation above %s, and reject it when its time is over', async (limit, key, status, code, reason) => {
    const { upstream, waitForHeld, release } = await startHoldingUpstream();
    const { run, metrics } = await startGateway({ restApi: upstream.url, config: { [limit]: 1, maxQueueMs: 50 } });
    const first = run(list);
    await waitForHeld(1);
    const reset = `mutation { resetSiteToSiteVpn(input: {${environment}, id: "${otherVpnId}"}) { task { status } } }`;
    const rejected = await run(reset, {}, { key });
    release();

    expect(rejected.status).toBe(status);
    expect(rejected.headers.get('retry-after')).toBe('1');
    const requestId = rejected.headers.get('x-request-id');
    expect(rejected.body).toEqual({
      errors: [{ message: expect.any(String), extensions: { code, retryAfter: 1, requestId } }],
    });
    expect(await first).toMatchObject(empty);
    expect(upstream.calls.map(({ method }) => method)).toEqual(['GET']);
    expect(await metrics.text()).toMatch(`\ngateway_shed_total{reason="${reason}"} 1\n`);
  });

  it('admit a queued operation when another has ended', async () => {
    const { upstream, waitForHeld, release } = await startHoldingUpstream();
    const gateway = await startGateway({ restApi: upstream.url, config: { maxInFlightPerKey: 1, ...longQueue } });
    const first = gateway.run(listOfArea(1));
    await waitForHeld(1);
    const second = gateway.run(listOfArea(2));
    await waitForQueued(gateway, 1);
    expect(upstream.calls).toHaveLength(1);
    release();
    await waitForHeld(1);
    await waitForQueued(gateway, 0);
    release();

    expect([(await first).status, (await second).status]).toEqual([200, 200]);
  });

  it('let keys take turns, and divide the queue fairly among keys', async () => {
    const { upstream, waitForHeld, release, keys } = await startHoldingUpstream();
    const gateway = await startGateway({ restApi: upstream.url, config: { maxInFlight: 1, ...longQueue } });
    const send = (number: number, key: string) =>
      gateway.run(listOfArea(number), {}, { key }).then(({ status }) => status);
    const flood: Promise<number>[] = [];
    const others: Promise<number>[] = [];
    for (let number = 0; number < 5; number++) {
      flood.push(send(number, 'flood'));
      if (number === 0) await waitForHeld(1);
      else await waitForQueued(gateway, number);
    }
    expect(await send(5, 'flood')).toBe(503);
    for (const [index, key] of ['other', 'third'].entries()) {
      others.push(send(1, key));
      // The newest operation of the longest queue is evicted.
      expect(await flood[4 - index]).toBe(503);
      await waitForQueued(gateway, 4);
    }
    for (let callCount = 1; callCount <= 5; callCount++) {
      await waitUntil(() => upstream.calls.length === callCount);
      await waitForHeld(1);
      release();
    }

    expect(await Promise.all(others)).toEqual([200, 200]);
    expect(await Promise.all(flood)).toEqual([200, 200, 200, 503, 503]);
    expect(keys()).toEqual(['flood', 'flood', 'other', 'third', 'flood']);
  });

  it('skip a key that has reached its own limit', async () => {
    const { upstream, waitForHeld, release, keys } = await startHoldingUpstream();
    const gateway = await startGateway({
      restApi: upstream.url,
      config: { maxInFlight: 2, maxInFlightPerKey: 1, ...longQueue },
    });
    const pending: ReturnType<typeof gateway.run>[] = [];
    for (const [index, key] of ['flood', 'other', 'flood', 'other'].entries()) {
      pending.push(gateway.run(listOfArea(index), {}, { key }));
      if (index < 2) await waitForHeld(index + 1);
      else await waitForQueued(gateway, index - 1);
    }
    release('other');
    await waitUntil(() => keys().length === 3);
    await waitForHeld(2);
    release();
    await waitForHeld(1);
    release();

    expect((await Promise.all(pending)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(keys()).toEqual(['flood', 'other', 'other', 'flood']);
  });

  describe('the deadline of a queued operation', () => {
    const clock = useFakeClock(['performance']);

    it('does not count the time in the queue', async () => {
      const { upstream, waitForHeld, release } = await startHoldingUpstream();
      const timeoutMs = 60_000;
      const gateway = await startGateway({
        restApi: upstream.url,
        config: { maxInFlight: 1, cloudcaApiTimeoutMs: timeoutMs, ...longQueue },
      });
      const first = gateway.run(listOfArea(1));
      await waitForHeld(1);
      const second = gateway.run(listOfArea(2));
      await waitForQueued(gateway, 1);
      // The second operation now has queued for longer than its deadline.
      clock.advance(timeoutMs + 1);
      release();
      await waitForHeld(1);
      release();

      expect(await first).toMatchObject(empty);
      expect(await second).toMatchObject(empty);
    });
  });

  it('drop an operation whose client disconnects, without a REST call', async () => {
    const { upstream, waitForHeld, release } = await startHoldingUpstream();
    const gateway = await startGateway({ restApi: upstream.url, config: { maxInFlight: 1, ...longQueue } });
    const first = gateway.run(listOfArea(1));
    await waitForHeld(1);
    const disconnect = new AbortController();
    const abandoned = post(gateway.url, { query: listOfArea(2) }, keyHeader(otherKey), disconnect.signal);
    await waitForQueued(gateway, 1);
    disconnect.abort();
    await expect(abandoned).rejects.toMatchObject({ name: 'AbortError' });
    await waitForQueued(gateway, 0);
    release();

    expect(await first).toMatchObject(empty);
    expect(upstream.calls).toHaveLength(1);
  });

  it('reject queued operations at shutdown, while those in flight finish', async () => {
    const { upstream, waitForHeld, release } = await startHoldingUpstream();
    const gateway = await startGateway({ restApi: upstream.url, config: { maxInFlightPerKey: 1, ...longQueue } });
    const first = gateway.run(listOfArea(1));
    await waitForHeld(1);
    const second = gateway.run(listOfArea(2));
    await waitForQueued(gateway, 1);
    gateway.lifecycle.drain();

    expect(await second).toMatchObject({ status: 503, body: { errors: [{ extensions: { code: 'OVERLOADED' } }] } });
    release();
    expect(await first).toMatchObject(empty);
    expect(upstream.calls).toHaveLength(1);
  });

  it('keep no permit for an operation that is invalid', async () => {
    const { upstream, waitForHeld, release } = await startHoldingUpstream();
    const gateway = await startGateway({ restApi: upstream.url, config: { maxInFlight: 1, ...longQueue } });
    const first = gateway.run(listOfArea(1));
    await waitForHeld(1);
    const invalid = await gateway.run(`query ($id: ID!) { siteToSiteVpn(${environment}, id: $id) { id } }`);
    release();
    await first;
    const next = gateway.run(listOfArea(2));
    await waitForHeld(1);
    release();

    expect(invalid.status).toBe(400);
    expect(await next).toMatchObject(empty);
  });
});
