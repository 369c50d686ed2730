// Tracks the REST calls of a client, so that a test can wait until none is in flight, and advance a fake clock only then.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { CloudcaClient } from '../../src/cloudca/client.js';
import type { FakeClock } from './fake-clock.js';
import { waitUntil } from './wait-until.js';

// The longest delay before a retry without Retry-After, in milliseconds.
const maxBackoffMs = 200;

/** The REST calls of a client. */
export interface RestCallTracker {
  /** Waits until no call is in flight, except those with these request ids. */
  readonly settle: (except?: ReadonlySet<string>) => Promise<void>;
  /**
   * Waits for an outcome. Advances the clock by `stepMs` whenever no call is in flight. So a read gets through the delays before its
   * retries, which the default of 200 ms covers.
   */
  readonly complete: <T>(outcome: Promise<T>, clock: FakeClock, stepMs?: number) => Promise<T>;
}

/** Tracks the calls of all sessions that the client creates from now on. */
export function trackRestCalls(client: CloudcaClient): RestCallTracker {
  // The number of calls in flight, by request id.
  const inFlight = new Map<string, number>();
  const count = (requestId: string, change: 1 | -1) => {
    const sum = (inFlight.get(requestId) ?? 0) + change;
    if (sum === 0) inFlight.delete(requestId);
    else inFlight.set(requestId, sum);
  };
  const createSession = client.session.bind(client);
  client.session = (caller, options) => {
    const { requestId } = caller;
    const observe: typeof caller.observe = (call) => {
      const observation = caller.observe?.(call);
      count(requestId, 1);
      return {
        ...observation,
        end: (outcome) => {
          count(requestId, -1);
          observation?.end(outcome);
        },
      };
    };
    return createSession({ ...caller, observe }, options);
  };
  const isIdle = (except?: ReadonlySet<string>) =>
    [...inFlight.keys()].every((requestId) => except?.has(requestId) === true);
  return {
    settle: async (except) => {
      do {
        await waitUntil(() => isIdle(except));
        // The code that waited for a response may make the next call now.
        await nextTurn();
      } while (!isIdle(except));
    },
    complete: async (outcome, clock, stepMs = maxBackoffMs) => {
      const status = { isSettled: false };
      const onSettled = () => {
        status.isSettled = true;
      };
      outcome.then(onSettled, onSettled);
      for (;;) {
        await nextTurn();
        await waitUntil(() => status.isSettled || isIdle());
        if (status.isSettled) return outcome;
        clock.advance(stepMs);
      }
    },
  };
}
