// GraphQL over HTTP: Apollo Server on a route of Fastify, and the context of each operation.
import { ApolloServer } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import { InMemoryLRUCache } from '@apollo/utils.keyvaluecache';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { DocumentNode, GraphQLSchema } from 'graphql';
import type { Logger } from 'pino';
import type { Config } from '../../config.js';
import type { ContextValue, GraphContext } from '../../graph/context.js';
import { formatGraphqlError } from '../../graph/errors.js';
import type { Executor } from '../../graph/execution/executor.js';
import {
  checkDocumentLength,
  createDocumentLimitsRule,
  maxValidationErrors,
  toParseOptions,
} from '../../graph/limits/document-limits.js';
import { isObject } from '../../json.js';
import type { Admission } from '../admission/admission.js';
import { apiKeyHeader } from '../http/api-key.js';
import type { Lifecycle } from '../lifecycle.js';
import type { Metrics } from '../telemetry/metrics.js';
import { createApolloExecutor } from './apollo-executor.js';
import { createOperationPlugin } from './operation-plugin.js';
import type { TrustedDocuments } from './trusted-documents.js';

/** Dependencies of GraphQL over HTTP. */
export interface GraphqlOverHttpOptions {
  readonly config: Config;
  readonly schema: GraphQLSchema;
  readonly execute: Executor;
  readonly trusted: TrustedDocuments | undefined;
  readonly lifecycle: Lifecycle;
  readonly admission: Admission;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Creates the context of one operation. */
  readonly createContext: (request: FastifyRequest) => GraphContext;
}

/** Adds GET and POST /graphql. */
export async function addGraphqlOverHttp(app: FastifyInstance, options: GraphqlOverHttpOptions): Promise<void> {
  const { config, schema, execute, trusted, lifecycle, admission, log, metrics, createContext } = options;
  const texts = new InMemoryLRUCache<string>({ maxSize: maxQueryCacheSize, sizeCalculation: toPersistedSize });
  const documents = new InMemoryLRUCache<DocumentNode>({
    maxSize: maxDocumentCacheSize,
    sizeCalculation: toDocumentSize,
  });
  const { respond, gateway } = createApolloExecutor<ContextValue>(schema, execute);
  const apollo = new ApolloServer<ContextValue>({
    gateway,
    // Without these, NODE_ENV and APOLLO_* in the environment would decide.
    nodeEnv: 'production',
    introspection: config.introspection,
    hideSchemaDetailsFromClientErrors: !config.introspection,
    includeStacktraceInErrorResponses: false,
    stopOnTerminationSignals: false,
    // The default logger prints error messages, which may quote the request. The plugin logs unexpected errors.
    logger: { debug: discard, info: discard, warn: discard, error: discard },
    // A simple cross-site request cannot have any of these headers.
    csrfPrevention: { requestHeaders: [apiKeyHeader, 'apollo-require-preflight', 'x-apollo-operation-name'] },
    formatError: (formatted, error) =>
      formatGraphqlError(formatted, error, { introspection: config.introspection, schema }),
    parseOptions: toParseOptions(config),
    persistedQueries: { cache: trusted?.layerOver(texts, ({ text }) => text) ?? texts },
    documentStore: trusted?.layerOver(documents, ({ document }) => document) ?? documents,
    validationRules: [createDocumentLimitsRule(config)],
    validationOptions: { maxErrors: maxValidationErrors, hideSuggestions: !config.introspection },
    plugins: [
      // Cache control would wrap every field of every operation, although responses may contain secrets and are never cached.
      ApolloServerPluginCacheControlDisabled(),
      ApolloServerPluginInlineTraceDisabled(),
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginSchemaReportingDisabled(),
      ApolloServerPluginUsageReportingDisabled(),
      createOperationPlugin({ config, trusted, admission, log, metrics, respond }),
    ],
  });
  await apollo.start();
  app.addHook('onClose', () => apollo.stop());

  const handle = fastifyApolloHandler(apollo, {
    context: (request, reply) => {
      // Apollo Server's only chance to reject a document before it parses it.
      const tooLong = checkDocumentLength(readDocumentText(request), config);
      if (tooLong !== undefined) return Promise.reject(tooLong);
      const operation = createContext(request);
      cancelOnDisconnect(reply, operation);
      return Promise.resolve({ operation });
    },
  });
  app.route({
    method: ['GET', 'POST'],
    url: '/graphql',
    preHandler: (_request, reply, done) => {
      lifecycle.requestStarted();
      reply.raw.once('close', () => {
        lifecycle.requestEnded();
      });
      done();
    },
    handler: async (request, reply) => {
      const response: unknown = await handle.call(app, request, reply);
      // Requests that Apollo Server rejects before there is an operation pass no plugin.
      return reply.statusCode >= 400 && typeof response === 'string' ? withRequestId(response, request.id) : response;
    },
  });
}

// Maximum size of all cached valid documents, in characters of their text. A parsed document takes up to 170 bytes a character. Apollo
// Server's own limit counts the length as JSON, which is a fraction of that: short documents could take half a gigabyte.
const maxDocumentCacheSize = 250_000;

function toDocumentSize({ loc }: DocumentNode): number {
  // Even the shortest document takes this much.
  const overhead = 20;
  return overhead + (loc?.source.body.length ?? 0);
}

// Maximum size of all automatic persisted queries, in characters of their text. An app has a few dozen, of a few hundred characters each.
// Apollo Server's own limit is 30 million characters: several gigabytes if the queries are short.
const maxQueryCacheSize = 1_000_000;

function toPersistedSize(text: string): number {
  // Approximate size of an entry besides its text.
  const overhead = 250;
  return overhead + text.length;
}

function discard(): void {
  // Logs nothing.
}

// Returns the document as the client sent it, or an empty string if there is none.
function readDocumentText({ method, body, query }: FastifyRequest): string {
  const parameters = method === 'GET' ? query : body;
  return isObject(parameters) && typeof parameters['query'] === 'string' ? parameters['query'] : '';
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

// Fastify's own signal aborts as soon as the body has been read, so it cannot be used.
function cancelOnDisconnect(reply: FastifyReply, operation: GraphContext): void {
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) operation.disconnect();
  });
}
