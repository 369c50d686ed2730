// Takes one kind of timer from the machine's clock, so that a test decides when it fires. All other timers, and those of Node itself, are real.
import { jest } from '@jest/globals';

type TimerFunction = 'setTimeout' | 'setInterval';

const fakeable = [
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

/** Timers that a test controls. */
export interface FakeTimers {
  /** Fires the timers that expire within so many milliseconds, at once. */
  readonly advance: (milliseconds: number) => void;
  /** Makes the function real again. */
  readonly restore: () => void;
}

/** Fakes a timer function from now on: the timers that code starts with it fire only when the test advances them. */
export function fakeTimers(name: TimerFunction): FakeTimers {
  const clearName = name === 'setTimeout' ? 'clearTimeout' : 'clearInterval';
  jest.useFakeTimers({ doNotFake: fakeable.filter((other) => other !== name && other !== clearName) });
  return {
    advance: (milliseconds) => {
      jest.advanceTimersByTime(milliseconds);
    },
    restore: () => {
      jest.useRealTimers();
    },
  };
}
