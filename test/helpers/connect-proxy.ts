// A proxy that knows nothing but CONNECT, on bare sockets: it keeps all that it was told, and all that passed through it.
import { connect, createServer, type Socket } from 'node:net';
import { atEnd } from './at-end.js';

/** A proxy that listens. */
export interface ConnectProxy {
  /** Its address, e.g. 127.0.0.1:1234. */
  readonly host: string;
  /** The head of each request, as it came. */
  readonly requests: readonly string[];
  /** What callers have sent through it, as Latin-1. */
  readonly passed: () => string;
  /** What it does from now on: leads on, says nothing, closes, or refuses with a status. */
  readonly behave: (how: 'lead on' | 'say nothing' | 'close' | number) => void;
}

/** Starts one that leads to `port` of this machine, whatever host it is asked for; it ends with the file's tests. */
export async function startConnectProxy(port: number): Promise<ConnectProxy> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  let passed = '';
  let how: Parameters<ConnectProxy['behave']>[0] = 'lead on';
  const keep = (socket: Socket) => {
    sockets.add(socket);
    // How a connection ends is for its two ends to say.
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
    return socket;
  };
  const server = createServer((socket) => {
    keep(socket).once('data', (head) => {
      requests.push(head.toString('latin1'));
      if (how === 'say nothing') return;
      if (how === 'close') {
        socket.destroy();
        return;
      }
      if (typeof how === 'number') {
        socket.end(`HTTP/1.1 ${how} No\r\ncontent-length: 0\r\n\r\n`);
        return;
      }
      const onward = keep(connect(port, '127.0.0.1', () => socket.write('HTTP/1.1 200 Connected\r\n\r\n')));
      socket.on('data', (chunk) => (passed += chunk.toString('latin1')));
      socket.pipe(onward).pipe(socket);
      onward.once('close', () => socket.destroy());
      socket.once('close', () => onward.destroy());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('The proxy has no port.');
  return {
    host: `127.0.0.1:${address.port}`,
    requests,
    passed: () => passed,
    behave: (next) => {
      how = next;
    },
  };
}
