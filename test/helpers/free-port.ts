// Free ports. `listen` is for servers of the test process. Other programs listen on port 0 and log their port. Only a test that needs an
// address that refuses connections, or a program that restarts on its port, uses `findFreePort`.
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/** Listens on a free port of 127.0.0.1, or on another address. Returns the port. */
export async function listen(server: Server, { host = '127.0.0.1', port = 0 } = {}): Promise<number> {
  await once(server.listen(port, host), 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('The server has no port.');
  return address.port;
}

// By default, Linux, macOS and Windows assign none of these ports to a listener on port 0 or to an outgoing connection. So no other
// process takes the port before the caller does, nor while the caller's program restarts.
const [minPort, maxPort] = [10_240, 32_767];

/** Returns a port of 127.0.0.1 on which no process listens. */
export async function findFreePort(): Promise<number> {
  for (;;) {
    const port = randomInt(minPort, maxPort + 1);
    const server = createServer();
    try {
      await listen(server, { port });
    } catch {
      // The port is in use.
      continue;
    }
    server.close();
    await once(server, 'close');
    return port;
  }
}
