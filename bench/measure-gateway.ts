// Measures the gateway alone: under long load, with subscribers, and at its start.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { gateway } from './contenders.js';
import { type Bench, measureLoad, warmUpLoad } from './measure.js';
import { type LoadMessage, loadResultSchema } from './messages.js';
import { Process } from './processes.js';
import { startServer, verifyServers } from './servers.js';
import { median } from './statistics.js';
import type { Upstream } from './upstream.js';
import type { ChangesWorkload, SoakWorkload } from './workloads.js';

/** Result of a soak test. */
export interface Soak {
  /** Number of responses per second. */
  readonly requestsPerSecond: number;
  /** Median latency, in milliseconds. */
  readonly p50Ms: number;
  /** 99th percentile of the latency, in milliseconds. */
  readonly p99Ms: number;
  /** Number of connection errors, timeouts, statuses other than 2xx, and unexpected bodies. */
  readonly errors: number;
  /** Median resident memory (RSS) about 20 s after the start, in megabytes (10^6 bytes). */
  readonly rssEarlyMb: number;
  /** Median resident memory (RSS) in the last five seconds, in megabytes (10^6 bytes). */
  readonly rssLateMb: number;
  /** Peak of the resident memory (RSS), in megabytes (10^6 bytes). */
  readonly rssPeakMb: number;
}

/** Holds what one change of a list costs with a number of subscribers. */
export interface Change {
  /** Number of VPNs in the list. */
  readonly rows: number;
  readonly subscribers: number;
  /** CPU time of the gateway per change, in milliseconds. Includes the poll that finds it. */
  readonly cpuMs: number;
  /** REST calls per change. */
  readonly restCalls: number;
  /** Time until each subscriber has the change, in milliseconds. Includes the wait for the next poll. */
  readonly deliveredMs: number;
  /** 95th percentile of the latency of a small query with another API key meanwhile, in milliseconds. */
  readonly otherP95Ms: number;
  /** Peak of the resident memory above that before the subscribers, in megabytes (10^6 bytes). */
  readonly growthMb: number;
}

/** Startup time and idle memory of the gateway. */
export interface Startup {
  /** Time from the spawn to the log line that reports the URL, in milliseconds. */
  readonly readyMs: number;
  /** Resident memory (RSS) after three idle seconds, in megabytes (10^6 bytes). */
  readonly rssMb: number;
}

/**
 * Loads the gateway for the workload's duration and samples its memory every second. Returns undefined if the workload needs taskset, and the
 * machine has none.
 */
export async function measureSoak(bench: Bench, upstream: Upstream, workload: SoakWorkload): Promise<Soak | undefined> {
  const { connections, keys, seconds, containerMb } = workload;
  if (containerMb !== undefined && spawnSync('taskset', ['--version']).status !== 0) return undefined;
  const server = await startServer(gateway, upstream.url, bench.directories, { containerMb });
  const [verified] = await verifyServers([server], workload.query);
  if (verified === undefined) throw new TypeError('The gateway was not verified.');
  await measureLoad(bench.loadGenerator, upstream, verified, { ...warmUpLoad, seconds: bench.options.warmUpSeconds });
  const { url, body, expectedBody } = verified;
  const message: LoadMessage = { type: 'load', url, body, expectedBody, connections, keys, seconds };
  const loading = bench.loadGenerator.send(message, loadResultSchema);
  const rssMb: number[] = [];
  for (let second = 1; second < seconds; second++) {
    await sleep(1000);
    rssMb.push((await server.process.usage()).rssBytes / 1e6);
  }
  const { requestsPerSecond, p50Ms, p99Ms, errors } = await loading;
  const { peakRssBytes } = await server.process.usage();
  await server.process.stop();
  return {
    requestsPerSecond,
    p50Ms,
    p99Ms,
    errors,
    rssEarlyMb: median(rssMb.slice(17, 22)),
    rssLateMb: median(rssMb.slice(-5)),
    rssPeakMb: peakRssBytes / 1e6,
  };
}

const changeSchema = z.object({
  cpuMs: z.number(),
  restCalls: z.number(),
  deliveredMs: z.number(),
  otherP95Ms: z.number(),
  growthMiB: z.number(),
});

/** Makes one change per round with each number of VPNs and subscribers, with a REST API of its own. Returns means and percentiles. */
export async function measureChanges(bench: Bench, { rows, subscribers }: ChangesWorkload): Promise<readonly Change[]> {
  const { root, logs } = bench.directories;
  const measurer = new Process({
    name: 'live load',
    file: process.execPath,
    args: ['--import', 'tsx', 'test/load/live-load.ts'],
    logFile: join(logs, 'live-load.log'),
    cwd: root,
  });
  const command = [process.execPath, ...gateway.flags, gateway.script(bench.directories)];
  const results: Change[] = [];
  for (const size of rows.flatMap((count) => subscribers.map((number) => ({ rows: count, subscribers: number })))) {
    bench.logProgress(`${size.rows} VPNs, ${size.subscribers} subscribers`);
    const { growthMiB, ...rest } = await measurer.send(
      { command, ...size, changes: bench.options.rounds },
      changeSchema,
    );
    results.push({ ...size, ...rest, growthMb: growthMiB * 1.048576 });
  }
  await measurer.stop();
  return results;
}

/** Starts the gateway once per round and returns the medians. */
export async function measureStartup(bench: Bench, upstream: Upstream): Promise<Startup> {
  const startups: Startup[] = [];
  for (let round = 0; round < bench.options.rounds; round++) {
    const startedAt = performance.now();
    const { process: child } = await startServer(gateway, upstream.url, bench.directories);
    const readyMs = performance.now() - startedAt;
    await sleep(3000);
    startups.push({ readyMs, rssMb: (await child.usage()).rssBytes / 1e6 });
    await child.stop();
  }
  return {
    readyMs: median(startups.map((startup) => startup.readyMs)),
    rssMb: median(startups.map((startup) => startup.rssMb)),
  };
}
