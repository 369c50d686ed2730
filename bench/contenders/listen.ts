// How every contender begins: any free port of the loopback, told in one line of JSON.
import type { Server } from 'node:http';

/** Listens, and tells where in a line that processes.ts reads. */
export function listen(server: Server): void {
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new TypeError('The listener has no port.');
    announce(`http://127.0.0.1:${address.port}`);
  });
}

/** Tells where a server listens that began by itself. */
export function announce(url: string): void {
  process.stdout.write(`${JSON.stringify({ msg: 'listening', url })}\n`);
}

/** A variable of the environment. Throws where it is not set. */
export function variable(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new TypeError(`${name} is not set.`);
  return value;
}
