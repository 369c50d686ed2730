// Starts listeners. If an address cannot be used, the error says which variable to set.
import { isIPv6 } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { ListenAddress } from './config.js';

/** The environment variables that set a listener's address, as error messages name them. */
export interface ListenVariables {
  /** Undefined if the host is fixed. */
  readonly host?: string;
  readonly port: string;
}

// A client cannot connect to an unspecified address. The loopback address of the same family reaches the same listener.
const loopbackAddresses = new Map([
  ['0.0.0.0', '127.0.0.1'],
  ['::', '::1'],
]);

/** Starts to listen, and returns the origin that clients on this machine can call, e.g. `http://127.0.0.1:4000`. Rejects if it cannot. */
export async function listen(
  app: FastifyInstance,
  address: ListenAddress,
  variables: ListenVariables,
): Promise<string> {
  await explainListenErrors(app.listen({ ...address }), address, variables);
  const bound = app.server.address();
  if (bound === null || typeof bound === 'string') throw new TypeError('The listener has no address.');
  const host = loopbackAddresses.get(bound.address) ?? bound.address;
  return `http://${isIPv6(host) ? `[${host}]` : host}:${bound.port}`;
}

/** Waits for a listener to start. If it fails because of its address, rejects with an error that names the variable to set. */
export async function explainListenErrors<T>(
  started: Promise<T>,
  address: ListenAddress,
  variables: ListenVariables,
): Promise<T> {
  try {
    return await started;
  } catch (error) {
    const message = explain(error, address, variables);
    throw message === undefined ? error : new Error(message);
  }
}

function explain(error: unknown, address: ListenAddress, variables: ListenVariables): string | undefined {
  const { host, port } = address;
  switch (toCode(error)) {
    case 'EADDRINUSE':
      return `Port ${port} of ${host} is in use. Set ${variables.port} (0: any free port) or stop the other process.`;
    case 'EACCES':
      return `This process is not allowed to listen on port ${port} of ${host}. Set ${variables.port} to 1024 or higher.`;
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
    case 'EAI_AGAIN':
    case 'ENOTFOUND':
      if (variables.host === undefined) return undefined;
      return `${host} is not an address of this machine. Set ${variables.host} to one that is, or to 0.0.0.0 for all.`;
    default:
      return undefined;
  }
}

function toCode(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
