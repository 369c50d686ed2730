// Turns new requests away while the event loop is late: what is at work already gets the time. It knows no caller, and nothing of what is asked.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { FastifyInstance } from 'fastify';
import { sendError } from '../http/error-responses.js';

/** What is told while the event loop is late. */
export const lateMessage = 'The gateway has too much to do; ask again in a moment.';

// How often the delay is looked at, in milliseconds.
const interval = 500;
// How often it is measured, in milliseconds: what is measured is the time from one to the next.
const resolution = 10;

/** What sheds. */
export interface SheddingOptions {
  /** How late the event loop may be, in milliseconds; 0: however late. */
  readonly most: number;
  /** Told of each time that something is turned away. */
  readonly shed: () => void;
  /** Tells how late it was in the mean since this was last asked, in milliseconds; measured where nothing else is said. */
  readonly readDelay?: (() => number) | undefined;
}

/**
 * Has an application answer 503 while the event loop is too late in the mean of half a second, twice in a row. Gives whether it is so, for what does
 * not come as a request.
 */
export function addShedding(app: FastifyInstance, { most, shed, readDelay }: SheddingOptions): () => boolean {
  if (most === 0) return () => false;
  const read = readDelay ?? measureDelay(app);
  let late = 0;
  const looks = setInterval(() => {
    late = read() > most ? late + 1 : 0;
  }, interval).unref();
  app.addHook('onClose', (_app, done) => {
    clearInterval(looks);
    done();
  });
  const turnsAway = () => {
    // Once may be the start, a large answer, or a process that was not given the CPU.
    if (late < 2) return false;
    shed();
    return true;
  };
  app.addHook('onRequest', (request, reply, done) => {
    if (!turnsAway()) {
      done();
      return;
    }
    void reply.header('retry-after', 1);
    sendError(request, reply, 503, 'OVERLOADED', lateMessage);
  });
  return turnsAway;
}

function measureDelay(app: FastifyInstance): () => number {
  const delays = monitorEventLoopDelay({ resolution });
  delays.enable();
  app.addHook('onClose', (_app, done) => {
    delays.disable();
    done();
  });
  let last = performance.now();
  return () => {
    const now = performance.now();
    // Where nothing was measured, the event loop has not turned since.
    const delay = delays.count === 0 ? now - last : delays.mean / 1e6 - resolution;
    delays.reset();
    last = now;
    return delay;
  };
}
