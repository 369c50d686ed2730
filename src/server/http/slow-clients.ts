// Limits how long the gateway holds responses for clients that do not read them, and how many bytes of them.
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';

/** Limits for clients that do not read their responses. */
export interface SlowClientLimits {
  /** Maximum time in which no byte of a response is sent, in milliseconds; also applies to a silent stream. */
  readonly idleMs: number;
  /** Maximum sum of the full sizes of responses not yet sent, in bytes; streams count 0. */
  readonly maxBytes: number;
}

/** Default limits: 30 s, above graphql-sse's 12 s ping; 128 MiB, about a dozen of the largest lists. */
export const defaultSlowClientLimits: SlowClientLimits = { idleMs: 30_000, maxBytes: 128 * 1024 * 1024 };

// In bytes. A smaller text costs less than a copy of it.
const largeBodyBytes = 64 * 1024;

/** A response that has not been sent completely. */
interface UnreadResponse {
  readonly response: ServerResponse;
  readonly socket: Socket;
  /** In bytes; 0 for a stream. */
  readonly size: number;
}

/**
 * Limits unread responses. Closes a connection if no byte of its response is sent for `idleMs`. Above `maxBytes`, closes the connections
 * of the oldest responses. A connection cannot be used after a truncated response.
 */
export function limitSlowClients(
  app: FastifyInstance,
  { idleMs, maxBytes }: SlowClientLimits = defaultSlowClientLimits,
): void {
  // Oldest first.
  const unread = new Map<ServerResponse, UnreadResponse>();
  let unreadBytes = 0;
  const remove = (response: ServerResponse) => {
    unreadBytes -= unread.get(response)?.size ?? 0;
    unread.delete(response);
  };
  const track = (item: UnreadResponse) => {
    const { response, socket, size } = item;
    // Node restarts the timeout with each byte that is sent, and closes the connection when it expires.
    const startTimeout = () => {
      socket.setTimeout(idleMs);
    };
    // A pipelined response gets its socket when those before it are sent.
    if (response.socket === null) response.once('socket', startTimeout);
    else startTimeout();
    // Prepended, because Node's own listener then sets the keep-alive timeout.
    response.prependOnceListener('finish', () => {
      socket.setTimeout(0);
    });
    // A destroyed response never emits `close` again.
    if (size > 0 && !response.destroyed) {
      unreadBytes += size;
      unread.set(response, item);
      response.once('close', () => {
        remove(response);
      });
    }
    for (const [oldest, { socket: oldestSocket }] of unread) {
      if (unreadBytes <= maxBytes || oldest === response) break;
      oldestSocket.destroy();
      remove(oldest);
    }
  };
  // Nearly all small responses are sent within this turn of the event loop, and then need no tracking.
  let sentThisTurn: UnreadResponse[] = [];
  const trackUnfinished = () => {
    const sent = sentThisTurn;
    sentThisTurn = [];
    for (const item of sent) if (!item.response.writableFinished) track(item);
  };
  app.addHook('onSend', (request, reply, payload, done) => {
    const { socket } = request.raw;
    const size = typeof payload === 'string' || Buffer.isBuffer(payload) ? Buffer.byteLength(payload) : 0;
    const item = { response: reply.raw, socket, size };
    if (size === 0 || size > largeBodyBytes) track(item);
    else {
      if (sentThisTurn.length === 0) setImmediate(trackUnfinished);
      sentThisTurn.push(item);
    }
    // A buffer is held once, outside the heap. A string would also stay on the heap until it is collected.
    done(null, typeof payload === 'string' && size > largeBodyBytes ? Buffer.from(payload) : payload);
  });
}
