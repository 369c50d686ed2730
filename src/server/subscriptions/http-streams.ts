// Subscriptions by HTTP: Server-Sent Events at /graphql/stream, and as the client accepts at /graphql.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { OperationTypeNode } from 'graphql';
import type { Caller, GraphContext, OperationTrace } from '../../graph/context.js';
import { missingKeyMessage } from '../../graph/errors.js';
import { isObject } from '../../json.js';
import type { Admission } from '../admission/admission.js';
import type { OriginBudgets } from '../admission/origin-budget.js';
import { toRateLimitHeaders } from '../admission/rate-limit.js';
import type { OperationRequest, Operations } from '../graphql/operations.js';
import { withQueryText } from '../graphql/trusted-documents.js';
import { hashApiKey, readApiKey } from '../http/api-key.js';
import { readClientApp } from '../http/client-app.js';
import { type Connections, tooManyConnectionsMessage } from '../http/connections.js';
import { sendError } from '../http/error-responses.js';
import type { Lifecycle } from '../lifecycle.js';
import { EventStream, streamHeaders } from './event-stream.js';
import { chooseStreamFormat, serverSentEvents, type StreamFormat, streamFormats } from './stream-format.js';
import type { RejectedSubscription, Subscriptions } from './subscriptions.js';

/** Dependencies of the streams. */
export interface HttpStreamOptions {
  readonly lifecycle: Lifecycle;
  readonly operations: Operations;
  readonly subscriptions: Subscriptions;
  readonly admission: Admission;
  readonly originBudgets: OriginBudgets;
  readonly connections: Connections;
  /** Creates the context of one subscription, or of one of its events. */
  readonly createContext: (caller: Caller, trace: OperationTrace | undefined) => GraphContext;
}

/** Responds to a subscription. Returns undefined, and sends nothing, if the request is no subscription or accepts no stream. */
export type StreamSubscription = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply> | undefined;

/** Adds GET and POST /graphql/stream. Returns the function that responds to subscriptions by POST /graphql. */
export function addHttpStreams(app: FastifyInstance, options: HttpStreamOptions): StreamSubscription {
  app.route({
    method: ['GET', 'POST'],
    url: '/graphql/stream',
    handler: (request, reply) => {
      const format = chooseStreamFormat(request.headers.accept, [serverSentEvents]);
      return respond(request, reply, format, options);
    },
  });
  return (request, reply) => {
    const format = chooseStreamFormat(request.headers.accept, streamFormats);
    if (format === undefined || request.method !== 'POST' || !asksForStream(request, options)) return undefined;
    return respond(request, reply, format, options);
  };
}

/** Reports whether an operation is a subscription, or is rejected while its client accepts nothing but a stream. */
function asksForStream(request: FastifyRequest, { operations, originBudgets }: HttpStreamOptions): boolean {
  const operationRequest = readOperationRequest(request);
  if (operationRequest === undefined) return false;
  const payer = originBudgets.toPayer(readApiKey(request) !== undefined, () => originBudgets.toOrigin(request.raw));
  try {
    const { operation } = operations.find(operationRequest, { payer, checkType: () => undefined });
    return operation.operation === OperationTypeNode.SUBSCRIPTION;
  } catch {
    // Whichever responds finds the same error again. GraphQL over HTTP would hide it behind one about the Accept header.
    return !/json|\*\/\*|application\/\*/i.test(request.headers.accept ?? '');
  }
}

/** Responds with the events of a subscription, or with the error that rejects it. */
async function respond(
  request: FastifyRequest,
  reply: FastifyReply,
  format: StreamFormat | undefined,
  options: HttpStreamOptions,
): Promise<FastifyReply> {
  const { connections, subscriptions, originBudgets, createContext } = options;
  const { id: requestId, raw, headers } = request;
  const apiKey = readApiKey(request);
  if (apiKey === undefined) {
    sendError(request, reply, 'UNAUTHENTICATED', missingKeyMessage);
    return reply;
  }
  if (format === undefined) {
    sendError(request, reply, 'BAD_REQUEST', notAcceptableMessage, 406);
    return reply;
  }
  const callerId = hashApiKey(apiKey);
  const place = connections.open(raw.socket);
  if (place?.setCaller(callerId) !== true) {
    place?.release();
    await addRateLimitHeaders(reply, callerId, options);
    rejectConnection(request, reply, place === undefined);
    return reply;
  }
  const closed = new AbortController();
  reply.raw.once('close', () => {
    closed.abort();
    place.release();
  });
  const operationRequest = readOperationRequest(request);
  if (operationRequest === undefined) {
    sendError(request, reply, 'BAD_REQUEST', invalidRequestMessage);
    return reply;
  }
  // A request may hold much that its subscription does not need for as long as it lasts.
  request.body = undefined;
  const result = await subscriptions.subscribe(operationRequest, {
    createContext: (trace) => createContext({ apiKey, requestId, app: readClientApp(headers) }, trace),
    traceparent: headers['traceparent'],
    payer: originBudgets.toPayer(true, () => originBudgets.toOrigin(raw)),
    disconnected: closed.signal,
  });
  await addRateLimitHeaders(reply, callerId, options);
  if ('errors' in result) return sendRejection(reply, result);
  const stream = new EventStream(reply.raw, format, options.lifecycle);
  void result.run(stream).then((hasEnded) => {
    if (hasEnded) stream.complete();
  });
  return reply.code(200).headers(streamHeaders).type(format.contentType).send(stream.body);
}

async function addRateLimitHeaders(
  reply: FastifyReply,
  callerId: string,
  { admission }: HttpStreamOptions,
): Promise<void> {
  const budget = await admission.readBudget(callerId);
  if (budget !== undefined) void reply.headers(toRateLimitHeaders(budget));
}

/** Rejects a stream for which there is no place among the connections that stay open: of the process, or of the key. */
function rejectConnection(request: FastifyRequest, reply: FastifyReply, isProcessFull: boolean): void {
  void reply.header('retry-after', 1);
  if (isProcessFull) sendError(request, reply, 'OVERLOADED', tooManyConnectionsMessage);
  else sendError(request, reply, 'RATE_LIMITED', tooManyOfKeyMessage);
}

/** Reads the operation of a request. Returns undefined if it is not a GraphQL request. */
function readOperationRequest({ method, query, body }: FastifyRequest): OperationRequest | undefined {
  const parameters = method === 'GET' ? readSearch(query) : body;
  if (!isObject(parameters)) return undefined;
  const { query: text, operationName, variables, extensions, documentId } = withQueryText(parameters);
  if (typeof text !== 'string' || !isNameOrNothing(operationName)) return undefined;
  if (!isObjectOrNothing(variables) || !isObjectOrNothing(extensions)) return undefined;
  return { query: text, operationName, variables, extensions, documentId };
}

/** Returns the parameters of a URL, with the values of those that are JSON. Undefined if one is not valid JSON. */
function readSearch(query: unknown): unknown {
  if (!isObject(query)) return undefined;
  const parse = (text: unknown): unknown => (typeof text === 'string' && text !== '' ? JSON.parse(text) : undefined);
  try {
    return { ...query, variables: parse(query['variables']), extensions: parse(query['extensions']) };
  } catch {
    // The parser's own message quotes the URL.
    return undefined;
  }
}

function isNameOrNothing(value: unknown): value is string | null | undefined {
  return value === undefined || value === null || typeof value === 'string';
}

function isObjectOrNothing(value: unknown): value is Readonly<Record<string, unknown>> | null | undefined {
  return value === undefined || value === null || isObject(value);
}

const notAcceptableMessage = 'This path responds with text/event-stream only. Send that type in the Accept header.';

const tooManyOfKeyMessage = 'This API key has too many open connections. Close some, or share one WebSocket.';

const invalidRequestMessage =
  'The request is not a GraphQL subscription. Send query as a string and variables as an object.';

function sendRejection(reply: FastifyReply, { status, retryAfter, errors }: RejectedSubscription): FastifyReply {
  if (retryAfter !== undefined) void reply.header('retry-after', retryAfter);
  return reply.code(status).type('application/json; charset=utf-8').send(JSON.stringify({ errors }));
}
