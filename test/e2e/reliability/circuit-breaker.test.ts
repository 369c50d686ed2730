// The circuit breaker of the built gateway while the REST API fails. Counts the calls that the REST API receives. All tests share one
// process, whose clock they control: the circuit half-opens only when a test advances the date.
import type { Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { keyHeader, taskId } from '../../helpers/fixtures.js';
import { advanceDate } from '../../helpers/process-clock.js';
import { type RawScript, toBytes } from '../../helpers/raw-upstream.js';
import { type HttpResponse, post, sendRequest } from '../../helpers/http.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { subscribeByWebSocket } from '../../server/subscriptions/subscribers.js';
import {
  circuitOpenMessage,
  createTimings,
  documentedResponse,
  expectCircuitOpen,
  type Operation,
  reads,
  resetFailureState,
  sendHealthyReads,
  writeThenReset,
  runOperation,
  environmentArgument,
  writeThenStall,
  withWait,
  writes,
} from './operations.js';
import { countCallsOfReads, failurePatterns } from './failure-patterns.js';
import { apiKey, expireDeadlines, heldClock, keyHeaders, startRig, toErrors } from './harness.js';

const rig = await startRig(heldClock);
const timed = createTimings('Responses while the REST API fails');
const environmentsQuery = '{ environments { id } }';
/** Returns a query for a list in each of ten environments. */
const toListQuery = (field: string, name = 'n') =>
  `{ ${Array.from({ length: 10 }, (_, index) => `a${index}: ${field}(environment: { serviceCode: "a", name: "${name}${index}" }) { totalCount }`).join(' ')} }`;
let callerCount = 0;

/** Posts a query with an API key that is new by default, so that no two callers share a REST call. */
function postQuery(query: string = environmentsQuery, key = `${apiKey}-${callerCount++}`): Promise<HttpResponse> {
  return rig.post({ query }, keyHeader(key));
}

/** Posts as many queries at once as there are callers. */
function postQueries(count: number): Promise<HttpResponse>[] {
  return Array.from({ length: count }, () => postQuery());
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
async function openCircuit(script: RawScript): Promise<number> {
  rig.upstream.script(script);
  for (let count = 0; count < 50; count++) {
    if (isCircuitOpen(await postQuery())) return rig.upstream.calls.length;
  }
  throw new Error('The circuit did not open within 50 reads.');
}

const healthyScript: RawScript = ({ method, target }) => documentedResponse(method, target);

/** Lets a probe through and the REST API recover. Expects that the circuit then closes. */
async function closeCircuit(): Promise<void> {
  rig.upstream.script(healthyScript);
  await advanceDate(rig.gateway);
  expect((await postQuery()).json).toEqual({ data: { environments: [] } });
}

/** Holds the responses to all calls. Returns the sockets of the calls, in order of arrival. */
function holdCalls(): Socket[] {
  const held: Socket[] = [];
  rig.upstream.script(() => (socket) => held.push(socket));
  return held;
}

describe('Circuit breaker', () => {
  it.each<readonly [string, ReturnType<RawScript>]>([
    ['503', toBytes(503, '<html>')],
    ['lost connections', writeThenReset()],
  ])('opens on %s, rejects all operations as never sent, and closes by a probe', async (_failure, response) => {
    // A circuit that has just closed counts only the probe.
    await openCircuit(() => response);
    await closeCircuit();
    // It opens at ten calls, the probe included.
    expect(await openCircuit(() => response)).toBe(9);

    rig.upstream.script(healthyScript);
    for (const operation of [...reads, ...writes]) {
      expectCircuitOpen(await timed('circuit open', runOperation(rig, operation)), operation.field);
    }
    expect(rig.upstream.calls).toEqual([]);
    await rig.verify();

    await closeCircuit();
    for (const operation of [...reads, ...writes]) {
      expect(toErrors((await runOperation(rig, operation)).json)).toEqual([]);
    }
    await rig.verify();
  });

  it('opens if many calls get no response before the deadline', async () => {
    rig.upstream.script(() => writeThenStall());
    const requests = postQueries(20);
    await waitUntil(() => rig.upstream.calls.length === requests.length);
    await expireDeadlines(rig.gateway);
    for (const response of await Promise.all(requests)) {
      expect(toExtensions(response)).toMatchObject({ code: 'UPSTREAM_TIMEOUT' });
    }
    expect(isCircuitOpen(await postQuery())).toBe(true);
    expect(rig.upstream.calls).toHaveLength(requests.length);
    await closeCircuit();
    await rig.verify();
  });

  it('sends one probe at a time while the REST API keeps failing, and lets no other caller wait for it', async () => {
    await openCircuit(() => toBytes(503, ''));
    const held = holdCalls();
    for (let probeCount = 1; probeCount <= 3; probeCount++) {
      await advanceDate(rig.gateway);
      const requests = postQueries(20);
      // All but one are rejected while the probe has no response.
      let rejectedCount = 0;
      for (const request of requests) {
        void request.then((response) => {
          if (isCircuitOpen(response)) rejectedCount++;
        });
      }
      await waitUntil(() => held.length === probeCount && rejectedCount === requests.length - 1);
      const responses = await timed('circuit open, 20 at once', Promise.all(postQueries(20)));
      expect(responses.map(isCircuitOpen)).toEqual(responses.map(() => true));

      const probe = held[probeCount - 1];
      if (probeCount === 1) probe?.write(toBytes(503, ''));
      else if (probeCount === 2) probe?.resetAndDestroy();
      else await expireDeadlines(rig.gateway);
      for (const response of await Promise.all(requests)) {
        expect(toExtensions(response)).toMatchObject({
          code: expect.stringMatching(/^UPSTREAM_(UNAVAILABLE|TIMEOUT)$/),
        });
      }
      // A failed probe leaves the circuit open.
      expect(isCircuitOpen(await postQuery())).toBe(true);
      expect(rig.upstream.calls).toHaveLength(probeCount);
    }
    await closeCircuit();
    await rig.verify();
  });

  it('ends neither subscriptions while it is open, nor mutations that wait for their task', async () => {
    await openCircuit(() => toBytes(503, ''));
    const subscription = subscribeByWebSocket(
      rig.url,
      apiKey,
    )(`subscription { taskUpdated(id: "${taskId}") { status } }`);
    await waitUntil(async () =>
      (await sendRequest(`${rig.gateway.opsUrl}/metrics`)).text.includes('gateway_polls 1\n'),
    );
    for (const response of await Promise.all(postQueries(20))) expect(isCircuitOpen(response)).toBe(true);
    await closeCircuit();
    await subscription.waitForEvents(1);
    rig.record(JSON.stringify(subscription.events));
    expect(subscription.events).toEqual([{ data: { taskUpdated: { status: 'PENDING' } } }]);
    subscription.unsubscribe();

    // Every poll fails until the circuit is open.
    let isFailing = true;
    rig.upstream.script(({ method }) => {
      if (method !== 'GET') return { taskId, taskStatus: 'PENDING' };
      return isFailing ? toBytes(503, '') : { taskId, taskStatus: 'SUCCESS', result: {} };
    });
    const waits = Promise.all(writes.map((write) => runOperation(rig, withWait(write, 60))));
    await waitUntil(() => rig.upstream.calls.filter(({ method }) => method !== 'GET').length === writes.length);
    while (!isCircuitOpen(await postQuery()));
    isFailing = false;
    await advanceDate(rig.gateway);
    for (const [index, response] of (await waits).entries()) {
      const field = writes[index]?.field ?? '';
      expect(response.json).toMatchObject({ data: { [field]: { task: { status: 'SUCCESS' }, userErrors: [] } } });
    }
    expect(rig.upstream.calls.filter(({ method }) => method !== 'GET')).toHaveLength(writes.length);
    await rig.verify();
  });

  it.each(failurePatterns.filter(({ keepsCircuitClosed }) => !keepsCircuitClosed))(
    'limits 300 reads to fewer than 75 calls if $name',
    async (pattern) => {
      // A circuit that has just closed counts no earlier successes.
      await openCircuit(() => toBytes(503, ''));
      await closeCircuit();
      expect(await countCallsOfReads(rig, pattern, 300, 50)).toBeLessThan(75);
      await closeCircuit();
    },
  );

  it('stays closed when the REST API rejects the requests of one caller, whatever the status', async () => {
    for (const status of [400, 401, 403, 404, 405, 409, 429, 500]) {
      const errorResponse = toBytes(status, { errors: [{ code: 1, message: 'No.' }] });
      rig.upstream.script(({ headers }) => (headers.get('mc-api-key') === apiKey ? errorResponse : { data: [] }));
      for (let round = 0; round < 3; round++) {
        const response = await rig.post({ query: toListQuery('vpcs') });
        expect(toErrors(response.json)).toHaveLength(10);
        expect(isCircuitOpen(response)).toBe(false);
      }
      expect((await postQuery()).json).toEqual({ data: { environments: [] } });
    }
    await rig.verify();
  });

  it('stays closed when one caller disconnects during its calls', async () => {
    rig.upstream.script(({ headers }) => (headers.get('mc-api-key') === apiKey ? writeThenStall() : { data: [] }));
    for (let round = 0; round < 5; round++) {
      const controller = new AbortController();
      const query = toListQuery('vpcs', `round-${round}-`);
      const request = post(rig.url, { query }, keyHeaders, controller.signal);
      const aborted = expect(request).rejects.toThrow();
      await waitUntil(() => rig.upstream.calls.length >= 10 * (round + 1));
      controller.abort();
      await aborted;
    }
    rig.upstream.script(() => ({ data: [] }));
    for (let round = 0; round < 5; round++) {
      expect((await postQuery()).json).toEqual({ data: { environments: [] } });
    }
    await rig.verify();
  });
});

describe('Failing REST API', () => {
  it.each(failurePatterns.filter(({ keepsCircuitClosed }) => keepsCircuitClosed))(
    'gets every read, and at most 360 calls for 300 reads, if $name',
    async (pattern) => {
      // More reads succeed than will fail, so the circuit stays closed in whatever order the responses arrive.
      await resetFailureState(rig);
      await sendHealthyReads(rig);
      const callCount = await countCallsOfReads(rig, pattern, 300, 300);
      expect(callCount).toBeGreaterThanOrEqual(300);
      expect(callCount).toBeLessThanOrEqual(360);
    },
  );

  it('gets at most one call for each write', async () => {
    let writeCount = 0;
    rig.upstream.script(({ method }) => {
      // The gateway reads what has become of a failed write. This response tells it nothing.
      if (method === 'GET') return toBytes(404, '');
      const turn = writeCount++ % 5;
      return turn < 3 ? toBytes(204, '') : turn === 3 ? writeThenReset() : toBytes(503, '');
    });
    const results: { operation: Operation; response: HttpResponse }[] = [];
    for (let round = 0; round < 10; round++) {
      for (const operation of writes) results.push({ operation, response: await runOperation(rig, operation) });
    }
    expect(writeCount).toBe(results.length);
    const failed = results.filter(({ response }) => toErrors(response.json).length > 0);
    expect(failed).toHaveLength((results.length * 2) / 5);
    for (const { response } of failed) expect(toExtensions(response)).toMatchObject({ outcomeUnknown: true });
    await rig.verify();
  });

  it('fails only the reads of an operation whose own REST calls fail', async () => {
    await resetFailureState(rig);
    rig.upstream.script(({ target }) => (target.includes('n3') ? writeThenReset() : { data: [] }));
    const fields = Array.from(
      { length: 10 },
      (_, index) => `a${index}: vpcs(${environmentArgument.replace('test_area', `n${index}`)}) { totalCount }`,
    );
    const response = await postQuery(`{ ${fields.join(' ')} }`);
    expect(response.json).toMatchObject({
      data: { a2: { totalCount: 0 }, a3: null, a4: { totalCount: 0 } },
      errors: [{ path: ['a3'] }],
    });
    expect(toErrors(response.json)).toHaveLength(1);
    expect(rig.upstream.calls).toHaveLength(12);
    await rig.verify();
  });
});
