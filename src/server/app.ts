// The public application: its parts in the order in which a request meets them. It never listens, and reads no environment.
// Before any class with decorators.
import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { fastify, type FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import type { CloudcaClient } from '../cloudca/client.js';
import type { Watcher } from '../cloudca/polling/watcher.js';
import type { Config } from '../config.js';
import { GraphContext, type OperationTrace } from '../graph/context.js';
import { createExecutor } from '../graph/execution/executor.js';
import { createSchema } from '../graph/schema.js';
import { createAudit } from './telemetry/audit-log.js';
import { addCompression } from './http/compression.js';
import { createDocumentReader } from './graphql/parse-document.js';
import { addGraphql } from './graphql/graphql-over-http.js';
import { addEventStream } from './subscriptions/sse.js';
import { createLimits, limitConnections, toCallerId } from './admission/admission.js';
import type { Lifecycle } from './lifecycle.js';
import type { Metrics } from './telemetry/metrics.js';
import { trackAnswers } from './http/pending-responses.js';
import { addPlayground, type PlaygroundOptions } from './graphql/playground.js';
import { createLocalRateLimit, createSharedRateLimit } from './admission/rate-limit.js';
import { addRefusals, refuseAddress, refuseConnection } from './http/error-responses.js';
import { addSecurity, isAllowedOrigin, readApiKey, toRequestId } from './http/request-checks.js';
import { addShedding } from './admission/load-shedding.js';
import { Subscriptions } from './subscriptions/subscriptions.js';
import { observeBy, type Tracing } from './telemetry/tracing.js';
import { openTrustedDocuments } from './graphql/trusted-documents.js';
import { limitUnreadAnswers, type UnreadLimits } from './http/slow-clients.js';
import { addWebSocket } from './subscriptions/websocket.js';

/** What the application stands on. */
export interface AppDependencies {
  readonly client: CloudcaClient;
  readonly watcher: Watcher;
  readonly lifecycle: Lifecycle;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Where operations are to be traced. */
  readonly tracing?: Tracing | undefined;
  /** Where the playground lies; not needed where it is off. */
  readonly playground: PlaygroundOptions;
  /** How often a WebSocket is pinged, in milliseconds, where the usual is not meant. */
  readonly pingMs?: number;
  /** How much patience there is with callers that do not read, where the usual is not meant. */
  readonly unread?: UnreadLimits;
  /** Tells how late the event loop was, in milliseconds, where it is not to be measured. */
  readonly readDelay?: () => number;
}

/** The largest body of a request, in bytes. */
const bodyLimit = 256 * 1024;

/** Makes the application; it does not listen yet. */
export async function createApp(config: Config, dependencies: AppDependencies): Promise<FastifyInstance> {
  const { client, watcher, lifecycle, log, metrics, tracing, playground } = dependencies;
  const app = fastify({
    logger: false,
    bodyLimit,
    genReqId: ({ headers }) => toRequestId(headers, randomUUID),
    // Longer than the idle time of the load balancers that stand in front: who closes first would cut a request just sent.
    keepAliveTimeout: 75_000,
    requestTimeout: 10_000,
    // Node's own answer to a missing Host has neither body nor id.
    http: { headersTimeout: 5_000, connectionsCheckingInterval: 1_000, requireHostHeader: false },
    frameworkErrors: refuseAddress,
    clientErrorHandler: refuseConnection,
    return503OnClosing: false,
  });
  trackAnswers(app.server);
  const isFull = limitConnections(app.server, config.maxConnections);
  const schema = createSchema();
  const executor = createExecutor(schema);
  const readDocument = createDocumentReader(schema, config, !config.introspection);
  const trusted = await openTrustedDocuments(config, { readDocument, prepare: executor.prepare, lifecycle, log });
  const { rateLimitPerMinute: perMinute, redisUrl } = config;
  const shared =
    perMinute > 0 && redisUrl !== undefined ? await createSharedRateLimit(perMinute, redisUrl, log) : undefined;
  const limits = createLimits(
    config,
    shared ?? (perMinute > 0 ? createLocalRateLimit(perMinute) : undefined),
    metrics.countShed,
  );
  app.addHook('onClose', () => shared?.close());
  const beginTrace = (traceparent: unknown) => tracing?.begin(traceparent);
  const audit = createAudit(log, config.auditHashKey);
  const createContext = (
    apiKey: string | undefined,
    requestId: string,
    sharesReads: boolean,
    trace: OperationTrace | undefined,
  ): GraphContext => {
    const facts = { requestId, traceId: trace?.traceId };
    return new GraphContext({
      client,
      watcher,
      apiKey,
      callerId: apiKey === undefined ? undefined : toCallerId(apiKey),
      requestId,
      draining: lifecycle.draining,
      sharesReads,
      warn: (warning) => {
        metrics.countOddity(warning);
        log.warn({ ...facts, ...warning }, 'odd answer of the REST API');
      },
      observe: observeBy(metrics.observeCall, trace?.observe),
      audit:
        apiKey === undefined
          ? undefined
          : (deed) => {
              audit(apiKey, facts, deed);
            },
      trace,
    });
  };

  addRefusals(app, log);
  limitUnreadAnswers(app, dependencies.unread);
  await addSecurity(app, { config, lifecycle, isFull });
  const isLate = addShedding(app, {
    most: config.maxEventLoopDelayMs,
    shed: () => {
      metrics.countShed('event_loop');
    },
    readDelay: dependencies.readDelay,
  });
  await addCompression(app);
  if (config.playground) await addPlayground(app, playground);
  await addGraphql(app, {
    config,
    schema,
    execute: executor.execute,
    trusted,
    lifecycle,
    limits,
    log,
    metrics,
    createContext: (request) =>
      createContext(readApiKey(request), request.id, true, beginTrace(request.headers['traceparent'])),
  });
  const subscriptions = new Subscriptions({
    config,
    schema,
    limits,
    readDocument,
    trusted,
    lifecycle,
    isLate,
    log,
    countOperation: metrics.countOperation,
    beginTrace,
  });
  // What an event is about may be newer than what is being read already.
  const createEventContext = (apiKey: string, requestId: string, trace: OperationTrace | undefined) =>
    createContext(apiKey, requestId, false, trace);
  addEventStream(app, { subscriptions, lifecycle, createContext: createEventContext });
  addWebSocket(app, {
    schema,
    subscriptions,
    lifecycle,
    log,
    isFull,
    isLate,
    isAllowedOrigin: (origin, host) => isAllowedOrigin(config, origin, host),
    createContext: createEventContext,
    pingMs: dependencies.pingMs,
  });
  metrics.addGauge('gateway_operations_queued', 'Operations that wait for one at work to end.', limits.queued);
  metrics.addGauge('gateway_subscriptions', 'Subscriptions that are open.', () => subscriptions.open);
  metrics.addGauge('gateway_polls', 'Tasks, VPNs and lists that are polled.', () => watcher.polls);
  metrics.addGauge('gateway_circuit_open', '1 while the REST API is given up for a time, else 0.', () =>
    Number(client.breaker.isOpen),
  );
  metrics.addGauge(
    'gateway_redis_lost',
    '1 while this process counts alone what keys spend, since the Redis of REDIS_URL does not answer, else 0.',
    () => Number(shared?.isAlone ?? false),
  );
  metrics.addCounter(
    'gateway_counted_alone_total',
    'Operations whose cost this process counted alone, since the Redis of REDIS_URL did not answer.',
    () => shared?.countedAlone ?? 0,
  );
  metrics.addCounter(
    'gateway_flights_joined_total',
    'Reads that were answered by the REST call that another one of the same key had under way.',
    () => client.flights.joined,
  );
  return app;
}
