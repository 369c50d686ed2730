// Finds a free port, for programs that do not accept port 0.
import { createServer } from 'node:net';

/** Returns a port of 127.0.0.1 that is free. Another process may take it before the caller does. */
export function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === 'string') reject(new TypeError('The listener has no port.'));
        else resolve(address.port);
      });
    });
  });
}
