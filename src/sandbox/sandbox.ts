// The simulated API over real HTTP: the server, API keys, error responses, and the faults that tests inject. It follows the documentation of
// the REST API, and shares no code with the gateway.
import type { IncomingHttpHeaders } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { fastify, type FastifyRequest } from 'fastify';
import { createDefaultSeed } from './default-seed.js';
import { READ_ONLY_KEY, SANDBOX_KEY } from './keys.js';
import { createRoutes, getOrganizationId, type Handler, methods, parseJson } from './routes.js';
import type { Seed } from './seed.js';
import { SandboxState } from './state.js';
import { isRecord } from './validation.js';
import { apiVersions } from './versions.js';
import { type ApiError, ApiFailure, createApiError, type ErrorContext } from './wire-types.js';

/** Maximum calls that the sandbox records. It drops the oldest first. */
export const MAX_RECORDED_CALLS = 1_000;

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
  /** Starts to listen (port 0: any free port). Returns the base URL of version 1, e.g. `http://127.0.0.1:4010/v1`. */
  listen(address: { host: string; port: number }): Promise<string>;
  /** Stops listening and closes all open connections. */
  close(): Promise<void>;
}

const notFound = createApiError('notFound', 'The path was not found.');

/** Returns what an error is about if it does not say so itself: the entity or list that the path names. */
function toContext({ routeOptions: { url = '' }, params }: FastifyRequest): ErrorContext {
  const type = url.split('/').findLast((segment) => segment !== '' && !segment.startsWith(':'));
  const id = isRecord(params) ? params['id'] : undefined;
  return { ...(type !== undefined && { type }), ...(typeof id === 'string' && { id }) };
}

const toErrorBody = (errors: ApiError[], context: ErrorContext): object => ({
  errors: errors.map((error) => ({
    ...error,
    context: Object.keys(error.context).length === 0 ? context : error.context,
  })),
});

/** Creates a sandbox. It does not listen yet. */
export function createSandbox(options: SandboxOptions = {}): Sandbox {
  const { clock = Date.now, latency = 0, seed = createDefaultSeed(), faults = () => undefined } = options;
  const state = new SandboxState(seed, clock);
  const calls: Call[] = [];

  const app = fastify({
    forceCloseConnections: true,
    // The default base URL of the Go client ends in a slash, and it adds another.
    routerOptions: { ignoreDuplicateSlashes: true },
    // Fastify calls neither hooks nor the error handler for a URL that cannot be decoded.
    frameworkErrors: (_error, _request, reply) => {
      reply.hijack();
      reply.raw.writeHead(404, { 'content-type': 'application/json' }).end(JSON.stringify({ errors: [notFound] }));
    },
  });

  // Bodies stay text: the documented reset sends `Content-Type: application/json` without a body.
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
    state.getOrganization(getOrganizationId(request));
    done();
  });

  for (const version of apiVersions) {
    for (const [path, handlers] of Object.entries(createRoutes(state, version))) {
      for (const method of methods) {
        const handler: Handler =
          handlers[method] ??
          ((_request, reply) => {
            void reply.header('allow', Object.keys(handlers).join(', '));
            throw new ApiFailure(405, createApiError('methodNotAllowed', `${method} is not allowed here.`));
          });
        app.route({ method, url: `/${version}${path}`, handler });
      }
    }
  }

  app.setNotFoundHandler(() => {
    throw new ApiFailure(404, notFound);
  });

  app.setErrorHandler((error: unknown, request, reply) => {
    const context = toContext(request);
    if (error instanceof ApiFailure) return reply.code(error.status).send(toErrorBody(error.errors, context));
    // An error of Fastify, e.g. 413, or a bug in the sandbox. Its message could quote a part of the body.
    const status = isRecord(error) && typeof error['statusCode'] === 'number' ? error['statusCode'] : 500;
    const unexpected = createApiError('unexpected', 'The request could not be handled.');
    return reply.code(status).send(toErrorBody([unexpected], context));
  });

  return {
    calls,
    listen: async (address) => `${await app.listen(address)}/v1`,
    close: () => app.close(),
  };
}
