// Environments and service connections: wire types and calls. Also builds the requests for collections in an environment.
import type { RestSession } from './session.js';
import { WireFields } from './decode.js';
import { NotFoundError } from './errors.js';
import { decodeEntries, readList } from './lists.js';
import { redactEntries, Secrets } from './redact.js';

/** Identifies the environment that a call works in. */
export interface EnvironmentAddress {
  /** Code of the service connection, e.g. `compute-on`. */
  readonly serviceCode: string;
  /** Name of the environment, e.g. `test_area`. */
  readonly name: string;
  /** Id of a sub-organization; null for the caller's own organization. */
  readonly organizationId: string | null;
}

/** An environment, as `GET /environments` returns it. */
export interface EnvironmentEntity {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly organization: OrganizationEntity | null;
  /** The service connection. Version 1 of the REST API sends its id and name only. */
  readonly serviceConnection: ServiceConnectionEntity | null;
}

/** An organization, as `GET /organizations` returns it. */
export interface OrganizationEntity {
  readonly id: string;
  readonly name: string | null;
}

/** A service connection, as `GET /services/connections` returns it. */
export interface ServiceConnectionEntity {
  readonly id: string;
  readonly name: string | null;
  readonly serviceCode: string | null;
  readonly type: string | null;
  /** Whether the service responded to the REST API's last check; null if unknown. */
  readonly reachable: boolean | null;
}

/**
 * Builds the request for a collection in an environment, or for one of its entries if `id` is given. The path is
 * `/services/{serviceCode}/{environmentName}/{collection}[/{id}]`.
 */
export function toCollectionRequest(
  { serviceCode, name, organizationId }: EnvironmentAddress,
  collection: string,
  id?: string,
) {
  const route = `/services/{serviceCode}/{environmentName}/${collection}`;
  const query = toOrganizationQuery(organizationId);
  return id === undefined
    ? { route, path: ['services', serviceCode, name, collection], query }
    : { route: `${route}/{id}`, path: ['services', serviceCode, name, collection, id], query };
}

/** Returns the query parameter `org_id` for a sub-organization; no parameter for the caller's own organization. */
export function toOrganizationQuery(organizationId: string | null): Readonly<Record<string, string>> {
  return organizationId === null ? {} : { org_id: organizationId };
}

/**
 * Lists a collection in an environment, filtered by `query` if given. Returns what `decode` makes of the entries. Rejects with a
 * CloudcaError: a NotFoundError means that the environment does not exist.
 */
export function listCollection<T>(
  rest: RestSession,
  environment: EnvironmentAddress,
  collection: string,
  decode: (entries: readonly unknown[], rest: RestSession) => Promise<readonly T[]>,
  query?: Readonly<Record<string, string>>,
): Promise<readonly T[]> {
  const request = toCollectionRequest(environment, collection);
  const filtered = query === undefined ? request : { ...request, query: { ...query, ...request.query } };
  return readList(rest, filtered, collection)
    .then((entries) => decode(entries, rest))
    .catch((error: unknown) => {
      throw toCollectionError(error, environment, rest.secrets);
    });
}

/**
 * Makes a NotFoundError from a call to a whole collection name the environment: that is missing, since it would have the collection.
 * Repeats neither name if it could be a key. Returns any other error unchanged.
 */
export function toCollectionError(
  error: unknown,
  { serviceCode, name }: EnvironmentAddress,
  secrets: Secrets,
): unknown {
  if (!(error instanceof NotFoundError)) return error;
  const keys = [name, serviceCode].filter((text) => mayBeKey(text, secrets));
  const environment = keys.includes(name) ? 'environment of this name' : `environment ${name}`;
  const service = keys.includes(serviceCode) ? 'this service' : `the service ${serviceCode}`;
  const message = `The REST API has no ${environment} in ${service}. Check both, and the organizationId.`;
  const { upstream } = error;
  // The REST API's own message may repeat the names too.
  const errors = redactEntries(upstream?.errors ?? [], new Secrets(keys));
  return new NotFoundError(message, upstream && { ...upstream, errors });
}

// A client may send a key by mistake where a name belongs. Names are short words; a key is a long run of letters and digits.
function mayBeKey(name: string, secrets: Secrets): boolean {
  const hasLongRun = /(?=[a-z+=]*\d)[a-z\d+=]{20}/i.test(name);
  return name.length > 64 || hasLongRun || secrets.redact(name) !== name;
}

/**
 * Lists the environments that the caller's key can see: `GET /environments`. `organizationId` is a sub-organization; null: the caller's own
 * organization. Rejects with a CloudcaError: NotFoundError if there is no such organization.
 */
export async function listEnvironments(
  rest: RestSession,
  organizationId: string | null = null,
): Promise<readonly EnvironmentEntity[]> {
  const request = { route: '/environments', path: ['environments'], query: toOrganizationQuery(organizationId) };
  const environments = readList(rest, request, 'environments').then((entries) =>
    decodeEntries(rest, entries, (entry) => toEnvironment(new WireFields(entry, 'environment', rest.warn))),
  );
  return organizationId === null
    ? environments
    : explainNotFound(environments, 'The REST API has no organization with this id. Check the organizationId.');
}

/**
 * Lists the organizations that the caller's key can see, its own and those below it: `GET /organizations`. Rejects with a CloudcaError:
 * NotFoundError if the REST API has no such list.
 */
export function listOrganizations(rest: RestSession): Promise<readonly OrganizationEntity[]> {
  const request = { route: '/organizations', path: ['organizations'] };
  const organizations = readList(rest, request, 'organizations').then((entries) =>
    decodeEntries(rest, entries, (entry) => toOrganization(new WireFields(entry, 'organization', rest.warn))),
  );
  return explainNotFound(organizations, 'The REST API has no list of organizations. Ask its operator for their ids.');
}

/** Replaces the message of a NotFoundError. */
async function explainNotFound<T>(result: Promise<T>, message: string): Promise<T> {
  try {
    return await result;
  } catch (error) {
    throw error instanceof NotFoundError ? new NotFoundError(message, error.upstream) : error;
  }
}

/** Lists the service connections that the organization of the caller's key owns: `GET /services/connections`. Rejects with a CloudcaError. */
export async function listServiceConnections(rest: RestSession): Promise<readonly ServiceConnectionEntity[]> {
  const request = { route: '/services/connections', path: ['services', 'connections'] };
  const entries = await readList(rest, request, 'service connections');
  return decodeEntries(rest, entries, (entry) =>
    toServiceConnection(new WireFields(entry, 'serviceConnection', rest.warn)),
  );
}

function toEnvironment(fields: WireFields): EnvironmentEntity {
  return {
    id: fields.id('id'),
    name: fields.string('name'),
    description: fields.optionalString('description'),
    organization: fields.optionalEntity('organization', toOrganization),
    serviceConnection: fields.optionalEntity('serviceConnection', toServiceConnection),
  };
}

function toOrganization(fields: WireFields): OrganizationEntity {
  return { id: fields.id('id'), name: fields.optionalString('name') };
}

function toServiceConnection(fields: WireFields): ServiceConnectionEntity {
  return {
    id: fields.id('id'),
    name: fields.optionalString('name'),
    serviceCode: fields.optionalString('serviceCode'),
    type: fields.optionalString('type'),
    reachable: fields.optionalObject('status')?.optionalBoolean('reachable') ?? null,
  };
}
