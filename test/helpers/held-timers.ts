// Takes the clock from some timers of a launched gateway, so that a test neither waits for them nor depends on the machine's speed.

/** Which timers are held, by their delay in milliseconds. */
export interface HeldTimers {
  /** Minimum delay. */
  readonly from: number;
  /** Maximum delay. Default: any. */
  readonly to?: number;
  /** The delays of the held timers that expire when the gateway receives SIGWINCH. All others never expire. */
  readonly expireOnSignal?: readonly number[];
}

/** Returns a value of NODE_OPTIONS that holds timers of the gateway: those of setTimeout, of both `global` and `node:timers/promises`. */
export function holdTimers({ from, to = Infinity, expireOnSignal = [] }: HeldTimers): string {
  // Clearing a held timer does not stop it from expiring: name only timers in `expireOnSignal` that are still active then.
  const script = `
    import { syncBuiltinESMExports } from 'node:module';
    import timers from 'node:timers/promises';
    import { promisify } from 'node:util';
    const [{ setTimeout: start }, { setTimeout: sleep }] = [globalThis, timers];
    const isHeld = (delay) => delay >= ${from} && delay <= ${to};
    const held = [];
    globalThis.setTimeout = (callback, delay, ...args) => {
      if (!isHeld(delay)) return start(callback, delay, ...args);
      held.push({ delay, expire: () => callback(...args) });
      return start(() => undefined, 2 ** 31 - 1);
    };
    timers.setTimeout = (delay, value, options) =>
      isHeld(delay)
        ? new Promise((resolve) => held.push({ delay, expire: () => resolve(value) }))
        : sleep(delay, value, options);
    globalThis.setTimeout[promisify.custom] = timers.setTimeout;
    syncBuiltinESMExports();
    process.on('SIGWINCH', () => {
      for (const { delay, expire } of held.splice(0)) if (${JSON.stringify(expireOnSignal)}.includes(delay)) expire();
    });`;
  return `--import data:text/javascript,${encodeURIComponent(script)}`;
}
