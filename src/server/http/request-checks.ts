// Checks every request before its body is read, and adds CORS and the headers of every response. In this order, the checks reject:
//
// - every request while the gateway shuts down, or while too many connections are open;
// - more than 100 headers, a long Accept, Accept-Encoding or Content-Type header, or more than 100 parameters in the URL;
// - a Host header that is missing, repeated, malformed, or no loopback name if only those are served;
// - a repeated MC-Api-Key header;
// - an unknown path, or a method that its path does not allow.
//
// CONNECT and unknown Expect headers are rejected before these checks, and so are requests whose origin has spent its budget.
import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { domainToUnicode } from 'node:url';
import cors from '@fastify/cors';
import type { FastifyInstance } from 'fastify';
import type { Config } from '../../config.js';
import { isLoopbackHost } from '../../loopback.js';
import type { Lifecycle } from '../lifecycle.js';
import { apiKeyHeader } from './api-key.js';
import { type Connections, tooManyConnectionsMessage } from './connections.js';
import {
  respondAndClose,
  formatErrorResponse,
  maxHeaders,
  rejectUnknownRoute,
  sendError,
  sendErrorWithoutFastify,
  toStatusMessage,
} from './error-responses.js';
import {
  closeAfterResponse,
  findLastPendingResponse,
  serveOneAtATime,
  type ServingOptions,
} from './pending-responses.js';
import { securityHeaders } from './security-headers.js';

// Origins of the local machine, on any port.
const localOrigin = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

// A Host header: a name or address, with an optional port. Some of these are no host of a URL: 1.2.3.4.5, xn--a, [:::], a:99999.
const hostPattern = /^((?:[\w-]+\.)*[\w-]+\.?|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;

// The usual names: a URL can have each of them. The last label of an IPv4 address begins with a digit.
const commonHost = /^(?:(?!xn--)[\w-]+\.)*(?!xn--)[a-z_][\w-]*(?::\d{1,4})?$/i;

/** Maximum length of headers that are parsed, in characters. It takes milliseconds to parse one as long as Node allows. */
export const maxParsedLength = 1_024;
const parsedHeaders = ['accept', 'accept-encoding', 'content-type'] as const;

// The parameters of a URL are parsed several times. GraphQL over HTTP has five.
const maxParameters = 100;

/** Options of the checks. */
export interface RequestCheckOptions {
  readonly config: Config;
  readonly lifecycle: Lifecycle;
  readonly connections: Connections;
  readonly serving: ServingOptions;
}

/** Adds the headers that every response has: its request id, and those for security. */
export function addResponseHeaders(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    void reply.header('x-request-id', request.id).headers(securityHeaders);
    done();
  });
}

/** Adds the headers by which browsers let pages of other origins call the gateway (Fetch, "CORS protocol"), and responds to preflights. */
export async function addCors(app: FastifyInstance, { corsOrigins }: Config): Promise<void> {
  await app.register(cors, {
    origin: corsOrigins === 'localhost' ? localOrigin : [...corsOrigins],
    methods: ['GET', 'POST'],
    exposedHeaders: ['x-request-id', 'retry-after', 'ratelimit', 'ratelimit-policy'],
    maxAge: 86_400,
    // Otherwise the plugin responds in plain text to an OPTIONS request that is not a preflight.
    strictPreflight: false,
  });
}

/** Adds the checks of every request, and the responses to CONNECT and unknown Expect headers. */
export function addRequestChecks(
  app: FastifyInstance,
  { config, lifecycle, connections, serving }: RequestCheckOptions,
): void {
  // By default, Node closes the connection on CONNECT without a response, and responds to an unknown Expect header without a body.
  app.server.on('connect', ({ headers }: IncomingMessage, stream: Duplex) => {
    // Node has detached the connection from its server, so responses to earlier requests can no longer be sent.
    if (findLastPendingResponse(stream) !== undefined) {
      stream.destroy();
      return;
    }
    const requestId = toRequestId(headers, randomUUID);
    respondAndClose(stream, formatErrorResponse('BAD_REQUEST', toStatusMessage(405), requestId, 405));
  });
  app.server.on(
    'checkExpectation',
    serveOneAtATime(({ headers }, response) => {
      sendErrorWithoutFastify(response, 417, toRequestId(headers, randomUUID));
    }, serving),
  );
  app.addHook('onRequest', (request, reply, done) => {
    if (lifecycle.draining.aborted) {
      closeAfterResponse(reply.raw);
      void reply.header('retry-after', 1);
      sendError(request, reply, 'OVERLOADED', 'The gateway is shutting down. Try again.');
      return;
    }
    if (connections.shouldReject()) {
      closeAfterResponse(reply.raw);
      void reply.header('retry-after', 1);
      sendError(request, reply, 'OVERLOADED', tooManyConnectionsMessage);
      return;
    }
    const headerError = checkHeaders(request.raw, config);
    if (headerError !== undefined) {
      sendError(request, reply, 'BAD_REQUEST', headerError.message, headerError.status);
    } else if (countHeader(request.raw, apiKeyHeader) > 1) {
      sendError(request, reply, 'BAD_REQUEST', 'Send one MC-Api-Key header, not several.');
    } else if (request.is404) {
      // Before the body is read, so that errors in the body do not hide this one.
      rejectUnknownRoute(request, reply);
    } else done();
  });
  app.addHook('onSend', (_request, reply, _payload, done) => {
    // Closes connections during shutdown. A client that sends on a connection while the gateway closes it would get no response.
    if (!lifecycle.isReady) void reply.header('connection', 'close');
    done();
  });
}

/** Reports whether pages of an origin may call the gateway: those of a configured origin, or of the gateway's own. */
export function isAllowedOrigin({ corsOrigins }: Config, origin: string, host: string): boolean {
  const listed = corsOrigins === 'localhost' ? localOrigin.test(origin) : corsOrigins.includes(origin);
  return listed || origin.replace(/^https?:\/\//, '') === host;
}

/** Why the headers of a request are invalid. */
export interface HeaderError {
  /** HTTP status: 400, 414, 421 or 431. */
  readonly status: number;
  readonly message: string;
}

/**
 * Checks that a request has at most 100 headers and 100 parameters, and that its headers are short if they are parsed. Checks that it has
 * exactly one Host header (RFC 9112, 3.2) that a URL can have. If the gateway serves only loopback names, that must be one of them.
 */
export function checkHeaders(
  request: IncomingMessage,
  { servesLoopbackNamesOnly }: Pick<Config, 'servesLoopbackNamesOnly'>,
): HeaderError | undefined {
  // Names and values alternate. Node itself drops headers above its own limit, or rejects the request, depending on its version.
  if (request.rawHeaders.length > 2 * maxHeaders) return { status: 431, message: toStatusMessage(431) };
  const { headers } = request;
  if (parsedHeaders.some((name) => (headers[name]?.length ?? 0) > maxParsedLength)) return longHeaderError;
  if (countParameters(request) > maxParameters) return manyParametersError;
  const { host = '' } = headers;
  if (countHeader(request, 'host') !== 1 || !isWellFormedHost(host))
    return { status: 400, message: 'The Host header is missing, repeated or malformed. Send exactly one.' };
  return servesLoopbackNamesOnly && !isLoopbackHost(removePort(host))
    ? { status: 421, message: toStatusMessage(421) }
    : undefined;
}

const longHeaderError: HeaderError = {
  status: 431,
  message: `The Accept, Accept-Encoding or Content-Type header is longer than ${maxParsedLength} characters.`,
};

const manyParametersError: HeaderError = {
  status: 414,
  message: `The URL has more than ${maxParameters} parameters. Send the operation by POST.`,
};

function countParameters({ url = '' }: IncomingMessage): number {
  let count = 1;
  for (let index = url.indexOf('&'); index >= 0; index = url.indexOf('&', index + 1)) count++;
  return count;
}

function isWellFormedHost(host: string): boolean {
  if (commonHost.test(host)) return true;
  return hostPattern.test(host) && URL.canParse(`http://${host}`) && (!hasPunycode(host) || isDecodable(host));
}

// Node 24 accepts a label that is not Punycode (RFC 5891, 4.4), and leaves it as it is.
function isDecodable(host: string): boolean {
  return !hasPunycode(domainToUnicode(removePort(host)));
}

function hasPunycode(host: string): boolean {
  return /(?:^|\.)xn--/i.test(host);
}

function removePort(host: string): string {
  return host.replace(/:\d+$/, '');
}

// Returns how often a header occurs. `name` is in lower case.
function countHeader({ rawHeaders }: IncomingMessage, name: string): number {
  let count = 0;
  // rawHeaders alternates names and values. Node's headersDistinct would build a list for every header.
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const header = rawHeaders[index];
    if (header?.length === name.length && header.toLowerCase() === name) count++;
  }
  return count;
}

/** Returns the client's `x-request-id` if it is safe for logs and headers and does not contain the API key. Otherwise creates one. */
export function toRequestId(headers: IncomingHttpHeaders, createId: () => string): string {
  const { 'x-request-id': id, [apiKeyHeader]: key = '' } = headers;
  if (typeof id !== 'string' || !/^[\w.:-]{1,128}$/.test(id)) return createId();
  return key !== '' && id.includes(String(key)) ? createId() : id;
}
