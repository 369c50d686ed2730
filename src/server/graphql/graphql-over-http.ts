// GraphQL over HTTP: Apollo Server on Fastify's route, the body's way in, the context's making.
import { isUtf8 } from 'node:buffer';
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
import { isObject } from '../../cloudca/envelope.js';
import { isTooComplex } from '../../json.js';
import type { Config } from '../../config.js';
import type { ContextValue, GraphContext } from '../../graph/context.js';
import { toFormattedError } from '../../graph/errors.js';
import type { Executor } from '../../graph/execution/executor.js';
import { checkLength, createQueryLimitsRule, mostValidationErrors, toParseOptions } from '../../graph/limits/query-limits.js';
import { createApolloExecution } from './apollo-executor.js';
import type { Lifecycle } from '../lifecycle.js';
import type { Limits } from '../admission/admission.js';
import type { Metrics } from '../telemetry/metrics.js';
import { createOperationPlugin } from './operation-plugin.js';
import { keyHeader } from '../http/request-checks.js';
import type { TrustedDocuments } from './trusted-documents.js';

/** What GraphQL over HTTP is made of. */
export interface GraphqlOptions {
  readonly config: Config;
  readonly schema: GraphQLSchema;
  readonly execute: Executor;
  readonly trusted: TrustedDocuments | undefined;
  readonly lifecycle: Lifecycle;
  readonly limits: Limits;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Makes the context of one operation. */
  readonly createContext: (request: FastifyRequest) => GraphContext;
}

/** Adds GET and POST /graphql. */
export async function addGraphql(app: FastifyInstance, options: GraphqlOptions): Promise<void> {
  const { config, schema, execute, trusted, lifecycle, limits, log, metrics, createContext } = options;
  const texts = new InMemoryLRUCache<string>({ maxSize: mostPersisted, sizeCalculation: toPersistedSize });
  const documents = new InMemoryLRUCache<DocumentNode>({ maxSize: mostKept, sizeCalculation: toSize });
  const { respond, gateway } = createApolloExecution<ContextValue>(schema, execute);
  const apollo = new ApolloServer<ContextValue>({
    gateway,
    // Each of these would otherwise depend on NODE_ENV, or on APOLLO_* in the environment.
    nodeEnv: 'production',
    introspection: config.introspection,
    hideSchemaDetailsFromClientErrors: !config.introspection,
    includeStacktraceInErrorResponses: false,
    stopOnTerminationSignals: false,
    // By default it writes errors' messages to the console, and those may quote what a caller sent. A plugin logs what is unexpected.
    logger: { debug: mute, info: mute, warn: mute, error: mute },
    // A simple cross-site request can carry none of these headers.
    csrfPrevention: { requestHeaders: [keyHeader, 'apollo-require-preflight', 'x-apollo-operation-name'] },
    formatError: (formatted, error) => toFormattedError(formatted, error, !config.introspection),
    parseOptions: toParseOptions(config),
    persistedQueries: { cache: trusted?.before(texts, ({ text }) => text) ?? texts },
    documentStore: trusted?.before(documents, ({ document }) => document) ?? documents,
    validationRules: [createQueryLimitsRule(config)],
    validationOptions: { maxErrors: mostValidationErrors, hideSuggestions: !config.introspection },
    plugins: [
      // It would wrap every field of every operation, for a caching that answers with a caller's secrets must not have.
      ApolloServerPluginCacheControlDisabled(),
      ApolloServerPluginInlineTraceDisabled(),
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginSchemaReportingDisabled(),
      ApolloServerPluginUsageReportingDisabled(),
      createOperationPlugin({ config, trusted, limits, log, metrics, respond }),
    ],
  });
  await apollo.start();
  app.addHook('onClose', () => apollo.stop());

  // Fastify's own parser reads other charsets as if they were UTF-8, and puts U+FFFD where bytes are not UTF-8.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, parseBody);

  const handle = fastifyApolloHandler(apollo, {
    context: (request, reply) => {
      // Here is where Apollo Server takes a refusal before it has parsed anything.
      const tooLong = checkLength(readDocument(request), config);
      if (tooLong !== undefined) return Promise.reject(tooLong);
      const operation = createContext(request);
      leaveWithCaller(reply, operation);
      return Promise.resolve({ operation });
    },
  });
  app.route({
    method: ['GET', 'POST'],
    url: '/graphql',
    preHandler: (_request, reply, done) => {
      lifecycle.begin();
      reply.raw.once('close', () => {
        lifecycle.end();
      });
      done();
    },
    handler: async (request, reply) => {
      const answer: unknown = await handle.call(app, request, reply);
      // What Apollo refuses before there is an operation has passed no plugin.
      return reply.statusCode >= 400 && typeof answer === 'string' ? withRequestId(answer, request.id) : answer;
    },
  });
}

// How much is kept of documents that were found good, in characters of their text. Parsed, they take up to 170 bytes for each. Apollo
// Server's own bound is of their length as JSON, which is a fraction of that: short documents come to half a gigabyte.
const mostKept = 250_000;

function toSize({ loc }: DocumentNode): number {
  // The least that one takes, as short as it may be.
  const least = 20;
  return least + (loc?.source.body.length ?? 0);
}

// How much is kept of automatic persisted queries, in characters of their text: an app has a few dozen, of a few hundred each. Apollo
// Server's own bound, of 30 million, is some gigabytes of short ones.
const mostPersisted = 1_000_000;

function toPersistedSize(text: string): number {
  // What an entry takes besides its text, about.
  const least = 250;
  return least + text.length;
}

function mute(): void {
  // Nothing is said.
}

// As it was sent, before anything is made of it; empty where there is none.
function readDocument({ method, body, query }: FastifyRequest): string {
  const sent = method === 'GET' ? query : body;
  return isObject(sent) && typeof sent['query'] === 'string' ? sent['query'] : '';
}

function withRequestId(answer: string, requestId: string): string {
  const body: unknown = JSON.parse(answer);
  if (typeof body !== 'object' || body === null || !('errors' in body) || !Array.isArray(body.errors)) return answer;
  const errors = body.errors.map((error: { extensions?: object }) => ({
    ...error,
    extensions: { ...error.extensions, requestId },
  }));
  return JSON.stringify({ ...body, errors });
}

// Fastify's own signal fires as soon as the body has been read.
function leaveWithCaller(reply: FastifyReply, operation: GraphContext): void {
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) operation.leave();
  });
}

class UnreadableBodyError extends Error {
  readonly statusCode: number;

  constructor(statusCode: number) {
    super('The body cannot be read.');
    this.statusCode = statusCode;
  }
}

function parseBody(request: FastifyRequest, body: Buffer, done: (error: Error | null, body?: unknown) => void): void {
  const { 'content-type': type = '', 'content-encoding': encoding } = request.headers;
  if (!isUtf8Type(type) || (encoding !== undefined && encoding !== 'identity')) {
    done(new UnreadableBodyError(415));
    return;
  }
  const text = isUtf8(body) ? body.toString('utf8') : undefined;
  if (text === undefined || isTooComplex(text)) {
    done(new UnreadableBodyError(400));
    return;
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's message quotes the body.
    done(new UnreadableBodyError(400));
    return;
  }
  done(null, value);
}

// RFC 8259 has JSON be UTF-8, whether the media type says so or not.
function isUtf8Type(type: string): boolean {
  if (type === 'application/json') return true;
  return [...type.matchAll(/;\s*charset\s*=\s*"?([^\s;"]*)/gi)].every(([, charset = '']) => /^utf-?8$/i.test(charset));
}
