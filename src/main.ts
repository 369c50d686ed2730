// The process: reads the configuration, starts the listeners, and shuts down on SIGTERM. `main.js sandbox` starts only the sandbox.
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import closeWithGrace, { type Options } from 'close-with-grace';
import type { Logger } from 'pino';
import { CloudcaClient } from './cloudca/client.js';
import type { WireWarning } from './cloudca/decode.js';
import { type WatchObservation, type WatchTarget, Watcher } from './cloudca/polling/watcher.js';
import { type Config, ConfigError, findUnknownVariables, readConfig } from './config.js';
import { addLastFuse, whenThreadsAreIdle } from './last-fuse.js';
import { explainListenErrors, listen } from './listen.js';
import { SANDBOX_KEY } from './sandbox/keys.js';
import { createSandbox } from './sandbox/sandbox.js';
import { RedisDatabaseError } from './server/admission/rate-limit.js';
import { createApp } from './server/app.js';
import { createOpsApp } from './server/ops-app.js';
import { Lifecycle } from './server/lifecycle.js';
import { createLogDestination, type LogDestination } from './server/telemetry/log-destination.js';
import { createLogger, flushLog, toLoggable } from './server/telemetry/logging.js';
import { createMetrics } from './server/telemetry/metrics.js';
import { combineObservers, createTracing } from './server/telemetry/tracing.js';
import { TrustedDocumentsError } from './server/graphql/manifest.js';

// The steps of a shutdown, in milliseconds from the signal. Cancels the remaining REST calls:
const abortCallsAfterMs = 8_000;
// Closes all client connections, whatever they still have to send.
const closeConnectionsAfterMs = 9_000;
// Stops waiting for the receivers of traces and logs.
const abandonFlushAfterMs = 9_500;
// Exits, even if a step hangs.
const exitAfterMs = 9_700;

// Maximum wait for file reads and DNS lookups when the process exits during the start, in milliseconds.
const exitDuringStartAfterMs = 1_000;

const signals = ['SIGINT', 'SIGTERM'] as const;
// If a signal goes to the whole process group, npm passes on a duplicate. A second signal within this time does not force the exit.
const duplicateSignalMs = 100;

/** The started parts of a process. */
interface Running {
  /** Shuts down. `immediately` skips the drain delay. */
  readonly stop: (immediately: boolean) => Promise<void>;
  /** Whether SIGHUP reloads files. */
  readonly reloadsFiles?: boolean;
}

/** The log of a process. */
interface Log {
  readonly log: Logger;
  /** Logs at every LOG_LEVEL. */
  readonly announce: Logger;
  /** Undefined if the log is formatted for a terminal. */
  readonly destination: LogDestination | undefined;
}

/** Starts the gateway, and the sandbox if no REST API is configured. */
async function startGateway(config: Config, { log, announce, destination }: Log): Promise<Running> {
  const lifecycle = new Lifecycle();
  const sandbox = config.cloudcaApiUrl === undefined ? await startSandbox(config, announce) : undefined;
  const baseUrl = config.cloudcaApiUrl ?? sandbox?.url;
  if (baseUrl === undefined) throw new TypeError('There is neither a REST API nor a sandbox.');
  const proxies = sandbox === undefined ? config.proxies : undefined;
  const { cloudcaApiTimeoutMs: timeoutMs, cloudcaApiVersion: apiVersion } = config;
  const client = new CloudcaClient({ baseUrl, apiVersion, timeoutMs, proxies });
  const metrics = createMetrics();
  metrics.addCounter(
    'gateway_log_lines_dropped_total',
    'Log lines that were dropped because stdout was not read, audit lines excluded.',
    () => destination?.droppedLines() ?? 0,
  );
  metrics.addCounter(
    'gateway_audit_lines_dropped_total',
    'Audit lines that were dropped because stdout was not read.',
    () => destination?.droppedAuditLines() ?? 0,
  );
  const playground = {
    apiKey: sandbox === undefined ? undefined : SANDBOX_KEY,
    directory: fileURLToPath(new URL('../dist/playground', import.meta.url)),
  };
  const { taskPollMs, watchPollMs } = config;
  const warn = (warning: WireWarning) => {
    metrics.countUnexpectedValue(warning);
    log.warn(warning, 'unexpected value in a response of the REST API');
  };
  const tracing = config.traces === undefined ? undefined : await createTracing(config.traces, log);
  const startObservation = (target: WatchTarget): WatchObservation => {
    const span = tracing?.startWatch(target);
    return {
      observe: combineObservers(metrics.observeCall, span?.observe),
      end: (failure) => span?.end(failure),
    };
  };
  const watcher = new Watcher({
    client,
    taskPollMs,
    watchPollMs,
    maxRequestsPerMinute: config.rateLimitPerMinute,
    warn,
    startObservation,
  });
  const app = await createApp(config, { client, watcher, lifecycle, log, metrics, tracing, playground });
  const ops = createOpsApp(lifecycle, metrics);
  const reloadsFiles = config.trustedDocuments !== undefined;
  // A process manager may send the signal as soon as it reads that the gateway listens.
  if (reloadsFiles) {
    process.on('SIGHUP', () => {
      lifecycle.reload();
    });
  }
  const opsUrl = await listen(ops, config.opsListen, { host: 'OPS_HOST or HOST', port: 'OPS_PORT' });
  const url = await listen(app, config.listen, { host: 'HOST', port: 'PORT' });
  const playgroundUrl = config.playground ? `${url}/` : undefined;
  announce.info({ url: opsUrl }, 'ops listening');
  announce.info({ url: `${url}/graphql`, playground: playgroundUrl }, 'gateway listening');
  if (sandbox !== undefined && playgroundUrl !== undefined) {
    const message = `open the playground at ${playgroundUrl} (MC-Api-Key: ${SANDBOX_KEY})`;
    announce.info({ playground: playgroundUrl, apiKey: SANDBOX_KEY }, message);
  }

  return {
    reloadsFiles,
    stop: async (immediately) => {
      const flushTimeout = sleep(abandonFlushAfterMs);
      lifecycle.markUnready();
      const timers = [
        setTimeout(() => {
          client.abort();
        }, abortCallsAfterMs),
        setTimeout(() => {
          app.server.closeAllConnections();
        }, closeConnectionsAfterMs),
      ];
      if (!immediately && config.drainDelayMs > 0) await sleep(config.drainDelayMs);
      lifecycle.drain();
      await lifecycle.whenIdle();
      // The remaining connections are idle, or have sent an incomplete request.
      app.server.closeAllConnections();
      await app.close();
      for (const timer of timers) clearTimeout(timer);
      await client.close();
      await sandbox?.close();
      await ops.close();
      await Promise.race([Promise.all([tracing?.stop(), flushLog(), whenThreadsAreIdle()]), flushTimeout]);
    },
  };
}

async function startSandboxAlone(config: Config, { announce }: Log): Promise<Running> {
  const sandbox = await startSandbox(config, announce);
  return { stop: sandbox.close };
}

async function startSandbox(config: Config, announce: Logger): Promise<{ url: string; close: () => Promise<void> }> {
  const sandbox = createSandbox();
  const address = { host: '127.0.0.1', port: config.sandboxPort };
  const url = await explainListenErrors(sandbox.listen(address), address, { port: 'SANDBOX_PORT' });
  announce.info({ url, apiKey: SANDBOX_KEY }, 'sandbox listening');
  return { url, close: () => sandbox.close() };
}

async function exitDuringStart(code: 0 | 1): Promise<void> {
  await Promise.race([whenThreadsAreIdle(), sleep(exitDuringStartAfterMs)]);
  process.exit(code);
}

async function run(): Promise<void> {
  // Until the start has finished, there is nothing to shut down.
  let shutDown = (): void => void exitDuringStart(0);
  let firstSignalAt: number | undefined;
  for (const signal of signals) {
    process.on(signal, () => {
      if (firstSignalAt === undefined) {
        firstSignalAt = performance.now();
        shutDown();
      } else if (performance.now() - firstSignalAt > duplicateSignalMs) process.exit(1);
    });
  }
  const config = readConfig();
  // pino-pretty is a dev dependency, so production logs JSON on a terminal too.
  const destination = process.stdout.isTTY && !config.production ? undefined : createLogDestination();
  const log = createLogger(config.logLevel, destination);
  // Only now, because the destination writes its last lines at the exit.
  addLastFuse();
  for (const { name, message } of findUnknownVariables()) log.warn({ variable: name }, message);
  // Callers that set port 0 read the actual ports from these lines, so every LOG_LEVEL has them.
  const announce = log.child({}, { level: 'info' });
  const start = process.argv[2] === 'sandbox' ? startSandboxAlone : startGateway;
  const running = await start(config, { log, announce, destination });
  const logFatal = (error: unknown): void => {
    log.fatal({ err: toLoggable(error) }, 'unexpected error, shutting down');
  };
  // SIGHUP reloads files if there are any. Otherwise it shuts down, as when the terminal closes.
  const skip = [...signals, ...(running.reloadsFiles === true ? (['SIGHUP'] as const) : [])];
  const options: Options = { delay: exitAfterMs, logger: false, skip, onSecondError: logFatal };
  const { close } = closeWithGrace(options, async (event) => {
    const failed = 'err' in event;
    if (failed) logFatal(event.err);
    await running.stop(failed);
    // close-with-grace exits with 0 if a promise was rejected with undefined.
    if (failed) process.exit(1);
  });
  shutDown = close;
}

try {
  await run();
} catch (error) {
  const message =
    error instanceof ConfigError || error instanceof TrustedDocumentsError || error instanceof RedisDatabaseError
      ? `The gateway cannot start with this environment:\n${error.message}`
      : `The gateway cannot start: ${toMessage(error)}`;
  process.stderr.write(`${message}\n`);
  await exitDuringStart(1);
}

// No client has called yet, so the message contains no data of a caller.
function toMessage(error: unknown): string {
  return typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : 'unknown reason.';
}
