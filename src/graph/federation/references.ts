// References of other subgraphs to VPNs and VPCs: their form, the REST calls that load them, and the loading.
import type { EnvironmentAddress } from '../../cloudca/environments.js';
import { toIdKey } from '../../cloudca/ids.js';
import { isObject } from '../../json.js';
import type { GraphContext } from '../context.js';
import { EnvironmentInput, toValidAddress } from '../environment/environment.inputs.js';
import { BadUserInputError } from '../errors.js';
import type { RestCallName } from '../limits/query-cost.js';
import { nullIfNotFound, toEnvironmentCacheKey } from '../loaders.js';
import type { SiteToSiteVpn } from '../site-to-site-vpn/site-to-site-vpn.type.js';
import { isId } from '../validators.js';
import type { Vpc } from '../vpc/vpc.type.js';

/** Names of the types that other subgraphs can refer to. */
export const entityNames = ['SiteToSiteVpn', 'Vpc'] as const;
type EntityName = (typeof entityNames)[number];

/** A VPN or a VPC. */
export type Entity = SiteToSiteVpn | Vpc;

/** Names an entity, as a representation does. */
interface Reference {
  readonly typename: EntityName;
  readonly environment: EnvironmentAddress;
  readonly id: string;
}

/** References to entities of one type in one environment. */
interface Batch {
  readonly typename: EntityName;
  readonly environment: EnvironmentAddress;
  /** Keys (toIdKey) of their ids. */
  readonly ids: Set<string>;
}

/** Returns the name of the type of an entity. */
export function toEntityName(entity: Entity): EntityName {
  return 'vpcId' in entity ? 'SiteToSiteVpn' : 'Vpc';
}

/** Returns the REST call that loads each batch of representations. Those that are invalid, or name nothing that can exist, make none. */
export function toLoadCalls(representations: readonly unknown[]): readonly RestCallName[] {
  const references = representations.map(toReferenceOrError).filter(isReference);
  return [...toBatches(references).values()].map((batch) => {
    if (batch.typename === 'Vpc') return 'vpcs';
    return loadsList(batch) ? 'siteToSiteVpns' : 'siteToSiteVpn';
  });
}

/**
 * Loads the entities that representations name, in their order. An entity that does not exist is null. One that cannot be loaded, or whose
 * representation is invalid, is an Error, which graphql-js reports at its place.
 */
export function loadEntities(
  representations: readonly unknown[],
  context: GraphContext,
): Promise<readonly (Entity | Error | null)[]> {
  const references = representations.map(toReferenceOrError);
  const loads = new Map<string, LoadEntity>();
  for (const [key, batch] of toBatches(references.filter(isReference))) loads.set(key, createLoad(batch, context));
  // Rejections become values at once: rows may wait for their turn, in which nothing would handle them.
  return Promise.all(
    references.map(async (reference) => {
      if (!isReference(reference)) return reference;
      const load = loads.get(toBatchKey(reference));
      return load === undefined ? null : load(reference.id).catch(toError);
    }),
  );
}

type LoadEntity = (id: string) => Promise<Entity | null>;

/** Loads a single entity by its id. Loads several of one type and environment from one list. */
function createLoad(batch: Batch, { loaders }: GraphContext): LoadEntity {
  const { typename, environment } = batch;
  const { siteToSiteVpns, vpcs } = loaders;
  if (!loadsList(batch)) {
    return typename === 'Vpc'
      ? (id) => vpcs.one.load({ environment, id, loadStrategy: 'one' })
      : (id) => siteToSiteVpns.one.load({ environment, id });
  }
  const list: Promise<ReadonlyMap<string, Entity>> =
    typename === 'Vpc'
      ? vpcs.byId(environment)
      : siteToSiteVpns
          .list({ environment, vpcId: null })
          .then((vpns) => new Map(vpns.map((vpn) => [toIdKey(vpn.id), vpn])));
  // As for a single entity, a 404 means that the entity does not exist.
  const load = nullIfNotFound(list, (entities) => entities);
  return async (id) => (await load)?.get(toIdKey(id)) ?? null;
}

function loadsList({ ids }: Batch): boolean {
  return ids.size > 1;
}

function toBatches(references: readonly Reference[]): ReadonlyMap<string, Batch> {
  const batches = new Map<string, Batch>();
  for (const reference of references) {
    const { typename, environment, id } = reference;
    const key = toBatchKey(reference);
    const batch = batches.get(key) ?? { typename, environment, ids: new Set<string>() };
    batch.ids.add(toIdKey(id));
    batches.set(key, batch);
  }
  return batches;
}

function toBatchKey({ typename, environment }: Reference): string {
  return toEnvironmentCacheKey(environment, typename);
}

function toReferenceOrError(representation: unknown): Reference | Error | null {
  try {
    return toReference(representation);
  } catch (error) {
    return toError(error);
  }
}

/** Reads a representation. Returns null if nothing can have its id. Throws BadUserInputError. */
function toReference(representation: unknown): Reference | null {
  const { __typename: name, id, environment } = isObject(representation) ? representation : {};
  const typename = entityNames.find((entityName) => entityName === name);
  if (typename === undefined) {
    // Names no type, since introspection may be off.
    throw new BadUserInputError('The __typename of a representation must be that of a type with a key.');
  }
  if (typeof id !== 'string') throw new BadUserInputError('The id of a representation must be a string.');
  const { serviceCode, name: environmentName, organizationId = null } = isObject(environment) ? environment : {};
  if (typeof serviceCode !== 'string' || typeof environmentName !== 'string' || !isStringOrNull(organizationId)) {
    throw new BadUserInputError(
      'The environment of a representation must have a serviceCode and a name, and may have an organizationId.',
    );
  }
  const input = Object.assign(new EnvironmentInput(), { serviceCode, name: environmentName, organizationId });
  const address = toValidAddress(input);
  // The REST API has nothing with an id that is not a UUID.
  return isId(id) ? { typename, id, environment: address } : null;
}

function isStringOrNull(value: unknown): value is string | null {
  return value === null || typeof value === 'string';
}

function isReference(reference: Reference | Error | null): reference is Reference {
  return reference !== null && !(reference instanceof Error);
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error('An entity cannot be loaded.', { cause: error });
}
