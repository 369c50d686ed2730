// The public application: its parts, in the order in which a request passes them. It neither listens nor reads the environment.
// Must be loaded before any class with decorators.
import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { createServer as createHttpServer, type IncomingMessage, type ServerOptions } from 'node:http';
import { fastify, type FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import type { CloudcaClient } from '../cloudca/client.js';
import type { Watcher } from '../cloudca/polling/watcher.js';
import type { Config } from '../config.js';
import { type Caller, GraphContext, type OperationTrace } from '../graph/context.js';
import { createExecutor } from '../graph/execution/executor.js';
import { createSchema } from '../graph/schema.js';
import { type Admission, createAdmission } from './admission/admission.js';
import { addLoadShedding } from './admission/load-shedding.js';
import { addOriginBudgets, addPreflightBudgets, OriginBudgets } from './admission/origin-budget.js';
import { createLocalRateLimit, createSharedRateLimit, type SharedRateLimit } from './admission/rate-limit.js';
import { Documents } from './graphql/documents.js';
import { addGraphqlOverHttp } from './graphql/graphql-over-http.js';
import { Operations } from './graphql/operations.js';
import { createDocumentParser } from './graphql/parse-document.js';
import { addPlayground, type PlaygroundOptions } from './graphql/playground.js';
import { openTrustedDocuments } from './graphql/trusted-documents.js';
import { apiKeyHeader, hashApiKey, readApiKey } from './http/api-key.js';
import { readClientApp } from './http/client-app.js';
import { addCompression } from './http/compression.js';
import { Connections } from './http/connections.js';
import { addErrorResponses, maxRequestBytes, rejectBadUrl, rejectConnection } from './http/error-responses.js';
import { serveOneAtATime, type ServingOptions } from './http/pending-responses.js';
import {
  addCors,
  addRequestChecks,
  addResponseHeaders,
  checkHeaders,
  isAllowedOrigin,
  toRequestId,
} from './http/request-checks.js';
import { addRequestJson, removeEmptyParameters } from './http/request-json.js';
import { RequestTurns } from './http/request-turns.js';
import { limitSlowClients, type SlowClientLimits } from './http/slow-clients.js';
import type { Lifecycle } from './lifecycle.js';
import { addHttpStreams } from './subscriptions/http-streams.js';
import { Subscriptions } from './subscriptions/subscriptions.js';
import { addWebSocket } from './subscriptions/websocket.js';
import { createAuditLog } from './telemetry/audit-log.js';
import type { Metrics } from './telemetry/metrics.js';
import { explainHeader, RestCallLog } from './telemetry/rest-call-log.js';
import { combineObservers, type Tracing } from './telemetry/tracing.js';

/** Dependencies and options of the application. */
export interface AppDependencies {
  readonly client: CloudcaClient;
  readonly watcher: Watcher;
  readonly lifecycle: Lifecycle;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Traces operations. Default: no traces. */
  readonly tracing?: Tracing | undefined;
  /** Ignored if the configuration turns the playground off. */
  readonly playground: PlaygroundOptions;
  /** Limits for clients that read slowly. Default: `defaultSlowClientLimits`. */
  readonly slowClients?: SlowClientLimits;
  /** Returns the delay of the event loop, in milliseconds. Default: it is measured. */
  readonly readEventLoopDelay?: () => number;
}

/** Creates the application. It does not listen yet. */
export async function createApp(config: Config, dependencies: AppDependencies): Promise<FastifyInstance> {
  const { client, watcher, lifecycle, log, metrics, tracing, playground } = dependencies;
  const { rateLimitPerMinute, redisUrl, trustedProxies } = config;
  const originBudgets = new OriginBudgets({
    isUnlimited: rateLimitPerMinute === 0,
    trustedProxies,
    onReject: metrics.countShed,
  });
  const countEvicted = () => {
    metrics.countShed('requests');
  };
  const serving = {
    turns: new RequestTurns(countEvicted),
    toClient: (request: IncomingMessage) => toClient(request, client, originBudgets),
  };
  const app = createServer(serving);
  const connections = new Connections(app.server, config, metrics.countShed);
  const schema = createSchema(config);
  const executor = createExecutor(schema);
  const trusted = await openTrustedDocuments(config, {
    // Their author may introspect, and the operators read the messages.
    parseDocument: createDocumentParser(schema, { ...config, introspection: true }),
    compileAhead: executor.compileAhead,
    lifecycle,
    log,
  });
  const sharedRateLimit =
    rateLimitPerMinute > 0 && redisUrl !== undefined
      ? await createSharedRateLimit(rateLimitPerMinute, redisUrl, log)
      : undefined;
  const localRateLimit =
    rateLimitPerMinute > 0 && redisUrl === undefined ? createLocalRateLimit(rateLimitPerMinute) : undefined;
  const admission = createAdmission(config, sharedRateLimit ?? localRateLimit, metrics.countShed);
  addErrorResponses(app, log);
  const countUnread = () => {
    metrics.countShed('unread_bytes');
  };
  const unreadBytes = limitSlowClients(app, countUnread, dependencies.slowClients);
  const documents = new Documents({ parseDocument: createDocumentParser(schema, config), trusted });
  const { execute } = executor;
  const operations = new Operations({ config, schema, documents, admission, unreadBytes, execute, log, metrics });
  app.addHook('onClose', () => sharedRateLimit?.close());
  const startTrace = (traceparent: unknown) => tracing?.startOperation(traceparent);
  const createContext = createContextFactory(config, dependencies);

  addResponseHeaders(app);
  addPreflightBudgets(app, originBudgets);
  await addCors(app, config);
  addOriginBudgets(app, originBudgets);
  addRequestChecks(app, { config, lifecycle, connections, serving });
  const shedIfOverloaded = addLoadShedding(app, {
    maxDelayMs: config.maxEventLoopDelayMs,
    onShed: () => {
      metrics.countShed('event_loop');
    },
    readEventLoopDelay: dependencies.readEventLoopDelay,
  });
  await addCompression(app);
  addRequestJson(app);
  if (config.playground) await addPlayground(app, playground);
  const subscriptions = new Subscriptions({
    schema,
    operations,
    admission,
    unreadBytes,
    lifecycle,
    shedIfOverloaded,
    startTrace,
  });
  // An event may be newer than the calls in flight, so its reads must not join them.
  const createEventContext = (caller: Caller, trace: OperationTrace | undefined) => createContext(caller, false, trace);
  const streamSubscription = addHttpStreams(app, {
    operations,
    subscriptions,
    admission,
    originBudgets,
    lifecycle,
    connections,
    createContext: createEventContext,
  });
  await addGraphqlOverHttp(app, {
    config,
    schema,
    operations,
    originBudgets,
    lifecycle,
    log,
    streamSubscription,
    createContext: (request) => {
      const { id: requestId, headers } = request;
      const caller = { apiKey: readApiKey(request), requestId, app: readClientApp(headers) };
      const restCallLog = config.introspection && headers[explainHeader] === 'true' ? new RestCallLog() : undefined;
      return createContext(caller, true, startTrace(headers['traceparent']), restCallLog);
    },
  });
  addWebSocket(app, {
    subscriptions,
    originBudgets,
    lifecycle,
    log,
    connections,
    unreadBytes,
    shedIfOverloaded,
    checkHeaders: (request) => checkHeaders(request, config),
    isAllowedOrigin: (origin, host) => isAllowedOrigin(config, origin, host),
    createContext: createEventContext,
  });
  addMetrics(metrics, { client, watcher, admission, subscriptions, sharedRateLimit });
  return app;
}

const httpOptions: ServerOptions = {
  // Longer than the idle timeout of load balancers: if the gateway closed first, it could cut a request that was just sent.
  keepAliveTimeout: 75_000,
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  connectionsCheckingInterval: 1_000,
  // Node's own response to a missing Host header has neither body nor request id.
  requireHostHeader: false,
};

function createServer(serving: ServingOptions): FastifyInstance {
  return fastify({
    logger: false,
    bodyLimit: maxRequestBytes,
    rewriteUrl: ({ url = '/' }) => removeEmptyParameters(url),
    genReqId: ({ headers }) => toRequestId(headers, randomUUID),
    serverFactory: (serve) => createHttpServer(httpOptions, serveOneAtATime(serve, serving)),
    frameworkErrors: rejectBadUrl,
    clientErrorHandler: rejectConnection,
    return503OnClosing: false,
  });
}

// Names the sender of a request. A made-up key is none, since a client may send another one each time.
function toClient(request: IncomingMessage, { circuitBreaker }: CloudcaClient, originBudgets: OriginBudgets): string {
  const { [apiKeyHeader]: key } = request.headers;
  if (typeof key === 'string' && circuitBreaker.hasAccepted(key)) return `key ${key}`;
  return `address ${originBudgets.toOrigin(request).address ?? ''}`;
}

type CreateContext = (
  caller: Caller,
  coalesceReads: boolean,
  trace: OperationTrace | undefined,
  restCallLog?: RestCallLog,
) => GraphContext;

/** Returns the function that creates the context of one operation or event. */
function createContextFactory(
  { auditHashKey, maxResultFields }: Config,
  { client, watcher, lifecycle, log, metrics }: AppDependencies,
): CreateContext {
  const recordAudit = createAuditLog(log, auditHashKey);
  return (caller, coalesceReads, trace, restCallLog) => {
    const { apiKey, requestId, app } = caller;
    const ids = { requestId, traceId: trace?.traceId };
    return new GraphContext({
      apiKey,
      requestId,
      app,
      client,
      watcher,
      callerId: apiKey === undefined ? undefined : hashApiKey(apiKey),
      draining: lifecycle.draining,
      coalesceReads,
      maxResultFields,
      warn: (warning) => {
        metrics.countUnexpectedValue(warning);
        log.warn({ ...ids, ...warning }, 'unexpected value in a response of the REST API');
      },
      observe: combineObservers(combineObservers(metrics.observeCall, trace?.observe), restCallLog?.observe),
      observeJoined: restCallLog?.observeJoined,
      restCallLog,
      recordAudit:
        apiKey === undefined
          ? undefined
          : (event) => {
              recordAudit(apiKey, ids, event);
            },
      trace,
    });
  };
}

interface MetricSources {
  readonly client: CloudcaClient;
  readonly watcher: Watcher;
  readonly admission: Admission;
  readonly subscriptions: Subscriptions;
  readonly sharedRateLimit: SharedRateLimit | undefined;
}

function addMetrics(
  metrics: Metrics,
  { client, watcher, admission, subscriptions, sharedRateLimit }: MetricSources,
): void {
  metrics.addGauge('gateway_operations_queued', 'Operations in the queue.', admission.queued);
  metrics.addGauge('gateway_subscriptions', 'Open subscriptions.', () => subscriptions.open);
  metrics.addGauge('gateway_polls', 'Tasks, VPNs and lists that the gateway polls.', () => watcher.pollCount);
  metrics.addGauge('gateway_circuit_open', '1 while the circuit to the REST API is open, else 0.', () =>
    Number(client.circuitBreaker.isOpen),
  );
  metrics.addGauge(
    'gateway_redis_unavailable',
    '1 while this process counts the rate limit by itself, because the Redis of REDIS_URL does not respond, else 0.',
    () => Number(sharedRateLimit?.isRedisUnavailable ?? false),
  );
  metrics.addCounter(
    'gateway_ratelimit_fallback_total',
    'Operations that this process counted by itself for the rate limit, because the Redis of REDIS_URL did not respond.',
    () => sharedRateLimit?.fallbackCount ?? 0,
  );
  metrics.addCounter(
    'gateway_rest_calls_coalesced_total',
    'Reads that joined an identical REST call of the same key in flight.',
    () => client.reads.coalesced,
  );
}
