// Measures what one change costs with many subscribers of one API key, over WebSockets, on one process of the built gateway. All use the list
// operation of operations/. Needs Linux, for /proc. Runs as a child process of the bench (`npm run bench -- --only changes`). Measures once
// for each IPC message, which says how many rows, subscribers and changes to use. Sends the figures in another message.
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitUntil } from '../helpers/wait-until.js';
import { readCpuMs, readPeakMiB, resetPeak } from './process-usage.js';
import { startSizedRestApi } from './sized-rest-api.js';

const vpcs = 20;
const pollMs = 2_000;
// Milliseconds between two requests of another tenant.
const probeMs = 20;

/** Says what to measure. */
interface Message {
  /** Program and arguments that start the gateway. */
  readonly command: readonly string[];
  readonly rows: number;
  readonly subscribers: number;
  readonly changes: number;
}

/** Holds what was measured with a number of rows and subscribers. */
interface Measured {
  readonly cpuMs: number;
  readonly restCalls: number;
  readonly deliveredMs: number;
  readonly otherP95Ms: number;
  readonly growthMiB: number;
}

const rest = await startSizedRestApi();
const children = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});
process.once('SIGTERM', () => process.exit());

async function startGateway([program = '', ...args]: readonly string[]) {
  const child = spawn(program, args, {
    env: {
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      PORT: '0',
      OPS_PORT: '0',
      CLOUDCA_API_URL: rest.url,
      LOG_LEVEL: 'warn',
      RATE_LIMIT_PER_MINUTE: '0',
      // The limit is to be measured, not the shedding.
      MAX_EVENT_LOOP_DELAY_MS: '0',
      WATCH_POLL_MS: String(pollMs),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.add(child);
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /"url":"([^"]+\/graphql)"/.exec(line)?.[1];
    if (url === undefined) continue;
    child.stdout.resume();
    return { url, pid: child.pid ?? 0 };
  }
  throw new Error('The gateway has exited.');
}

/** Sends small queries of another tenant until `isDone`. Returns their durations in milliseconds. */
async function probe(url: string, isDone: () => boolean): Promise<number[]> {
  const query = '{ siteToSiteVpns(environment: {serviceCode: "compute-on", name: "rows-5"}) { nodes { name } } }';
  const durations: number[] = [];
  while (!isDone()) {
    const startedAt = performance.now();
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'mc-api-key': 'other-tenant' },
      body: JSON.stringify({ query }),
    });
    await response.text();
    durations.push(performance.now() - startedAt);
    await sleep(probeMs);
  }
  return durations;
}

const toPercentile = (numbers: readonly number[], share: number) =>
  numbers.toSorted((one, other) => one - other)[Math.ceil(numbers.length * share) - 1] ?? NaN;

async function measure({ command, rows, subscribers, changes }: Message): Promise<Measured> {
  const gateway = await startGateway(command);
  // Warms up the gateway.
  let isWarm = false;
  const warmUp = probe(gateway.url, () => isWarm);
  await sleep(1_000);
  isWarm = true;
  await warmUp;
  const freshMiB = resetPeak(gateway.pid);
  const environment = `rows-${rows}-vpcs-${vpcs}-versioned`;
  const script = fileURLToPath(new URL('live-subscribers.ts', import.meta.url));
  const child = fork(script, [gateway.url, String(subscribers), environment]);
  children.add(child);
  let events = 0;
  child.on('message', (message: { readonly events: number }) => {
    events = message.events;
  });
  await waitUntil(() => events === 1);
  /** Makes one change, and waits until each subscriber has it. */
  const change = async () => {
    const target = events + 1;
    rest.version++;
    await waitUntil(() => events === target);
  };
  await change();
  await sleep(1_000);
  const cpuBefore = readCpuMs(gateway.pid);
  const callsBefore = rest.countCalls('live-load');
  const deliveries: number[] = [];
  for (let count = 0; count < changes; count++) {
    const startedAt = performance.now();
    await change();
    deliveries.push(performance.now() - startedAt);
  }
  const cpuMs = (readCpuMs(gateway.pid) - cpuBefore) / changes;
  const restCalls = (rest.countCalls('live-load') - callsBefore) / changes;
  let isDone = false;
  const probing = probe(gateway.url, () => isDone);
  for (let count = 0; count < changes; count++) await change();
  isDone = true;
  const durations = await probing;
  const growthMiB = readPeakMiB(gateway.pid) - freshMiB;
  for (const started of children) started.kill('SIGKILL');
  children.clear();
  return {
    cpuMs,
    restCalls,
    deliveredMs: toPercentile(deliveries, 0.5),
    otherP95Ms: toPercentile(durations, 0.95),
    growthMiB,
  };
}

process.on('message', (message: Message) => {
  void measure(message).then((measured) => process.send?.(measured));
});
