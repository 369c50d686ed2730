// The answers that the public listener owes on each connection, in the order of the requests. It knows connections, and nothing of what is
// asked or answered.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/** A request that was handed over, and its answer, which has not been sent to its end. */
interface Owed {
  readonly request: IncomingMessage;
  readonly answer: ServerResponse;
}

const owed = new WeakMap<Duplex, Set<Owed>>();

/** Keeps what a listener owes; has every answer emit `close` when its connection closes. */
export function trackAnswers(server: Server): void {
  server.on('request', (request: IncomingMessage, answer: ServerResponse) => {
    const { socket } = request;
    const one = { request, answer };
    let owes = owed.get(socket);
    if (owes === undefined) {
      owes = new Set();
      owed.set(socket, owes);
      socket.once('close', () => {
        closeAll(socket);
      });
    }
    owes.add(one);
    answer.once('close', () => owed.get(socket)?.delete(one));
  });
}

/** The answer that is owed last on a connection: of a request that has come whole. */
export function lastOwed(socket: Duplex): ServerResponse | undefined {
  return [...(owed.get(socket) ?? [])].findLast(({ request }) => request.complete)?.answer;
}

// Node tells the answer that is being sent; those that wait behind it would never be over.
function closeAll(socket: Duplex): void {
  setImmediate(() => {
    for (const { answer } of owed.get(socket) ?? []) {
      if (answer.closed) continue;
      answer.destroy();
      answer.emit('close');
    }
  });
}
