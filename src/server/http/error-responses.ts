// Refusals of requests that never become an operation, in the shape that GraphQL's errors have.
import { randomUUID } from 'node:crypto';
import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { toLoggable } from '../telemetry/logging.js';
import { lastOwed } from './pending-responses.js';
import { secureHeaders } from './security-headers.js';

/** Answers a request that never reaches the framework with one error, in its turn. */
export function answerBare(answer: ServerResponse, status: number, requestId: string): void {
  const body = toBody('BAD_REQUEST', toMessage(status), requestId);
  answer
    .writeHead(status, {
      'x-request-id': requestId,
      'cache-control': 'no-store',
      ...secureHeaders,
      // What follows may be a body that was announced.
      connection: 'close',
      'content-type': mediaType,
      'content-length': Buffer.byteLength(body),
    })
    .end(body);
}

/** Answers with one error. */
export function sendError(
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  code: string,
  message: string,
): void {
  void reply
    .code(status)
    .type(mediaType)
    .send(toBody(code, message, request.id));
}

const mediaType = 'application/json; charset=utf-8';

function toBody(code: string, message: string, requestId: string): string {
  return JSON.stringify({ errors: [{ message, extensions: { code, requestId } }] });
}

const messages: Readonly<Record<number, string | undefined>> = {
  400: 'The request cannot be read.',
  404: 'There is nothing here. GraphQL is at /graphql.',
  405: 'GraphQL takes GET and POST.',
  408: 'The request did not come in time.',
  413: 'The request is too large.',
  415: 'Send the request as application/json in UTF-8, not compressed.',
  417: 'Expect nothing of the gateway but 100-continue.',
  431: 'The headers of the request are too large.',
};

/** Adds the answers for what Fastify refuses, and for what goes wrong outside of any operation. */
export function addRefusals(app: FastifyInstance, log: Logger): void {
  app.setNotFoundHandler(refuseUnknown);
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status < 500) {
      refuse(request, reply, status);
      return;
    }
    log.error({ requestId: request.id, err: toLoggable(error) }, 'unexpected error');
    sendError(request, reply, 500, 'INTERNAL_SERVER_ERROR', 'Something went wrong in the gateway.');
  });
}

/** Answers a request to nothing that there is: with 405 where another method would have reached something. */
export function refuseUnknown(request: FastifyRequest, reply: FastifyReply): void {
  const isGraphql = /^\/graphql(\/stream)?$/.test(request.url.split('?', 1)[0] ?? '');
  if (isGraphql) void reply.header('allow', 'GET, POST');
  refuse(request, reply, isGraphql ? 405 : 404);
}

/** Answers a request whose address cannot be decoded: it has met no hook, so that what those add is added here. */
export function refuseAddress(_error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  void reply.header('x-request-id', request.id).header('cache-control', 'no-store').headers(secureHeaders);
  refuse(request, reply, 400);
}

/** What Node gives of bytes that it cannot read; the types have the last packet as something else. */
type ConnectionError = Pick<NodeJS.ErrnoException, 'code'> & {
  readonly rawPacket?: unknown;
  readonly bytesParsed?: number;
};

const refused = new WeakSet<Socket>();

/** Answers, on the bare connection, what is not HTTP, too long for it, or too slow; there is no request whose id could be told. */
export function refuseConnection(error: ConnectionError, socket: Socket): void {
  if (refused.has(socket)) return;
  refused.add(socket);
  // Answers go out in the order of the requests (RFC 9112, 9.3.2). What is wrong may be the end of the last request, which is owed none.
  const last = lastOwed(socket);
  if (last === undefined) {
    refuseNow(error, socket);
    return;
  }
  socket.pause();
  last.once('close', () => {
    refuseNow(error, socket);
  });
}

function refuseNow(error: ConnectionError, socket: Socket): void {
  if (socket.writable) {
    const status = toStatus(error);
    socket.write(toBareAnswer(status, 'BAD_REQUEST', toMessage(status), randomUUID()));
  }
  socket.destroy();
}

const statuses = new Map([
  ['ERR_HTTP_REQUEST_TIMEOUT', 408],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', 413],
  ['HPE_HEADER_OVERFLOW', 431],
]);

function toStatus({ code = '', rawPacket, bytesParsed = 0 }: ConnectionError): number {
  if (code !== 'HPE_INVALID_METHOD') return statuses.get(code) ?? 400;
  // A method that the parser does not know is a method all the same, where the rest of the line is in order.
  const text = Buffer.isBuffer(rawPacket) ? rawPacket.toString('latin1') : '';
  const line = text.slice(text.lastIndexOf('\n', bytesParsed - 1) + 1);
  return /^[\w!#$%&'*+.^`|~-]+ \S+ HTTP\/1\.[01]\r?\n/.test(line) ? 405 : 400;
}

/** Ends a connection that no framework answers on with a refusal. */
export function endWith(stream: Duplex, text: string): void {
  stream.on('error', () => stream.destroy());
  // Node leaves the other half open.
  stream.once('finish', () => stream.destroy());
  stream.end(text);
}

/** A refusal with its status line and headers, for a connection that no framework answers on; it is closed after that. */
export function toBareAnswer(status: number, code: string, message: string, requestId: string): string {
  const body = toBody(code, message, requestId);
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    `x-request-id: ${requestId}`,
    'cache-control: no-store',
    ...Object.entries(secureHeaders).map(([name, value]) => `${name}: ${value}`),
    ...(status === 503 ? ['retry-after: 1'] : []),
    ...(status === 405 ? ['allow: GET, POST'] : []),
    'connection: close',
    `content-type: ${mediaType}`,
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

function refuse(request: FastifyRequest, reply: FastifyReply, status: number): void {
  sendError(request, reply, status, 'BAD_REQUEST', toMessage(status));
}

/** What is told of a status. */
export function toMessage(status: number): string {
  return messages[status] ?? 'The request cannot be served.';
}
