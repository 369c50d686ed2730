// The states of the circuit breaker without HTTP: which outcomes open it, and which calls may probe. The clock is fake.
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { ClientDisconnectedError, TimeoutError, UnavailableError } from '../../../src/cloudca/errors.js';
import { CircuitBreaker } from '../../../src/cloudca/http/circuit-breaker.js';
import type { RestResponse } from '../../../src/cloudca/http/rest-response.js';
import { useFakeClock } from '../../helpers/fake-clock.js';

const clock = useFakeClock();
// The first probe follows within twice this time; the delay about doubles with each failed probe, up to the maximum.
const firstProbeDelayMs = 1_000;
const maxProbeDelayMs = 30_000;

afterEach(() => {
  jest.restoreAllMocks();
});

const toResponse = (status: number): RestResponse => ({
  status,
  body: undefined,
  isEmpty: true,
  retryAfter: undefined,
});

type Call = () => Promise<RestResponse>;
const respond =
  (status: number): Call =>
  () =>
    Promise.resolve(toResponse(status));
const fail =
  (error: Error): Call =>
  () =>
    Promise.reject(error);

/** Makes calls, one after the other. Returns their statuses, or the names of their errors. */
async function run(breaker: CircuitBreaker, call: Call, count = 1): Promise<readonly unknown[]> {
  const outcomes: unknown[] = [];
  for (let index = 0; index < count; index++) {
    outcomes.push(
      await breaker.run(call).then(
        ({ status }) => status,
        (error: unknown) => (error instanceof Error ? error.name : error),
      ),
    );
  }
  return outcomes;
}

/** Creates a circuit breaker whose circuit is open. */
async function createOpen(): Promise<CircuitBreaker> {
  const breaker = new CircuitBreaker();
  await run(breaker, respond(503), 10);
  expect(breaker.isOpen).toBe(true);
  return breaker;
}

/** Makes a call that settles when the test says so. */
function startCall(breaker: CircuitBreaker) {
  let settle: { resolve: (response: RestResponse) => void; reject: (error: Error) => void } | undefined;
  const outcome = run(
    breaker,
    () =>
      new Promise((resolve, reject) => {
        settle = { resolve, reject };
      }),
  );
  return {
    outcome,
    isMade: () => settle !== undefined,
    respond: (status: number) => settle?.resolve(toResponse(status)),
    fail: (error: Error) => settle?.reject(error),
  };
}

describe('CircuitBreaker', () => {
  it.each([
    ['status 502', true, respond(502)],
    ['status 503', true, respond(503)],
    ['status 504', true, respond(504)],
    ['UnavailableError', true, fail(new UnavailableError('lost'))],
    ['TimeoutError', true, fail(new TimeoutError('late'))],
    ['status 200', false, respond(200)],
    ['status 429', false, respond(429)],
    ['status 500', false, respond(500)],
    ['ClientDisconnectedError', false, fail(new ClientDisconnectedError('gone'))],
    ['an error of this program', false, fail(new TypeError('bug'))],
  ])('for ten calls with %s is open: %s', async (_outcome, isOpen, call) => {
    const breaker = new CircuitBreaker();
    await run(breaker, call, 9);
    expect(breaker.isOpen).toBe(false);
    await run(breaker, call);
    expect(breaker.isOpen).toBe(isOpen);
  });

  it('opens if more than half of the calls fail, and not if half of them do', async () => {
    const breaker = new CircuitBreaker();
    await run(breaker, respond(200), 20);
    await run(breaker, respond(503), 20);
    expect(breaker.isOpen).toBe(false);
    await run(breaker, respond(503));
    expect(breaker.isOpen).toBe(true);
  });

  it('opens at the given minimum of calls', async () => {
    const breaker = new CircuitBreaker(3);
    await run(breaker, respond(503), 2);
    expect(breaker.isOpen).toBe(false);
    await run(breaker, respond(503));
    expect(breaker.isOpen).toBe(true);
  });

  it('forgets calls after ten later seconds with calls', async () => {
    const breaker = new CircuitBreaker();
    await run(breaker, respond(503), 9);
    for (let second = 0; second < 10; second++) {
      clock.advance(1_000);
      await run(breaker, respond(200));
    }
    await run(breaker, respond(503));
    expect(breaker.isOpen).toBe(false);
  });

  it('makes no call while it is open', async () => {
    const breaker = await createOpen();
    const call = jest.fn(respond(200));
    expect(await run(breaker, call, 3)).toEqual(Array(3).fill('CircuitOpenError'));
    expect(call).not.toHaveBeenCalled();
  });

  it('closes if the probe succeeds, and then makes calls at the same time', async () => {
    const breaker = await createOpen();
    clock.advance(2 * firstProbeDelayMs);
    expect(await run(breaker, respond(200))).toEqual([200]);
    expect(breaker.isOpen).toBe(false);
    const calls = [startCall(breaker), startCall(breaker)];
    expect(calls.map((call) => call.isMade())).toEqual([true, true]);
    for (const call of calls) call.respond(200);
    expect(await Promise.all(calls.map(({ outcome }) => outcome))).toEqual([[200], [200]]);
  });

  it('rejects all calls beside the probe, and returns its response', async () => {
    const breaker = await createOpen();
    clock.advance(2 * firstProbeDelayMs);
    const probe = startCall(breaker);
    expect(probe.isMade()).toBe(true);
    expect(await run(breaker, respond(200), 3)).toEqual(Array(3).fill('CircuitOpenError'));
    probe.respond(404);
    expect(await probe.outcome).toEqual([404]);
    expect(breaker.isOpen).toBe(false);
    expect(await run(breaker, respond(200), 2)).toEqual([200, 200]);
  });

  it.each([
    ['status 503', (probe: ReturnType<typeof startCall>) => probe.respond(503), 503],
    [
      'a lost connection',
      (probe: ReturnType<typeof startCall>) => probe.fail(new UnavailableError('lost')),
      'UnavailableError',
    ],
    [
      'a client that disconnects',
      (probe: ReturnType<typeof startCall>) => probe.fail(new ClientDisconnectedError('gone')),
      'ClientDisconnectedError',
    ],
  ])('stays open if the probe ends with %s, and allows another probe later', async (_end, end, outcome) => {
    const breaker = await createOpen();
    clock.advance(2 * firstProbeDelayMs);
    const probe = startCall(breaker);
    end(probe);
    expect(await probe.outcome).toEqual([outcome]);
    expect(breaker.isOpen).toBe(true);
    expect(await run(breaker, respond(200))).toEqual(['CircuitOpenError']);
    clock.advance(maxProbeDelayMs);
    expect(await run(breaker, respond(200))).toEqual([200]);
    expect(breaker.isOpen).toBe(false);
  });

  it('closes if the probe fails with an error that the REST API did not cause', async () => {
    const breaker = await createOpen();
    clock.advance(2 * firstProbeDelayMs);
    expect(await run(breaker, fail(new TypeError('bug')))).toEqual(['TypeError']);
    expect(breaker.isOpen).toBe(false);
  });

  it('probes at most 30 s after a probe, however many have failed', async () => {
    const breaker = await createOpen();
    for (let count = 0; count < 10; count++) {
      clock.advance(maxProbeDelayMs);
      expect(await run(breaker, respond(503))).toEqual([503]);
    }
  });

  it('probes about a second after it has opened', async () => {
    // Makes the jitter the median.
    jest.spyOn(Math, 'random').mockReturnValue(0.5);
    const breaker = await createOpen();
    clock.advance(800);
    expect(await run(breaker, respond(200))).toEqual(['CircuitOpenError']);
    clock.advance(200);
    expect(await run(breaker, respond(200))).toEqual([200]);
  });
});
