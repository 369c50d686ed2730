// Subscriptions over Server-Sent Events: graphql-sse's distinct-connections mode on /graphql/stream.
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { createHandler } from 'graphql-sse';
import { isObject } from '../../cloudca/envelope.js';
import type { GraphContext, OperationTrace } from '../../graph/context.js';
import { missingKeyMessage } from '../../graph/errors.js';
import type { Lifecycle } from '../lifecycle.js';
import { sendError } from '../http/error-responses.js';
import { readApiKey } from '../http/request-checks.js';
import type { Refusal, Subscriptions } from './subscriptions.js';
import { withText } from '../graphql/trusted-documents.js';

/** What the SSE transport stands on. */
export interface EventStreamOptions {
  readonly subscriptions: Subscriptions;
  readonly lifecycle: Lifecycle;
  /** Makes the context of one subscription, or of one event of it. */
  readonly createContext: (apiKey: string, requestId: string, trace: OperationTrace | undefined) => GraphContext;
}

// How long a caller has to take the last event when the process ends, in milliseconds.
const farewell = 500;

/** One request and what came of it. */
interface Exchange {
  readonly reply: FastifyReply;
  readonly apiKey: string;
  readonly requestId: string;
  /** As it was sent: graphql-sse does not know of it. */
  readonly documentId: unknown;
  /** The caller's trace. */
  readonly traceparent: unknown;
  /** Aborted when the caller has left, or all has been sent. */
  readonly gone: AbortSignal;
  /** Set where it was refused. */
  refusal?: Refusal;
}

/** Adds GET and POST /graphql/stream. */
export function addEventStream(app: FastifyInstance, options: EventStreamOptions): void {
  const { lifecycle, subscriptions, createContext } = options;
  const handle = createHandler<FastifyRequest, Exchange>({
    // A token would stand for a stream that several requests share; each has one of its own here.
    authenticate: () => null,
    onSubscribe: async ({ context: exchange }, params) => {
      const { apiKey, documentId, traceparent, requestId, gone } = exchange;
      const request = { ...params, documentId, traceparent };
      const subscribed = await subscriptions.subscribe(
        request,
        (trace) => createContext(apiKey, requestId, trace),
        gone,
      );
      if (!('errors' in subscribed)) return subscribed.events;
      exchange.refusal = subscribed;
      return [null, { status: subscribed.status, statusText: '' }];
    },
    // The next event is taken when this one is on its way: a caller that does not read leaves nothing to pile up here.
    onNext: (_context, { context }) => drained(context.reply.raw),
  });
  app.route({
    method: ['GET', 'POST'],
    url: '/graphql/stream',
    handler: async (request, reply) => {
      const apiKey = readApiKey(request);
      if (apiKey === undefined) {
        sendError(request, reply, 401, 'UNAUTHENTICATED', missingKeyMessage);
        return reply;
      }
      if (!/(^|[,\s])text\/event-stream\b/i.test(request.headers.accept ?? '')) {
        sendError(request, reply, 406, 'BAD_REQUEST', 'This answers with text/event-stream: accept it.');
        return reply;
      }
      const { documentId, url, body: sent } = toRequest(request);
      const closed = new AbortController();
      reply.raw.once('close', () => {
        closed.abort();
      });
      const { traceparent } = request.headers;
      const exchange: Exchange = {
        reply,
        apiKey,
        requestId: request.id,
        documentId,
        traceparent,
        gone: closed.signal,
      };
      const [body, { status }] = await handle({
        method: request.method,
        url,
        headers: { get: (name) => (name === 'accept' ? 'text/event-stream' : String(request.headers[name] ?? '')) },
        body: sent,
        raw: request,
        context: exchange,
      });
      if (body === null || typeof body === 'string') return refuse(request, exchange, status);
      linger(reply.raw, lifecycle);
      return reply
        .code(status)
        .headers(streamHeaders)
        .send(Readable.from(body, { objectMode: false }));
    },
  });
}

// As graphql-sse wants it.
function toRequest({ method, url, query, body }: FastifyRequest): {
  documentId: unknown;
  url: string;
  body: Readonly<Record<string, unknown>> | null;
} {
  const posted = isObject(body) ? body : null;
  const sent = (method === 'GET' && isObject(query) ? query : posted) ?? {};
  return {
    documentId: sent['documentId'],
    url: withText(sent) === sent ? url : `${url}&query=`,
    body: posted && withText(posted),
  };
}

const streamHeaders = {
  'content-type': 'text/event-stream; charset=utf-8',
  // A proxy that gathers what it passes on would keep events to itself.
  'x-accel-buffering': 'no',
};

function refuse(request: FastifyRequest, { reply, refusal }: Exchange, status: number): FastifyReply {
  // What graphql-sse says of a request that it cannot read may quote it.
  if (refusal === undefined) sendError(request, reply, status, 'BAD_REQUEST', 'This is no request for a subscription.');
  else {
    if (refusal.retryAfter !== undefined) void reply.header('retry-after', refusal.retryAfter);
    void reply
      .code(status)
      .type('application/json; charset=utf-8')
      .send(JSON.stringify({ errors: refusal.errors }));
  }
  return reply;
}

async function drained(raw: ServerResponse): Promise<void> {
  if (!raw.writableNeedDrain || raw.closed) return;
  const either = new AbortController();
  try {
    await Promise.race([once(raw, 'drain', { signal: either.signal }), once(raw, 'close', { signal: either.signal })]);
  } finally {
    either.abort();
  }
}

/** Counts a stream as work, so that its last event is still sent when the process ends; but not for long. */
function linger(raw: ServerResponse, lifecycle: Lifecycle): void {
  // Then nothing would tell of its end.
  if (raw.closed) return;
  const hurry = () => {
    setTimeout(() => raw.destroy(), farewell).unref();
  };
  lifecycle.begin();
  if (lifecycle.draining.aborted) hurry();
  else lifecycle.draining.addEventListener('abort', hurry, { once: true });
  raw.once('close', () => {
    lifecycle.draining.removeEventListener('abort', hurry);
    lifecycle.end();
  });
}
