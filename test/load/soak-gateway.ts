// The gateway of the soak test: the built process, which counts the resources that it holds.
import { type ChildProcess, spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { z } from 'zod';

/** Resources that an idle process holds, after garbage collection. */
export interface ResourceUsage {
  /** Used heap, in bytes. */
  readonly heap: number;
  /** Functions on the heap, including leaked listeners. */
  readonly functions: number;
  /** Timers, including those that do not keep the process alive. */
  readonly timers: number;
  readonly sockets: number;
  /** Open files of the process, including sockets. */
  readonly files: number;
}

/** Names of the counted resources. */
export const resourceNames = ['heap', 'functions', 'timers', 'sockets', 'files'] as const;

/** Deadline of an operation's REST work, in milliseconds. It limits how long a caller waits for a REST API that does not respond. */
const deadlineMs = 5_000;

const countsSchema = z.object({ heap: z.number(), functions: z.number(), timers: z.number(), sockets: z.number() });

// Responds to each message with the counts. queryObjects collects garbage first, so it counts only reachable objects.
const preload = `
  import { Socket } from 'node:net';
  import { queryObjects } from 'node:v8';
  import { setTimeout as sleep } from 'node:timers/promises';
  const timer = setTimeout(() => {}, 0);
  const Timer = timer.constructor;
  const count = (constructor) => queryObjects(constructor, { format: 'count' });
  process.on('message', async () => {
    // One collection may run finalizers that release more objects.
    for (let round = 0; round < 4; round++) {
      globalThis.gc();
      await sleep(20);
    }
    const [functions, timers, sockets] = [count(Function), count(Timer), count(Socket)];
    process.send({ heap: process.memoryUsage().heapUsed, functions, timers, sockets });
  });
  // Exits with the parent process.
  process.on('disconnect', () => process.exit());
  process.channel.unref();
`;

/** Starts the built gateway on a REST API. */
export async function startSoakGateway(restUrl: string) {
  const args = ['--expose-gc', '--import', `data:text/javascript,${encodeURIComponent(preload)}`, 'dist/main.js'];
  const child: ChildProcess = spawn(process.execPath, args, {
    env: {
      PORT: '0',
      OPS_PORT: '0',
      CLOUDCA_API_URL: restUrl,
      CLOUDCA_API_TIMEOUT_MS: String(deadlineMs),
      TASK_POLL_MS: '50',
      WATCH_POLL_MS: '50',
      RATE_LIMIT_PER_MINUTE: '1000000',
    },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const { stdout } = child;
  if (stdout === null) throw new TypeError('The process has no stdout.');
  const lineSchema = z.looseObject({
    msg: z.string(),
    url: z.string().optional(),
    requestId: z.string().optional(),
    action: z.string().optional(),
    outcome: z.string().optional(),
  });
  const urls = new Map<string, string>();
  const auditedOutcomes = new Map<string, string>();
  let unexpectedErrors = 0;
  const listening = new Promise<void>((resolve, reject) => {
    createInterface({ input: stdout }).on('line', (text) => {
      const { msg, url, requestId, action, outcome } = lineSchema.parse(JSON.parse(text));
      if (url !== undefined) urls.set(msg, url);
      if (msg === 'gateway listening') resolve();
      if (msg === 'audit' && requestId !== undefined && action !== 'SiteToSiteVpn.ipSecPsk')
        auditedOutcomes.set(requestId, outcome ?? '');
      if (msg === 'unexpected error') unexpectedErrors++;
    });
    child.once('exit', () => {
      reject(new Error('The gateway has exited.'));
    });
  });
  await listening;
  const opsUrl = urls.get('ops listening') ?? '';
  const fetchMetrics = async () => (await fetch(`${opsUrl}/metrics`, { headers: { connection: 'close' } })).text();
  return {
    url: urls.get('gateway listening') ?? '',
    opsUrl,
    /** Outcomes of the writes in the audit log, by request id. */
    auditedOutcomes,
    /** Number of unexpected errors in the log. */
    unexpectedErrors: () => unexpectedErrors,
    /** Returns a function that sums the series of a metric whose labels contain a text. */
    readMetrics: async () => {
      const lines = (await fetchMetrics()).split('\n');
      return (name: string, label = '') =>
        lines
          .filter((line) => (line.startsWith(`${name} `) || line.startsWith(`${name}{`)) && line.includes(label))
          .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
    },
    /** Counts completed operations by outcome. */
    readOutcomes: async () => {
      const counts = new Map<string, number>();
      for (const [, outcome, count] of (await fetchMetrics()).matchAll(
        /^gateway_operations_total\{.*outcome="(\w+)"\} (\d+)$/gm,
      )) {
        counts.set(outcome ?? '', (counts.get(outcome ?? '') ?? 0) + Number(count));
      }
      return counts;
    },
    measure: async (): Promise<ResourceUsage> => {
      const message = new Promise((resolve) => child.once('message', resolve));
      child.send('measure');
      const files = (await readdir(`/proc/${child.pid ?? ''}/fd`)).length;
      return { ...countsSchema.parse(await message), files };
    },
    kill: () => child.kill('SIGKILL'),
  };
}
