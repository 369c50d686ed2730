// The service connections of one operation, loaded once however many environments name them.
import type { RestSession } from '../../cloudca/client.js';
import { listServiceConnections, type ServiceConnectionEntity } from '../../cloudca/environments.js';

/** The loaders of environments. */
export interface EnvironmentLoaders {
  /** All service connections that the key can see, by id. */
  readonly serviceConnections: () => Promise<ReadonlyMap<string, ServiceConnectionEntity>>;
}

/** Makes the loaders for one operation. */
export function createEnvironmentLoaders(rest: RestSession): EnvironmentLoaders {
  let connections: Promise<ReadonlyMap<string, ServiceConnectionEntity>> | undefined;
  return { serviceConnections: () => (connections ??= load(rest)) };
}

async function load(rest: RestSession): Promise<ReadonlyMap<string, ServiceConnectionEntity>> {
  return new Map((await listServiceConnections(rest)).map((connection) => [connection.id, connection]));
}
