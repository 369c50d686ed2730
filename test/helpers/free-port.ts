// A port for a program that has to be told which, and cannot take any free one.
import { createServer } from 'node:net';

/** A port of the loopback that was free a moment ago. */
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
