// The circuit breaker of the built gateway while the REST API fails. Counts the calls that the REST API receives, and measures how soon
// clients get an error.
// Each test starts its own gateway, since the circuit breaker is one per process.
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { type RawScript, toBytes } from '../../helpers/raw-upstream.js';
import { post, type HttpResponse } from '../../helpers/http.js';
import { taskId } from '../../server/subscriptions/mutable-rest-api.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { subscribeByWebSocket } from '../../server/subscriptions/subscribers.js';
import {
  createTimings,
  documentedResponse,
  type Operation,
  reads,
  writeThenReset,
  runOperation,
  environmentArgument,
  writeThenStall,
  withWait,
  writes,
} from './operations.js';
import { expectBoundedCalls, failurePatterns } from './failure-patterns.js';
import { apiKey, type Rig, startRig, toErrors } from './harness.js';

const timed = createTimings('Responses while the REST API fails');
const circuitOpenMessage =
  'The REST API has been failing, and the gateway sends it no requests for a moment. Try again later.';
const environmentsQuery = '{ environments { id } }';
/** Returns a query for a list in each of ten environments. */
const toListQuery = (field: string, name = 'n') =>
  `{ ${Array.from({ length: 10 }, (_, index) => `a${index}: ${field}(environment: { serviceCode: "a", name: "${name}${index}" }) { totalCount }`).join(' ')} }`;
let callerCount = 0;

/** Posts a query with an API key that is new by default, so that no two callers share a REST call. */
function postQuery(
  rig: Rig,
  query: string = environmentsQuery,
  key = `${apiKey}-${callerCount++}`,
): Promise<HttpResponse> {
  return rig.post({ query }, { 'mc-api-key': key });
}

/** Returns the extensions of the first error. */
function toExtensions({ json }: HttpResponse): unknown {
  const [error] = toErrors(json);
  return typeof error === 'object' && error !== null && 'extensions' in error ? error.extensions : undefined;
}

function isCircuitOpen(response: HttpResponse): boolean {
  return response.text.includes(circuitOpenMessage);
}

/** Posts queries, one after the other, until the circuit is open. Returns how many REST calls that took. */
async function openCircuit(rig: Rig, script: RawScript): Promise<number> {
  rig.upstream.script(script);
  for (let count = 0; count < 50; count++) {
    if (isCircuitOpen(await postQuery(rig))) return rig.upstream.calls.length;
  }
  throw new Error('The circuit did not open within 50 reads.');
}

const healthyScript: RawScript = ({ method, target }) => documentedResponse(method, target);

describe('Circuit breaker', () => {
  it.each<readonly [string, ReturnType<RawScript>, NodeJS.ProcessEnv]>([
    // The deadline must not pass before a call arrives: the circuit breaker would count a call that the upstream never received.
    ['503', toBytes(503, '<html>'), { CLOUDCA_API_TIMEOUT_MS: '5000' }],
    ['lost connections', writeThenReset(), { CLOUDCA_API_TIMEOUT_MS: '5000' }],
    ['no response', writeThenStall(), { CLOUDCA_API_TIMEOUT_MS: '600' }],
  ])(
    'opens on %s, rejects all operations at once as never sent, and closes by itself',
    async (_failure, response, environment) => {
      const rig = await startRig(environment);
      const callCount = await openCircuit(rig, () => response);
      expect(callCount).toBeGreaterThanOrEqual(10);
      expect(callCount).toBeLessThanOrEqual(22);

      rig.upstream.script(() => response);
      for (const operation of [...reads, ...writes]) {
        const { field } = operation;
        // The extensions have no `outcomeUnknown`: the gateway has sent nothing.
        expect((await timed('circuit open', runOperation(rig, operation))).json).toEqual({
          data: { [field]: null },
          errors: [
            {
              message: circuitOpenMessage,
              locations: expect.any(Array),
              path: [field],
              extensions: { code: 'UPSTREAM_UNAVAILABLE', requestId: expect.any(String) },
            },
          ],
        });
      }
      // The circuit stays open for a second, so at most one of the operations was a probe.
      expect(rig.upstream.calls.length).toBeLessThanOrEqual(1);
      await rig.verify();

      rig.upstream.script(healthyScript);
      await waitUntilClosed(rig);
      for (const operation of [...reads, ...writes]) {
        expect(toErrors((await runOperation(rig, operation)).json)).toEqual([]);
      }
      await rig.verify();
    },
  );

  it('sends one probe at a time while the REST API keeps failing, however many callers wait', async () => {
    const rig = await startRig();
    await openCircuit(rig, () => toBytes(503, ''));
    let inFlight = 0;
    let maxInFlight = 0;
    rig.upstream.script(() => (socket) => {
      maxInFlight = Math.max(maxInFlight, ++inFlight);
      setTimeout(() => {
        inFlight--;
        socket.write(toBytes(503, ''));
      }, 100);
    });
    const end = performance.now() + 4_000;
    let requestCount = 0;
    while (performance.now() < end) {
      const batch = Promise.all(Array.from({ length: 20 }, () => postQuery(rig)));
      const responses = await timed('circuit open, 20 at once', batch);
      requestCount += responses.length;
      for (const response of responses) {
        expect(toExtensions(response)).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
      }
    }
    expect(maxInFlight).toBe(1);
    // The first probe is due after a second, each later one after a longer time.
    expect(rig.upstream.calls.length).toBeGreaterThanOrEqual(1);
    expect(rig.upstream.calls.length).toBeLessThanOrEqual(4);
    expect(requestCount).toBeGreaterThan(20 * rig.upstream.calls.length);
    await rig.verify();

    rig.upstream.script(healthyScript);
    await waitUntilClosed(rig);
    expect((await postQuery(rig)).json).toEqual({ data: { environments: [] } });
  });

  it('does not let other callers wait for a probe that gets no response', async () => {
    const rig = await startRig({ CLOUDCA_API_TIMEOUT_MS: '5000' });
    await openCircuit(rig, () => toBytes(503, ''));
    rig.upstream.script(() => writeThenStall());
    let probe: Promise<HttpResponse> | undefined;
    while (rig.upstream.calls.length === 0) {
      probe = postQuery(rig);
      await Promise.race([probe, sleep(50)]);
    }
    const order: string[] = [];
    void probe?.then(() => order.push('probe'));
    for (let index = 0; index < 20; index++) {
      expect(isCircuitOpen(await postQuery(rig))).toBe(true);
      order.push('other');
    }
    expect(order).not.toContain('probe');
    expect(rig.upstream.calls).toHaveLength(1);
    expect(toExtensions((await probe) ?? (await postQuery(rig)))).toMatchObject({ code: 'UPSTREAM_TIMEOUT' });
    await rig.verify();
  });

  it('stays closed when the REST API rejects the requests of one caller, whatever the status', async () => {
    const rig = await startRig();
    for (const status of [400, 401, 403, 404, 405, 409, 429, 500]) {
      const errorResponse = toBytes(status, { errors: [{ code: 1, message: 'No.' }] });
      rig.upstream.script(({ headers }) => (headers.get('mc-api-key') === apiKey ? errorResponse : { data: [] }));
      for (let round = 0; round < 3; round++) {
        const response = await rig.post({ query: toListQuery('vpcs') });
        expect(toErrors(response.json)).toHaveLength(10);
        expect(isCircuitOpen(response)).toBe(false);
      }
      expect((await postQuery(rig)).json).toEqual({ data: { environments: [] } });
    }
    await rig.verify();
  });

  it('stays closed when one caller disconnects during its calls', async () => {
    const rig = await startRig();
    rig.upstream.script(({ headers }) => (headers.get('mc-api-key') === apiKey ? writeThenStall() : { data: [] }));
    for (let round = 0; round < 5; round++) {
      const controller = new AbortController();
      const query = toListQuery('vpcs', `round-${round}-`);
      const request = post(rig.url, { query }, { 'mc-api-key': apiKey }, controller.signal);
      const aborted = expect(request).rejects.toThrow();
      await waitUntil(() => rig.upstream.calls.length >= 10 * (round + 1));
      controller.abort();
      await aborted;
    }
    rig.upstream.script(() => ({ data: [] }));
    for (let round = 0; round < 5; round++) {
      expect((await postQuery(rig)).json).toEqual({ data: { environments: [] } });
    }
    await rig.verify();
  });

  it('ends subscriptions while it is open, but not mutations that wait for their task', async () => {
    const rig = await startRig({ TASK_POLL_MS: '50' });
    await openCircuit(rig, () => toBytes(503, ''));
    rig.upstream.script(() => toBytes(503, ''));
    const subscription = subscribeByWebSocket(
      rig.url,
      apiKey,
    )(`subscription { taskUpdated(id: "${taskId}") { status } }`);
    await subscription.waitForEnd();
    rig.record(JSON.stringify(subscription.events));
    expect(subscription.end).toBe('complete');
    expect(subscription.events).toEqual([
      {
        errors: [
          {
            message: circuitOpenMessage,
            path: ['taskUpdated'],
            extensions: { code: 'UPSTREAM_UNAVAILABLE', requestId: expect.any(String) },
          },
        ],
      },
    ]);

    rig.upstream.script(healthyScript);
    await waitUntilClosed(rig);
    // Every poll fails until the circuit is open.
    let isFailing = true;
    rig.upstream.script(({ method }) => {
      if (method !== 'GET') return { taskId, taskStatus: 'PENDING' };
      return isFailing ? toBytes(503, '') : { taskId, taskStatus: 'SUCCESS', result: {} };
    });
    const waits = Promise.all(writes.map((write) => runOperation(rig, withWait(write, 60))));
    await waitUntil(() => rig.upstream.calls.filter(({ method }) => method !== 'GET').length === writes.length);
    while (!isCircuitOpen(await postQuery(rig)));
    isFailing = false;
    for (const [index, response] of (await waits).entries()) {
      const field = writes[index]?.field ?? '';
      expect(response.json).toMatchObject({ data: { [field]: { task: { status: 'SUCCESS' }, userErrors: [] } } });
    }
    expect(rig.upstream.calls.filter(({ method }) => method !== 'GET')).toHaveLength(writes.length);
    await rig.verify();
  });
});

/** Posts queries until the circuit is closed. Throws after 25 s. */
async function waitUntilClosed(rig: Rig): Promise<void> {
  const end = performance.now() + 25_000;
  while (isCircuitOpen(await postQuery(rig))) {
    if (performance.now() > end) throw new Error('The circuit did not close within 25 s.');
    await sleep(20);
  }
}

describe('Failing REST API', () => {
  it.each(failurePatterns.slice(0, 2))('gets at most 1,200 calls for 1,000 reads if $name', async (pattern) => {
    await expectBoundedCalls(await startRig(), pattern, 1_000);
  });

  it('gets at most one call for each write', async () => {
    const rig = await startRig();
    rig.upstream.script((_call, index) =>
      index % 5 < 3 ? toBytes(204, '') : index % 5 === 3 ? writeThenReset() : toBytes(503, ''),
    );
    const results: { operation: Operation; response: HttpResponse }[] = [];
    for (let round = 0; round < 40; round++) {
      for (const operation of writes) results.push({ operation, response: await runOperation(rig, operation) });
    }
    expect(rig.upstream.calls).toHaveLength(results.length);
    const failed = results.filter(({ response }) => toErrors(response.json).length > 0);
    expect(failed).toHaveLength((results.length * 2) / 5);
    for (const { response } of failed) expect(toExtensions(response)).toMatchObject({ outcomeUnknown: true });
    await rig.verify();
  });

  it('fails only the reads of an operation whose own REST calls fail', async () => {
    const rig = await startRig();
    rig.upstream.script(({ target }) => (target.includes('n3') ? writeThenReset() : { data: [] }));
    const fields = Array.from(
      { length: 10 },
      (_, index) => `a${index}: vpcs(${environmentArgument.replace('test_area', `n${index}`)}) { totalCount }`,
    );
    const response = await postQuery(rig, `{ ${fields.join(' ')} }`);
    expect(response.json).toMatchObject({
      data: { a2: { totalCount: 0 }, a3: null, a4: { totalCount: 0 } },
      errors: [{ path: ['a3'] }],
    });
    expect(toErrors(response.json)).toHaveLength(1);
    expect(rig.upstream.calls).toHaveLength(12);
    await rig.verify();
  });
});
