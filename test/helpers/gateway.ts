// Starts the gateway's application in the test process, on a free port, with the sandbox or another upstream.
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { CircuitBreaker } from '../../src/cloudca/http/circuit-breaker.js';
import { RetryBudget } from '../../src/cloudca/http/retry.js';
import { CloudcaClient } from '../../src/cloudca/client.js';
import { Watcher } from '../../src/cloudca/polling/watcher.js';
import { type Config, readConfig } from '../../src/config.js';
import { createSandbox, type Sandbox, SANDBOX_KEY, type SandboxOptions } from '../../src/sandbox/sandbox.js';
import { type AppDependencies, createApp } from '../../src/server/app.js';
import { Lifecycle } from '../../src/server/lifecycle.js';
import { createMetrics, type Metrics } from '../../src/server/telemetry/metrics.js';
import { addCleanup } from './cleanup.js';

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
  readonly lifecycle: Lifecycle;
  readonly client: CloudcaClient;
  readonly watcher: Watcher;
  readonly app: FastifyInstance;
  readonly metrics: Metrics;
  /** The parsed log lines so far. */
  readonly logs: readonly Record<string, unknown>[];
  /** Posts an operation. `key` is the API key (null: none; default: that of the sandbox). */
  readonly run: (
    query: string,
    variables?: Readonly<Record<string, unknown>>,
    options?: { key?: string | null; headers?: Readonly<Record<string, string>> },
  ) => Promise<GraphqlResponse>;
}

/** Creates client options without circuit breaker and retry budget, so that the failures of one test do not affect the next. */
export function createLenientClientOptions(): {
  readonly circuitBreaker: CircuitBreaker;
  readonly retryBudget: RetryBudget;
} {
  return { circuitBreaker: new CircuitBreaker(Infinity), retryBudget: new RetryBudget(Infinity) };
}

/** Starts a gateway on an upstream. It polls tasks every 20 ms, and stops after the tests of the file. */
export async function startGateway(
  upstreamUrl: string,
  overrides: Partial<Config> = {},
  options: Pick<AppDependencies, 'pingMs' | 'slowClients' | 'readEventLoopDelay'> = {},
): Promise<TestGateway> {
  const config: Config = {
    ...readConfig({
      CLOUDCA_API_URL: upstreamUrl,
      TASK_POLL_MS: '20',
      LOG_LEVEL: 'trace',
      RATE_LIMIT_PER_MINUTE: '0',
      // The tests share the event loop and may delay it.
      MAX_EVENT_LOOP_DELAY_MS: '0',
    }),
    playground: false,
    ...overrides,
  };
  const logs: Record<string, unknown>[] = [];
  const log = pino({ level: config.logLevel, base: null }, { write: (line: string) => logs.push(parseLine(line)) });
  const client = new CloudcaClient({
    baseUrl: upstreamUrl,
    timeoutMs: config.cloudcaApiTimeoutMs,
    ...createLenientClientOptions(),
  });
  const lifecycle = new Lifecycle();
  const playground = { apiKey: undefined, directory: '' };
  const watcher = new Watcher({
    client,
    taskPollMs: config.taskPollMs,
    watchPollMs: config.watchPollMs,
    warn: () => undefined,
  });
  const metrics = createMetrics();
  const app = await createApp(config, { client, watcher, lifecycle, log, metrics, playground, ...options });
  const origin = await app.listen({ host: '127.0.0.1', port: 0 });
  addCleanup(async () => {
    app.server.closeAllConnections();
    await app.close();
    await client.close();
  });
  const url = `${origin}/graphql`;
  return {
    url,
    lifecycle,
    client,
    watcher,
    app,
    metrics,
    logs,
    run: async (query, variables = {}, { key = SANDBOX_KEY, headers = {} } = {}) => {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(key === null ? {} : { 'mc-api-key': key }), ...headers },
        body: JSON.stringify({ query, variables }),
      });
      const body: unknown = await response.json();
      return { status: response.status, headers: response.headers, body };
    },
  };
}

/** Starts a gateway on a new sandbox. */
export async function startGatewayOnSandbox(
  options: SandboxOptions = {},
  overrides: Partial<Config> = {},
): Promise<TestGateway & { readonly sandbox: Sandbox }> {
  const sandbox = createSandbox(options);
  const url = await sandbox.listen({ host: '127.0.0.1', port: 0 });
  const gateway = await startGateway(url, overrides);
  addCleanup(() => sandbox.close());
  return { ...gateway, sandbox };
}

function parseLine(line: string): Record<string, unknown> {
  const value: unknown = JSON.parse(line);
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
