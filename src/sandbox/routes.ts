// The routes of the simulated API: which call of which path reads or changes what.
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type EnvironmentState, getEntity, type SandboxState } from './state.js';
import { isRecord } from './validation.js';
import {
  type ApiVersion,
  toEnvironmentBody,
  toOrganizationBody,
  toServiceConnectionBody,
  toSiteToSiteVpnBody,
  toStartedTaskBody,
  toTaskBody,
} from './versions.js';
import {
  ApiFailure,
  createApiError,
  type OrganizationEntity,
  type ServiceConnection,
  type SiteToSiteVpn,
} from './wire-types.js';

/** Handles a call, and returns the body of the response. */
export type Handler = (request: FastifyRequest, reply: FastifyReply) => unknown;

/** The methods that a path may have. */
export const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** The handlers of a path by method. Any other method is not allowed. */
type Handlers = Partial<Record<(typeof methods)[number], Handler>>;

/** Parses JSON. Returns undefined if the text is not valid JSON; no JSON text has that value. */
export function parseJson(text: unknown): unknown {
  if (typeof text !== 'string') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Returns the organization that a call works in; null: that of the API key. */
export function getOrganizationId(request: FastifyRequest): string | null {
  return getQueryParameter(request, 'org_id');
}

/** Returns the routes of a version of the API: handlers by path below the version. */
export function createRoutes(state: SandboxState, version: ApiVersion): Record<string, Handlers> {
  const getEnvironment = (request: FastifyRequest): EnvironmentState =>
    state.getEnvironment(
      getOrganizationId(request),
      getPathParameter(request, 'serviceCode'),
      getPathParameter(request, 'environment'),
    );
  const toVpn = (vpn: SiteToSiteVpn): object => toSiteToSiteVpnBody(vpn, version);
  const toEnvironment = ({ environment, serviceConnection }: EnvironmentState, isInList: boolean): object =>
    toEnvironmentBody(environment, serviceConnection, { version, isInList });
  const toConnection = (connection: ServiceConnection): object =>
    toServiceConnectionBody(connection, state.getOrganization(null), version);
  const toOrganization = (organization: OrganizationEntity): object =>
    toOrganizationBody(
      organization,
      [...state.listEnvironments(organization.id).values()].map(({ environment }) => environment),
      [...state.serviceConnections.values()],
    );

  return {
    '/services/:serviceCode/:environment/sitetositevpns': {
      GET: (request) => {
        const vpcId = getQueryParameter(request, 'vpc_id');
        const vpns = [...getEnvironment(request).siteToSiteVpns.values()];
        return toListBody((vpcId === null ? vpns : vpns.filter((vpn) => vpn.vpcId === vpcId)).map(toVpn));
      },
      POST: (request) => {
        const environment = getEnvironment(request);
        return toStartedTaskBody(state.createSiteToSiteVpn(environment, readBody(request), version));
      },
    },
    '/services/:serviceCode/:environment/sitetositevpns/:id': {
      GET: (request) => toEntityBody(toVpn(getEntity(getEnvironment(request).siteToSiteVpns, getId(request)))),
      POST: (request) => {
        const environment = getEnvironment(request);
        getEntity(environment.siteToSiteVpns, getId(request));
        if (getQueryParameter(request, 'operation') === 'reset')
          return toStartedTaskBody(state.resetSiteToSiteVpn(environment, getId(request)));
        throw new ApiFailure(400, createApiError('invalidValue', 'The operation must be reset.'));
      },
      DELETE: (request) => toStartedTaskBody(state.deleteSiteToSiteVpn(getEnvironment(request), getId(request))),
      ...(version === 'v2' && {
        PUT: (request: FastifyRequest) => {
          const environment = getEnvironment(request);
          getEntity(environment.siteToSiteVpns, getId(request));
          return toStartedTaskBody(state.updateSiteToSiteVpn(environment, getId(request), readBody(request), version));
        },
      }),
    },
    '/services/:serviceCode/:environment/vpcs': {
      GET: (request) => toListBody([...getEnvironment(request).vpcs.values()]),
    },
    '/services/:serviceCode/:environment/vpcs/:id': {
      GET: (request) => toEntityBody(getEntity(getEnvironment(request).vpcs, getId(request))),
    },
    '/services/connections': {
      GET: (request) => {
        const organizationId = getQueryParameter(request, 'organizationId') ?? getOrganizationId(request);
        const own = state.listOwnServiceConnections(organizationId);
        return toListBody((version === 'v1' ? [...state.serviceConnections.values()] : own).map(toConnection));
      },
    },
    '/services/connections/:id': {
      GET: (request) => toEntityBody(toConnection(getEntity(state.serviceConnections, getId(request)))),
    },
    '/organizations': {
      GET: (request) =>
        toListBody([...state.listOrganizations(getOrganizationId(request)).values()].map(toOrganization)),
    },
    '/organizations/:id': {
      GET: (request) => {
        const organizations = state.listOrganizations(getOrganizationId(request));
        return toEntityBody(toOrganization(getEntity(organizations, getId(request))));
      },
    },
    '/environments': {
      GET: (request) => {
        const environments = [...state.listEnvironments(getOrganizationId(request)).values()];
        return toListBody(environments.map((environment) => toEnvironment(environment, true)));
      },
    },
    '/environments/:id': {
      GET: (request) => {
        const environments = state.listEnvironments(getOrganizationId(request));
        return toEntityBody(toEnvironment(getEntity(environments, getId(request)), false));
      },
    },
    '/tasks/:id': {
      GET: (request, reply) => {
        const task = state.getTask(getId(request));
        return reply.code(task.status === 'FAILED' ? 400 : 200).send(toTaskBody(task, version));
      },
    },
  };
}

const toEntityBody = (data: object): object => ({ data });
const toListBody = (data: object[]): object => ({ data, metadata: { recordCount: data.length } });

// The path may begin with two slashes, which `URL` would take for a host.
const getQueryParameter = ({ url }: FastifyRequest, name: string): string | null =>
  new URLSearchParams(url.split('?').slice(1).join('?')).get(name);

function getPathParameter({ params }: FastifyRequest, name: string): string {
  const value = isRecord(params) ? params[name] : undefined;
  return typeof value === 'string' ? value : '';
}

const getId = (request: FastifyRequest): string => getPathParameter(request, 'id');

/** Returns the JSON body of a request. Throws ApiFailure 400 if it is not JSON, or not sent as JSON. */
function readBody(request: FastifyRequest): unknown {
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
    throw new ApiFailure(400, createApiError('malformedBody', 'The body must be sent as application/json.'));
  }
  const body = parseJson(request.body);
  // The parser's message could quote a part of the body that contains the pre-shared key.
  if (body === undefined) throw new ApiFailure(400, createApiError('malformedBody', 'The body is not valid JSON.'));
  return body;
}
