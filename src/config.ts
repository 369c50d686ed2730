// The one reader of the environment: a frozen, typed Config, or one error that names every fault. Everything else gets values.
import { z } from 'zod';

/** Where a listener listens. */
export interface ListenAddress {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

/** Which proxies lead out. */
export interface ProxyConfig {
  /** URL of the one for http; undefined: none. */
  readonly http: string | undefined;
  /** URL of the one for https; undefined: that for http. */
  readonly https: string | undefined;
  /** Hosts that are reached without, separated by commas. */
  readonly except: string;
}

/** What the gateway is run with. */
export interface Config {
  readonly production: boolean;
  /** Base URL of the REST API; undefined: the embedded sandbox. */
  readonly cloudcaApiUrl: string | undefined;
  /** The proxies on the way to it, perhaps with their passwords; undefined: there are none. */
  readonly proxies: ProxyConfig | undefined;
  /** Deadline of one operation's REST work, in milliseconds. */
  readonly cloudcaApiTimeoutMs: number;
  /** The public listener. */
  readonly listen: ListenAddress;
  /** The listener for operators. */
  readonly opsListen: ListenAddress;
  /** Port of the embedded sandbox. */
  readonly sandboxPort: number;
  /** How often a pending task is looked at, in milliseconds. */
  readonly taskPollMs: number;
  /** How often a watched VPN or list is looked at, in milliseconds. */
  readonly watchPollMs: number;
  /** Origins whose pages may call; `localhost`: any page of this machine. */
  readonly corsOrigins: readonly string[] | 'localhost';
  /** REST calls that one key may spend in a minute; 0: no limit. */
  readonly rateLimitPerMinute: number;
  /** The Redis in which that is counted for several processes, perhaps with its password; undefined: each counts for itself. */
  readonly redisUrl: string | undefined;
  /** Operations of one key at work at a time; 0: no limit. */
  readonly maxInFlightPerKey: number;
  /** Operations at work at a time; 0: no limit. */
  readonly maxInFlight: number;
  /** Operations that wait for one at work to end; 0: none does. */
  readonly maxQueued: number;
  /** How long one waits so, in milliseconds. */
  readonly maxQueueMs: number;
  /** How late the event loop may be in the mean of half a second, in milliseconds; 0: however late. */
  readonly maxEventLoopDelayMs: number;
  /** Open connections at a time. */
  readonly maxConnections: number;
  /** Open subscriptions at a time; 0: no limit. */
  readonly maxSubscriptions: number;
  /** Open subscriptions of one key at a time. */
  readonly maxSubscriptionsPerKey: number;
  /** The longest document that is read, in bytes of UTF-8; 0: no limit, here and below. */
  readonly maxDocumentLength: number;
  /** Tokens of a document. */
  readonly maxTokens: number;
  /** Fields of an operation one within the other; introspection has limits of its own. */
  readonly maxDepth: number;
  /** Fields of an operation, those of fragments wherever they are spread. */
  readonly maxFields: number;
  /** How often an operation may ask for one field in the same place. */
  readonly maxRepeats: number;
  /** Root fields of a query or subscription. */
  readonly maxRootFields: number;
  /** Root fields of a mutation. */
  readonly maxMutationFields: number;
  /** Aliases of an operation. */
  readonly maxAliases: number;
  /** Directives of an operation. */
  readonly maxDirectives: number;
  /** Items of a list in the variables. */
  readonly maxListItems: number;
  /** File of the manifest of trusted documents; undefined: there is none. */
  readonly trustedDocuments: string | undefined;
  /** Whether nothing but trusted documents may run. */
  readonly trustedDocumentsOnly: boolean;
  readonly introspection: boolean;
  readonly playground: boolean;
  /** How long new work is still taken after the signal to end, while readiness says otherwise already, in milliseconds. */
  readonly drainDelayMs: number;
  readonly logLevel: LogLevel;
  /** What keys the hashes by which the audit log knows callers; undefined: a secret of the process. */
  readonly auditHashKey: string | undefined;
  /** Base URL of what receives traces; undefined: there are none. */
  readonly otlpEndpoint: string | undefined;
  /** Which share of the traces that begin here is kept, from 0 to 1. */
  readonly traceRatio: number;
  /** What the gateway is called in traces. */
  readonly serviceName: string;
}

/** pino's levels. */
export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
/** One of pino's levels. */
export type LogLevel = (typeof logLevels)[number];

/** The environment is not one to run with; the message has a line for each variable that is wrong, and no value. */
export class ConfigError extends Error {}

/** The longest delay of Node's timers, in milliseconds. */
const longestDelay = 2_147_483_647;

const wholeNumber = (least: number, most: number) => {
  const error = `must be a whole number from ${least} to ${most}`;
  return z
    .string()
    .regex(/^\d{1,15}$/, error)
    .transform(Number)
    .pipe(z.number().min(least, error).max(most, error));
};
const port = () => wholeNumber(0, 65_535);
const limit = () => wholeNumber(0, 1_000_000_000);
const onOrOff = () => z.enum(['true', 'false'], 'must be true or false').transform((value) => value === 'true');
const host = () => z.string().regex(/^[\w.:-]+$/, 'must be a host name or an IP address');

const apiUrl = z.string().refine((text) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return (
    (url?.protocol === 'http:' || url?.protocol === 'https:') &&
    `${url.username}${url.password}${url.search}${url.hash}` === '' &&
    !/[?#]/.test(text)
  );
}, 'must be an http or https URL without credentials, query or fragment');

const proxyUrl = z.string().refine((text) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return (
    (url?.protocol === 'http:' || url?.protocol === 'https:') &&
    url.pathname === '/' &&
    !/[?#]|%(?![0-9a-f]{2})/i.test(text)
  );
}, 'must be an http or https URL without path, its password percent-encoded, e.g. http://proxy.internal:3128');

// Ranges of addresses, which other programs take, name no host: they are let stand.
const noProxy = z.string().regex(/^[\w.*:[\]/, -]+$/, 'must be a list of hosts, separated by commas');

const redisUrl = z.string().refine((text) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return (
    (url?.protocol === 'redis:' || url?.protocol === 'rediss:') &&
    url.hostname !== '' &&
    /^(\/\d{0,5})?$/.test(url.pathname) &&
    // Its parameters would be options of the client.
    !/[?#]|%(?![0-9a-f]{2})/i.test(text)
  );
}, 'must be a redis or rediss URL without query, its password percent-encoded, e.g. redis://redis.internal:6379/0');

const origins = z
  .string()
  .transform((text) => text.split(',').map((origin) => origin.trim()))
  .pipe(
    z.array(
      // Web views of phone apps have schemes of their own, e.g. capacitor://localhost.
      z
        .string()
        .regex(
          /^[a-z][a-z0-9+.-]*:\/\/(\[[0-9a-f:.]+\]|[\w.-]+)(:\d{1,5})?$/,
          'must be a comma-separated list of origins, e.g. https://app.example.com',
        ),
    ),
  );

const environment = z.object({
  NODE_ENV: z.string().optional(),
  CLOUDCA_API_URL: apiUrl.optional(),
  // In small letters too, which come first, as curl has it.
  HTTPS_PROXY: proxyUrl.optional(),
  https_proxy: proxyUrl.optional(),
  HTTP_PROXY: proxyUrl.optional(),
  http_proxy: proxyUrl.optional(),
  NO_PROXY: noProxy.optional(),
  no_proxy: noProxy.optional(),
  CLOUDCA_API_TIMEOUT_MS: wholeNumber(1, longestDelay).default(10_000),
  HOST: host().optional(),
  PORT: port().default(4000),
  OPS_HOST: host().optional(),
  OPS_PORT: port().default(9464),
  SANDBOX_PORT: port().default(4010),
  TASK_POLL_MS: wholeNumber(1, longestDelay).default(1_000),
  WATCH_POLL_MS: wholeNumber(1, longestDelay).default(5_000),
  CORS_ORIGINS: origins.optional(),
  RATE_LIMIT_PER_MINUTE: limit().default(1_200),
  REDIS_URL: redisUrl.optional(),
  MAX_IN_FLIGHT_PER_KEY: limit().default(64),
  MAX_IN_FLIGHT: limit().default(1_024),
  MAX_QUEUED: limit().default(256),
  MAX_QUEUE_MS: wholeNumber(1, longestDelay).default(500),
  MAX_EVENT_LOOP_DELAY_MS: limit().default(1_000),
  MAX_CONNECTIONS: wholeNumber(1, 1_000_000).default(10_000),
  MAX_SUBSCRIPTIONS: limit().default(10_000),
  MAX_SUBSCRIPTIONS_PER_KEY: wholeNumber(1, 1_000_000).default(1_000),
  MAX_DOCUMENT_LENGTH: limit().default(16_384),
  MAX_TOKENS: limit().default(1_000),
  MAX_DEPTH: limit().default(8),
  MAX_FIELDS: limit().default(1_000),
  MAX_REPEATS: limit().default(30),
  MAX_ROOT_FIELDS: limit().default(10),
  MAX_MUTATION_FIELDS: limit().default(3),
  MAX_ALIASES: limit().default(15),
  MAX_DIRECTIVES: limit().default(10),
  MAX_LIST_ITEMS: limit().default(100),
  TRUSTED_DOCUMENTS: z
    .string()
    .regex(/^\P{Cc}+$/u, 'must be the path of a file')
    .optional(),
  TRUSTED_DOCUMENTS_ONLY: onOrOff().optional(),
  INTROSPECTION: onOrOff().optional(),
  PLAYGROUND: onOrOff().optional(),
  // What runs has 8 s from the signal: beyond this there would be little left of them.
  DRAIN_DELAY_MS: wholeNumber(0, 5_000).default(0),
  AUDIT_HASH_KEY: z
    .string()
    .regex(/^[\x21-\x7e]{16,}$/, 'must be 16 characters of ASCII or more, without blanks')
    .optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: apiUrl.optional(),
  OTEL_TRACES_SAMPLER_ARG: z
    .string()
    .regex(/^(0(\.\d{1,6})?|1(\.0{1,6})?)$/, 'must be a number from 0 to 1')
    .transform(Number)
    .default(1),
  OTEL_SERVICE_NAME: z
    .string()
    .regex(/^[\w.-]{1,100}$/, 'must be a name of letters, digits, underscores, dots and dashes')
    .default('site-to-site-vpn-gateway'),
  LOG_LEVEL: z.enum(logLevels, `must be one of ${logLevels.join(', ')}`).default('info'),
});

/** The names of the variables that are read. */
export const variableNames: readonly string[] = Object.keys(environment.shape);

// Checked even where another variable is wrong, so that all that is wrong is told at once.
const wholeEnvironment = environment.refine(
  (read) => read.TRUSTED_DOCUMENTS_ONLY !== true || read.TRUSTED_DOCUMENTS !== undefined,
  {
    path: ['TRUSTED_DOCUMENTS_ONLY'],
    error: 'wants TRUSTED_DOCUMENTS, the manifest of what may run',
    when: () => true,
  },
);

/** Reads the environment; a variable that is empty counts as not set. Throws ConfigError. */
export function readConfig(variables: NodeJS.ProcessEnv = process.env): Config {
  const set = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== undefined && value !== ''));
  const result = wholeEnvironment.safeParse(set);
  if (!result.success) {
    const faults = new Set(result.error.issues.map((issue) => `${String(issue.path[0])} ${issue.message}`));
    throw new ConfigError([...faults].join('\n'));
  }
  const read = result.data;
  const production = read.NODE_ENV === 'production';
  const http = read.http_proxy ?? read.HTTP_PROXY;
  const https = read.https_proxy ?? read.HTTPS_PROXY;
  // Where nothing is said, this machine is not looked for elsewhere.
  const except = read.no_proxy ?? read.NO_PROXY ?? 'localhost,127.0.0.1,[::1]';
  const listenHost = read.HOST ?? (production ? '0.0.0.0' : '127.0.0.1');
  return Object.freeze({
    production,
    cloudcaApiUrl: read.CLOUDCA_API_URL ?? (production ? 'https://api.cloud.ca/v1' : undefined),
    proxies: http === undefined && https === undefined ? undefined : { http, https, except },
    cloudcaApiTimeoutMs: read.CLOUDCA_API_TIMEOUT_MS,
    listen: { host: listenHost, port: read.PORT },
    opsListen: { host: read.OPS_HOST ?? listenHost, port: read.OPS_PORT },
    sandboxPort: read.SANDBOX_PORT,
    taskPollMs: read.TASK_POLL_MS,
    watchPollMs: read.WATCH_POLL_MS,
    corsOrigins: read.CORS_ORIGINS ?? (production ? [] : 'localhost'),
    rateLimitPerMinute: read.RATE_LIMIT_PER_MINUTE,
    redisUrl: read.REDIS_URL,
    maxInFlightPerKey: read.MAX_IN_FLIGHT_PER_KEY,
    maxInFlight: read.MAX_IN_FLIGHT,
    maxQueued: read.MAX_QUEUED,
    maxQueueMs: read.MAX_QUEUE_MS,
    maxEventLoopDelayMs: read.MAX_EVENT_LOOP_DELAY_MS,
    maxConnections: read.MAX_CONNECTIONS,
    maxSubscriptions: read.MAX_SUBSCRIPTIONS,
    maxSubscriptionsPerKey: read.MAX_SUBSCRIPTIONS_PER_KEY,
    maxDocumentLength: read.MAX_DOCUMENT_LENGTH,
    maxTokens: read.MAX_TOKENS,
    maxDepth: read.MAX_DEPTH,
    maxFields: read.MAX_FIELDS,
    maxRepeats: read.MAX_REPEATS,
    maxRootFields: read.MAX_ROOT_FIELDS,
    maxMutationFields: read.MAX_MUTATION_FIELDS,
    maxAliases: read.MAX_ALIASES,
    maxDirectives: read.MAX_DIRECTIVES,
    maxListItems: read.MAX_LIST_ITEMS,
    trustedDocuments: read.TRUSTED_DOCUMENTS,
    trustedDocumentsOnly: read.TRUSTED_DOCUMENTS_ONLY ?? false,
    introspection: read.INTROSPECTION ?? !production,
    playground: read.PLAYGROUND ?? !production,
    drainDelayMs: read.DRAIN_DELAY_MS,
    logLevel: read.LOG_LEVEL,
    auditHashKey: read.AUDIT_HASH_KEY,
    otlpEndpoint: read.OTEL_EXPORTER_OTLP_ENDPOINT,
    traceRatio: read.OTEL_TRACES_SAMPLER_ARG,
    serviceName: read.OTEL_SERVICE_NAME,
  });
}
