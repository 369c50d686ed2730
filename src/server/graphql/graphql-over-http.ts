// GraphQL over HTTP: Apollo Server on a route of Fastify, and the context of each operation. Apollo Server reads the request and writes the
// response, as GraphQL over HTTP asks. Operations run in between: Apollo Server itself sees `{ __typename }` in place of each document.
import {
  ApolloServer,
  type ApolloServerPlugin,
  type GraphQLRequest,
  type GraphQLResponse,
  HeaderMap,
  type HTTPGraphQLRequest,
} from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type GraphQLSchema, OperationTypeNode } from 'graphql';
import type { Logger } from 'pino';
import type { Config } from '../../config.js';
import type { ContextValue, GraphContext } from '../../graph/context.js';
import { RequestError } from '../../graph/error-codes.js';
import { formatGraphqlError } from '../../graph/errors.js';
import { isObject } from '../../json.js';
import type { OriginBudgets, Payer } from '../admission/origin-budget.js';
import { type Budget, toRateLimitHeaders } from '../admission/rate-limit.js';
import { apiKeyHeader } from '../http/api-key.js';
import type { Lifecycle } from '../lifecycle.js';
import { logUnexpected } from '../telemetry/logging.js';
import type { OperationRequest, OperationResponse, Operations } from './operations.js';
import { stringifyResult } from './stringify-result.js';

/** Dependencies of GraphQL over HTTP. */
export interface GraphqlOverHttpOptions {
  readonly config: Config;
  readonly schema: GraphQLSchema;
  readonly operations: Operations;
  readonly originBudgets: OriginBudgets;
  readonly lifecycle: Lifecycle;
  readonly log: Logger;
  /** Creates the context of one operation. */
  readonly createContext: (request: FastifyRequest) => GraphContext;
  /** Responds to a subscription whose client accepts a stream. Returns undefined for any other request, which it leaves as it is. */
  readonly streamSubscription: (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply> | undefined;
}

/** Carries the context of an operation from the route to the plugin. */
interface HttpContext extends ContextValue {
  readonly payer: Payer;
}

/** Adds GET and POST /graphql. */
export async function addGraphqlOverHttp(app: FastifyInstance, options: GraphqlOverHttpOptions): Promise<void> {
  const { config, schema, originBudgets, lifecycle, createContext, streamSubscription } = options;
  const apollo = new ApolloServer<HttpContext>({
    schema,
    // Without these, NODE_ENV and APOLLO_* in the environment would decide.
    nodeEnv: 'production',
    introspection: config.introspection,
    includeStacktraceInErrorResponses: false,
    stopOnTerminationSignals: false,
    // The default logger prints error messages, which may quote the request. The plugin logs unexpected errors.
    logger: { debug: discard, info: discard, warn: discard, error: discard },
    // A simple cross-site request cannot have any of these headers.
    csrfPrevention: { requestHeaders: preflightedHeaders },
    formatError: (formatted, error) =>
      formatGraphqlError(formatted, error, { introspection: config.introspection, schema }),
    persistedQueries: false,
    stringifyResult: (result) => {
      const whole = result.data?.['whole'];
      return whole instanceof CallersResult ? stringifyResult(whole.result, whole.caller) : stringifyResult(result);
    },
    plugins: [
      // Cache control would wrap every field of every operation, although responses may contain secrets and are never cached.
      ApolloServerPluginCacheControlDisabled(),
      ApolloServerPluginInlineTraceDisabled(),
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginSchemaReportingDisabled(),
      ApolloServerPluginUsageReportingDisabled(),
      createOperationsPlugin(options),
    ],
  });
  await apollo.start();
  app.addHook('onClose', () => apollo.stop());

  // Not a part of the handler, whose listener waits until the client has read the response. It would hold what the functions in here use.
  const runOperation = async (request: FastifyRequest, reply: FastifyReply): Promise<string> => {
    const operation = createContext(request);
    const ignoreDisconnect = cancelOnDisconnect(reply, operation);
    const payer = originBudgets.toPayer(operation.hasKey, () => originBudgets.toOrigin(request.raw));
    const httpGraphQLRequest = toApolloRequest(request);
    // A request may hold much that its operation does not need for as long as it lasts.
    request.body = undefined;
    const context = () => Promise.resolve({ operation, payer });
    const { status = 200, headers, body } = await apollo.executeHTTPGraphQLRequest({ httpGraphQLRequest, context });
    ignoreDisconnect();
    if (body.kind !== 'complete') throw new TypeError('No operation is delivered incrementally.');
    for (const [name, value] of headers) void reply.header(name, value);
    void reply.code(status);
    // Requests that Apollo Server rejects before there is an operation reach no plugin.
    return status >= 400 ? withRequestId(body.string, request.id) : body.string;
  };
  app.route({
    method: ['GET', 'POST'],
    url: '/graphql',
    handler: (request, reply) => {
      lifecycle.requestStarted();
      reply.raw.once('close', () => {
        lifecycle.requestEnded();
      });
      return streamSubscription(request, reply) ?? runOperation(request, reply);
    },
  });
}

// A browser asks with a preflight before it sends one of these headers to another site.
const preflightedHeaders = [apiKeyHeader, 'apollo-require-preflight', 'x-apollo-operation-name'];
const headersForApollo = ['accept', 'content-type', ...preflightedHeaders];

/** Makes the request that Apollo Server gets, with the headers that it reads. */
function toApolloRequest({ method, url, headers, body }: FastifyRequest): HTTPGraphQLRequest {
  const headerMap = new HeaderMap();
  for (const name of headersForApollo) {
    const value = headers[name];
    if (value !== undefined) headerMap.set(name, String(value));
  }
  const start = url.indexOf('?');
  return { method, headers: headerMap, search: start < 0 ? '' : url.slice(start), body };
}

const placeholder = '{ __typename }';

/** Creates the plugin that runs the operations. Apollo Server writes what a plugin's `responseForOperation` returns. */
function createOperationsPlugin({ operations, log }: GraphqlOverHttpOptions): ApolloServerPlugin<HttpContext> {
  return {
    unexpectedErrorProcessingRequest: ({ requestContext, error }) => {
      logUnexpected(log, [error], requestContext.contextValue.operation);
      return Promise.resolve();
    },
    requestDidStart: ({ request, contextValue: { operation: context, payer } }) => {
      const isGet = request.http?.method === 'GET';
      const checkType = isGet ? checkTypeForGet : checkTypeForPost;
      const response = operations.run(takeRequest(request), { context, payer, checkType });
      return Promise.resolve({
        responseForOperation: async () => toApolloResponse(await response, context.budget.caller),
      });
    },
  };
}

/** Takes the operation out of a request, and leaves one that Apollo Server finds valid. */
function takeRequest(request: GraphQLRequest): OperationRequest {
  const { query, operationName, variables, extensions } = request;
  const documentId = readDocumentId(request);
  request.query = placeholder;
  delete request.operationName;
  delete request.variables;
  delete request.extensions;
  if (request.http !== undefined) request.http.body = undefined;
  return { query, operationName, variables, extensions, documentId };
}

// Apollo Server does not read documentId.
function readDocumentId({ http }: GraphQLRequest): unknown {
  if (http?.method === 'GET') return new URLSearchParams(http.search).get('documentId') ?? undefined;
  return isObject(http?.body) ? http.body['documentId'] : undefined;
}

// Responses with status 200 share it if there is no rate limit, since Apollo Server only reads it.
const okHead = { headers: new HeaderMap() };

/** Carries a result through Apollo Server, which hands on `data` alone as it is, with the API key for which its text is made. */
class CallersResult {
  readonly result: object;
  readonly caller: string | undefined;

  constructor(result: object, caller: string | undefined) {
    this.result = result;
    this.caller = caller;
  }
}

function toApolloResponse(
  { outcome, budget, restCalls }: OperationResponse,
  caller: string | undefined,
): GraphQLResponse {
  const { status, errors } = outcome;
  const data = 'data' in outcome ? { data: outcome.data } : {};
  const result = errors === undefined ? data : { errors, ...data };
  const extended = restCalls === undefined ? result : { ...result, extensions: { restCalls } };
  return {
    http: status === 200 && budget === undefined ? okHead : { status, headers: toHeaders(outcome, budget) },
    body: { kind: 'single', singleResult: { data: { whole: new CallersResult(extended, caller) } } },
  };
}

function toHeaders(outcome: OperationResponse['outcome'], budget: Budget | undefined): HeaderMap {
  const headers = new HeaderMap(budget === undefined ? [] : Object.entries(toRateLimitHeaders(budget)));
  if ('retryAfter' in outcome && outcome.retryAfter !== undefined) {
    headers.set('retry-after', String(outcome.retryAfter));
  }
  if (outcome.status === 405) headers.set('allow', 'POST');
  return headers;
}

function checkTypeForPost(type: OperationTypeNode): RequestError | undefined {
  if (type !== OperationTypeNode.SUBSCRIPTION) return undefined;
  const message =
    'A subscription needs a stream. Send it by POST with Accept: multipart/mixed;subscriptionSpec=1.0 or Accept: text/event-stream. Or use a WebSocket at /graphql, or Server-Sent Events at /graphql/stream.';
  return new RequestError('BAD_REQUEST', message);
}

function checkTypeForGet(type: OperationTypeNode): RequestError | undefined {
  if (type !== OperationTypeNode.MUTATION) return checkTypeForPost(type);
  const message = 'GET /graphql runs queries only. Send mutations by POST.';
  return new RequestError('BAD_REQUEST', message, { status: 405 });
}

function discard(): void {
  // Logs nothing.
}

function withRequestId(response: string, requestId: string): string {
  const body: unknown = JSON.parse(response);
  if (typeof body !== 'object' || body === null || !('errors' in body) || !Array.isArray(body.errors)) return response;
  const errors = body.errors.map((error: { extensions?: object }) => ({
    ...error,
    extensions: { ...error.extensions, requestId },
  }));
  return JSON.stringify({ ...body, errors });
}

/**
 * Disconnects an operation if its client does. Returns the function that stops this, for when the operation has ended. A client may take long
 * to read the response, and the listener holds all that the operation has read.
 */
function cancelOnDisconnect({ raw }: FastifyReply, operation: GraphContext): () => void {
  const disconnect = () => {
    if (!raw.writableFinished) operation.disconnect();
  };
  // Fastify's own signal aborts as soon as the body has been read, so it cannot be used.
  raw.once('close', disconnect);
  return () => {
    raw.off('close', disconnect);
  };
}
