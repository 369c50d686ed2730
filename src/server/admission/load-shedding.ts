// Load shedding: rejects new requests while the event loop is delayed, so that operations in progress get the CPU time. Rejects a request that
// has waited too long for its turn, since its client sends more than there is time for.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { FastifyInstance } from 'fastify';
import { sendError } from '../http/error-responses.js';
import { readWaitedMs } from '../http/pending-responses.js';

/** Message to clients while the gateway sheds load. */
export const overloadedMessage = 'The gateway is overloaded. Try again in a moment.';

const checkIntervalMs = 500;
// The delay is measured as the time between two ticks of this many milliseconds.
const resolutionMs = 10;

/** Options of load shedding. */
export interface LoadSheddingOptions {
  /** Maximum mean delay of the event loop, and maximum wait of a request for its turn, in milliseconds; 0: no maximum. */
  readonly maxDelayMs: number;
  /** Called for each rejection. */
  readonly onShed: () => void;
  /** Returns the mean delay since its last call, in milliseconds. Default: a measurement. */
  readonly readEventLoopDelay?: (() => number) | undefined;
}

/**
 * Rejects requests with OVERLOADED (503) after two intervals of 500 ms in a row had a mean event loop delay above `maxDelayMs`. Rejects a
 * request that has itself waited longer than that for its turn (RequestTurns). Returns `shedIfOverloaded`, for WebSockets and subscriptions:
 * it records a rejection and returns true if the request must be rejected.
 */
export function addLoadShedding(
  app: FastifyInstance,
  { maxDelayMs, onShed, readEventLoopDelay }: LoadSheddingOptions,
): () => boolean {
  if (maxDelayMs === 0) return () => false;
  const readDelay = readEventLoopDelay ?? measureDelay(app);
  let delayedIntervals = 0;
  const timer = setInterval(() => {
    delayedIntervals = readDelay() > maxDelayMs ? delayedIntervals + 1 : 0;
  }, checkIntervalMs).unref();
  app.addHook('onClose', (_app, done) => {
    clearInterval(timer);
    done();
  });
  const shedIfOverloaded = (waitedMs = 0) => {
    // The start of the process, one large response, or a lack of CPU time may delay a single interval.
    if (delayedIntervals < 2 && waitedMs <= maxDelayMs) return false;
    onShed();
    return true;
  };
  app.addHook('onRequest', (request, reply, done) => {
    if (!shedIfOverloaded(readWaitedMs(request.raw.socket))) {
      done();
      return;
    }
    void reply.header('retry-after', 1);
    sendError(request, reply, 'OVERLOADED', overloadedMessage);
  });
  return shedIfOverloaded;
}

function measureDelay(app: FastifyInstance): () => number {
  const delays = monitorEventLoopDelay({ resolution: resolutionMs });
  delays.enable();
  app.addHook('onClose', (_app, done) => {
    delays.disable();
    done();
  });
  let lastReadAt = performance.now();
  return () => {
    const now = performance.now();
    // Without a sample, the event loop has been blocked since the last call.
    const delay = delays.count === 0 ? now - lastReadAt : delays.mean / 1e6 - resolutionMs;
    delays.reset();
    lastReadAt = now;
    return delay;
  };
}
