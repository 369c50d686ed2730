// Tracks the pending responses of each connection, which may pipeline requests. A response is pending from its request's headers until it
// has been sent completely.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

// In the order of the requests.
const pendingExchanges = new WeakMap<Duplex, Set<Exchange>>();

/**
 * Tracks the pending responses of a server. If a connection closes, emits `close` also on responses that were still queued, which Node
 * does not.
 */
export function trackPendingResponses(server: Server): void {
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    const exchange = { request, response };
    let pending = pendingExchanges.get(socket);
    if (pending === undefined) {
      pending = new Set();
      pendingExchanges.set(socket, pending);
      socket.once('close', () => {
        closeAll(socket);
      });
    }
    pending.add(exchange);
    response.once('close', () => pendingExchanges.get(socket)?.delete(exchange));
  });
}

/** Returns the last pending response on a connection, of those whose requests have arrived completely. Undefined if there is none. */
export function findLastPendingResponse(socket: Duplex): ServerResponse | undefined {
  return [...(pendingExchanges.get(socket) ?? [])].findLast(({ request }) => request.complete)?.response;
}

// Node closes only the response that it is sending.
function closeAll(socket: Duplex): void {
  setImmediate(() => {
    for (const { response } of pendingExchanges.get(socket) ?? []) {
      if (response.closed) continue;
      response.destroy();
      response.emit('close');
    }
  });
}
