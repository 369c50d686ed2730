// Load shedding without HTTP: how many delayed intervals it takes, and how the delay is measured. The clock is fake.
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import Fastify from 'fastify';
import { setTimeout as sleep } from 'node:timers/promises';
import { addLoadShedding, overloadedMessage } from '../../../src/server/admission/load-shedding.js';
import { addCleanup } from '../../helpers/cleanup.js';
import { useFakeClock } from '../../helpers/fake-clock.js';

const maxDelayMs = 50;
const intervalMs = 500;
const clock = useFakeClock(['performance', 'setInterval']);

afterEach(() => {
  jest.restoreAllMocks();
});

/** Adds load shedding to an application that responds `ok`. Without `readEventLoopDelay`, it measures the delay. */
async function start(options: { maxDelayMs?: number; readEventLoopDelay?: () => number } = {}) {
  const app = Fastify();
  addCleanup(() => app.close());
  let shedCount = 0;
  const onShed = () => {
    shedCount++;
  };
  const shedIfOverloaded = addLoadShedding(app, { maxDelayMs, onShed, ...options });
  app.get('/', () => 'ok');
  await app.ready();
  return { app, shedIfOverloaded, shedCount: () => shedCount };
}

/** Starts an application whose event loop delay the test sets, in milliseconds. */
async function startWithDelay() {
  let delay = 0;
  let reads = 0;
  const readEventLoopDelay = () => {
    reads++;
    return delay;
  };
  const setDelay = (delayMs: number) => {
    delay = delayMs;
    clock.advance(intervalMs);
  };
  return { ...(await start({ readEventLoopDelay })), setDelay, reads: () => reads };
}

describe('addLoadShedding', () => {
  it('sheds from the second delayed interval in a row on, until an interval is not delayed', async () => {
    const { shedIfOverloaded, shedCount, setDelay } = await startWithDelay();
    const outcomes = [maxDelayMs + 1, maxDelayMs, maxDelayMs + 1, maxDelayMs + 1, maxDelayMs + 1, maxDelayMs].map(
      (delay) => {
        setDelay(delay);
        return shedIfOverloaded();
      },
    );
    expect(outcomes).toEqual([false, false, false, true, true, false]);
    expect(shedCount()).toBe(2);
  });

  it('rejects requests with status 503 and Retry-After while it sheds, and records each rejection', async () => {
    const { app, shedCount, setDelay } = await startWithDelay();
    expect((await app.inject('/')).body).toBe('ok');
    setDelay(Infinity);
    setDelay(Infinity);
    const rejected = await app.inject('/');
    setDelay(0);
    expect(rejected.statusCode).toBe(503);
    expect(rejected.headers['retry-after']).toBe('1');
    expect(rejected.json()).toMatchObject({
      errors: [{ message: overloadedMessage, extensions: { code: 'OVERLOADED' } }],
    });
    expect((await app.inject('/')).body).toBe('ok');
    expect(shedCount()).toBe(1);
  });

  it('reads the delay twice a second, until the application closes', async () => {
    const { app, reads } = await startWithDelay();
    clock.advance(intervalMs - 1);
    expect(reads()).toBe(0);
    clock.advance(1);
    expect(reads()).toBe(1);
    await app.close();
    clock.advance(10 * intervalMs);
    expect(reads()).toBe(1);
  });

  it('reads nothing and sheds nothing with a maximum of 0', async () => {
    let reads = 0;
    const readEventLoopDelay = () => {
      reads++;
      return Infinity;
    };
    const { app, shedIfOverloaded } = await start({ maxDelayMs: 0, readEventLoopDelay });
    clock.advance(10 * intervalMs);
    expect(shedIfOverloaded()).toBe(false);
    expect((await app.inject('/')).statusCode).toBe(200);
    expect(reads).toBe(0);
  });

  it('sheds when the event loop is blocked for two intervals', async () => {
    const { app, shedIfOverloaded } = await start();
    // The monitor gets no turn of the event loop, and so takes no sample.
    clock.advance(intervalMs);
    expect(shedIfOverloaded()).toBe(false);
    clock.advance(intervalMs);
    expect(shedIfOverloaded()).toBe(true);
    await app.close();
  });

  it('measures the delay since the last interval only', async () => {
    const { shedIfOverloaded } = await start({ maxDelayMs: intervalMs });
    // Each interval is blocked for exactly the maximum.
    for (let count = 0; count < 4; count++) clock.advance(intervalMs);
    expect(shedIfOverloaded()).toBe(false);
  });

  it('does not shed while the event loop turns', async () => {
    // Less than the time since the last interval, which counts only if the event loop has not turned since.
    const { shedIfOverloaded } = await start({ maxDelayMs: intervalMs - 1 });
    for (let count = 0; count < 3; count++) {
      // Real time, in which the monitor takes samples.
      await sleep(100);
      clock.advance(intervalMs);
    }
    expect(shedIfOverloaded()).toBe(false);
  });
});
