// Loads the service connections, once per operation.
import type { RestSession } from '../../cloudca/session.js';
import { toIdKey } from '../../cloudca/ids.js';
import { listServiceConnections, type ServiceConnectionEntity } from '../../cloudca/environments.js';

/** The loaders of environments. */
export interface EnvironmentLoaders {
  /** Loads all service connections that the organization of the API key owns, by the keys (toIdKey) of their ids. */
  readonly serviceConnections: () => Promise<ReadonlyMap<string, ServiceConnectionEntity>>;
}

/** Creates the loaders of one operation. */
export function createEnvironmentLoaders(rest: RestSession): EnvironmentLoaders {
  let connections: Promise<ReadonlyMap<string, ServiceConnectionEntity>> | undefined;
  return { serviceConnections: () => (connections ??= load(rest)) };
}

async function load(rest: RestSession): Promise<ReadonlyMap<string, ServiceConnectionEntity>> {
  return new Map((await listServiceConnections(rest)).map((connection) => [toIdKey(connection.id), connection]));
}
