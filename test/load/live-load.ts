// Measures what one change costs with many followers of one API key, over WebSockets, on one process of the built gateway. All use the list
// operation of operations/. Varies rows and followers, so that growth shows. Needs Linux, for /proc. Fails above the limits below.
// Options: --rows 25,500, --followers 10,100,1000, --changes 5, --gateway dist/main.js.
import { fork, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { waitUntil } from '../helpers/wait-until.js';
import { readCpuMs, readPeakMiB, resetPeak } from './process-usage.js';
import { startSizedRestApi } from './sized-rest-api.js';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '25,500' },
    followers: { type: 'string', default: '10,100,1000' },
    changes: { type: 'string', default: '5' },
    gateway: { type: 'string', default: 'dist/main.js' },
  },
});
const toNumbers = (list: string) => list.split(',').map(Number);
const changes = Number(values.changes);
const vpcs = 20;
const pollMs = 2_000;
// Milliseconds between two requests of another tenant.
const probeMs = 20;

const maxRestCalls = 4;
const maxOtherP95Ms = 250;
const maxGrowthMiB = 150;
// CPU of one change, as a multiple of that for the fewest followers. Applies to the longest list: for short ones, writing to the sockets
// takes most of the time.
const maxCpuFactor = 3;

/** Holds what was measured with a number of rows and followers. */
interface Measured {
  readonly rows: number;
  readonly followers: number;
  readonly cpuMs: number;
  readonly restCalls: number;
  readonly deliveredMs: number;
  readonly otherP95Ms: number;
  readonly growthMiB: number;
}

const rest = await startSizedRestApi();

async function startGateway() {
  const child = spawn(process.execPath, [values.gateway], {
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
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /"url":"([^"]+\/graphql)"/.exec(line)?.[1];
    if (url === undefined) continue;
    child.stdout.resume();
    return { url, pid: child.pid ?? 0, stop: () => child.kill('SIGKILL') };
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

async function measure(rows: number, followers: number): Promise<Measured> {
  const gateway = await startGateway();
  // Warms up the gateway.
  let isWarm = false;
  const warmUp = probe(gateway.url, () => isWarm);
  await sleep(1_000);
  isWarm = true;
  await warmUp;
  const freshMiB = resetPeak(gateway.pid);
  const environment = `rows-${rows}-vpcs-${vpcs}-versioned`;
  const script = fileURLToPath(new URL('live-followers.ts', import.meta.url));
  const child = fork(script, [gateway.url, String(followers), environment]);
  let events = 0;
  child.on('message', (message: { readonly events: number }) => {
    events = message.events;
  });
  await waitUntil(() => events === 1);
  /** Makes one change, and waits until each follower has it. */
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
  child.kill('SIGKILL');
  gateway.stop();
  return {
    rows,
    followers,
    cpuMs,
    restCalls,
    deliveredMs: toPercentile(deliveries, 0.5),
    otherP95Ms: toPercentile(durations, 0.95),
    growthMiB,
  };
}

const print = (cells: readonly unknown[]) => process.stdout.write(`| ${cells.map(String).join(' | ')} |\n`);
print(['rows', 'followers', 'CPU of one change', 'REST calls', 'poll and delivery', 'p95 of another tenant', 'memory']);
print(['---:', '---:', '---:', '---:', '---:', '---:', '---:']);
const faults: string[] = [];
for (const rows of toNumbers(values.rows)) {
  let fewest: Measured | undefined;
  for (const followers of toNumbers(values.followers)) {
    const measured = await measure(rows, followers);
    const { cpuMs, restCalls, deliveredMs, otherP95Ms, growthMiB } = measured;
    fewest ??= measured;
    print([
      rows,
      followers,
      `${Math.round(cpuMs)} ms`,
      restCalls.toFixed(1),
      `${Math.round(deliveredMs)} ms`,
      `${Math.round(otherP95Ms)} ms`,
      `+${Math.round(growthMiB)} MiB`,
    ]);
    const name = `${followers} followers of ${rows} VPNs`;
    if (restCalls > maxRestCalls) faults.push(`${name}: more than ${maxRestCalls} REST calls for one change.`);
    if (otherP95Ms > maxOtherP95Ms) faults.push(`${name}: another tenant waits more than ${maxOtherP95Ms} ms.`);
    if (growthMiB > maxGrowthMiB) faults.push(`${name}: more than ${maxGrowthMiB} MiB.`);
    if (rows === Math.max(...toNumbers(values.rows)) && cpuMs > maxCpuFactor * fewest.cpuMs) {
      faults.push(`${name}: more than ${maxCpuFactor} times the CPU of ${fewest.followers} followers.`);
    }
  }
}
rest.stop();
process.stderr.write(faults.map((fault) => `${fault}\n`).join(''));
process.exitCode = faults.length === 0 ? 0 : 1;
