// Starts the gateway in the test process: its public application and its ops application, on free ports.
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { CloudcaClient } from '../../src/cloudca/client.js';
import { Watcher } from '../../src/cloudca/polling/watcher.js';
import { type Config, readConfig } from '../../src/config.js';
import { SANDBOX_KEY } from '../../src/sandbox/keys.js';
import { createSandbox, type Sandbox, type SandboxOptions } from '../../src/sandbox/sandbox.js';
import type { ApiVersion } from '../../src/sandbox/versions.js';
import { type AppDependencies, createApp } from '../../src/server/app.js';
import { Lifecycle } from '../../src/server/lifecycle.js';
import { createOpsApp } from '../../src/server/ops-app.js';
import { createMetrics, type Metrics } from '../../src/server/telemetry/metrics.js';
import { addCleanup } from './cleanup.js';
import { keyHeader } from './fixtures.js';
import { post } from './http.js';
import { createLenientClientOptions } from './lenient-client.js';

/** Options of a gateway. */
export interface GatewayOptions extends Pick<AppDependencies, 'slowClients' | 'readEventLoopDelay'> {
  /**
   * Replaces parts of the configuration. Otherwise, the gateway polls tasks every 20 ms, logs everything, limits neither the rate nor the
   * event loop delay, and has no playground.
   */
  readonly config?: Partial<Config> | undefined;
}

/** Options of a gateway on a REST API that the test has started. */
export interface RestApiOptions extends GatewayOptions {
  /** Base URL of the REST API, or a client of it. */
  readonly restApi: string | CloudcaClient;
}

/** Options of a gateway on a new sandbox. */
export interface SandboxGatewayOptions extends GatewayOptions {
  readonly restApi?: never;
  readonly sandbox?: SandboxOptions;
  /** Version of the sandbox's API to call. Default: v1. */
  readonly apiVersion?: ApiVersion;
}

/** A response with its parsed body. */
export interface GraphqlResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

/** A running gateway. */
export interface TestGateway {
  /** URL of its GraphQL endpoint. */
  readonly url: string;
  /** Origin of its ops listener. */
  readonly opsUrl: string;
  readonly lifecycle: Lifecycle;
  readonly client: CloudcaClient;
  readonly watcher: Watcher;
  /** The public application. */
  readonly app: FastifyInstance;
  readonly metrics: Metrics;
  /** The parsed log lines so far. */
  readonly logs: readonly Record<string, unknown>[];
  /** Returns the log text since the previous call. */
  readonly takeLog: () => string;
  /** Posts an operation. `key` is the API key (null: none; default: that of the sandbox). */
  readonly run: (
    query: string,
    variables?: Readonly<Record<string, unknown>>,
    options?: { key?: string | null; headers?: Readonly<Record<string, string>> },
  ) => Promise<GraphqlResponse>;
}

/** A running gateway on its own sandbox. */
export interface SandboxGateway extends TestGateway {
  readonly sandbox: Sandbox;
}

/** Starts a gateway on a REST API, by default a new sandbox. It stops after the tests of the file. */
export async function startGateway(options: RestApiOptions): Promise<TestGateway>;
export async function startGateway(options?: SandboxGatewayOptions): Promise<SandboxGateway>;
export async function startGateway(
  options: RestApiOptions | SandboxGatewayOptions = {},
): Promise<TestGateway | SandboxGateway> {
  if (options.restApi !== undefined) return start(options.restApi, options);
  const sandbox = createSandbox(options.sandbox);
  const url = (await sandbox.listen({ host: '127.0.0.1', port: 0 })).replace(/v1$/, options.apiVersion ?? 'v1');
  addCleanup(() => sandbox.close());
  const config = { cloudcaApiVersion: options.apiVersion === 'v2' ? 2 : 1, ...options.config } as const;
  return { ...(await start(url, { ...options, config })), sandbox };
}

async function start(
  restApi: string | CloudcaClient,
  { config: overrides, slowClients, readEventLoopDelay }: GatewayOptions,
): Promise<TestGateway> {
  const config = {
    ...readConfig({
      TASK_POLL_MS: '20',
      LOG_LEVEL: 'trace',
      // The tests send any Host.
      HOST: '127.0.0.1',
      RATE_LIMIT_PER_MINUTE: '0',
      // The tests share the event loop and may delay it.
      MAX_EVENT_LOOP_DELAY_MS: '0',
      PLAYGROUND: 'false',
    }),
    ...overrides,
  };
  const { taskPollMs, watchPollMs, cloudcaApiTimeoutMs: timeoutMs, cloudcaApiVersion: apiVersion } = config;
  const client =
    typeof restApi === 'string'
      ? new CloudcaClient({ baseUrl: restApi, apiVersion, timeoutMs, ...createLenientClientOptions() })
      : restApi;
  const lifecycle = new Lifecycle();
  const metrics = createMetrics();
  const watcher = new Watcher({
    client,
    taskPollMs,
    watchPollMs,
    maxRequestsPerMinute: config.rateLimitPerMinute,
    warn: () => undefined,
  });
  const { log, logs, takeLog } = createTestLog(config.logLevel);
  const app = await createApp(config, {
    client,
    watcher,
    lifecycle,
    log,
    metrics,
    playground: { apiKey: undefined, directory: '' },
    ...(slowClients !== undefined && { slowClients }),
    ...(readEventLoopDelay !== undefined && { readEventLoopDelay }),
  });
  const ops = createOpsApp(lifecycle, metrics);
  const origin = await app.listen({ host: '127.0.0.1', port: 0 });
  const opsUrl = await ops.listen({ host: '127.0.0.1', port: 0 });
  addCleanup(async () => {
    app.server.closeAllConnections();
    await Promise.all([app.close(), ops.close()]);
    await client.close();
  });
  const url = `${origin}/graphql`;
  return {
    url,
    opsUrl,
    lifecycle,
    client,
    watcher,
    app,
    metrics,
    logs,
    takeLog,
    run: async (query, variables = {}, { key = SANDBOX_KEY, headers = {} } = {}) => {
      const allHeaders = { ...(key === null ? {} : keyHeader(key)), ...headers };
      const { json, ...response } = await post(url, { query, variables }, allHeaders);
      return { status: response.status, headers: response.headers, body: json };
    },
  };
}

function createTestLog(level: string) {
  const logs: Record<string, unknown>[] = [];
  let text = '';
  const write = (line: string) => {
    logs.push(parseLine(line));
    text += line;
  };
  return {
    log: pino({ level, base: null }, { write }),
    logs,
    takeLog: () => {
      const taken = text;
      text = '';
      return taken;
    },
  };
}

function parseLine(line: string): Record<string, unknown> {
  const value: unknown = JSON.parse(line);
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
