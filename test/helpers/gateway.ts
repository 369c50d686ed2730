// A gateway under test: the real application on a free port, against the sandbox or any other upstream, asked over HTTP.
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { Breaker, RetryBudget } from '../../src/cloudca/http/circuit-breaker.js';
import { CloudcaClient } from '../../src/cloudca/client.js';
import { Watcher } from '../../src/cloudca/polling/watcher.js';
import { type Config, readConfig } from '../../src/config.js';
import { createSandbox, type Sandbox, SANDBOX_KEY, type SandboxOptions } from '../../src/sandbox/sandbox.js';
import { type AppDependencies, createApp } from '../../src/server/app.js';
import { Lifecycle } from '../../src/server/lifecycle.js';
import { createMetrics, type Metrics } from '../../src/server/telemetry/metrics.js';
import { atEnd } from './at-end.js';

/** What came back: the status, the headers and the JSON body, whole. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

/** A gateway that listens. */
export interface TestGateway {
  /** Address of its GraphQL endpoint. */
  readonly url: string;
  readonly lifecycle: Lifecycle;
  readonly client: CloudcaClient;
  readonly watcher: Watcher;
  readonly app: FastifyInstance;
  readonly metrics: Metrics;
  /** What it logged, a parsed line each. */
  readonly logs: readonly Record<string, unknown>[];
  /** Runs an operation with the sandbox's key, or another, or none (null). */
  readonly run: (
    query: string,
    variables?: Readonly<Record<string, unknown>>,
    options?: { key?: string | null; headers?: Readonly<Record<string, string>> },
  ) => Promise<Answer>;
}

/** What has a client call an upstream however often that fails: each test's failures are its own. */
export function unsparing(): { readonly breaker: Breaker; readonly retryBudget: RetryBudget } {
  return { breaker: new Breaker(Infinity), retryBudget: new RetryBudget(Infinity) };
}

/** Starts a gateway on an upstream; it ends with the file's tests. Polls every 20 ms, so that waits are short. */
export async function startGateway(
  upstreamUrl: string,
  overrides: Partial<Config> = {},
  options: Pick<AppDependencies, 'pingMs' | 'unread' | 'readDelay'> = {},
): Promise<TestGateway> {
  const config: Config = {
    ...readConfig({
      CLOUDCA_API_URL: upstreamUrl,
      TASK_POLL_MS: '20',
      LOG_LEVEL: 'trace',
      RATE_LIMIT_PER_MINUTE: '0',
      // The event loop is the test's own as well.
      MAX_EVENT_LOOP_DELAY_MS: '0',
    }),
    playground: false,
    ...overrides,
  };
  const logs: Record<string, unknown>[] = [];
  const log = pino({ level: config.logLevel, base: null }, { write: (line: string) => logs.push(toLine(line)) });
  const client = new CloudcaClient({
    baseUrl: upstreamUrl,
    timeoutMs: config.cloudcaApiTimeoutMs,
    ...unsparing(),
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
  atEnd(async () => {
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

/** Starts a gateway on a sandbox of its own. */
export async function startGatewayOnSandbox(
  options: SandboxOptions = {},
  overrides: Partial<Config> = {},
): Promise<TestGateway & { readonly sandbox: Sandbox }> {
  const sandbox = createSandbox(options);
  const url = await sandbox.listen({ host: '127.0.0.1', port: 0 });
  const gateway = await startGateway(url, overrides);
  atEnd(() => sandbox.close());
  return { ...gateway, sandbox };
}

function toLine(line: string): Record<string, unknown> {
  const value: unknown = JSON.parse(line);
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
