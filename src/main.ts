// The process: reads the config, builds, listens, drains on SIGTERM; nothing else. `main.js sandbox` runs the sandbox alone.
import { isIPv6 } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import closeWithGrace, { type Options } from 'close-with-grace';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { CloudcaClient, type WireWarning } from './cloudca/client.js';
import { type Followed, type FollowObservation, Watcher } from './cloudca/polling/watcher.js';
import { type Config, ConfigError, type ListenAddress, readConfig } from './config.js';
import { createSandbox, SANDBOX_KEY } from './sandbox/sandbox.js';
import { createApp } from './server/app.js';
import { createOpsApp } from './server/ops-app.js';
import { Lifecycle } from './server/lifecycle.js';
import { createLogger, toLoggable, whenWritten } from './server/telemetry/logging.js';
import { createMetrics } from './server/telemetry/metrics.js';
import { createTracing, observeBy } from './server/telemetry/tracing.js';
import { TrustedDocumentsError } from './server/graphql/trusted-documents.js';

// A request goes through so many small functions, and objects of so many shapes, that V8's usual bounds are soon reached: what it may put into one
// function when it compiles it, in bytes of bytecode, in all and with what it always puts in; how often that must be called, for each call of the
// function; and how many shapes one place in the code may know before it looks them up.
for (const flag of [
  '--max-inlined-bytecode-size-cumulative=4000',
  '--max-inlined-bytecode-size-absolute=20000',
  '--min-inlining-frequency=0.05',
  '--max-valid-polymorphic-map-count=12',
])
  setFlagsFromString(flag);

// What is still at work after this is cut, in milliseconds from the signal.
const cutAfter = 8_000;
// Connections are closed, whatever they hold.
const closeAfter = 9_000;
// Who takes neither traces nor lines of the log is waited for no longer.
const tellUntil = 9_500;
// The fuse of the fuse.
const exitAfter = 9_700;

/** What is to be ended. */
interface Running {
  /** Ends it; `atOnce`: new work is refused even where load balancers have not been given the time to notice. */
  readonly end: (atOnce: boolean) => Promise<void>;
  /** Has files read again; undefined where there are none. */
  readonly reread?: (() => void) | undefined;
}

async function startSandbox(config: Config, log: Logger): Promise<{ url: string; close: () => Promise<void> }> {
  const sandbox = createSandbox();
  const url = await sandbox.listen({ host: '127.0.0.1', port: config.sandboxPort });
  log.info({ url, apiKey: SANDBOX_KEY }, 'sandbox listening');
  return { url, close: () => sandbox.close() };
}

async function startGateway(config: Config, log: Logger, announce: Logger): Promise<Running> {
  const lifecycle = new Lifecycle();
  const sandbox = config.cloudcaApiUrl === undefined ? await startSandbox(config, announce) : undefined;
  const baseUrl = config.cloudcaApiUrl ?? sandbox?.url;
  if (baseUrl === undefined) throw new TypeError('There is neither a REST API nor a sandbox.');
  const proxies = sandbox === undefined ? config.proxies : undefined;
  const client = new CloudcaClient({ baseUrl, timeoutMs: config.cloudcaApiTimeoutMs, proxies });
  const metrics = createMetrics();
  const playground = {
    apiKey: sandbox === undefined ? undefined : SANDBOX_KEY,
    directory: fileURLToPath(new URL('../dist/playground', import.meta.url)),
  };
  const { taskPollMs, watchPollMs } = config;
  const warn = (warning: WireWarning) => {
    metrics.countOddity(warning);
    log.warn(warning, 'odd answer of the REST API');
  };
  const { otlpEndpoint: endpoint, traceRatio: ratio, serviceName } = config;
  const tracing = endpoint === undefined ? undefined : await createTracing({ endpoint, ratio, serviceName, log });
  const observe = (what: Followed): FollowObservation => {
    const followed = tracing?.follow(what);
    return { observe: observeBy(metrics.observeCall, followed?.observe), end: (failure) => followed?.end(failure) };
  };
  const watcher = new Watcher({ client, taskPollMs, watchPollMs, warn, observe });
  const app = await createApp(config, { client, watcher, lifecycle, log, metrics, tracing, playground });
  const ops = createOpsApp(lifecycle, metrics);
  const opsUrl = await listen(ops, config.opsListen);
  const url = await listen(app, config.listen);
  announce.info({ url: opsUrl }, 'ops listening');
  announce.info(
    { url: `${url}/graphql`, ...(config.playground ? { playground: `${url}/` } : {}) },
    'gateway listening',
  );

  const reread = () => {
    lifecycle.reread();
  };
  return {
    reread: config.trustedDocuments === undefined ? undefined : reread,
    end: async (atOnce) => {
      const late = sleep(tellUntil);
      lifecycle.turnUnready();
      const timers = [
        setTimeout(() => {
          client.cut();
        }, cutAfter),
        setTimeout(() => {
          app.server.closeAllConnections();
        }, closeAfter),
      ];
      if (!atOnce && config.drainDelayMs > 0) await sleep(config.drainDelayMs);
      lifecycle.drain();
      await lifecycle.whenIdle();
      // What is left has no work: idle, or half a request that will never be one.
      app.server.closeAllConnections();
      await app.close();
      for (const timer of timers) clearTimeout(timer);
      await client.close();
      await sandbox?.close();
      await ops.close();
      await Promise.race([Promise.all([tracing?.stop(), whenWritten(log)]), late]);
    },
  };
}

async function listen(app: FastifyInstance, { host, port }: ListenAddress): Promise<string> {
  await app.listen({ host, port });
  const bound = app.server.address();
  if (bound === null || typeof bound === 'string') throw new TypeError('The listener has no address.');
  const name = unspecified.get(bound.address) ?? bound.address;
  return `http://${isIPv6(name) ? `[${name}]` : name}:${bound.port}`;
}

// Addresses that stand for all of a machine's are none to call.
const unspecified = new Map([
  ['0.0.0.0', '127.0.0.1'],
  ['::', '::1'],
]);

async function run(): Promise<void> {
  // Until it runs there is nothing to end.
  let end = (): void => process.exit(0);
  let first: number | undefined;
  for (const signal of signals) {
    process.on(signal, () => {
      if (first === undefined) {
        first = performance.now();
        end();
      } else if (performance.now() - first > echo) process.exit(1);
    });
  }
  const config = readConfig();
  const log = createLogger(config.logLevel, process.stdout.isTTY);
  // The addresses are told whatever the level: whoever asked for any free port must learn which it is.
  const announce = log.child({}, { level: 'info' });
  const start = process.argv[2] === 'sandbox' ? startSandboxAlone : startGateway;
  const running = await start(config, log, announce);
  const logFatal = (error: unknown): void => {
    log.fatal({ err: toLoggable(error) }, 'unexpected error, ending');
  };
  const { reread } = running;
  // The signal of a terminal that is gone ends the process, unless there is something to read again.
  const skip = [...signals, ...(reread === undefined ? [] : (['SIGHUP'] as const))];
  if (reread !== undefined) process.on('SIGHUP', reread);
  const options: Options = { delay: exitAfter, logger: false, skip, onSecondError: logFatal };
  const { close } = closeWithGrace(options, async (event) => {
    const failed = 'err' in event;
    if (failed) logFatal(event.err);
    await running.end(failed);
    // A promise may be rejected with nothing, which would pass for no failure.
    if (failed) process.exit(1);
  });
  end = close;
}

const signals = ['SIGINT', 'SIGTERM'] as const;
// A signal to a whole process group comes twice where npm is in it, since npm passes its own on: within so many milliseconds, the second
// is an echo of the first.
const echo = 100;

async function startSandboxAlone(config: Config, _log: Logger, announce: Logger): Promise<Running> {
  const sandbox = await startSandbox(config, announce);
  return { end: sandbox.close };
}

try {
  await run();
} catch (error) {
  const message =
    error instanceof ConfigError || error instanceof TrustedDocumentsError
      ? `The gateway cannot start with this environment:\n${error.message}`
      : `The gateway cannot start: ${toStartFault(error)}`;
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

// A port that is taken, a playground that is not built: what Node or we say of these holds nothing of a caller's.
function toStartFault(error: unknown): string {
  return typeof error === 'object' && error !== null && 'message' in error
    ? String(error.message)
    : 'for no known reason.';
}
