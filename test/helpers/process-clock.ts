// Holds the clock of a launched process, so that a test neither waits for it nor depends on the machine's speed. `fake-clock.ts` fakes that
// of the test process.
import type { TestProcess } from './process.js';
import { waitUntil } from './wait-until.js';

/** The held timers of a process, by their delay in milliseconds. All others are real. */
export interface HeldTimers {
  /** Minimum delay. */
  readonly from: number;
  /** Maximum delay. Default: any. */
  readonly to?: number;
  /** The delays of those that `expireTimers` lets expire. Default: all held timers. */
  readonly expirable?: readonly number[];
}

const advancedText = 'The date was advanced.\n';

/**
 * Returns a value of NODE_OPTIONS that holds the clock of a process. Date.now() stands still until `advanceDate`. The held timers do not
 * expire until `expireTimers`: those of setTimeout, of both `global` and `node:timers/promises`. performance.now() is real. The process must
 * have no other use for SIGURG and SIGWINCH.
 */
export function holdClock({ from, to = Infinity, expirable }: HeldTimers): string {
  const script = `
    import { syncBuiltinESMExports } from 'node:module';
    import timers from 'node:timers/promises';
    import { promisify } from 'node:util';
    let now = Date.now();
    Date.now = () => now;
    process.on('SIGURG', () => {
      now += 60_000;
      process.stderr.write(${JSON.stringify(advancedText)});
    });
    const [{ setTimeout: start, clearTimeout: clear }, { setTimeout: sleep }] = [globalThis, timers];
    const isHeld = (delay) => delay >= ${from} && delay <= ${to};
    const expirable = ${JSON.stringify(expirable)};
    const held = new Map();
    globalThis.setTimeout = (callback, delay, ...args) => {
      if (!isHeld(delay)) return start(callback, delay, ...args);
      // Keeps the process alive as the held timer would.
      const timer = start(() => undefined, 2 ** 31 - 1);
      held.set(timer, { delay, expire: () => callback(...args) });
      return timer;
    };
    globalThis.clearTimeout = (timer) => {
      held.delete(timer);
      clear(timer);
    };
    timers.setTimeout = (delay, value, options) =>
      isHeld(delay)
        ? new Promise((resolve) => held.set(resolve, { delay, expire: () => resolve(value) }))
        : sleep(delay, value, options);
    globalThis.setTimeout[promisify.custom] = timers.setTimeout;
    syncBuiltinESMExports();
    process.on('SIGWINCH', () => {
      for (const [timer, { delay, expire }] of [...held]) {
        if (!held.has(timer) || expirable?.includes(delay) === false) continue;
        held.delete(timer);
        clear(timer);
        expire();
      }
    });`;
  return toImport(script);
}

/**
 * Returns a value of NODE_OPTIONS with which the timeouts of a process's sockets are shorter by this factor: the time without a byte after
 * which it closes a connection.
 */
export function shortenSocketTimeouts(factor: number): string {
  const script = `
    import { Socket } from 'node:net';
    const { setTimeout } = Socket.prototype;
    Socket.prototype.setTimeout = function (delay, callback) {
      return setTimeout.call(this, delay / ${factor}, callback);
    };`;
  return toImport(script);
}

function toImport(script: string): string {
  return `--import=data:text/javascript,${encodeURIComponent(script)}`;
}

/** Lets the held timers of a process expire that have started and are expirable. Does not wait until they have. */
export function expireTimers(held: TestProcess): void {
  held.signal('SIGWINCH');
}

/** Advances Date.now() of a process by a minute, which is longer than the circuit breaker ever waits for a probe. */
export async function advanceDate(held: TestProcess): Promise<void> {
  const countAdvances = () => held.stderr().split(advancedText).length - 1;
  const target = countAdvances() + 1;
  held.signal('SIGURG');
  await waitUntil(() => countAdvances() >= target);
}
