// Starts both listeners of the gateway in the test process, on any REST client, and captures the log as text.
import { Writable } from 'node:stream';
import { pino } from 'pino';
import type { CloudcaClient } from '../../src/cloudca/client.js';
import { Watcher } from '../../src/cloudca/polling/watcher.js';
import { type Config, readConfig } from '../../src/config.js';
import { createApp } from '../../src/server/app.js';
import { createOpsApp } from '../../src/server/ops-app.js';
import { Lifecycle } from '../../src/server/lifecycle.js';
import { createMetrics } from '../../src/server/telemetry/metrics.js';
import { addCleanup } from './cleanup.js';

/** A gateway with both listeners. */
export interface TestApp {
  /** URL of its GraphQL endpoint. */
  readonly url: string;
  /** Origin of its ops listener. */
  readonly opsUrl: string;
  readonly lifecycle: Lifecycle;
  /** Returns the log text since the previous call. */
  readonly takeLog: () => string;
}

/** Starts both listeners on a client. They stop after the tests of the file. */
export async function startApp(client: CloudcaClient, overrides: Partial<Config> = {}): Promise<TestApp> {
  // The tests share the event loop and may delay it.
  const environment = { TASK_POLL_MS: '20', LOG_LEVEL: 'trace', MAX_EVENT_LOOP_DELAY_MS: '0' };
  const config = { ...readConfig(environment), playground: false, ...overrides };
  const lines: string[] = [];
  const write = (chunk: unknown, _encoding: string, done: () => void) => {
    lines.push(String(chunk));
    done();
  };
  const log = pino({ level: config.logLevel, base: null }, new Writable({ write }));
  const lifecycle = new Lifecycle();
  const metrics = createMetrics();
  const { taskPollMs, watchPollMs } = config;
  const watcher = new Watcher({ client, taskPollMs, watchPollMs, warn: () => undefined });
  const app = await createApp(config, {
    client,
    watcher,
    lifecycle,
    log,
    metrics,
    playground: { apiKey: undefined, directory: '' },
  });
  const ops = createOpsApp(lifecycle, metrics);
  const origin = await app.listen({ host: '127.0.0.1', port: 0 });
  const opsUrl = await ops.listen({ host: '127.0.0.1', port: 0 });
  addCleanup(async () => {
    app.server.closeAllConnections();
    await app.close();
    await ops.close();
    await client.close();
  });
  return { url: `${origin}/graphql`, opsUrl, lifecycle, takeLog: () => lines.splice(0).join('') };
}
