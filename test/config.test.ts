// The environment variables: values, defaults, messages about invalid values, and warnings about unknown names.
import { describe, expect, it } from '@jest/globals';
import { ConfigError, findUnknownVariables, readConfig } from '../src/config.js';
import { environmentVariableNames } from '../src/environment-variables.js';

/** Returns the message about an environment; undefined if it is valid. */
function toFaults(variables: NodeJS.ProcessEnv): string | undefined {
  try {
    readConfig(variables);
    return undefined;
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
}

const defaults = {
  production: false,
  cloudcaApiUrl: undefined,
  cloudcaApiVersion: 1,
  proxies: undefined,
  cloudcaApiTimeoutMs: 10_000,
  listen: { host: '127.0.0.1', port: 4000 },
  servesLoopbackNamesOnly: true,
  trustedProxies: 0,
  opsListen: { host: '127.0.0.1', port: 9464 },
  sandboxPort: 4010,
  taskPollMs: 1_000,
  watchPollMs: 5_000,
  corsOrigins: 'localhost',
  rateLimitPerMinute: 1_200,
  redisUrl: undefined,
  maxInFlightPerKey: 64,
  maxInFlight: 1_024,
  maxQueued: 256,
  maxQueueMs: 500,
  maxEventLoopDelayMs: 1_000,
  maxConnections: 10_000,
  maxConnectionsPerKey: 1_000,
  maxSubscriptionsPerKey: 1_000,
  maxDocumentLength: 16_384,
  maxTokens: 1_000,
  maxDepth: 8,
  maxFields: 1_000,
  maxRepeats: 30,
  maxRootFields: 10,
  maxMutationFields: 3,
  maxAliases: 15,
  maxDirectives: 10,
  maxListItems: 100,
  maxResultFields: 250_000,
  trustedDocuments: undefined,
  trustedDocumentsOnly: false,
  introspection: true,
  playground: true,
  drainDelayMs: 0,
  logLevel: 'info',
  auditHashKey: undefined,
  traces: undefined,
};

const variableNames = [
  'CLOUDCA_API_URL',
  'CLOUDCA_API_VERSION',
  'HTTPS_PROXY',
  'https_proxy',
  'HTTP_PROXY',
  'http_proxy',
  'NO_PROXY',
  'no_proxy',
  'CLOUDCA_API_INSECURE',
  'CLOUDCA_API_TIMEOUT_MS',
  'HOST',
  'PORT',
  'TRUSTED_PROXIES',
  'OPS_HOST',
  'OPS_PORT',
  'SANDBOX_PORT',
  'TASK_POLL_MS',
  'WATCH_POLL_MS',
  'CORS_ORIGINS',
  'RATE_LIMIT_PER_MINUTE',
  'REDIS_URL',
  'MAX_IN_FLIGHT_PER_KEY',
  'MAX_IN_FLIGHT',
  'MAX_QUEUED',
  'MAX_QUEUE_MS',
  'MAX_EVENT_LOOP_DELAY_MS',
  'MAX_CONNECTIONS',
  'MAX_CONNECTIONS_PER_KEY',
  'MAX_SUBSCRIPTIONS_PER_KEY',
  'MAX_DOCUMENT_LENGTH',
  'MAX_TOKENS',
  'MAX_DEPTH',
  'MAX_FIELDS',
  'MAX_REPEATS',
  'MAX_ROOT_FIELDS',
  'MAX_MUTATION_FIELDS',
  'MAX_ALIASES',
  'MAX_DIRECTIVES',
  'MAX_LIST_ITEMS',
  'MAX_RESULT_FIELDS',
  'TRUSTED_DOCUMENTS_ONLY',
  'FEDERATION',
  'INTROSPECTION',
  'PLAYGROUND',
  'DRAIN_DELAY_MS',
  'LOG_LEVEL',
  'AUDIT_HASH_KEY',
  'OTEL_SDK_DISABLED',
  'OTEL_RESOURCE_ATTRIBUTES',
  'OTEL_TRACES_EXPORTER',
  'OTEL_TRACES_SAMPLER',
  'OTEL_TRACES_SAMPLER_ARG',
  'OTEL_BSP_SCHEDULE_DELAY',
  'OTEL_BSP_EXPORT_TIMEOUT',
  'OTEL_BSP_MAX_QUEUE_SIZE',
  'OTEL_BSP_MAX_EXPORT_BATCH_SIZE',
  ...['OTEL_EXPORTER_OTLP', 'OTEL_EXPORTER_OTLP_TRACES'].flatMap((prefix) => [
    `${prefix}_ENDPOINT`,
    `${prefix}_PROTOCOL`,
    `${prefix}_HEADERS`,
    `${prefix}_TIMEOUT`,
    `${prefix}_COMPRESSION`,
    `${prefix}_CERTIFICATE`,
    `${prefix}_CLIENT_CERTIFICATE`,
    `${prefix}_CLIENT_KEY`,
  ]),
] as const;

describe('readConfig, defaults', () => {
  it('uses the sandbox on this machine with everything open outside production', () => {
    expect(readConfig({})).toMatchObject(defaults);
  });

  it('uses the real REST API, all addresses and nothing open in production', () => {
    expect(readConfig({ NODE_ENV: 'production' })).toMatchObject({
      ...defaults,
      production: true,
      cloudcaApiUrl: 'https://api.cloud.ca/v1',
      listen: { host: '0.0.0.0', port: 4000 },
      opsListen: { host: '0.0.0.0', port: 9464 },
      servesLoopbackNamesOnly: false,
      corsOrigins: [],
      introspection: false,
      playground: false,
    });
  });

  it.each(['development', 'test', 'Production', 'prod'])(
    'uses the defaults outside production with NODE_ENV=%s',
    (name) => {
      expect(readConfig({ NODE_ENV: name })).toMatchObject(defaults);
    },
  );

  it('treats empty variables as not set', () => {
    const empty = Object.fromEntries(['NODE_ENV', ...variableNames].map((name) => [name, '']));

    expect(readConfig(empty)).toEqual(readConfig({}));
  });

  it('ignores variables of other programs', () => {
    expect(readConfig({ PATH: '/bin', APOLLO_KEY: 'x', port: '80' })).toEqual(readConfig({}));
  });

  it('returns a frozen object', () => {
    expect(Object.isFrozen(readConfig({}))).toBe(true);
  });

  it('reads the environment of the process by default', () => {
    const before = process.env['PORT'];
    process.env['PORT'] = '4321';
    try {
      expect(readConfig().listen.port).toBe(4321);
    } finally {
      if (before === undefined) delete process.env['PORT'];
      else process.env['PORT'] = before;
    }
  });
});

describe('readConfig, valid values', () => {
  it.each([
    ['CLOUDCA_API_URL', 'https://rest.example.com/proxy/v1', { cloudcaApiUrl: 'https://rest.example.com/proxy/v1' }],
    ['CLOUDCA_API_URL', 'http://127.0.0.1:8080', { cloudcaApiUrl: 'http://127.0.0.1:8080' }],
    ['CLOUDCA_API_VERSION', '1', { cloudcaApiVersion: 1 }],
    ['CLOUDCA_API_VERSION', '2', { cloudcaApiVersion: 2 }],
    ['CLOUDCA_API_TIMEOUT_MS', '1', { cloudcaApiTimeoutMs: 1 }],
    ['CLOUDCA_API_TIMEOUT_MS', '2147483647', { cloudcaApiTimeoutMs: 2_147_483_647 }],
    [
      'HOST',
      '::1',
      { listen: { host: '::1', port: 4000 }, opsListen: { host: '::1', port: 9464 }, servesLoopbackNamesOnly: false },
    ],
    [
      'HOST',
      'gateway.internal',
      {
        listen: { host: 'gateway.internal', port: 4000 },
        opsListen: { host: 'gateway.internal', port: 9464 },
        servesLoopbackNamesOnly: false,
      },
    ],
    ['PORT', '0', { listen: { host: '127.0.0.1', port: 0 } }],
    ['PORT', '65535', { listen: { host: '127.0.0.1', port: 65_535 } }],
    ['OPS_HOST', '10.0.0.1', { ...defaults, opsListen: { host: '10.0.0.1', port: 9464 } }],
    ['OPS_PORT', '9000', { opsListen: { host: '127.0.0.1', port: 9000 } }],
    ['SANDBOX_PORT', '0', { sandboxPort: 0 }],
    ['TASK_POLL_MS', '250', { taskPollMs: 250 }],
    ['WATCH_POLL_MS', '250', { watchPollMs: 250 }],
    ['CORS_ORIGINS', 'https://app.example.com', { corsOrigins: ['https://app.example.com'] }],
    [
      'CORS_ORIGINS',
      'https://a.example.com, http://localhost:3000,capacitor://localhost,http://[::1]:8080',
      {
        corsOrigins: ['https://a.example.com', 'http://localhost:3000', 'capacitor://localhost', 'http://[::1]:8080'],
      },
    ],
    ['RATE_LIMIT_PER_MINUTE', '0', { rateLimitPerMinute: 0 }],
    [
      'HTTPS_PROXY',
      'http://us%40er:pass%23word@proxy.internal:3128',
      {
        proxies: {
          http: undefined,
          https: 'http://us%40er:pass%23word@proxy.internal:3128',
          except: 'localhost,127.0.0.1,[::1]',
        },
      },
    ],
    [
      'http_proxy',
      'https://proxy.internal/',
      { proxies: { http: 'https://proxy.internal/', https: undefined, except: 'localhost,127.0.0.1,[::1]' } },
    ],
    ['NO_PROXY', '*', {}],
    ['NO_PROXY', '10.0.0.0/8, .internal', {}],
    ['REDIS_URL', 'redis://127.0.0.1:6379', { redisUrl: 'redis://127.0.0.1:6379' }],
    ['REDIS_URL', 'rediss://us%40er:pass%23word@a.b/5', { redisUrl: 'rediss://us%40er:pass%23word@a.b/5' }],
    ['MAX_IN_FLIGHT_PER_KEY', '0', { maxInFlightPerKey: 0 }],
    ['MAX_IN_FLIGHT', '0', { maxInFlight: 0 }],
    ['MAX_QUEUED', '0', { maxQueued: 0 }],
    ['MAX_QUEUE_MS', '1', { maxQueueMs: 1 }],
    ['MAX_EVENT_LOOP_DELAY_MS', '0', { maxEventLoopDelayMs: 0 }],
    ['MAX_CONNECTIONS', '1', { maxConnections: 1 }],
    ['MAX_CONNECTIONS_PER_KEY', '0', { maxConnectionsPerKey: 0 }],
    ['MAX_RESULT_FIELDS', '70', { maxResultFields: 70 }],
    ['TRUSTED_PROXIES', '2', { trustedProxies: 2 }],
    ['MAX_SUBSCRIPTIONS_PER_KEY', '1', { maxSubscriptionsPerKey: 1 }],
    ['MAX_DOCUMENT_LENGTH', '0', { maxDocumentLength: 0 }],
    ['MAX_TOKENS', '7', { maxTokens: 7 }],
    ['MAX_DEPTH', '14', { maxDepth: 14 }],
    ['MAX_FIELDS', '21', { maxFields: 21 }],
    ['MAX_REPEATS', '28', { maxRepeats: 28 }],
    ['MAX_ROOT_FIELDS', '35', { maxRootFields: 35 }],
    ['MAX_MUTATION_FIELDS', '42', { maxMutationFields: 42 }],
    ['MAX_ALIASES', '49', { maxAliases: 49 }],
    ['MAX_DIRECTIVES', '56', { maxDirectives: 56 }],
    ['MAX_LIST_ITEMS', '63', { maxListItems: 63 }],
    ['TRUSTED_DOCUMENTS', 'manifest.json', { trustedDocuments: 'manifest.json' }],
    ['TRUSTED_DOCUMENTS_ONLY', 'false', { trustedDocumentsOnly: false }],
    ['FEDERATION', 'true', { federation: true }],
    ['INTROSPECTION', 'false', { introspection: false }],
    ['PLAYGROUND', 'false', { playground: false }],
    ['DRAIN_DELAY_MS', '2000', { drainDelayMs: 2_000 }],
    ['LOG_LEVEL', 'silent', { logLevel: 'silent' }],
    ['LOG_LEVEL', 'trace', { logLevel: 'trace' }],
    ['AUDIT_HASH_KEY', 'sixteen-or-more!', { auditHashKey: 'sixteen-or-more!' }],
  ])('accepts %s=%s', (name, value, expected) => {
    expect(readConfig({ [name]: value })).toMatchObject({ ...defaults, ...expected });
  });

  it.each([
    ['https://rest.example.com/v2', 2],
    ['https://rest.example.com/api/v2/', 2],
    ['https://rest.example.com/v2/v1', 1],
    ['https://v2', 1],
  ])('takes the version of the REST API from the path of %s', (cloudcaApiUrl, cloudcaApiVersion) => {
    expect(readConfig({ CLOUDCA_API_URL: cloudcaApiUrl })).toMatchObject({ cloudcaApiUrl, cloudcaApiVersion });
    const other = cloudcaApiVersion === 1 ? 2 : 1;
    const variables = { CLOUDCA_API_URL: cloudcaApiUrl, CLOUDCA_API_VERSION: String(other) };
    expect(readConfig(variables)).toMatchObject({ cloudcaApiVersion: other });
  });

  it.each([
    ['HOST', '127.0.0.1', { listen: { host: '127.0.0.1' }, opsListen: { host: '127.0.0.1' } }],
    ['OPS_HOST', '127.0.0.1', { listen: { host: '0.0.0.0' }, opsListen: { host: '127.0.0.1' } }],
    ['CLOUDCA_API_URL', 'https://rest.internal/v1', { cloudcaApiUrl: 'https://rest.internal/v1' }],
    ['CLOUDCA_API_URL', 'http://127.0.0.1:8080', { cloudcaApiUrl: 'http://127.0.0.1:8080' }],
    ['CLOUDCA_API_URL', 'http://[::1]/v1', { cloudcaApiUrl: 'http://[::1]/v1' }],
    ['CLOUDCA_API_URL', 'http://localhost/v1', { cloudcaApiUrl: 'http://localhost/v1' }],
    ['NODE_TLS_REJECT_UNAUTHORIZED', '1', { production: true }],
    ['CORS_ORIGINS', 'https://app.example.com', { corsOrigins: ['https://app.example.com'] }],
    ['INTROSPECTION', 'true', { introspection: true, playground: false }],
    ['PLAYGROUND', 'true', { introspection: false, playground: true }],
  ])('accepts %s=%s in production', (name, value, expected) => {
    expect(readConfig({ NODE_ENV: 'production', [name]: value })).toMatchObject(expected);
  });
});

describe('readConfig, traces', () => {
  const OTEL_EXPORTER_OTLP_ENDPOINT = 'http://collector:4318';
  const defaultTraces = {
    sampler: 'parentbased_traceidratio',
    samplerRatio: 1,
    resourceAttributes: { 'service.name': 'site-to-site-vpn-gateway' },
    exportDelayMs: 5_000,
    exportTimeoutMs: 30_000,
    maxQueuedSpans: 2_048,
    maxExportedSpans: 512,
  };

  it.each(['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'])('are on with %s', (name) => {
    expect(readConfig({ [name]: 'https://collector/v1/traces' }).traces).toEqual(defaultTraces);
  });

  it.each([
    ['OTEL_SDK_DISABLED', 'true'],
    ['OTEL_SDK_DISABLED', 'True'],
    ['OTEL_TRACES_EXPORTER', 'none'],
  ])('are off with %s=%s', (name, value) => {
    expect(readConfig({ OTEL_EXPORTER_OTLP_ENDPOINT, [name]: value }).traces).toBeUndefined();
  });

  it.each([
    ['OTEL_SDK_DISABLED', 'FALSE', {}],
    ['OTEL_TRACES_EXPORTER', 'otlp', {}],
    ['OTEL_TRACES_SAMPLER', 'always_off', { sampler: 'always_off' }],
    ['OTEL_TRACES_SAMPLER', 'parentbased_always_on', { sampler: 'parentbased_always_on' }],
    ['OTEL_TRACES_SAMPLER_ARG', '0', { samplerRatio: 0 }],
    ['OTEL_TRACES_SAMPLER_ARG', '0.25', { samplerRatio: 0.25 }],
    ['OTEL_TRACES_SAMPLER_ARG', '1.0', { samplerRatio: 1 }],
    ['OTEL_SERVICE_NAME', 'VPN gateway, eu-1', { resourceAttributes: { 'service.name': 'VPN gateway, eu-1' } }],
    [
      'OTEL_RESOURCE_ATTRIBUTES',
      ' service.version = 1.2 ,, a%2Cb=c%3Dd%C3%A9,',
      { resourceAttributes: { ...defaultTraces.resourceAttributes, 'service.version': '1.2', 'a,b': 'c=dé' } },
    ],
    ['OTEL_RESOURCE_ATTRIBUTES', 'service.name=mine', { resourceAttributes: { 'service.name': 'mine' } }],
    ['OTEL_BSP_SCHEDULE_DELAY', '0', { exportDelayMs: 0 }],
    ['OTEL_BSP_EXPORT_TIMEOUT', '7', { exportTimeoutMs: 7 }],
    ['OTEL_BSP_MAX_QUEUE_SIZE', '14', { maxQueuedSpans: 14 }],
    ['OTEL_BSP_MAX_EXPORT_BATCH_SIZE', '21', { maxExportedSpans: 21 }],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'http/protobuf', {}],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'x-tenant=vpn,authorization=Bearer%20abc=', {}],
    ['OTEL_EXPORTER_OTLP_TRACES_COMPRESSION', 'gzip', {}],
    ['OTEL_EXPORTER_OTLP_CERTIFICATE', import.meta.filename, {}],
  ])('accept %s=%s', (name, value, expected) => {
    expect(readConfig({ OTEL_EXPORTER_OTLP_ENDPOINT, [name]: value }).traces).toEqual({
      ...defaultTraces,
      ...expected,
    });
  });

  it('have OTEL_SERVICE_NAME as their service, whatever OTEL_RESOURCE_ATTRIBUTES says', () => {
    const variables = { OTEL_SERVICE_NAME: 'first', OTEL_RESOURCE_ATTRIBUTES: 'service.name=second' };

    expect(readConfig({ OTEL_EXPORTER_OTLP_ENDPOINT, ...variables }).traces?.resourceAttributes).toEqual({
      'service.name': 'first',
    });
  });
});

describe('readConfig, invalid values', () => {
  const url = 'must be an http or https URL without credentials, query or fragment';
  const origins = 'must be a comma-separated list of origins, e.g. https://app.example.com';
  const host = 'must be a host name or an IP address';
  const number = (min: number, max: number) => `must be a whole number from ${min} to ${max}`;
  const delay = number(1, 2_147_483_647);
  const limit = number(0, 1_000_000_000);

  it.each([
    ['CLOUDCA_API_URL', url, ['rest.example.com', '/v1', 'ftp://rest.example.com', 'https://', 'javascript:alert(1)']],
    [
      'CLOUDCA_API_URL',
      url,
      ['https://rest.example.com/v1?', 'https://rest.example.com/v1?a=b', 'http://a/#', 'http://a/#b'],
    ],
    ['CLOUDCA_API_URL', url, ['https://user:canary@rest.example.com', 'https://canary@rest.example.com/v1']],
    ...['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'].map((name): [string, string, string[]] => [
      name,
      'must be an http or https URL without a path, with a percent-encoded password, e.g. http://proxy.internal:3128',
      ['proxy.internal:3128', 'socks5://proxy.internal', 'http://proxy.internal/a', 'http://u:canary%@proxy.internal'],
    ]),
    [
      'NO_PROXY',
      'must be a comma-separated list of hosts, e.g. localhost,.internal',
      ['http://canary@a.b', 'a\nb', 'a;b'],
    ],
    ['CLOUDCA_API_VERSION', 'must be 1 or 2', ['0', '3', 'v2', '1.0', ' 2', 'canary']],
    ['CLOUDCA_API_TIMEOUT_MS', delay, ['0', '-1', '2147483648', '1.5', '1e3', '10s', ' 1', 'NaN', 'Infinity', '0x10']],
    ['HOST', host, ['127.0.0.1 ', 'a b', 'http://localhost', 'localhost/']],
    ['OPS_HOST', host, ['127.0.0.1 ', 'a b', 'http://localhost', 'localhost/']],
    ['PORT', number(0, 65_535), ['65536', '-1', 'http', '80.0', '99999999999999999999']],
    ['OPS_PORT', number(0, 65_535), ['65536', '-1', 'http', '80.0']],
    ['SANDBOX_PORT', number(0, 65_535), ['65536', '-1', 'http', '80.0']],
    ['TASK_POLL_MS', delay, ['0', '-1', '2147483648', '1s']],
    ['WATCH_POLL_MS', delay, ['0', '-1', '2147483648', '1s']],
    ['CORS_ORIGINS', origins, ['*', 'null', 'app.example.com', 'https://app.example.com/', 'https://a.example.com/b']],
    ['CORS_ORIGINS', origins, ['https://*.example.com', 'https://A.example.com,', 'https://u:canary@a.example.com']],
    ['RATE_LIMIT_PER_MINUTE', limit, ['-1', '1000000001', 'none']],
    [
      'REDIS_URL',
      'must be a redis or rediss URL without a query, with a percent-encoded password, e.g. redis://redis.internal:6379/0',
      [
        'redis.internal:6379',
        'http://redis.internal',
        'redis://',
        'redis:///0',
        'redis://redis.internal/keys',
        'redis://redis.internal?family=6',
        'redis://:canary#canary@redis.internal',
        'redis://:canary%@redis.internal',
      ],
    ],
    ['MAX_IN_FLIGHT_PER_KEY', limit, ['-1', '1000000001', 'none']],
    ['MAX_IN_FLIGHT', limit, ['-1', '1000000001', 'none']],
    ['MAX_QUEUED', limit, ['-1', '1000000001', 'none']],
    ['MAX_QUEUE_MS', delay, ['0', '-1', '2147483648', '1s']],
    ['MAX_EVENT_LOOP_DELAY_MS', limit, ['-1', '1000000001', 'none']],
    ['MAX_CONNECTIONS', number(1, 1_000_000), ['0', '-1', '1000001']],
    ['MAX_CONNECTIONS_PER_KEY', limit, ['-1', '1000000001', 'none']],
    ['MAX_RESULT_FIELDS', limit, ['-1', '1000000001', 'none', '1.5']],
    ['TRUSTED_PROXIES', number(0, 10), ['-1', '11', 'true']],
    ['CLOUDCA_API_INSECURE', 'must be true or false', ['1', 'yes', 'TRUE', 'off']],
    ['MAX_SUBSCRIPTIONS_PER_KEY', number(1, 1_000_000), ['0', '-1', '1000001']],
    ['MAX_DOCUMENT_LENGTH', limit, ['-1', '1000000001', 'none', '1.5']],
    ['MAX_TOKENS', limit, ['-1', '1000000001', 'none', '1.5']],
    ['MAX_DEPTH', limit, ['-1', '1000000001', 'none', '1.5']],
    ['MAX_FIELDS', limit, ['-1', '1000000001', 'none', '1.5']],
    ['MAX_REPEATS', limit, ['-1', '1000000001', 'none', '1.5']],
    ['MAX_ROOT_FIELDS', limit, ['-1', '1000000001', 'none', '1.5']],
    ['MAX_MUTATION_FIELDS', limit, ['-1', '1000000001', 'none', '1.5']],
    ['MAX_ALIASES', limit, ['-1', '1000000001', 'none', '1.5']],
    ['MAX_DIRECTIVES', limit, ['-1', '1000000001', 'none', '1.5']],
    ['MAX_LIST_ITEMS', limit, ['-1', '1000000001', 'none', '1.5']],
    ['TRUSTED_DOCUMENTS_ONLY', 'must be true or false', ['1', 'yes', 'TRUE', 'off']],
    ['FEDERATION', 'must be true or false', ['1', 'yes', 'TRUE', 'off']],
    ['INTROSPECTION', 'must be true or false', ['1', 'yes', 'TRUE', 'off']],
    ['PLAYGROUND', 'must be true or false', ['1', 'yes', 'TRUE', 'off']],
    ['DRAIN_DELAY_MS', number(0, 5_000), ['-1', '5001', '2s']],
    ['LOG_LEVEL', 'must be one of fatal, error, warn, info, debug, trace, silent', ['verbose', 'INFO', '30']],
    [
      'AUDIT_HASH_KEY',
      'must be at least 16 printable ASCII characters, without spaces',
      ['short', 'sixteen or more!', 'ümläüt-ümläüt-üm'],
    ],
    ['OTEL_SDK_DISABLED', 'must be true or false', ['1', 'yes']],
    ['OTEL_SERVICE_NAME', 'must be 1 to 255 characters, without control characters', ['a\nb', 'x'.repeat(256)]],
    [
      'OTEL_RESOURCE_ATTRIBUTES',
      'must be percent-encoded pairs, e.g. deployment.environment.name=staging,service.version=1.2, of at most 255 characters each',
      ['canary', '=canary', 'a=b=canary', 'a=%', 'a=%ff', 'a=b,canary', `a=${'x'.repeat(256)}`, `${'x'.repeat(256)}=a`],
    ],
    ['OTEL_TRACES_EXPORTER', 'must be otlp or none', ['console', 'zipkin', 'otlp,console']],
    [
      'OTEL_TRACES_SAMPLER',
      'must be one of always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off, parentbased_traceidratio',
      ['jaeger_remote', 'ALWAYS_ON'],
    ],
    ['OTEL_TRACES_SAMPLER_ARG', 'must be a number from 0 to 1', ['2', '-0.5', '1.5', '50%', '1e-3']],
    ['OTEL_BSP_SCHEDULE_DELAY', number(0, 2_147_483_647), ['-1', '5s', '2147483648']],
    ['OTEL_BSP_EXPORT_TIMEOUT', delay, ['0', '-1', '5s']],
    ['OTEL_BSP_MAX_QUEUE_SIZE', number(1, 1_000_000), ['0', '-1', 'none']],
    ['OTEL_BSP_MAX_EXPORT_BATCH_SIZE', number(1, 1_000_000), ['0', '-1', 'none']],
    ...['OTEL_EXPORTER_OTLP', 'OTEL_EXPORTER_OTLP_TRACES'].flatMap((prefix): [string, string, string[]][] => [
      [`${prefix}_ENDPOINT`, url, ['collector:4318', 'grpc://collector:4317', 'http://user:secret@collector:4318']],
      [
        `${prefix}_PROTOCOL`,
        'must be http/protobuf, the only protocol that the gateway supports',
        ['grpc', 'http/json'],
      ],
      [
        `${prefix}_HEADERS`,
        'must be HTTP headers as percent-encoded pairs, e.g. x-tenant=vpn,authorization=Bearer%20token',
        ['canary', 'x-tenant=', 'a b=canary', 'a=%0d%0acanary', 'a=%', 'a=b,canary'],
      ],
      [`${prefix}_TIMEOUT`, delay, ['0', '-1', '10s']],
      [`${prefix}_COMPRESSION`, 'must be none or gzip', ['br', 'GZIP']],
      ...['CERTIFICATE', 'CLIENT_CERTIFICATE', 'CLIENT_KEY'].map((file): [string, string, string[]] => [
        `${prefix}_${file}`,
        'must be the path of a file that the gateway can read',
        ['canary/missing.pem'],
      ]),
    ]),
  ])('reports that %s %s', (name, rule, values) => {
    for (const value of values) expect([value, toFaults({ [name]: value })]).toEqual([value, `${name} ${rule}`]);
  });

  it('reports that TRUSTED_DOCUMENTS_ONLY requires TRUSTED_DOCUMENTS, also beside other faults', () => {
    const fault = 'TRUSTED_DOCUMENTS_ONLY requires TRUSTED_DOCUMENTS, the manifest of the trusted documents';
    expect(toFaults({ TRUSTED_DOCUMENTS_ONLY: 'true' })).toBe(fault);
    expect(toFaults({ TRUSTED_DOCUMENTS_ONLY: 'true', PORT: 'x' })).toContain(fault);
    expect(readConfig({ TRUSTED_DOCUMENTS_ONLY: 'true', TRUSTED_DOCUMENTS: 'a.json' }).trustedDocumentsOnly).toBe(true);
  });

  it('reports a variable with several invalid parts once', () => {
    expect(toFaults({ CORS_ORIGINS: '*,*,null' })).toBe(`CORS_ORIGINS ${origins}`);
  });

  it('reports all invalid variables, one in each line', () => {
    const invalid = Object.fromEntries(variableNames.map((name) => [name, 'canary ; canary']));
    const lines = toFaults(invalid)?.split('\n') ?? [];

    expect(lines.map((line) => line.split(' ')[0]).sort()).toEqual([...variableNames].sort());
  });

  it('never repeats a value', () => {
    const invalid = Object.fromEntries(variableNames.map((name) => [name, 'https://user:canary@example.com/?canary']));

    expect(toFaults(invalid)).not.toMatch(/canary|user/);
  });

  it('reports invalid values in production', () => {
    expect(toFaults({ NODE_ENV: 'production', PLAYGROUND: 'on' })).toBe('PLAYGROUND must be true or false');
  });

  const clearText = /^CLOUDCA_API_URL must be an https URL in production, .+ CLOUDCA_API_INSECURE=true allows it$/;
  const unverified = /^NODE_TLS_REJECT_UNAUTHORIZED must not be 0 in production.+ CLOUDCA_API_INSECURE=true allows it$/;

  it.each([
    ['CLOUDCA_API_URL', 'http://rest.internal/v1', clearText],
    ['CLOUDCA_API_URL', 'http://10.0.0.1:8080', clearText],
    ['CLOUDCA_API_URL', 'http://localhost.example.com', clearText],
    ['NODE_TLS_REJECT_UNAUTHORIZED', '0', unverified],
  ])('reports %s=%s in production, unless CLOUDCA_API_INSECURE=true', (name, value, fault) => {
    const production = { NODE_ENV: 'production', [name]: value };

    expect(toFaults(production)).toMatch(fault);
    expect(toFaults({ ...production, CLOUDCA_API_INSECURE: 'false' })).toMatch(fault);
    expect(toFaults({ ...production, CLOUDCA_API_INSECURE: 'true' })).toBeUndefined();
    expect(toFaults({ [name]: value })).toBeUndefined();
  });

  it('reports insecure connections beside other faults, each in its line', () => {
    const variables = { CLOUDCA_API_URL: 'http://rest.internal/v1', NODE_TLS_REJECT_UNAUTHORIZED: '0', PORT: 'x' };
    const lines = toFaults({ NODE_ENV: 'production', ...variables })?.split('\n');

    expect(lines?.map((line) => line.split(' ')[0]).sort()).toEqual(Object.keys(variables).sort());
  });

  it('reports an invalid URL of the REST API once in production', () => {
    expect(toFaults({ NODE_ENV: 'production', CLOUDCA_API_URL: 'http://user@a.b' })).toBe(`CLOUDCA_API_URL ${url}`);
  });
});

describe('findUnknownVariables', () => {
  const toMessages = (variables: NodeJS.ProcessEnv) => findUnknownVariables(variables).map(({ message }) => message);

  it.each([
    ['MAX_DEPTHS', 'MAX_DEPTH'],
    ['CLOUDCA_URL', 'CLOUDCA_API_URL'],
    ['TRUSTED_DOCUMENT', 'TRUSTED_DOCUMENTS'],
    ['TASK_POLL', 'TASK_POLL_MS'],
    ['WATCH_POLL_MSEC', 'WATCH_POLL_MS'],
    ['OPS_PROT', 'OPS_PORT'],
    ['SANDBOX_HOST', 'SANDBOX_PORT'],
    ['RATE_LIMIT', 'RATE_LIMIT_PER_MINUTE'],
    ['CORS_ORIGIN', 'CORS_ORIGINS'],
    ['AUDIT_KEY', 'AUDIT_HASH_KEY'],
    ['DRAIN_DELAY', 'DRAIN_DELAY_MS'],
    ['INTROSPECTIONS', 'INTROSPECTION'],
    ['PLAYGROUNDS', 'PLAYGROUND'],
  ])('reports %s, and suggests %s', (name, suggestion) => {
    expect(toMessages({ [name]: 'canary' })).toEqual([
      `unknown environment variable ${name} is ignored; did you mean ${suggestion}?`,
    ]);
  });

  it('suggests nothing if no name is similar', () => {
    expect(toMessages({ MAX_WORKER_THREADS: '4', AUDIT_LOG_FILE_PATH: 'canary' })).toEqual([
      'unknown environment variable MAX_WORKER_THREADS is ignored',
      'unknown environment variable AUDIT_LOG_FILE_PATH is ignored',
    ]);
  });

  it('accepts every variable that the gateway reads, and empty variables', () => {
    const variables = Object.fromEntries(environmentVariableNames.map((name) => [name, 'x']));

    expect(toMessages({ ...variables, MAX_DEPTHS: '', MAX_TOKEN: undefined })).toEqual([]);
  });

  it.each([
    'PATH',
    'HOSTNAME',
    'PORTS',
    'NODE_OPTIONS',
    'NODE_EXTRA_CA_CERTS',
    'NO_COLOR',
    'HTTP_PROXY_REQUEST_FULLURI',
    'HTTPS_PORT',
    'LOG_FORMAT',
    'REDIS_HOST',
    'OTEL_LOG_LEVEL',
    'OTEL_METRICS_EXPORTER',
    'WATCH_NAMESPACE',
    'TASK_ID',
    'RATE',
    'MAXIMUM',
    'max_depths',
  ])('accepts %s, which may belong to another program', (name) => {
    expect(toMessages({ [name]: 'x' })).toEqual([]);
  });
});
