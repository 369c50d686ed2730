// Serves the requests of each connection one at a time, and tracks those that have no response yet. A client may pipeline requests
// (RFC 9112, 9.3.2). Node alone would run all of them at once, and would read on however many there are.
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { isObject } from '../../json.js';
import type { RequestTurns, WaitingRequest } from './request-turns.js';

/** A request, and the response to it. */
class Exchange implements WaitingRequest {
  readonly client: string;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** How long it has waited for its turn among other clients, in milliseconds. */
  waitedMs = 0;
  readonly #listener: RequestListener;

  constructor(client: string, request: IncomingMessage, response: ServerResponse, listener: RequestListener) {
    this.client = client;
    this.request = request;
    this.response = response;
    this.#listener = listener;
  }

  serve(waitedMs: number): void {
    if (this.request.socket.destroyed) return;
    this.waitedMs = waitedMs;
    this.#listener(this.request, this.response);
  }

  evict(): void {
    stopParsing(this.request.socket);
    this.request.socket.destroy();
  }
}

// In the order of the requests. The first is being served, the others wait.
const pendingExchanges = new WeakMap<Duplex, Set<Exchange>>();

// With more pending requests, the gateway does not read their connection. It cannot notice a disconnect then, so it reads some ahead.
const maxReadAhead = 8;

// The response to a request that waits behind so many others closes the connection. Each takes about 5 KB of memory. One read of 64 KiB may
// hold 3,600.
const maxPending = 16;

/** How the requests of different connections take turns. */
export interface ServingOptions {
  readonly turns: RequestTurns;
  /** Names the sender of a request. */
  readonly toClient: (request: IncomingMessage) => string;
}

/**
 * Returns a listener that passes the requests of a connection to `serve` one at a time, each when the response before it has been sent.
 * Several listeners share the queue of a connection. The response to the last request of a full queue closes the connection: the client must
 * send the others again (RFC 9112, 9.3.2). If a connection closes, emits `close` also on responses that were still queued, which Node does
 * not.
 */
export function serveOneAtATime(serve: RequestListener, { turns, toClient }: ServingOptions): RequestListener {
  return (request, response) => {
    const { socket } = request;
    // The rest of the bytes that were read before the connection closed.
    if (socket.destroyed) return;
    const exchange = new Exchange(toClient(request), request, response, serve);
    const pending = pendingExchanges.get(socket) ?? trackConnection(socket);
    pending.add(exchange);
    response.once('close', () => {
      const [first] = pending;
      pending.delete(exchange);
      turns.remove(exchange);
      if (pending.size === 0 || first !== exchange) return;
      if (pending.size === maxReadAhead) socket.resume();
      // Lets the requests of other connections pass.
      setImmediate(serveNext, socket, pending, turns);
    });
    if (pending.size >= maxPending) closeAfterResponse(response);
    if (pending.size === 1) turns.take(exchange);
    else turns.add(exchange);
    if (pending.size > maxReadAhead) socket.pause();
  };
}

/** Makes a response the last one of its connection (RFC 9112, 9.6). Later requests on it, which would get none, are not parsed. */
export function closeAfterResponse(response: ServerResponse): void {
  stopParsing(response.req.socket);
  response.setHeader('connection', 'close');
}

// Node goes on to parse what it has read, even if the connection is destroyed, and documents no way to stop. Its parser stops if `onIncoming`
// returns 2, as for an upgrade (decision 31).
function stopParsing(socket: Duplex): void {
  const parser: unknown = Reflect.get(socket, 'parser');
  if (isObject(parser)) Reflect.set(parser, 'onIncoming', () => 2);
}

function serveNext(socket: Duplex, [next]: ReadonlySet<Exchange>, turns: RequestTurns): void {
  if (next !== undefined && !socket.destroyed) turns.take(next);
}

/** Returns how long the request that is served on a connection has waited for its turn among other clients, in milliseconds. */
export function readWaitedMs(socket: Duplex): number {
  const [served] = pendingExchanges.get(socket) ?? [];
  return served?.waitedMs ?? 0;
}

/** Reports whether a request that has arrived on a connection, at least its headers, has no response yet. */
export function hasPendingRequest(socket: Duplex): boolean {
  return (pendingExchanges.get(socket)?.size ?? 0) > 0;
}

/** Returns the last pending response on a connection, of those whose requests have arrived completely. Undefined if there is none. */
export function findLastPendingResponse(socket: Duplex): ServerResponse | undefined {
  return [...(pendingExchanges.get(socket) ?? [])].findLast(({ request }) => request.complete)?.response;
}

function trackConnection(socket: Duplex): Set<Exchange> {
  const pending = new Set<Exchange>();
  pendingExchanges.set(socket, pending);
  // Node itself resumes reading after each response.
  socket.on('resume', () => {
    if (pending.size > maxReadAhead) socket.pause();
  });
  socket.once('close', () => {
    closeAll(pending);
  });
  return pending;
}

// Node closes only the response that it is sending.
function closeAll(pending: ReadonlySet<Exchange>): void {
  setImmediate(() => {
    for (const { response } of pending) {
      if (response.closed) continue;
      response.destroy();
      response.emit('close');
    }
  });
}
