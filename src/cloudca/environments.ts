// The environments and service connections that a key can see, and the address of what is in an environment.
import type { RestSession } from './client.js';
import { toList, WireFields } from './decode.js';
import { NotFoundError } from './errors.js';

/** Which environment a call works in. */
export interface EnvironmentAddress {
  /** Code of the service connection, e.g. `compute-on`. */
  readonly serviceCode: string;
  /** Name of the environment, e.g. `test_area`. */
  readonly name: string;
  /** Id of the sub-organization to work in; null for the caller's own organization. */
  readonly organizationId: string | null;
}

/** An environment, as `GET /environments` lists it. */
export interface EnvironmentEntity {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly organization: { readonly id: string; readonly name: string | null } | null;
  /** The service connection by id and name only; the rest is in `GET /services/connections`. */
  readonly serviceConnection: { readonly id: string; readonly name: string | null } | null;
}

/** A service connection, as `GET /services/connections` lists it. */
export interface ServiceConnectionEntity {
  readonly id: string;
  readonly name: string | null;
  readonly serviceCode: string | null;
  readonly type: string | null;
  /** Whether the service answered when the REST API last looked. */
  readonly reachable: boolean | null;
}

/**
 * What to ask for a collection in an environment, or for what has an id there: `/services/{serviceCode}/{environmentName}/{collection}`,
 * with `org_id` where it is in a sub-organization.
 */
export function toRequest({ serviceCode, name, organizationId }: EnvironmentAddress, collection: string, id?: string) {
  const route = `/services/{serviceCode}/{environmentName}/${collection}`;
  const query = toOrganization(organizationId);
  return id === undefined
    ? { route, path: ['services', serviceCode, name, collection], query }
    : { route: `${route}/{id}`, path: ['services', serviceCode, name, collection, id], query };
}

/** The query parameter by which a call works in a sub-organization; none for the caller's own organization. */
export function toOrganization(organizationId: string | null): Readonly<Record<string, string>> {
  return organizationId === null ? {} : { org_id: organizationId };
}

/**
 * All entries of a collection in an environment, or those that `query` asks for, as `read` reads them. Throws a CloudcaError: NotFoundError,
 * with a message that names the environment, where the REST API does not know that.
 */
export function listIn<T>(
  rest: RestSession,
  environment: EnvironmentAddress,
  collection: string,
  read: (entries: readonly unknown[], rest: RestSession) => readonly T[],
  query?: Readonly<Record<string, string>>,
): Promise<readonly T[]> {
  const request = toRequest(environment, collection);
  const asked = query === undefined ? request : { ...request, query: { ...query, ...request.query } };
  return rest
    .read(asked, (data) => read(toList(data, collection), rest))
    .catch((error: unknown) => {
      throw toNamed(environment, error);
    });
}

/** What a call to a collection throws; where that is not found, it is the environment that is not, and the error says so. */
export function toNamed(environment: EnvironmentAddress, error: unknown): unknown {
  if (!(error instanceof NotFoundError)) return error;
  const message = `The REST API knows no environment ${environment.name} in the service ${environment.serviceCode}.`;
  return new NotFoundError(message, error.answer);
}

/** `GET /environments`. Throws a CloudcaError. */
export function listEnvironments(rest: RestSession): Promise<readonly EnvironmentEntity[]> {
  return rest.read({ route: '/environments', path: ['environments'] }, (data) =>
    toList(data, 'environments').map((entry) => {
      const fields = new WireFields(entry, 'environment', rest.warn);
      return {
        id: fields.string('id'),
        name: fields.string('name'),
        description: fields.optionalString('description'),
        organization: toReference(fields.optionalObject('organization')),
        serviceConnection: toReference(fields.optionalObject('serviceConnection')),
      };
    }),
  );
}

/** `GET /services/connections`. Throws a CloudcaError. */
export function listServiceConnections(rest: RestSession): Promise<readonly ServiceConnectionEntity[]> {
  return rest.read({ route: '/services/connections', path: ['services', 'connections'] }, (data) =>
    toList(data, 'service connections').map((entry) => {
      const fields = new WireFields(entry, 'serviceConnection', rest.warn);
      return {
        id: fields.string('id'),
        name: fields.optionalString('name'),
        serviceCode: fields.optionalString('serviceCode'),
        type: fields.optionalString('type'),
        reachable: fields.optionalObject('status')?.optionalBoolean('reachable') ?? null,
      };
    }),
  );
}

// What an environment belongs to, by id and name.
function toReference(fields: WireFields | null): { id: string; name: string | null } | null {
  return fields === null ? null : { id: fields.string('id'), name: fields.optionalString('name') };
}
