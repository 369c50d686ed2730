// The states of the circuit breaker by themselves, without a REST API: what counts, when it opens, who probes, and when it closes. The clock
// is fake. circuit-breaker.test.ts has the same over HTTP.
import { describe, expect, it, jest } from '@jest/globals';
import { CircuitOpenError, TimeoutError, UnavailableError } from '../../../src/cloudca/errors.js';
import { CircuitBreaker } from '../../../src/cloudca/http/circuit-breaker.js';
import { type RestResponse, toRestResponse } from '../../../src/cloudca/http/rest-response.js';
import { useFakeClock } from '../../helpers/fake-clock.js';
import { range } from '../../helpers/fixtures.js';

const clock = useFakeClock();

/** The outcome of a call: the status of a response, or the error without one. */
type Outcome = number | Error;

const lost = new UnavailableError('The connection was lost.');
const cancelled = new Error('The client disconnected.');

function settle(outcome: Outcome): Promise<RestResponse> {
  return typeof outcome === 'number'
    ? Promise.resolve(toRestResponse(outcome, '{}', undefined))
    : Promise.reject(outcome);
}

/** Makes calls one after the other. Returns how many of them the circuit rejected. */
async function makeCalls(breaker: CircuitBreaker, outcome: Outcome, count = 1, key = 'key'): Promise<number> {
  let rejected = 0;
  for (let call = 0; call < count; call++) {
    try {
      await breaker.run(key, () => settle(outcome));
    } catch (error) {
      if (error instanceof CircuitOpenError) rejected++;
      else if (error !== outcome) throw error;
    }
  }
  return rejected;
}

/** Makes a call that settles with `end`. Returns whether it is a probe; undefined if the circuit rejected it. */
function startCall(breaker: CircuitBreaker, key = 'key') {
  let end: (outcome: Outcome) => void = () => undefined;
  let isProbe: boolean | undefined;
  const outcome = new Promise<Outcome>((resolve) => (end = resolve));
  const call = breaker.run(key, async (probe) => {
    isProbe = probe;
    return settle(await outcome);
  });
  const ended = call.then(
    () => undefined,
    () => undefined,
  );
  return { isProbe: () => isProbe, end: async (result: Outcome) => (end(result), ended) };
}

async function createOpen(): Promise<CircuitBreaker> {
  const breaker = new CircuitBreaker();
  await makeCalls(breaker, 503, 10);
  expect(breaker.isOpen).toBe(true);
  return breaker;
}

describe('CircuitBreaker', () => {
  it('says which keys the REST API has accepted: from the first 2xx to a 401', async () => {
    const breaker = new CircuitBreaker();
    const states: boolean[] = [];
    for (const status of [404, 500, 200, 404, 503, 401]) {
      await makeCalls(breaker, status, 1, 'key');
      states.push(breaker.hasAccepted('key'));
    }
    expect(states).toEqual([false, false, true, true, true, false]);
    expect(breaker.hasAccepted('other')).toBe(false);
  });

  it.each<[string, Outcome]>([
    ['503', 503],
    ['504', 504],
    ['530', 530],
    ['a lost connection', lost],
    ['a deadline that passed', new TimeoutError('No response in time.')],
  ])('opens at the tenth call if each ends with %s', async (_name, outcome) => {
    const breaker = new CircuitBreaker();
    expect(await makeCalls(breaker, outcome, 9)).toBe(0);
    expect(breaker.isOpen).toBe(false);
    await makeCalls(breaker, outcome);
    expect(breaker.isOpen).toBe(true);
    expect(await makeCalls(breaker, 200, 3)).toBe(3);
  });

  it.each<[string, Outcome]>([
    ['400', 400],
    ['401', 401],
    ['429', 429],
    ['500 for a key that was never accepted', 500],
    ['a cancellation', cancelled],
  ])('counts no call that ends with %s', async (_name, outcome) => {
    const breaker = new CircuitBreaker();
    await makeCalls(breaker, outcome, 100);
    await makeCalls(breaker, 503, 9);
    expect(breaker.isOpen).toBe(false);
    await makeCalls(breaker, 503);
    expect(breaker.isOpen).toBe(true);
  });

  it('opens if more than half of the calls fail, and not at half', async () => {
    const breaker = new CircuitBreaker();
    await makeCalls(breaker, 200, 6);
    await makeCalls(breaker, 503, 6);
    expect(breaker.isOpen).toBe(false);
    await makeCalls(breaker, 503);
    expect(breaker.isOpen).toBe(true);
  });

  it('counts a 500 as a success for a key that was accepted, until the key gets 401', async () => {
    const breaker = new CircuitBreaker();
    await makeCalls(breaker, 200);
    await makeCalls(breaker, 500, 9);
    await makeCalls(breaker, 503, 10);
    expect(breaker.isOpen).toBe(false);

    const other = new CircuitBreaker();
    await makeCalls(other, 200);
    await makeCalls(other, 401);
    await makeCalls(other, 500, 9);
    await makeCalls(other, 503, 10);
    expect(other.isOpen).toBe(true);
  });

  it('counts the calls of the last ten seconds only', async () => {
    const breaker = new CircuitBreaker();
    for (const second of range(30)) {
      await makeCalls(breaker, 503, second % 10 === 0 ? 8 : 0);
      clock.advance(1_000);
    }
    expect(breaker.isOpen).toBe(false);
    await makeCalls(breaker, 503, 9);
    clock.advance(9_000);
    await makeCalls(breaker, 503);
    expect(breaker.isOpen).toBe(true);
  });

  it('lets accepted keys alone decide once they made ten calls', async () => {
    const breaker = new CircuitBreaker();
    await makeCalls(breaker, 200, 10, 'accepted');
    await makeCalls(breaker, 503, 100, 'made up');
    expect(breaker.isOpen).toBe(false);
    await makeCalls(breaker, 503, 11, 'accepted');
    expect(breaker.isOpen).toBe(true);
  });

  it('never opens below the minimum of calls', async () => {
    const breaker = new CircuitBreaker(Infinity);
    expect(await makeCalls(breaker, 503, 1_000)).toBe(0);
    expect(breaker.isOpen).toBe(false);
  });

  it('lets one call probe after 0.75 to 1.25 s, and rejects the others meanwhile', async () => {
    const breaker = await createOpen();
    clock.advance(740);
    expect(await makeCalls(breaker, 200)).toBe(1);
    clock.advance(510);
    const probe = startCall(breaker);
    expect(probe.isProbe()).toBe(true);
    expect(await makeCalls(breaker, 200, 3)).toBe(3);
    await probe.end(200);
    expect(breaker.isOpen).toBe(false);
    expect(startCall(breaker).isProbe()).toBe(false);
  });

  it('closes without the calls from before: ten more must fail', async () => {
    const breaker = await createOpen();
    clock.advance(1_250);
    await makeCalls(breaker, 200);
    // The probe counts.
    expect(await makeCalls(breaker, 503, 9)).toBe(0);
    expect(breaker.isOpen).toBe(true);
  });

  it('doubles the delay after each failed probe, up to 30 s', async () => {
    const breaker = await createOpen();
    for (const failedProbes of range(8)) {
      const earliest = 750 * 2 ** failedProbes;
      clock.advance(Math.min(earliest, 30_000) - 10);
      expect(await makeCalls(breaker, 503)).toBe(1);
      clock.advance(Math.min(earliest, 30_000));
      expect(await makeCalls(breaker, lost)).toBe(0);
      expect(breaker.isOpen).toBe(true);
    }
  });

  it('lets the next call probe after one that shows nothing', async () => {
    const breaker = await createOpen();
    clock.advance(1_250);
    expect(await makeCalls(breaker, cancelled)).toBe(0);
    expect(await makeCalls(breaker, 401)).toBe(0);
    expect(breaker.isOpen).toBe(true);
    expect(await makeCalls(breaker, 204)).toBe(0);
    expect(breaker.isOpen).toBe(false);
  });

  it('lets an accepted key probe while a made-up one does', async () => {
    const breaker = new CircuitBreaker();
    await makeCalls(breaker, 200, 1, 'accepted');
    await makeCalls(breaker, 503, 10, 'made up');
    expect(breaker.isOpen).toBe(true);
    clock.advance(1_250);
    const [other, accepted] = [startCall(breaker, 'made up'), startCall(breaker, 'accepted')];
    expect([other.isProbe(), accepted.isProbe()]).toEqual([true, true]);
    expect([startCall(breaker, 'made up').isProbe(), startCall(breaker, 'accepted').isProbe()]).toEqual([
      undefined,
      undefined,
    ]);
    await accepted.end(200);
    expect(breaker.isOpen).toBe(false);
  });

  it('ignores how calls end that began before it opened', async () => {
    const breaker = new CircuitBreaker();
    const early = startCall(breaker);
    await makeCalls(breaker, 503, 10);
    await early.end(200);
    expect(breaker.isOpen).toBe(true);
    clock.advance(1_250);
    expect(startCall(breaker).isProbe()).toBe(true);
  });

  it('ends the delay if the clock is set back', async () => {
    const breaker = await createOpen();
    jest.setSystemTime(Date.now() - 60_000);
    expect(startCall(breaker).isProbe()).toBe(true);
  });
});
