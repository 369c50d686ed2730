// Refusals of requests that never become an operation, in the shape that GraphQL's errors have.
import { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { toLoggable } from './logging.js';

/** Answers with one error. */
export function sendError(
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  code: string,
  message: string,
): void {
  const body = JSON.stringify({ errors: [{ message, extensions: { code, requestId: request.id } }] });
  void reply.code(status).type('application/json; charset=utf-8').send(body);
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

function refuse(request: FastifyRequest, reply: FastifyReply, status: number): void {
  sendError(request, reply, status, 'BAD_REQUEST', messages[status] ?? 'The request cannot be served.');
}
