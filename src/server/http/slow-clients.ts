// Limits how long the gateway holds responses for clients that do not read them, and how many bytes wait for all clients together.
import type { ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { hashApiKey, readApiKey } from './api-key.js';
import { UnreadBytes } from './unread-bytes.js';

/** Limits for clients that do not read their responses. */
export interface SlowClientLimits {
  /** Maximum time in which no byte of a response is sent, in milliseconds; also applies to a silent stream. */
  readonly idleMs: number;
  /** Maximum number of bytes that wait for all clients: full sizes of responses, events, and messages of WebSockets. */
  readonly maxBytes: number;
}

/** Default limits: 30 s, above the heartbeat of event streams; 64 MiB, about six of the largest lists. */
export const defaultSlowClientLimits: SlowClientLimits = { idleMs: 30_000, maxBytes: 64 * 1024 * 1024 };

// In bytes. A smaller text costs less than a copy of it.
const largeBodyBytes = 64 * 1024;

/** A response that has not been sent completely. */
interface UnreadResponse {
  readonly request: FastifyRequest;
  readonly response: ServerResponse;
  /** In bytes; 0 for a stream. */
  readonly size: number;
}

/**
 * Limits unread responses. Closes a connection if no byte of its response is sent for `idleMs`; it cannot be used after a truncated
 * response. Returns the account of unread bytes, to which event streams and WebSockets add theirs. Calls `onClose` for each connection that
 * is closed because of `maxBytes`.
 */
export function limitSlowClients(
  app: FastifyInstance,
  onClose: () => void,
  { idleMs, maxBytes }: SlowClientLimits = defaultSlowClientLimits,
): UnreadBytes {
  const unreadBytes = new UnreadBytes(maxBytes, onClose);
  const track = ({ request, response, size }: UnreadResponse) => {
    const { socket } = request.raw;
    // Node restarts the timeout with each byte that is sent, and closes the connection when it expires.
    socket.setTimeout(idleMs);
    // Prepended, because Node's own listener then sets the keep-alive timeout.
    response.prependOnceListener('finish', () => {
      socket.setTimeout(0);
    });
    // A destroyed response never emits `close` again.
    if (size === 0 || response.destroyed) return;
    const callerId = readCallerId(request);
    response.once('close', () => {
      unreadBytes.set(socket, callerId, 0);
    });
    unreadBytes.set(socket, callerId, size, false);
  };
  // Nearly all small responses are sent within this turn of the event loop, and then need no tracking.
  let sentThisTurn: UnreadResponse[] = [];
  const trackUnfinished = () => {
    const sent = sentThisTurn;
    sentThisTurn = [];
    for (const item of sent) if (!item.response.writableFinished) track(item);
  };
  app.addHook('onSend', (request, reply, payload, done) => {
    const size = typeof payload === 'string' || Buffer.isBuffer(payload) ? Buffer.byteLength(payload) : 0;
    const item = { request, response: reply.raw, size };
    if (size === 0 || size > largeBodyBytes) track(item);
    else {
      if (sentThisTurn.length === 0) setImmediate(trackUnfinished);
      sentThisTurn.push(item);
    }
    // A buffer is held once, outside the heap. A string would also stay on the heap until it is collected.
    done(null, typeof payload === 'string' && size > largeBodyBytes ? Buffer.from(payload) : payload);
  });
  return unreadBytes;
}

/** Returns the hash of the API key of a request; undefined without a key. */
export function readCallerId(request: FastifyRequest): string | undefined {
  const apiKey = readApiKey(request);
  return apiKey === undefined ? undefined : hashApiKey(apiKey);
}
