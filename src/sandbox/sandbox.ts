// The simulated API over real HTTP: routes, API keys, response envelopes, and the faults that tests inject. It follows the documentation of
// the REST API, and shares no code with the gateway.
import type { IncomingHttpHeaders } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { fastify, type FastifyReply, type FastifyRequest } from 'fastify';
import { createDefaultSeed } from './default-seed.js';
import type { Seed } from './seed.js';
import { isRecord } from './validation.js';
import { createApiError, ApiFailure } from './wire-types.js';
import { getEntity, SandboxState, type EnvironmentState } from './state.js';

/** API key that may read and write. */
export const SANDBOX_KEY = 'sandbox-key';

/** API key that may only read. A write returns 403. */
export const READ_ONLY_KEY = 'read-only-key';

/** Maximum calls that the sandbox records. It drops the oldest first. */
export const MAX_RECORDED_CALLS = 1_000;

const PREFIX = '/v1';

/** A call as received, whatever the response. */
export interface Call {
  method: string;
  /** Path and query as sent, e.g. `/v1/environments?org_id=…`. */
  path: string;
  /** All headers, with lower-case names. */
  headers: IncomingHttpHeaders;
  /** The parsed body, or the text if it is not JSON; undefined: no body. */
  body: unknown;
}

/** A fault to inject into a call: a response, or a closed connection. A string body is sent as it is, an object as JSON. */
export type Fault = { status: number; headers?: Record<string, string>; body?: unknown } | { destroy: true };

/** Options of a sandbox. */
export interface SandboxOptions {
  /** The sandbox's only source of time, in milliseconds since the epoch. Default: `Date.now`. */
  clock?: () => number;
  /** Delay of each call, in milliseconds of real time. Default: 0. */
  latency?: number | ((call: Call) => number);
  /** Initial data, which the sandbox copies. Default: `createDefaultSeed()`. */
  seed?: Seed;
  /** Called for each call, before the sandbox checks the API key. Undefined: no fault. Default: no faults. */
  faults?: (call: Call) => Fault | undefined;
}

/** A simulated API. */
export interface Sandbox {
  /** The latest calls, the oldest first: at most `MAX_RECORDED_CALLS`. A test may empty it. */
  readonly calls: Call[];
  /** Starts to listen (port 0: any free port). Returns the base URL, e.g. `http://127.0.0.1:4010/v1`. */
  listen(address: { host: string; port: number }): Promise<string>;
  /** Stops listening and closes all open connections. */
  close(): Promise<void>;
}

type Handler = (request: FastifyRequest, reply: FastifyReply) => unknown;

const notFound = createApiError('notFound', 'The path was not found.');

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** Parses JSON. Returns undefined if the text is not valid JSON; no JSON text has that value. */
const parseJson = (text: unknown): unknown => {
  if (typeof text !== 'string') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const getQueryParameter = (request: FastifyRequest, name: string): string | null =>
  new URL(request.url, 'http://sandbox').searchParams.get(name);

const getPathParameter = ({ params }: FastifyRequest, name: string): string => {
  const value = isRecord(params) ? params[name] : undefined;
  return typeof value === 'string' ? value : '';
};

const getOrganizationId = (request: FastifyRequest): string | null => getQueryParameter(request, 'org_id');

const toEntityBody = (data: object): object => ({ data });
const toListBody = (data: object[]): object => ({ data, metadata: { recordCount: data.length } });

/** Creates a sandbox. It does not listen yet. */
export function createSandbox(options: SandboxOptions = {}): Sandbox {
  const { clock = Date.now, latency = 0, seed = createDefaultSeed(), faults = () => undefined } = options;
  const state = new SandboxState(seed, clock);
  const calls: Call[] = [];

  const getEnvironment = (request: FastifyRequest): EnvironmentState =>
    state.getEnvironment(
      getOrganizationId(request),
      getPathParameter(request, 'serviceCode'),
      getPathParameter(request, 'environment'),
    );
  const getId = (request: FastifyRequest): string => getPathParameter(request, 'id');

  const routes: Record<string, Partial<Record<(typeof methods)[number], Handler>>> = {
    '/services/:serviceCode/:environment/sitetositevpns': {
      GET: (request) => {
        const vpcId = getQueryParameter(request, 'vpc_id');
        const vpns = [...getEnvironment(request).siteToSiteVpns.values()];
        return toListBody(vpcId === null ? vpns : vpns.filter((vpn) => vpn.vpcId === vpcId));
      },
      POST: (request) => {
        const environment = getEnvironment(request);
        if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
          throw new ApiFailure(400, createApiError('malformedBody', 'The body must be sent as application/json.'));
        }
        const body = parseJson(request.body);
        // The parser's message could quote a part of the body that contains the pre-shared key.
        if (body === undefined)
          throw new ApiFailure(400, createApiError('malformedBody', 'The body is not valid JSON.'));
        return state.createSiteToSiteVpn(environment, body);
      },
    },
    '/services/:serviceCode/:environment/sitetositevpns/:id': {
      GET: (request) => toEntityBody(getEntity(getEnvironment(request).siteToSiteVpns, getId(request))),
      POST: (request) => {
        const environment = getEnvironment(request);
        getEntity(environment.siteToSiteVpns, getId(request));
        if (getQueryParameter(request, 'operation') === 'reset')
          return state.resetSiteToSiteVpn(environment, getId(request));
        throw new ApiFailure(400, createApiError('invalidValue', 'The operation must be reset.'));
      },
      DELETE: (request) => state.deleteSiteToSiteVpn(getEnvironment(request), getId(request)),
    },
    '/services/:serviceCode/:environment/vpcs': {
      GET: (request) => toListBody([...getEnvironment(request).vpcs.values()]),
    },
    '/services/:serviceCode/:environment/vpcs/:id': {
      GET: (request) => toEntityBody(getEntity(getEnvironment(request).vpcs, getId(request))),
    },
    '/services/connections': {
      GET: () => toListBody([...state.serviceConnections.values()]),
    },
    '/services/connections/:id': {
      GET: (request) => toEntityBody(getEntity(state.serviceConnections, getId(request))),
    },
    '/environments': {
      GET: (request) => toListBody(state.listEnvironments(getOrganizationId(request))),
    },
    '/tasks/:id': {
      GET: (request, reply) => {
        const task = state.getTask(getId(request));
        return reply.code(task.taskStatus === 'FAILED' ? 400 : 200).send(task);
      },
    },
  };

  const app = fastify({
    forceCloseConnections: true,
    // Fastify calls neither hooks nor the error handler for a URL that cannot be decoded.
    frameworkErrors: (_error, _request, reply) => {
      reply.hijack();
      reply.raw.writeHead(404, { 'content-type': 'application/json' }).end(JSON.stringify({ errors: [notFound] }));
    },
  });

  // Bodies stay text: only a create request has one, and the documented reset sends `Content-Type: application/json` without a body.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => {
    done(null, body);
  });

  app.addHook('preHandler', async (request, reply) => {
    const { method, url: path, headers, body: text } = request;
    const parsed = parseJson(text);
    const call: Call = { method, path, headers, body: parsed === undefined ? text : parsed };
    calls.push(call);
    calls.splice(0, calls.length - MAX_RECORDED_CALLS);

    const milliseconds = typeof latency === 'number' ? latency : latency(call);
    // A pending response must not keep the process alive.
    if (milliseconds > 0) await wait(milliseconds, undefined, { ref: false });

    const fault = faults(call);
    if (fault === undefined) return undefined;
    if ('status' in fault) {
      return reply
        .code(fault.status)
        .headers(fault.headers ?? {})
        .send(fault.body);
    }
    reply.hijack();
    request.raw.socket.destroy();
    return reply;
  });

  app.addHook('preHandler', (request, _reply, done) => {
    state.applyDueChanges();
    const key = request.headers['mc-api-key'];
    if (key !== SANDBOX_KEY && key !== READ_ONLY_KEY) {
      throw new ApiFailure(401, createApiError('unknownKey', 'The API key is missing or unknown.'));
    }
    if (key === READ_ONLY_KEY && request.method !== 'GET') {
      throw new ApiFailure(403, createApiError('notAuthorized', 'The API key may only read.'));
    }
    // Throws if the organization is unknown, for every path.
    state.listEnvironments(getOrganizationId(request));
    done();
  });

  for (const [path, handlers] of Object.entries(routes)) {
    for (const method of methods) {
      const handler: Handler =
        handlers[method] ??
        ((_request, reply) => {
          void reply.header('allow', Object.keys(handlers).join(', '));
          throw new ApiFailure(405, createApiError('methodNotAllowed', `${method} is not allowed here.`));
        });
      app.route({ method, url: PREFIX + path, handler });
    }
  }

  app.setNotFoundHandler(() => {
    throw new ApiFailure(404, notFound);
  });

  app.setErrorHandler((error: unknown, _request, reply) => {
    if (error instanceof ApiFailure) return reply.code(error.status).send({ errors: error.errors });
    // An error of Fastify, e.g. 413, or a bug in the sandbox. Its message could quote a part of the body.
    const status = isRecord(error) && typeof error['statusCode'] === 'number' ? error['statusCode'] : 500;
    return reply.code(status).send({ errors: [createApiError('unexpected', 'The request could not be handled.')] });
  });

  return {
    calls,
    listen: async (address) => (await app.listen(address)) + PREFIX,
    close: () => app.close(),
  };
}
