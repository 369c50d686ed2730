// Loads the VPCs of one operation. The REST API has no call for several ids: a single VPC takes a GET of its own. All VPCs of a list
// share the list call of their environment.
import type DataLoader from 'dataloader';
import type { RestSession } from '../../cloudca/session.js';
import type { EnvironmentAddress } from '../../cloudca/environments.js';
import { toIdKey } from '../../cloudca/ids.js';
import { memoizePerSharedValue } from '../../cloudca/http/singleflight.js';
import { getVpc, listVpcs, type VpcEntity } from '../../cloudca/vpcs.js';
import { sortRows } from '../connection.js';
import {
  createLoader,
  createListLoader,
  isSameEnvironment,
  nullIfNotFound,
  toEnvironmentCacheKey,
} from '../loaders.js';
import { isId } from '../validators.js';
import { type LoadStrategy, toVpc, type Vpc } from './vpc.type.js';

/** Names a VPC, and the way to load it. */
export interface VpcKey {
  readonly environment: EnvironmentAddress;
  readonly id: string;
  readonly loadStrategy: LoadStrategy;
}

/** The loaders of VPCs. */
export interface VpcLoaders {
  /** Loads one VPC; null if the environment has no VPC with this id. */
  readonly one: DataLoader<VpcKey, Vpc | null, string>;
  /** Loads all VPCs of an environment, sorted by name. */
  readonly list: (environment: EnvironmentAddress) => Promise<readonly Vpc[]>;
  /** Loads all VPCs of an environment, by the keys (toIdKey) of their ids. */
  readonly byId: (environment: EnvironmentAddress) => Promise<ReadonlyMap<string, Vpc>>;
  /**
   * Returns a VPC that `byId` has loaded, otherwise undefined. Synchronous, since a promise for each row of a list would cost more than
   * the row.
   */
  readonly getLoaded: (environment: EnvironmentAddress, id: string) => Vpc | undefined;
}

const toRows = memoizePerSharedValue((entities: readonly VpcEntity[], environment: EnvironmentAddress) =>
  sortRows(entities.map((entity) => toVpc(entity, environment, 'list'))),
);
const toMap = memoizePerSharedValue((vpcs: readonly Vpc[]) => new Map(vpcs.map((vpc) => [toIdKey(vpc.id), vpc])));

/** Creates the loaders of one operation. */
export function createVpcLoaders(rest: RestSession): VpcLoaders {
  const list = createListLoader(
    async (environment: EnvironmentAddress) => toRows(await listVpcs(rest, environment), environment),
    (environment) => toEnvironmentCacheKey(environment),
  );
  const loadedLists: { readonly environment: EnvironmentAddress; readonly vpcs: ReadonlyMap<string, Vpc> }[] = [];
  const byId = createListLoader(
    async (environment: EnvironmentAddress) => {
      const vpcs = toMap(await list(environment));
      loadedLists.push({ environment, vpcs });
      return vpcs;
    },
    (environment) => toEnvironmentCacheKey(environment),
  );
  // Runs for every row of a list, so it compares environments instead of making a cache key.
  const getLoaded = (environment: EnvironmentAddress, id: string) => {
    for (const loaded of loadedLists) {
      if (isSameEnvironment(loaded.environment, environment)) return loaded.vpcs.get(toIdKey(id));
    }
    return undefined;
  };
  const load = ({ environment, id, loadStrategy }: VpcKey): Promise<Vpc | null> => {
    if (loadStrategy === 'list') return byId(environment).then((vpcs) => vpcs.get(toIdKey(id)) ?? null);
    // The id may come from the REST API. An id that is not a UUID belongs to no VPC, and must not become part of a path.
    if (!isId(id)) return Promise.resolve(null);
    return nullIfNotFound(getVpc(rest, environment, id), (entity) => toVpc(entity, environment, 'one'));
  };
  const one = createLoader(load, ({ environment, id }) => toEnvironmentCacheKey(environment, toIdKey(id)));
  return { one, list, byId, getLoaded };
}
