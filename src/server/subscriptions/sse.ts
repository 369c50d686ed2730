// Subscriptions by Server-Sent Events: graphql-sse's distinct connections mode at /graphql/stream.
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { createHandler } from 'graphql-sse';
import type { GraphContext, OperationTrace } from '../../graph/context.js';
import { missingKeyMessage } from '../../graph/errors.js';
import { isObject } from '../../json.js';
import type { OriginBudgets, Payer } from '../admission/origin-budget.js';
import { withQueryText } from '../graphql/trusted-documents.js';
import { hashApiKey, readApiKey } from '../http/api-key.js';
import { type Connections, type LongConnection, tooManyConnectionsMessage } from '../http/connections.js';
import { whenDrained } from '../http/drain.js';
import { sendError } from '../http/error-responses.js';
import type { UnreadBytes } from '../http/unread-bytes.js';
import type { Lifecycle } from '../lifecycle.js';
import type { RejectedSubscription, Subscriptions } from './subscriptions.js';

/** Dependencies of the SSE transport. */
export interface SseOptions {
  readonly subscriptions: Subscriptions;
  readonly originBudgets: OriginBudgets;
  readonly lifecycle: Lifecycle;
  readonly connections: Connections;
  readonly unreadBytes: UnreadBytes;
  /** Creates the context of one subscription, or of one of its events. */
  readonly createContext: (apiKey: string, requestId: string, trace: OperationTrace | undefined) => GraphContext;
}

// How long clients may take to read the last event during shutdown, in milliseconds.
const shutdownGraceMs = 500;

/** One request for an event stream. */
interface StreamRequest {
  readonly reply: FastifyReply;
  readonly apiKey: string;
  readonly requestId: string;
  /** As the client sent it. graphql-sse does not pass it on. */
  readonly documentId: unknown;
  /** The client's trace (W3C Trace Context). */
  readonly traceparent: unknown;
  readonly payer: Payer;
  /** Aborts when the response closes: the client has disconnected, or everything has been sent. */
  readonly closed: AbortSignal;
  /** Set if the subscription is rejected. */
  rejection?: RejectedSubscription;
}

/** Adds GET and POST /graphql/stream. */
export function addSse(app: FastifyInstance, options: SseOptions): void {
  const { lifecycle, connections, unreadBytes, subscriptions, originBudgets, createContext } = options;
  const handle = createHandler<FastifyRequest, StreamRequest>({
    // A token would select the single connection mode, in which several requests share a stream.
    authenticate: () => null,
    onSubscribe: async ({ context: streamRequest }, params) => {
      const { apiKey, documentId, traceparent, requestId, closed, payer } = streamRequest;
      const result = await subscriptions.subscribe(
        { ...params, documentId },
        { createContext: (trace) => createContext(apiKey, requestId, trace), traceparent, payer, disconnected: closed },
      );
      // graphql-sse keeps them for as long as the stream is open.
      delete params.variables;
      delete params.extensions;
      if (!('errors' in result)) return result.events;
      streamRequest.rejection = result;
      return [null, { status: result.status, statusText: '' }];
    },
    // Waits until the client has read this event before it requests the next one, so that no events accumulate for a slow client.
    onNext: async (_context, { context }) => {
      await whenDrained(context.reply.raw);
    },
  });
  app.route({
    method: ['GET', 'POST'],
    url: '/graphql/stream',
    handler: async (request, reply) => {
      const apiKey = readApiKey(request);
      if (apiKey === undefined) {
        sendError(request, reply, 'UNAUTHENTICATED', missingKeyMessage);
        return reply;
      }
      if (!/(^|[,\s])text\/event-stream\b/i.test(request.headers.accept ?? '')) {
        sendError(request, reply, 'BAD_REQUEST', notAcceptableMessage, 406);
        return reply;
      }
      const callerId = hashApiKey(apiKey);
      const place = takePlace(request, reply, connections, callerId);
      if (place === undefined) return reply;
      const { documentId, url, body: requestBody } = toHandlerRequest(request);
      const closed = new AbortController();
      const { socket } = request.raw;
      const setUnreadBytes = (bytes: number) => {
        unreadBytes.set(socket, callerId, bytes);
      };
      reply.raw.once('close', () => {
        closed.abort();
        place.release();
        setUnreadBytes(0);
      });
      const { traceparent } = request.headers;
      const streamRequest: StreamRequest = {
        reply,
        apiKey,
        requestId: request.id,
        documentId,
        traceparent,
        payer: originBudgets.toPayer(true, () => originBudgets.toOrigin(request.raw)),
        closed: closed.signal,
      };
      request.body = undefined;
      const [body, { status }] = await handle({
        method: request.method,
        url,
        headers: { get: (name) => (name === 'accept' ? 'text/event-stream' : String(request.headers[name] ?? '')) },
        body: requestBody,
        raw: request,
        context: streamRequest,
      });
      if (body === null || typeof body === 'string') return sendRejection(request, streamRequest, status);
      trackStream(reply.raw, lifecycle);
      return reply
        .code(status)
        .headers(streamHeaders)
        .send(Readable.from(countUnreadBytes(body, reply.raw, setUnreadBytes), { objectMode: false }));
    },
  });
}

/** Counts an event stream among the connections that stay open. Sends an error and returns undefined if there is no place for it. */
function takePlace(
  request: FastifyRequest,
  reply: FastifyReply,
  connections: Connections,
  callerId: string,
): LongConnection | undefined {
  const place = connections.open(request.raw.socket);
  if (place?.setCaller(callerId) === true) return place;
  place?.release();
  void reply.header('retry-after', 1);
  if (place !== undefined) sendError(request, reply, 'RATE_LIMITED', tooManyOfKeyMessage);
  else sendError(request, reply, 'OVERLOADED', tooManyConnectionsMessage);
  return undefined;
}

// Returns the request with an empty text if it has only an id, because graphql-sse requires a text.
function toHandlerRequest({ method, url, query, body }: FastifyRequest): {
  documentId: unknown;
  url: string;
  body: Readonly<Record<string, unknown>> | null;
} {
  const bodyObject = isObject(body) ? body : null;
  const parameters = (method === 'GET' && isObject(query) ? query : bodyObject) ?? {};
  return {
    documentId: parameters['documentId'],
    url: withQueryText(parameters) === parameters ? url : `${url}&query=`,
    body: bodyObject && withQueryText(bodyObject),
  };
}

const streamHeaders = {
  'content-type': 'text/event-stream; charset=utf-8',
  // Proxies must not buffer events.
  'x-accel-buffering': 'no',
};

const notAcceptableMessage = 'This path responds with text/event-stream only. Send that type in the Accept header.';

const tooManyOfKeyMessage = 'This API key has too many open connections. Close some, or share one WebSocket.';

const invalidRequestMessage =
  'The request is not a GraphQL subscription. Send query as a string and variables as an object.';

function sendRejection(request: FastifyRequest, { reply, rejection }: StreamRequest, status: number): FastifyReply {
  // graphql-sse rejected the request itself. Its own message may quote the request.
  if (rejection === undefined) sendError(request, reply, 'BAD_REQUEST', invalidRequestMessage, status);
  else {
    if (rejection.retryAfter !== undefined) void reply.header('retry-after', rejection.retryAfter);
    void reply
      .code(status)
      .type('application/json; charset=utf-8')
      .send(JSON.stringify({ errors: rejection.errors }));
  }
  return reply;
}

/** Passes the text of a stream on. Accounts for what its client has not read, with what it passes on next. */
async function* countUnreadBytes(
  body: AsyncIterable<string>,
  raw: ServerResponse,
  setUnreadBytes: (bytes: number) => void,
): AsyncGenerator<string> {
  raw.on('drain', () => {
    setUnreadBytes(0);
  });
  for await (const text of body) {
    const bytes = raw.writableLength + Buffer.byteLength(text);
    // Only then does a `drain` follow.
    if (bytes >= raw.writableHighWaterMark) setUnreadBytes(bytes);
    yield text;
  }
}

/** Counts a stream as an active request, so that shutdown waits for its last event, for `shutdownGraceMs` at most. */
function trackStream(raw: ServerResponse, lifecycle: Lifecycle): void {
  // A closed response does not emit `close` again.
  if (raw.closed) return;
  const closeSoon = () => {
    setTimeout(() => raw.destroy(), shutdownGraceMs).unref();
  };
  lifecycle.requestStarted();
  if (lifecycle.draining.aborted) closeSoon();
  else lifecycle.draining.addEventListener('abort', closeSoon, { once: true });
  raw.once('close', () => {
    lifecycle.draining.removeEventListener('abort', closeSoon);
    lifecycle.requestEnded();
  });
}
