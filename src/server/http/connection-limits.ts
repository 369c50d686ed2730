// Counts the open connections of a server, and bounds them.
import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Counts the open connections of a server. Returns a function that reports whether more than `max` are open; the code that calls it must
 * then reject the request. Node closes connections above 110 % of `max`, or above `max` + 16 if that is more, without a response.
 */
export function trackConnections(server: Server, max: number): () => boolean {
  // Counts sockets, not events: a socket whose offer to upgrade is ignored reaches the server a second time.
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  server.maxConnections = max + Math.max(16, Math.ceil(max / 10));
  return () => open.size > max;
}
