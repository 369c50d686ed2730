// Fakes the clock of the test process: it stands still until a test advances it. `process-clock.ts` holds that of a launched process.
import { afterAll, beforeAll, jest } from '@jest/globals';

/** A fake clock. */
export interface FakeClock {
  /** Advances it by so many milliseconds, and runs the timers that expire within them. */
  readonly advance: (milliseconds: number) => void;
}

/** What a fake clock can replace. clearTimeout and clearInterval go with their counterparts. */
export type Fakeable = 'Date' | 'performance' | 'setInterval' | 'setTimeout';

// What Jest would replace in Node.
const fakedByJest = [
  'Date',
  'hrtime',
  'nextTick',
  'performance',
  'queueMicrotask',
  'setImmediate',
  'clearImmediate',
  'setInterval',
  'clearInterval',
  'setTimeout',
  'clearTimeout',
] as const;

/**
 * Fakes the clock during the tests of a file, or of the `describe` that calls it. Replaces only `faked`, by default all but setInterval.
 * All else is real, e.g. sockets, setImmediate and `node:timers/promises`.
 */
export function useFakeClock(faked: readonly Fakeable[] = ['Date', 'performance', 'setTimeout']): FakeClock {
  beforeAll(() => {
    const isFaked = (name: string) => faked.some((item) => name === item || name === item.replace('set', 'clear'));
    jest.useFakeTimers({ doNotFake: fakedByJest.filter((name) => !isFaked(name)) });
  });
  afterAll(() => {
    jest.useRealTimers();
  });
  return {
    advance: (milliseconds) => {
      jest.advanceTimersByTime(milliseconds);
    },
  };
}
