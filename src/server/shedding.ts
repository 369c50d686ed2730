// Turns new requests away while the event loop is late: what is at work already gets the time. It knows no caller, and nothing of what is asked.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { FastifyInstance } from 'fastify';
import { sendError } from './refusals.js';

/** What is told while the event loop is late. */
export const lateMessage = 'The gateway has too much to do; ask again in a moment.';

// How often the delay is looked at, in milliseconds.
const interval = 500;
// How often it is measured, in milliseconds: what is measured is the time from one to the next.
const resolution = 10;

/**
 * Has an application answer 503 while the event loop is late by more than `most` milliseconds in the mean of half a second, twice in a row; 0:
 * never. Gives whether it is so, for what does not come as a request. `shed` is told of each time that something is turned away, either way.
 */
export function addShedding(app: FastifyInstance, most: number, shed: () => void): () => boolean {
  if (most === 0) return () => false;
  const delays = monitorEventLoopDelay({ resolution });
  delays.enable();
  let late = 0;
  const looks = setInterval(() => {
    // Where nothing was measured, the event loop has not turned for all that time.
    late = delays.count === 0 || delays.mean / 1e6 - resolution > most ? late + 1 : 0;
    delays.reset();
  }, interval).unref();
  app.addHook('onClose', (_app, done) => {
    clearInterval(looks);
    delays.disable();
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
