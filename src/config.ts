// The only reader of the environment. Returns a frozen, typed Config, or throws one error that names every invalid variable. Other modules
// get their configuration as values.
import type { z } from 'zod';
import {
  environmentSchema,
  environmentVariableNames,
  type LogLevel,
  type TraceSampler,
} from './environment-variables.js';
import { toUnknownVariables, type UnknownVariable } from './unknown-variables.js';

/** Address of a listener. */
export interface ListenAddress {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

/** Outbound proxies. */
export interface ProxyConfig {
  /** URL of the proxy for an http REST API; undefined: none. */
  readonly http: string | undefined;
  /** URL of the proxy for an https REST API; undefined: as `http`. */
  readonly https: string | undefined;
  /** Hosts that the gateway calls directly, separated by commas. */
  readonly except: string;
}

/** Traces. OpenTelemetry's exporter reads the address of the receiver, and how to send, from the environment by itself. */
export interface TracesConfig {
  readonly sampler: TraceSampler;
  /** Share of the traces that `sampler` keeps, from 0 to 1, if it is a ratio sampler. */
  readonly samplerRatio: number;
  /** Describes the process in each trace, e.g. `service.name`. */
  readonly resourceAttributes: Readonly<Record<string, string>>;
  /** Milliseconds between exports. */
  readonly exportDelayMs: number;
  /** Maximum time of an export, in milliseconds. */
  readonly exportTimeoutMs: number;
  /** Maximum spans that wait for an export. */
  readonly maxQueuedSpans: number;
  /** Maximum spans of one export. */
  readonly maxExportedSpans: number;
}

/** Configuration of the gateway. */
export interface Config {
  readonly production: boolean;
  /** Base URL of the REST API; undefined: the embedded sandbox. */
  readonly cloudcaApiUrl: string | undefined;
  /** Version of the REST API whose form writes have: `cidr` in 1, `cidrList` in 2. The gateway reads both forms. */
  readonly cloudcaApiVersion: 1 | 2;
  /** Outbound proxies, whose URLs may contain passwords; undefined: none. */
  readonly proxies: ProxyConfig | undefined;
  /** Deadline of one operation's REST work, in milliseconds. */
  readonly cloudcaApiTimeoutMs: number;
  /** Address of the public listener. */
  readonly listen: ListenAddress;
  /**
   * Whether requests must name a loopback host, so that no web page reaches the gateway by a name of its own that resolves to this machine
   * (DNS rebinding). True outside production, unless HOST is set.
   */
  readonly servesLoopbackNamesOnly: boolean;
  /** Number of proxies in front of the gateway whose X-Forwarded-For entries it trusts; 0: it ignores the header. */
  readonly trustedProxies: number;
  /** Address of the ops listener. */
  readonly opsListen: ListenAddress;
  /** Port of the embedded sandbox; 0: any free port. */
  readonly sandboxPort: number;
  /** Milliseconds between polls of a pending task. */
  readonly taskPollMs: number;
  /** Milliseconds between polls of a watched VPN or list. */
  readonly watchPollMs: number;
  /** Origins whose pages may call; `localhost`: any page of this machine. */
  readonly corsOrigins: readonly string[] | 'localhost';
  /** Budget of one API key in a minute, in REST calls; 0: no limit. */
  readonly rateLimitPerMinute: number;
  /** URL of the Redis that counts the rate limit for all processes, perhaps with a password; undefined: each process counts by itself. */
  readonly redisUrl: string | undefined;
  /** Maximum operations of one API key in flight; 0: no limit. */
  readonly maxInFlightPerKey: number;
  /** Maximum operations in flight; 0: no limit. */
  readonly maxInFlight: number;
  /** Maximum operations in the queue; 0: no queue. */
  readonly maxQueued: number;
  /** Maximum time of an operation in the queue, in milliseconds. */
  readonly maxQueueMs: number;
  /** Mean event loop delay above which the gateway sheds load, in milliseconds; 0: never. */
  readonly maxEventLoopDelayMs: number;
  /** Maximum open connections. */
  readonly maxConnections: number;
  /** Maximum open WebSockets and event streams of one API key; 0: no limit. */
  readonly maxConnectionsPerKey: number;
  /** Maximum open subscriptions; 0: no limit. */
  readonly maxSubscriptions: number;
  /** Maximum open subscriptions of one API key. */
  readonly maxSubscriptionsPerKey: number;
  /** Maximum length of a document, in bytes of UTF-8; 0: no limit, here and for the limits below. */
  readonly maxDocumentLength: number;
  /** Maximum tokens of a document. */
  readonly maxTokens: number;
  /** Maximum nested fields of an operation. Introspection has its own limit. */
  readonly maxDepth: number;
  /** Maximum fields of an operation. Fields of a fragment count at each spread. */
  readonly maxFields: number;
  /** Maximum selections of the same field at the same place of the response. */
  readonly maxRepeats: number;
  /** Maximum root fields of a query or subscription. */
  readonly maxRootFields: number;
  /** Maximum root fields of a mutation. */
  readonly maxMutationFields: number;
  /** Maximum aliases of an operation. */
  readonly maxAliases: number;
  /** Maximum directives of an operation. */
  readonly maxDirectives: number;
  /** Maximum items of a list in the variables. */
  readonly maxListItems: number;
  /** Maximum fields and objects in the result of one operation or event; 0: no limit. */
  readonly maxResultFields: number;
  /** File of the manifest of trusted documents; undefined: none. */
  readonly trustedDocuments: string | undefined;
  /** Whether the gateway rejects all documents that are not trusted. */
  readonly trustedDocumentsOnly: boolean;
  /** Whether the schema is a subgraph, with the fields that a supergraph needs. */
  readonly federation: boolean;
  readonly introspection: boolean;
  readonly playground: boolean;
  /** Time for which the gateway accepts new work after the shutdown signal, while it is not ready, in milliseconds. */
  readonly drainDelayMs: number;
  readonly logLevel: LogLevel;
  /** Secret for the caller hashes in the audit log; undefined: random for each process. */
  readonly auditHashKey: string | undefined;
  /** Traces; undefined: none. */
  readonly traces: TracesConfig | undefined;
}

/** Says that the environment is invalid. The message has one line for each invalid variable, and no values. */
export class ConfigError extends Error {}

/** Returns the variables that the gateway ignores, although their names begin like those of its own variables. */
export function findUnknownVariables(variables: NodeJS.ProcessEnv = process.env): readonly UnknownVariable[] {
  return toUnknownVariables(Object.keys(removeEmpty(variables)), environmentVariableNames);
}

/** Returns the configuration for an environment. An empty variable counts as not set. Throws ConfigError. */
export function readConfig(variables: NodeJS.ProcessEnv = process.env): Config {
  const result = environmentSchema.safeParse(removeEmpty(variables));
  if (!result.success) {
    const faults = new Set(result.error.issues.map((issue) => `${String(issue.path[0])} ${issue.message}`));
    throw new ConfigError([...faults].join('\n'));
  }
  const values = result.data;
  const production = values.NODE_ENV === 'production';
  const http = values.http_proxy ?? values.HTTP_PROXY;
  const https = values.https_proxy ?? values.HTTPS_PROXY;
  // By default, a REST API on this machine is called directly.
  const except = values.no_proxy ?? values.NO_PROXY ?? 'localhost,127.0.0.1,[::1]';
  const listenHost = values.HOST ?? (production ? '0.0.0.0' : '127.0.0.1');
  const cloudcaApiUrl = values.CLOUDCA_API_URL ?? (production ? 'https://api.cloud.ca/v1' : undefined);
  return Object.freeze({
    production,
    cloudcaApiUrl,
    cloudcaApiVersion: values.CLOUDCA_API_VERSION ?? toApiVersion(cloudcaApiUrl),
    proxies: http === undefined && https === undefined ? undefined : { http, https, except },
    cloudcaApiTimeoutMs: values.CLOUDCA_API_TIMEOUT_MS,
    listen: { host: listenHost, port: values.PORT },
    servesLoopbackNamesOnly: !production && values.HOST === undefined,
    trustedProxies: values.TRUSTED_PROXIES,
    opsListen: { host: values.OPS_HOST ?? listenHost, port: values.OPS_PORT },
    sandboxPort: values.SANDBOX_PORT,
    taskPollMs: values.TASK_POLL_MS,
    watchPollMs: values.WATCH_POLL_MS,
    corsOrigins: values.CORS_ORIGINS ?? (production ? [] : 'localhost'),
    rateLimitPerMinute: values.RATE_LIMIT_PER_MINUTE,
    redisUrl: values.REDIS_URL,
    maxInFlightPerKey: values.MAX_IN_FLIGHT_PER_KEY,
    maxInFlight: values.MAX_IN_FLIGHT,
    maxQueued: values.MAX_QUEUED,
    maxQueueMs: values.MAX_QUEUE_MS,
    maxEventLoopDelayMs: values.MAX_EVENT_LOOP_DELAY_MS,
    maxConnections: values.MAX_CONNECTIONS,
    maxConnectionsPerKey: values.MAX_CONNECTIONS_PER_KEY,
    maxSubscriptions: values.MAX_SUBSCRIPTIONS,
    maxSubscriptionsPerKey: values.MAX_SUBSCRIPTIONS_PER_KEY,
    maxDocumentLength: values.MAX_DOCUMENT_LENGTH,
    maxTokens: values.MAX_TOKENS,
    maxDepth: values.MAX_DEPTH,
    maxFields: values.MAX_FIELDS,
    maxRepeats: values.MAX_REPEATS,
    maxRootFields: values.MAX_ROOT_FIELDS,
    maxMutationFields: values.MAX_MUTATION_FIELDS,
    maxAliases: values.MAX_ALIASES,
    maxDirectives: values.MAX_DIRECTIVES,
    maxListItems: values.MAX_LIST_ITEMS,
    maxResultFields: values.MAX_RESULT_FIELDS,
    trustedDocuments: values.TRUSTED_DOCUMENTS,
    trustedDocumentsOnly: values.TRUSTED_DOCUMENTS_ONLY ?? false,
    federation: values.FEDERATION,
    introspection: values.INTROSPECTION ?? !production,
    playground: values.PLAYGROUND ?? !production,
    drainDelayMs: values.DRAIN_DELAY_MS,
    logLevel: values.LOG_LEVEL,
    auditHashKey: values.AUDIT_HASH_KEY,
    traces: toTracesConfig(values),
  });
}

function toApiVersion(url: string | undefined): 1 | 2 {
  return url !== undefined && /\/v2\/*$/.test(new URL(url).pathname) ? 2 : 1;
}

function toTracesConfig(values: z.output<typeof environmentSchema>): TracesConfig | undefined {
  const endpoint = values.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? values.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (endpoint === undefined || values.OTEL_SDK_DISABLED || values.OTEL_TRACES_EXPORTER === 'none') return undefined;
  const { OTEL_SERVICE_NAME: serviceName } = values;
  return {
    sampler: values.OTEL_TRACES_SAMPLER,
    samplerRatio: values.OTEL_TRACES_SAMPLER_ARG,
    resourceAttributes: {
      'service.name': 'site-to-site-vpn-gateway',
      ...values.OTEL_RESOURCE_ATTRIBUTES,
      ...(serviceName === undefined ? {} : { 'service.name': serviceName }),
    },
    exportDelayMs: values.OTEL_BSP_SCHEDULE_DELAY,
    exportTimeoutMs: values.OTEL_BSP_EXPORT_TIMEOUT,
    maxQueuedSpans: values.OTEL_BSP_MAX_QUEUE_SIZE,
    maxExportedSpans: values.OTEL_BSP_MAX_EXPORT_BATCH_SIZE,
  };
}

function removeEmpty(variables: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== undefined && value !== ''));
}
