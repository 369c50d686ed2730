// The simulated API over real HTTP: routes, keys, envelopes, and what tests may do to a call.
// It knows nothing of the gateway: the API's documentation alone says how it answers.
import type { IncomingHttpHeaders } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { fastify, type FastifyReply, type FastifyRequest } from 'fastify';
import { defaultSeed, type Seed } from './seed.js';
import { isRecord } from './validation.js';
import { apiError, Refusal } from './wire-types.js';
import { entityOf, World, type Place } from './state.js';

/** The key that may do everything. */
export const SANDBOX_KEY = 'sandbox-key';

/** The key that may read; its writes are answered with 403. */
export const READ_ONLY_KEY = 'read-only-key';

/** How many calls the sandbox remembers: the last ones. */
export const CALLS_KEPT = 1_000;

const PREFIX = '/v1';

/** One call as it was received, whatever it was answered. */
export interface Call {
  method: string;
  /** Path and query as sent, e.g. `/v1/environments?org_id=…`. */
  path: string;
  /** All headers, their names in lower case. */
  headers: IncomingHttpHeaders;
  /** The parsed body, the text itself where it is not JSON, undefined where there was none. */
  body: unknown;
}

/**
 * What is to happen to a call instead of its being carried out: an answer, where a body of text is sent as it is and
 * an object as JSON, or a connection cut before any answer.
 */
export type Fault = { status: number; headers?: Record<string, string>; body?: unknown } | { destroy: true };

/** How a sandbox may be made; each has a default. */
export interface SandboxOptions {
  /** Milliseconds since the epoch; the sandbox sees time through nothing else. Default: `Date.now`. */
  clock?: () => number;
  /** Milliseconds of real time before a call is carried out and answered. Default: 0. */
  latency?: number | ((call: Call) => number);
  /** What exists at the beginning; copied. Default: `defaultSeed()`. */
  seed?: Seed;
  /** Asked for each call, before its key is looked at; undefined lets the call through. Default: no faults. */
  faults?: (call: Call) => Fault | undefined;
}

/** A simulated API. */
export interface Sandbox {
  /** The last calls received, the oldest first: at most `CALLS_KEPT`. May be emptied. */
  readonly calls: Call[];
  /** Starts to listen; port 0 takes a free one. Resolves to the base URL, e.g. `http://127.0.0.1:4010/v1`. */
  listen(address: { host: string; port: number }): Promise<string>;
  /** Stops to listen and cuts the connections that are open. */
  close(): Promise<void>;
}

type Handler = (request: FastifyRequest, reply: FastifyReply) => unknown;

const notFound = apiError('notFound', 'There is nothing at this address.');

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** Undefined where the text is not JSON: no JSON text stands for undefined. */
const parseJson = (text: unknown): unknown => {
  if (typeof text !== 'string') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const queryOf = (request: FastifyRequest, name: string): string | null =>
  new URL(request.url, 'http://sandbox').searchParams.get(name);

const parameterOf = ({ params }: FastifyRequest, name: string): string => {
  const value = isRecord(params) ? params[name] : undefined;
  return typeof value === 'string' ? value : '';
};

const organizationOf = (request: FastifyRequest): string | null => queryOf(request, 'org_id');

const one = (data: object): object => ({ data });
const list = (data: object[]): object => ({ data, metadata: { recordCount: data.length } });

/** A sandbox that does not listen yet. */
export function createSandbox(options: SandboxOptions = {}): Sandbox {
  const { clock = Date.now, latency = 0, seed = defaultSeed(), faults = () => undefined } = options;
  const world = new World(seed, clock);
  const calls: Call[] = [];

  const placeOf = (request: FastifyRequest): Place =>
    world.place(organizationOf(request), parameterOf(request, 'serviceCode'), parameterOf(request, 'environment'));
  const idOf = (request: FastifyRequest): string => parameterOf(request, 'id');

  const routes: Record<string, Partial<Record<(typeof methods)[number], Handler>>> = {
    '/services/:serviceCode/:environment/sitetositevpns': {
      GET: (request) => {
        const vpcId = queryOf(request, 'vpc_id');
        const vpns = [...placeOf(request).siteToSiteVpns.values()];
        return list(vpcId === null ? vpns : vpns.filter((vpn) => vpn.vpcId === vpcId));
      },
      POST: (request) => {
        const place = placeOf(request);
        if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
          throw new Refusal(400, apiError('malformedBody', 'The body must be sent as application/json.'));
        }
        const body = parseJson(request.body);
        // The parser's own message would repeat a piece of the body, and with it the pre-shared key.
        if (body === undefined) throw new Refusal(400, apiError('malformedBody', 'The body is not valid JSON.'));
        return world.createSiteToSiteVpn(place, body);
      },
    },
    '/services/:serviceCode/:environment/sitetositevpns/:id': {
      GET: (request) => one(entityOf(placeOf(request).siteToSiteVpns, idOf(request))),
      POST: (request) => {
        const place = placeOf(request);
        entityOf(place.siteToSiteVpns, idOf(request));
        if (queryOf(request, 'operation') === 'reset') return world.resetSiteToSiteVpn(place, idOf(request));
        throw new Refusal(400, apiError('invalidValue', 'The operation must be reset.'));
      },
      DELETE: (request) => world.deleteSiteToSiteVpn(placeOf(request), idOf(request)),
    },
    '/services/:serviceCode/:environment/vpcs': {
      GET: (request) => list([...placeOf(request).vpcs.values()]),
    },
    '/services/:serviceCode/:environment/vpcs/:id': {
      GET: (request) => one(entityOf(placeOf(request).vpcs, idOf(request))),
    },
    '/services/connections': {
      GET: () => list([...world.serviceConnections.values()]),
    },
    '/services/connections/:id': {
      GET: (request) => one(entityOf(world.serviceConnections, idOf(request))),
    },
    '/environments': {
      GET: (request) => list(world.environments(organizationOf(request))),
    },
    '/tasks/:id': {
      GET: (request, reply) => {
        const task = world.task(idOf(request));
        return reply.code(task.taskStatus === 'FAILED' ? 400 : 200).send(task);
      },
    },
  };

  const app = fastify({
    forceCloseConnections: true,
    // Addresses that cannot be decoded reach neither the hooks nor the error handler.
    frameworkErrors: (_error, _request, reply) => {
      reply.hijack();
      reply.raw.writeHead(404, { 'content-type': 'application/json' }).end(JSON.stringify({ errors: [notFound] }));
    },
  });

  // As text: only the creation of a VPN reads a body, and the documented reset announces JSON without sending any.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => {
    done(null, body);
  });

  app.addHook('preHandler', async (request, reply) => {
    const { method, url: path, headers, body: text } = request;
    const parsed = parseJson(text);
    const call: Call = { method, path, headers, body: parsed === undefined ? text : parsed };
    calls.push(call);
    calls.splice(0, calls.length - CALLS_KEPT);

    const milliseconds = typeof latency === 'number' ? latency : latency(call);
    // Not held by the timer: a process may end while an answer is still due.
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
    world.catchUp();
    const key = request.headers['mc-api-key'];
    if (key !== SANDBOX_KEY && key !== READ_ONLY_KEY) {
      throw new Refusal(401, apiError('unknownKey', 'The API key is missing or unknown.'));
    }
    if (key === READ_ONLY_KEY && request.method !== 'GET') {
      throw new Refusal(403, apiError('notAuthorized', 'The API key may only read.'));
    }
    // Asked for its refusal: an unknown organization is one for every call.
    world.environments(organizationOf(request));
    done();
  });

  for (const [path, handlers] of Object.entries(routes)) {
    for (const method of methods) {
      const handler: Handler =
        handlers[method] ??
        ((_request, reply) => {
          void reply.header('allow', Object.keys(handlers).join(', '));
          throw new Refusal(405, apiError('methodNotAllowed', `${method} is not allowed here.`));
        });
      app.route({ method, url: PREFIX + path, handler });
    }
  }

  app.setNotFoundHandler(() => {
    throw new Refusal(404, notFound);
  });

  app.setErrorHandler((error: unknown, _request, reply) => {
    if (error instanceof Refusal) return reply.code(error.status).send({ errors: error.errors });
    // What is left is Fastify's own, e.g. 413, or a mistake of the sandbox. Its message may hold a piece of the body.
    const status = isRecord(error) && typeof error['statusCode'] === 'number' ? error['statusCode'] : 500;
    return reply.code(status).send({ errors: [apiError('unexpected', 'The request could not be handled.')] });
  });

  return {
    calls,
    listen: async (address) => (await app.listen(address)) + PREFIX,
    close: () => app.close(),
  };
}
