// A CONNECT proxy on raw sockets, which records its requests and the bytes that it forwards.
import { connect, createServer, type Socket } from 'node:net';
import { addCleanup } from './cleanup.js';
import { listen } from './free-port.js';

/** A running proxy. */
export interface ConnectProxy {
  /** Its host and port, e.g. 127.0.0.1:1234. */
  readonly host: string;
  /** The head of each request, as received. */
  readonly requests: readonly string[];
  /** Returns the bytes that clients sent through the proxy, decoded as Latin-1. */
  readonly forwarded: () => string;
  /** Changes how it handles requests: forwards them, never responds, closes the connection, or responds with a status. */
  readonly setMode: (mode: 'forward' | 'hang' | 'close' | number) => void;
}

/** Starts a proxy that connects every request to `port` of 127.0.0.1. It stops after the tests of the file. */
export async function startConnectProxy(port: number): Promise<ConnectProxy> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  let forwarded = '';
  let mode: Parameters<ConnectProxy['setMode']>[0] = 'forward';
  const track = (socket: Socket) => {
    sockets.add(socket);
    // Either end may reset the connection.
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
    return socket;
  };
  const server = createServer((socket) => {
    track(socket).once('data', (head) => {
      requests.push(head.toString('latin1'));
      if (mode === 'hang') return;
      if (mode === 'close') {
        socket.destroy();
        return;
      }
      if (typeof mode === 'number') {
        socket.end(`HTTP/1.1 ${mode} No\r\ncontent-length: 0\r\n\r\n`);
        return;
      }
      const upstream = track(connect(port, '127.0.0.1', () => socket.write('HTTP/1.1 200 Connected\r\n\r\n')));
      socket.on('data', (chunk) => (forwarded += chunk.toString('latin1')));
      socket.pipe(upstream).pipe(socket);
      upstream.once('close', () => socket.destroy());
      socket.once('close', () => upstream.destroy());
    });
  });
  const proxyPort = await listen(server);
  addCleanup(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    host: `127.0.0.1:${proxyPort}`,
    requests,
    forwarded: () => forwarded,
    setMode: (next) => {
      mode = next;
    },
  };
}
