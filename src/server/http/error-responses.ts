// Error responses to requests that never become an operation, in the shape of GraphQL errors: through Fastify, or directly on a connection.
import { randomUUID } from 'node:crypto';
import { maxHeaderSize, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { type ErrorCode, errorStatuses } from '../../graph/error-codes.js';
import { toLoggable } from '../telemetry/logging.js';
import { closeAfterResponse, findLastPendingResponse } from './pending-responses.js';
import { securityHeaders } from './security-headers.js';

/** Maximum size of a request body or WebSocket message, in bytes. */
export const maxRequestBytes = 256 * 1024;

/** Maximum number of request headers. */
export const maxHeaders = 100;

/** Error of a request whose body cannot be parsed (400, 413, 415). Clients get its message, so the message must quote nothing of the body. */
export class RequestBodyError extends Error {
  readonly statusCode: 400 | 413 | 415;

  constructor(statusCode: 400 | 413 | 415, message: string) {
    super(message);
    this.name = 'RequestBodyError';
    this.statusCode = statusCode;
  }
}

/** Sends one error as the response. The status defaults to that of the code. */
export function sendError(
  request: FastifyRequest,
  reply: FastifyReply,
  code: ErrorCode,
  message: string,
  status: number = errorStatuses[code],
): void {
  void reply
    .code(status)
    .type(mediaType)
    .send(toBody(code, message, request.id));
}

/** Sends one BAD_REQUEST error, with this HTTP status, to a request that Node does not pass to Fastify. Then closes the connection. */
export function sendErrorWithoutFastify(response: ServerResponse, status: number, requestId: string): void {
  const body = toBody('BAD_REQUEST', toStatusMessage(status), requestId);
  // The next bytes may be the body that the client announced.
  closeAfterResponse(response);
  response
    .writeHead(status, {
      'x-request-id': requestId,
      ...securityHeaders,
      'content-type': mediaType,
      'content-length': Buffer.byteLength(body),
    })
    .end(body);
}

/** Formats an HTTP/1.1 response with one error, for a connection without a ServerResponse. The connection must be closed after it. */
export function formatErrorResponse(
  code: ErrorCode,
  message: string,
  requestId: string,
  status: number = errorStatuses[code],
): string {
  const body = toBody(code, message, requestId);
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    `x-request-id: ${requestId}`,
    ...Object.entries(securityHeaders).map(([name, value]) => `${name}: ${value}`),
    ...(status === 503 || status === 429 ? ['retry-after: 1'] : []),
    ...(status === 405 ? ['allow: GET, POST'] : []),
    'connection: close',
    `content-type: ${mediaType}`,
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

/** Sends an HTTP/1.1 response, as formatErrorResponse returns it, on a connection. Then closes the connection. */
export function respondAndClose(stream: Duplex, response: string): void {
  stream.on('error', () => stream.destroy());
  // Node leaves the readable side open.
  stream.once('finish', () => stream.destroy());
  stream.end(response);
}

const statusMessages: Readonly<Record<number, string | undefined>> = {
  400: 'The request is not valid HTTP/1.1.',
  404: 'The path is unknown. GraphQL is at /graphql, subscriptions as event streams at /graphql/stream.',
  405: 'The method is not allowed. Send GET or POST.',
  408: 'The request did not arrive in time.',
  413: `The body is larger than ${maxRequestBytes / 1024} KiB (${maxRequestBytes} bytes).`,
  415: 'Send the body as application/json in UTF-8, without compression.',
  417: 'The only allowed value of the Expect header is 100-continue.',
  421: 'This gateway serves only loopback names, such as localhost. Its operator can set HOST, and then it serves any name.',
  431: `The request has more than ${maxHeaders} headers, or they are larger than ${maxHeaderSize / 1024} KiB.`,
};

/** Message to clients whose chunked bodies have large chunk extensions (413). */
export const chunkExtensionsMessage = 'The chunk extensions are too large. Send none.';

/** Returns the message of a BAD_REQUEST error with this HTTP status. */
export function toStatusMessage(status: number): string {
  return statusMessages[status] ?? 'The request was rejected.';
}

/** Adds the responses for unknown paths, for requests that Fastify rejects, and for errors outside any operation. */
export function addErrorResponses(app: FastifyInstance, log: Logger): void {
  app.setNotFoundHandler(rejectUnknownRoute);
  app.setErrorHandler((error: FastifyError | RequestBodyError, request, reply) => {
    if (error instanceof RequestBodyError) {
      sendError(request, reply, 'BAD_REQUEST', error.message, error.statusCode);
      return;
    }
    const status = error.statusCode ?? 500;
    if (status < 500) {
      sendBadRequest(request, reply, status);
      return;
    }
    log.error({ requestId: request.id, err: toLoggable(error) }, 'unexpected error');
    sendError(
      request,
      reply,
      'INTERNAL_SERVER_ERROR',
      'Internal error in the gateway. Quote the request id to its operators.',
    );
  });
}

/** Rejects a request that no route matches: with 405 and an Allow header at /graphql and /graphql/stream, else with 404. */
export function rejectUnknownRoute(request: FastifyRequest, reply: FastifyReply): void {
  const isGraphql = /^\/graphql(\/stream)?$/.test(request.url.split('?', 1)[0] ?? '');
  if (isGraphql) void reply.header('allow', 'GET, POST');
  sendBadRequest(request, reply, isGraphql ? 405 : 404);
}

/** Rejects a request whose URL cannot be decoded. Fastify runs no hooks for it, so this adds the headers of every response. */
export function rejectBadUrl(_error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  void reply.header('x-request-id', request.id).headers(securityHeaders);
  sendError(request, reply, 'BAD_REQUEST', 'The URL is not valid percent-encoded UTF-8.');
}

function sendBadRequest(request: FastifyRequest, reply: FastifyReply, status: number): void {
  sendError(request, reply, 'BAD_REQUEST', toStatusMessage(status), status);
}

/** An error of Node's HTTP server. Its `rawPacket` holds the bytes that the parser rejected; `@types/node` types it differently. */
type ConnectionError = Pick<NodeJS.ErrnoException, 'code'> & {
  readonly rawPacket?: unknown;
  readonly bytesParsed?: number;
};

const rejectedSockets = new WeakSet<Socket>();

/**
 * Rejects a request that is not valid HTTP, too large or too slow, directly on its connection, and closes the connection. The client's
 * request id is unknown, so the response has a new one.
 */
export function rejectConnection(error: ConnectionError, socket: Socket): void {
  if (rejectedSockets.has(socket)) return;
  rejectedSockets.add(socket);
  // Responses keep the order of the requests (RFC 9112, 9.3.2). A request that is still incomplete gets none: the error may be in its body.
  const last = findLastPendingResponse(socket);
  if (last === undefined) {
    rejectAndDestroy(error, socket);
    return;
  }
  socket.pause();
  last.once('close', () => {
    rejectAndDestroy(error, socket);
  });
}

function rejectAndDestroy(error: ConnectionError, socket: Socket): void {
  if (socket.writable) {
    const status = toStatus(error);
    const message = status === 413 ? chunkExtensionsMessage : toStatusMessage(status);
    socket.write(formatErrorResponse('BAD_REQUEST', message, randomUUID(), status));
  }
  socket.destroy();
}

const connectionErrorStatuses = new Map([
  ['ERR_HTTP_REQUEST_TIMEOUT', 408],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', 413],
  ['HPE_HEADER_OVERFLOW', 431],
]);

function toStatus(error: ConnectionError): number {
  if (error.code === 'HPE_INVALID_METHOD' && hasWellFormedRequestLine(error)) return 405;
  return connectionErrorStatuses.get(error.code ?? '') ?? 400;
}

// Node's parser rejects every method that it does not know. Such a request is valid HTTP if the rest of its request line is.
function hasWellFormedRequestLine({ rawPacket, bytesParsed = 0 }: ConnectionError): boolean {
  const text = Buffer.isBuffer(rawPacket) ? rawPacket.toString('latin1') : '';
  const line = text.slice(text.lastIndexOf('\n', bytesParsed - 1) + 1);
  return /^[\w!#$%&'*+.^`|~-]+ \S+ HTTP\/1\.[01]\r?\n/.test(line);
}

const mediaType = 'application/json; charset=utf-8';

function toBody(code: ErrorCode, message: string, requestId: string): string {
  return JSON.stringify({ errors: [{ message, extensions: { code, requestId } }] });
}
