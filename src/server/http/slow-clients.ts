// How long, and how many bytes of, answers are kept for callers that do not read them. It knows sizes and connections, and nothing of
// what is answered.
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';

/** How much patience there is with callers that do not read. */
export interface UnreadLimits {
  /** An answer of which nothing has been taken for so long is given up, in milliseconds. */
  readonly idleMs: number;
  /** What all answers that wait may hold together, in bytes; beyond it the oldest are given up. */
  readonly mostBytes: number;
}

/** What is usual: longer than an event stream is silent, and as much as a dozen of the largest lists. */
export const usualUnreadLimits: UnreadLimits = { idleMs: 30_000, mostBytes: 128 * 1024 * 1024 };

// In bytes; a shorter text costs less than its copy.
const largeText = 64 * 1024;

/** An answer that has not been taken to its end. */
interface Waiting {
  readonly socket: Socket;
  /** In bytes. */
  readonly size: number;
}

/** Bounds what waits for callers. Their connection is closed where an answer is given up: half of one is none. */
export function limitUnreadAnswers(
  app: FastifyInstance,
  { idleMs, mostBytes }: UnreadLimits = usualUnreadLimits,
): void {
  // Oldest first.
  const waiting = new Map<ServerResponse, Waiting>();
  let bytes = 0;
  const forget = (answer: ServerResponse) => {
    bytes -= waiting.get(answer)?.size ?? 0;
    waiting.delete(answer);
  };
  const keep = (answer: ServerResponse, socket: Socket, size: number) => {
    // An answer's turn comes once those before it have been sent. Node closes a connection whose time is over, and lets it run anew with
    // each byte that the caller takes.
    const begin = () => {
      socket.setTimeout(idleMs);
    };
    if (answer.socket === null) answer.once('socket', begin);
    else begin();
    // Before Node itself sets the time for which the connection may be idle.
    answer.prependOnceListener('finish', () => {
      socket.setTimeout(0);
    });
    // One that is made as it is taken has no size; one whose caller has gone by now is taken by nobody, and never closes again.
    if (size > 0 && !answer.destroyed) {
      bytes += size;
      waiting.set(answer, { socket, size });
      answer.once('close', () => {
        forget(answer);
      });
    }
    for (const [oldest, { socket: theirs }] of waiting) {
      if (bytes <= mostBytes || oldest === answer) break;
      theirs.destroy();
      forget(oldest);
    }
  };
  // Nearly all that is small is taken before this turn of the event loop is over: no more need be known of it.
  let justSent: { readonly answer: ServerResponse; readonly socket: Socket; readonly size: number }[] = [];
  const keepWhatWaits = () => {
    const sent = justSent;
    justSent = [];
    for (const { answer, socket, size } of sent) if (!answer.writableFinished) keep(answer, socket, size);
  };
  app.addHook('onSend', (request, reply, payload, done) => {
    const { socket } = request.raw;
    const answer = reply.raw;
    const size = typeof payload === 'string' || Buffer.isBuffer(payload) ? Buffer.byteLength(payload) : 0;
    if (size === 0 || size > largeText) keep(answer, socket, size);
    else {
      if (justSent.length === 0) setImmediate(keepWhatWaits);
      justSent.push({ answer, socket, size });
    }
    // As bytes it is held once, outside the heap: as text it would be held there as well, until the collector comes by.
    done(null, typeof payload === 'string' && size > largeText ? Buffer.from(payload) : payload);
  });
}
