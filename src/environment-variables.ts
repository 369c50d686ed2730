// The environment variables: their names, formats and defaults. config.ts reads them.
import { accessSync, constants } from 'node:fs';
import * as z from 'zod';
import { isLoopbackHost } from './loopback.js';

/** The log levels of pino, from the most to the least severe, and `silent`. */
const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
/** A log level of pino. */
export type LogLevel = (typeof logLevels)[number];

/** The samplers of OpenTelemetry's SDK. With a prefix, the caller's sampling decision takes precedence. */
const traceSamplers = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;
/** A sampler of OpenTelemetry's SDK. */
export type TraceSampler = (typeof traceSamplers)[number];

/** Maximum delay of a Node timer, in milliseconds. */
const maxTimerDelayMs = 2_147_483_647;

const wholeNumber = (min: number, max: number) => {
  const error = `must be a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,15}$/, error)
    .transform(Number)
    .pipe(z.number().min(min, error).max(max, error));
};
const port = () => wholeNumber(0, 65_535);
const nonNegative = () => wholeNumber(0, 1_000_000_000);
const trueOrFalse = () => z.enum(['true', 'false'], 'must be true or false').transform((value) => value === 'true');
const host = () => z.string().regex(/^[\w.:-]+$/, 'must be a host name or an IP address');

const urlOf = (protocols: readonly string[], isValid: (url: URL, text: string) => boolean, error: string) =>
  z.string().refine((text) => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    return url !== undefined && protocols.includes(url.protocol) && isValid(url, text);
  }, error);
const httpProtocols = ['http:', 'https:'];

const apiUrl = urlOf(
  httpProtocols,
  ({ username, password }, text) => `${username}${password}` === '' && !/[?#]/.test(text),
  'must be an http or https URL without credentials, query or fragment',
);

const proxyUrl = urlOf(
  httpProtocols,
  ({ pathname }, text) => pathname === '/' && !/[?#]|%(?![0-9a-f]{2})/i.test(text),
  'must be an http or https URL without a path, with a percent-encoded password, e.g. http://proxy.internal:3128',
);

const redisUrl = urlOf(
  ['redis:', 'rediss:'],
  // ioredis would read query parameters as options.
  ({ hostname, pathname }, text) =>
    hostname !== '' && /^(\/\d{0,5})?$/.test(pathname) && !/[?#]|%(?![0-9a-f]{2})/i.test(text),
  'must be a redis or rediss URL without a query, with a percent-encoded password, e.g. redis://redis.internal:6379/0',
);

// Accepts address ranges, since other programs use them. The gateway ignores them.
const noProxy = z
  .string()
  .regex(/^[\w.*:[\]/, -]+$/, 'must be a comma-separated list of hosts, e.g. localhost,.internal');

const origins = z
  .string()
  .transform((text) => text.split(',').map((origin) => origin.trim()))
  .pipe(
    z.array(
      // Web views of phone apps use their own schemes, e.g. capacitor://localhost.
      z
        .string()
        .regex(
          /^[a-z][a-z0-9+.-]*:\/\/(\[[0-9a-f:.]+\]|[\w.-]+)(:\d{1,5})?$/,
          'must be a comma-separated list of origins, e.g. https://app.example.com',
        ),
    ),
  );

/** Decodes `key=value,key=value`, percent-encoded (OpenTelemetry specification). Returns undefined if an entry does not match `form`. */
function decodePairs(text: string, form: RegExp): readonly (readonly [key: string, value: string])[] | undefined {
  const entries = text.split(',').map((entry) => entry.trim());
  const pairs: [string, string][] = [];
  for (const entry of entries.filter(Boolean)) {
    const [, key = '', value = ''] = form.exec(entry) ?? [];
    if (key === '') return undefined;
    try {
      pairs.push([decodeURIComponent(key), decodeURIComponent(value)]);
    } catch {
      // The percent-encoding is malformed.
      return undefined;
    }
  }
  return pairs;
}

// OpenTelemetry's maximum length of a key and of a value.
const maxAttributeLength = 255;

const resourceAttributes = z.string().transform((text, context) => {
  const pairs = decodePairs(text, /^([^=]*[^=\s])\s*=\s*([^=]*)$/);
  if (pairs?.flat().every((part) => part.length <= maxAttributeLength) === true) return Object.fromEntries(pairs);
  const message = `must be percent-encoded pairs, e.g. deployment.environment.name=staging,service.version=1.2, of at most ${maxAttributeLength} characters each`;
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
});

const exporterHeaders = z
  .string()
  .refine(
    (text) =>
      decodePairs(text, /^([\w!#$%&'*+.^`|~-]+)\s*=\s*(.+)$/)?.every(([, value]) => /^[\x20-\x7e]+$/.test(value)),
    'must be HTTP headers as percent-encoded pairs, e.g. x-tenant=vpn,authorization=Bearer%20token',
  );

const readableFile = z.string().refine((path) => {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}, 'must be the path of a file that the gateway can read');

const exporterTimeout = () => wholeNumber(1, maxTimerDelayMs);
const compression = z.enum(['none', 'gzip'], 'must be none or gzip');
const protocol = z.literal('http/protobuf', 'must be http/protobuf, the only protocol that the gateway supports');

// OpenTelemetry defines these variables. The exporter reads those that begin with OTEL_EXPORTER_OTLP_ by itself. They are checked here,
// because it ignores an invalid value without a message.
const openTelemetryVariables = {
  OTEL_SDK_DISABLED: z
    .string()
    .regex(/^(true|false)$/i, 'must be true or false')
    .transform((text) => text.toLowerCase() === 'true')
    .default(false),
  OTEL_SERVICE_NAME: z
    .string()
    .regex(/^\P{Cc}{1,255}$/u, 'must be 1 to 255 characters, without control characters')
    .optional(),
  OTEL_RESOURCE_ATTRIBUTES: resourceAttributes.default({}),
  OTEL_TRACES_EXPORTER: z.enum(['otlp', 'none'], 'must be otlp or none').default('otlp'),
  OTEL_TRACES_SAMPLER: z
    .enum(traceSamplers, `must be one of ${traceSamplers.join(', ')}`)
    .default('parentbased_traceidratio'),
  OTEL_TRACES_SAMPLER_ARG: z
    .string()
    .regex(/^(0(\.\d{1,6})?|1(\.0{1,6})?)$/, 'must be a number from 0 to 1')
    .transform(Number)
    .default(1),
  OTEL_BSP_SCHEDULE_DELAY: wholeNumber(0, maxTimerDelayMs).default(5_000),
  OTEL_BSP_EXPORT_TIMEOUT: wholeNumber(1, maxTimerDelayMs).default(30_000),
  OTEL_BSP_MAX_QUEUE_SIZE: wholeNumber(1, 1_000_000).default(2_048),
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: wholeNumber(1, 1_000_000).default(512),
  OTEL_EXPORTER_OTLP_ENDPOINT: apiUrl.optional(),
  OTEL_EXPORTER_OTLP_PROTOCOL: protocol.optional(),
  OTEL_EXPORTER_OTLP_HEADERS: exporterHeaders.optional(),
  OTEL_EXPORTER_OTLP_TIMEOUT: exporterTimeout().optional(),
  OTEL_EXPORTER_OTLP_COMPRESSION: compression.optional(),
  OTEL_EXPORTER_OTLP_CERTIFICATE: readableFile.optional(),
  OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: readableFile.optional(),
  OTEL_EXPORTER_OTLP_CLIENT_KEY: readableFile.optional(),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: apiUrl.optional(),
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: protocol.optional(),
  OTEL_EXPORTER_OTLP_TRACES_HEADERS: exporterHeaders.optional(),
  OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: exporterTimeout().optional(),
  OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: compression.optional(),
  OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE: readableFile.optional(),
  OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE: readableFile.optional(),
  OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY: readableFile.optional(),
};

const variables = z.object({
  ...openTelemetryVariables,
  NODE_ENV: z.string().optional(),
  CLOUDCA_API_URL: apiUrl.optional(),
  CLOUDCA_API_VERSION: z
    .enum(['1', '2'], 'must be 1 or 2')
    .transform((text) => (text === '1' ? 1 : 2))
    .optional(),
  // Whether an insecure connection to the REST API is allowed in production: http to another host, or TLS without verification.
  CLOUDCA_API_INSECURE: trueOrFalse().default(false),
  // Node reads it by itself.
  NODE_TLS_REJECT_UNAUTHORIZED: z.string().optional(),
  // The lower-case names take precedence, as in curl.
  HTTPS_PROXY: proxyUrl.optional(),
  https_proxy: proxyUrl.optional(),
  HTTP_PROXY: proxyUrl.optional(),
  http_proxy: proxyUrl.optional(),
  NO_PROXY: noProxy.optional(),
  no_proxy: noProxy.optional(),
  CLOUDCA_API_TIMEOUT_MS: wholeNumber(1, maxTimerDelayMs).default(10_000),
  HOST: host().optional(),
  PORT: port().default(4000),
  TRUSTED_PROXIES: wholeNumber(0, 10).default(0),
  OPS_HOST: host().optional(),
  OPS_PORT: port().default(9464),
  SANDBOX_PORT: port().default(4010),
  TASK_POLL_MS: wholeNumber(1, maxTimerDelayMs).default(1_000),
  WATCH_POLL_MS: wholeNumber(1, maxTimerDelayMs).default(5_000),
  CORS_ORIGINS: origins.optional(),
  RATE_LIMIT_PER_MINUTE: nonNegative().default(1_200),
  REDIS_URL: redisUrl.optional(),
  MAX_IN_FLIGHT_PER_KEY: nonNegative().default(64),
  MAX_IN_FLIGHT: nonNegative().default(1_024),
  MAX_QUEUED: nonNegative().default(256),
  MAX_QUEUE_MS: wholeNumber(1, maxTimerDelayMs).default(500),
  MAX_EVENT_LOOP_DELAY_MS: nonNegative().default(1_000),
  MAX_CONNECTIONS: wholeNumber(1, 1_000_000).default(10_000),
  MAX_CONNECTIONS_PER_KEY: nonNegative().default(1_000),
  MAX_SUBSCRIPTIONS: nonNegative().default(10_000),
  MAX_SUBSCRIPTIONS_PER_KEY: wholeNumber(1, 1_000_000).default(1_000),
  MAX_DOCUMENT_LENGTH: nonNegative().default(16_384),
  MAX_TOKENS: nonNegative().default(1_000),
  MAX_DEPTH: nonNegative().default(8),
  MAX_FIELDS: nonNegative().default(1_000),
  MAX_REPEATS: nonNegative().default(30),
  MAX_ROOT_FIELDS: nonNegative().default(10),
  MAX_MUTATION_FIELDS: nonNegative().default(3),
  MAX_ALIASES: nonNegative().default(15),
  MAX_DIRECTIVES: nonNegative().default(10),
  MAX_LIST_ITEMS: nonNegative().default(100),
  MAX_RESULT_FIELDS: nonNegative().default(250_000),
  TRUSTED_DOCUMENTS: z
    .string()
    .regex(/^\P{Cc}+$/u, 'must be the path of a file')
    .optional(),
  TRUSTED_DOCUMENTS_ONLY: trueOrFalse().optional(),
  FEDERATION: trueOrFalse().default(false),
  INTROSPECTION: trueOrFalse().optional(),
  PLAYGROUND: trueOrFalse().optional(),
  // Work in flight has 8 s from the signal, drain delay included. A longer delay would leave it too little time.
  DRAIN_DELAY_MS: wholeNumber(0, 5_000).default(0),
  AUDIT_HASH_KEY: z
    .string()
    .regex(/^[\x21-\x7e]{16,}$/, 'must be at least 16 printable ASCII characters, without spaces')
    .optional(),
  LOG_LEVEL: z.enum(logLevels, `must be one of ${logLevels.join(', ')}`).default('info'),
});

/** Names of all variables that the gateway reads. */
export const environmentVariableNames: readonly string[] = Object.keys(variables.shape);

// By default, zod skips these checks if another variable is invalid.
const when = () => true;

/** Decodes the environment. Reports every invalid variable, with a message that does not contain its value. */
export const environmentSchema = variables
  .refine((values) => values.TRUSTED_DOCUMENTS_ONLY !== true || values.TRUSTED_DOCUMENTS !== undefined, {
    path: ['TRUSTED_DOCUMENTS_ONLY'],
    error: 'requires TRUSTED_DOCUMENTS, the manifest of the trusted documents',
    when,
  })
  .refine((values) => mayBeInsecure(values) || !isClearText(values.CLOUDCA_API_URL), {
    path: ['CLOUDCA_API_URL'],
    error:
      'must be an https URL in production, unless its host is a loopback name: http sends API keys in clear text. CLOUDCA_API_INSECURE=true allows it',
    when,
  })
  .refine((values) => mayBeInsecure(values) || values.NODE_TLS_REJECT_UNAUTHORIZED !== '0', {
    path: ['NODE_TLS_REJECT_UNAUTHORIZED'],
    error:
      'must not be 0 in production: any server could pose as the REST API. Set NODE_EXTRA_CA_CERTS to trust your own certificate authority. CLOUDCA_API_INSECURE=true allows it',
    when,
  });

function mayBeInsecure({ NODE_ENV, CLOUDCA_API_INSECURE }: z.output<typeof variables>): boolean {
  return NODE_ENV !== 'production' || CLOUDCA_API_INSECURE;
}

function isClearText(url: string | undefined): boolean {
  // An invalid URL has a message of its own.
  if (url === undefined || !apiUrl.safeParse(url).success) return false;
  const { protocol, hostname } = new URL(url);
  return protocol === 'http:' && !isLoopbackHost(hostname);
}
