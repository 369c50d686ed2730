// Shared startup code of the contenders: listens on a free loopback port and logs the URL.
import { createServer } from 'node:net';
import type { Server } from 'node:http';

/** Listens on a free port of 127.0.0.1 and logs the URL for processes.ts. */
export function listen(server: Server): void {
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new TypeError('The listener has no port.');
    logListening(`http://127.0.0.1:${address.port}`);
  });
}

/** Logs the URL of a listening server as one line of JSON, which processes.ts waits for. */
export function logListening(url: string): void {
  process.stdout.write(`${JSON.stringify({ msg: 'listening', url })}\n`);
}

/** Returns the value of an environment requireEnv. Throws if it is not set. */
export function requireEnv(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new TypeError(`${name} is not set.`);
  return value;
}

/** Returns a port of 127.0.0.1 that is free now, for a program that cannot choose one itself. */
export function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === 'string') reject(new TypeError('The listener has no port.'));
        else resolve(address.port);
      });
    });
  });
}
