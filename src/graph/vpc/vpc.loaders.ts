// The VPCs of one operation. There is no call that takes several ids: a VPC that is wanted alone takes its GET, those of a list take the
// one list call of their environment, however many they are.
import type DataLoader from 'dataloader';
import type { RestSession } from '../../cloudca/client.js';
import type { EnvironmentAddress } from '../../cloudca/environments.js';
import { createShared } from '../../cloudca/http/singleflight.js';
import { getVpc, listVpcs, type VpcEntity } from '../../cloudca/vpcs.js';
import { inOrder } from '../connection.js';
import { createLoader, createMemo, isSameEnvironment, orNull, toEnvironmentKey } from '../loaders.js';
import { isId } from '../validators.js';
import { type Reach, toVpc, type Vpc } from './vpc.type.js';

/** Which VPC, and how to come by it. */
export interface VpcKey {
  readonly environment: EnvironmentAddress;
  readonly id: string;
  readonly reach: Reach;
}

/** The loaders of VPCs. */
export interface VpcLoaders {
  /** One VPC; null where the environment has none of that id. */
  readonly one: DataLoader<VpcKey, Vpc | null, string>;
  /** All VPCs of an environment, in order. */
  readonly list: (environment: EnvironmentAddress) => Promise<readonly Vpc[]>;
  /** The same, by their ids. */
  readonly byId: (environment: EnvironmentAddress) => Promise<ReadonlyMap<string, Vpc>>;
  /** A VPC of those that have come by their ids; else undefined. For the rows of a list: a promise for each would cost more than the row. */
  readonly listed: (environment: EnvironmentAddress, id: string) => Vpc | undefined;
}

const toRows = createShared((entities: readonly VpcEntity[], environment: EnvironmentAddress) =>
  inOrder(entities.map((entity) => toVpc(entity, environment, 'list'))),
);
const toMap = createShared((vpcs: readonly Vpc[]) => new Map(vpcs.map((vpc) => [vpc.id, vpc])));

/** Makes the loaders for one operation. */
export function createVpcLoaders(rest: RestSession): VpcLoaders {
  const list = createMemo(
    async (environment: EnvironmentAddress) => toRows(await listVpcs(rest, environment), environment),
    (environment) => toEnvironmentKey(environment),
  );
  const lists: { readonly environment: EnvironmentAddress; readonly vpcs: ReadonlyMap<string, Vpc> }[] = [];
  const byId = createMemo(
    async (environment: EnvironmentAddress) => {
      const vpcs = toMap(await list(environment));
      lists.push({ environment, vpcs });
      return vpcs;
    },
    (environment) => toEnvironmentKey(environment),
  );
  // Asked for every row of a list: it needs no key made of its environment.
  const listed = (environment: EnvironmentAddress, id: string) => {
    for (const list of lists) if (isSameEnvironment(list.environment, environment)) return list.vpcs.get(id);
    return undefined;
  };
  const load = ({ environment, id, reach }: VpcKey): Promise<Vpc | null> => {
    if (reach === 'list') return byId(environment).then((vpcs) => vpcs.get(id) ?? null);
    // What is no UUID is no VPC's id, and must not become part of a path.
    if (!isId(id)) return Promise.resolve(null);
    return orNull(getVpc(rest, environment, id), (entity) => toVpc(entity, environment, 'one'));
  };
  const one = createLoader(load, ({ environment, id }) => toEnvironmentKey(environment, id));
  return { one, list, byId, listed };
}
