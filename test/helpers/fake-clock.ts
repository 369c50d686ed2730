// A clock that stands still until a test advances it: setTimeout, performance.now() and Date. Sockets, setImmediate and setInterval are real.
import { afterAll, beforeAll, jest } from '@jest/globals';

/** A fake clock. */
export interface FakeClock {
  /** Advances it, and runs the timers that expire. */
  readonly advance: (milliseconds: number) => void;
}

/** Fakes the clock during the tests of a file, or of the `describe` that calls it. `real` names what stays real besides. */
export function useFakeClock(real: readonly ('Date' | 'performance')[] = []): FakeClock {
  beforeAll(() => {
    jest.useFakeTimers({
      doNotFake: [
        'hrtime',
        'nextTick',
        'queueMicrotask',
        'setImmediate',
        'clearImmediate',
        'setInterval',
        'clearInterval',
        ...real,
      ],
    });
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
