// Refusals of requests that never become an operation, in the shape that GraphQL's errors have.
import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { toLoggable } from './logging.js';

// What helmet adds to every answer that passes it, for those that do not.
const secureHeaders = {
  'content-security-policy': "default-src 'none';frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'cross-origin',
  'origin-agent-cluster': '?1',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-dns-prefetch-control': 'off',
  'x-download-options': 'noopen',
  'x-frame-options': 'SAMEORIGIN',
  'x-permitted-cross-domain-policies': 'none',
  'x-xss-protection': '0',
};

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
  431: 'The headers of the request are too large.',
};

/** Adds the answers for what Fastify refuses, and for what goes wrong outside of any operation. */
export function addRefusals(app: FastifyInstance, log: Logger): void {
  app.setNotFoundHandler((request, reply) => {
    const isGraphql = request.url.split('?', 1)[0] === '/graphql';
    if (isGraphql) void reply.header('allow', 'GET, POST');
    refuse(request, reply, isGraphql ? 405 : 404);
  });
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

/** Answers a request whose address cannot be decoded: it has met no hook, so that what those add is added here. */
export function refuseAddress(_error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  void reply.header('x-request-id', request.id).header('cache-control', 'no-store').headers(secureHeaders);
  refuse(request, reply, 400);
}

/** Answers, on the bare connection, what is not HTTP, too long for it, or too slow; there is no request whose id could be told. */
export function refuseConnection({ code }: NodeJS.ErrnoException, socket: Socket): void {
  if (socket.writable) {
    const status = code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : code === 'HPE_HEADER_OVERFLOW' ? 431 : 400;
    socket.write(toBareAnswer(status, 'BAD_REQUEST', toMessage(status), randomUUID()));
  }
  socket.destroy();
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
    'connection: close',
    `content-type: ${mediaType}`,
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

function refuse(request: FastifyRequest, reply: FastifyReply, status: number): void {
  sendError(request, reply, status, 'BAD_REQUEST', toMessage(status));
}

function toMessage(status: number): string {
  return messages[status] ?? 'The request cannot be served.';
}
