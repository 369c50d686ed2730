// Measures all contenders. The rounds of the contenders are interleaved, so that other load on the machine affects all of them alike;
// results are medians over the rounds.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Contender } from './contenders.js';
import { serviceCode } from './dataset.js';
import { type LatencyMessage, latencyResultSchema, type LoadMessage, loadResultSchema } from './messages.js';
import type { Options } from './options.js';
import type { Process } from './processes.js';
import { type Server, type ServerDirectories, startServer, type VerifiedServer, verifyServers } from './servers.js';
import { median } from './statistics.js';
import type { Upstream } from './upstream.js';
import type { LatencyWorkload, ThroughputWorkload } from './workloads.js';

/** Dependencies of a measurement. */
export interface Bench {
  readonly options: Options;
  readonly directories: ServerDirectories;
  readonly contenders: readonly Contender[];
  readonly loadGenerator: Process;
  /** Prints a line of progress for the user. */
  readonly logProgress: (text: string) => void;
}

/** Throughput of one contender in one round, or the medians over several rounds. */
export interface Throughput {
  /** Number of responses per second. */
  readonly requestsPerSecond: number;
  /** Median latency, in milliseconds. */
  readonly p50Ms: number;
  /** 99th percentile of the latency, in milliseconds. */
  readonly p99Ms: number;
  /** CPU time of the contender per request, in milliseconds. */
  readonly cpuMs: number;
  /** Resident memory (RSS) of the contender after the round, in megabytes (10^6 bytes). */
  readonly rssMb: number;
  /** REST calls per request. */
  readonly restCalls: number;
  /** CPU use of the load generator, as a share of one core. */
  readonly generatorCpuShare: number;
}

/** Latency of one contender in one round, or the medians over several rounds. */
export interface Latency {
  /** Median latency of the query, in milliseconds. */
  readonly p50Ms: number;
  /** 99th percentile of the query's latency, in milliseconds. */
  readonly p99Ms: number;
  /** Median latency of the direct REST call, in milliseconds. */
  readonly directP50Ms: number;
  /** `p50Ms` divided by `directP50Ms`. */
  readonly ratio: number;
  /** `p50Ms` minus `directP50Ms`. */
  readonly differenceMs: number;
  /** CPU time of the contender per query, in milliseconds. */
  readonly cpuMs: number;
  /** REST calls of the contender per query. */
  readonly restCalls: number;
}

/** Medians of each contender, by its ID. */
export type ByContender<T> = ReadonlyMap<string, T>;

/** Measures the throughput of all contenders. Rejects if a response is not the expected one. */
export function measureThroughput(
  bench: Bench,
  upstream: Upstream,
  workload: ThroughputWorkload,
): Promise<ByContender<Throughput>> {
  const { connections, keys } = workload;
  return interleaveRounds(bench, upstream, workload, (server, seconds) =>
    measureLoad(bench.loadGenerator, upstream, server, { connections, keys, seconds }),
  );
}

/** Measures the latency of all contenders for one client. Rejects if a response is not the expected one. */
export function measureLatency(
  bench: Bench,
  upstream: Upstream,
  workload: LatencyWorkload,
): Promise<ByContender<Latency>> {
  const directUrl = `${upstream.url}/services/${serviceCode}/${workload.dataset.environment}/sitetositevpns`;
  return interleaveRounds(bench, upstream, workload, async (server, seconds) => {
    const { url, body, expectedBody, contender } = server;
    const message: LatencyMessage = { type: 'latency', url, body, expectedBody, directUrl, seconds };
    const [before, callsBefore] = await Promise.all([server.process.usage(), upstream.countCalls()]);
    const result = await bench.loadGenerator.send(message, latencyResultSchema);
    const [after, callsAfter] = await Promise.all([server.process.usage(), upstream.countCalls()]);
    throwOnErrors(contender, result.errors);
    const { p50Ms, p99Ms, directP50Ms, queries } = result;
    return {
      p50Ms,
      p99Ms,
      directP50Ms,
      ratio: p50Ms / directP50Ms,
      differenceMs: p50Ms - directP50Ms,
      cpuMs: (after.cpuMs - before.cpuMs) / queries,
      // One call per query is the direct one.
      restCalls: (callsAfter - callsBefore) / queries - 1,
    };
  });
}

/** Load of a warm-up, for latency workloads too: one client sends too few requests for V8 to optimize the code meanwhile. */
export const warmUpLoad = { connections: 16, keys: 16 };

// Starts every contender anew for each workload, so that no state of another workload affects it.
async function interleaveRounds<T extends { [K in keyof T]: number }>(
  bench: Bench,
  upstream: Upstream,
  { id, query }: ThroughputWorkload | LatencyWorkload,
  measure: (server: VerifiedServer, seconds: number) => Promise<T>,
): Promise<ByContender<T>> {
  const { rounds, seconds, warmUpSeconds, roundWarmUpSeconds } = bench.options;
  const started: Server[] = [];
  try {
    for (const contender of bench.contenders) {
      if (contender.skippedWorkloads?.includes(id) === true) continue;
      if (query.trustedDocuments !== undefined && contender.takesTrustedIds !== true) continue;
      started.push(await startServer(contender, upstream.url, bench.directories, query));
    }
    const servers = await verifyServers(started, query);
    for (const server of servers) {
      await measureLoad(bench.loadGenerator, upstream, server, { ...warmUpLoad, seconds: warmUpSeconds });
    }
    const results = new Map<string, T[]>(servers.map(({ contender }) => [contender.id, []]));
    for (let round = 0; round < rounds; round++) {
      bench.logProgress(`round ${round + 1} of ${rounds}`);
      const first = round % servers.length;
      for (const server of [...servers.slice(first), ...servers.slice(0, first)]) {
        if (roundWarmUpSeconds > 0) {
          await measureLoad(bench.loadGenerator, upstream, server, { ...warmUpLoad, seconds: roundWarmUpSeconds });
        }
        results.get(server.contender.id)?.push(await measure(server, seconds));
      }
    }
    return new Map([...results].map(([contender, perRound]) => [contender, toMedians(perRound)]));
  } finally {
    await Promise.all(started.map((server) => server.process.stop()));
  }
}

/** Measures the throughput of a server once. Rejects if a response is not the expected one. */
export async function measureLoad(
  loadGenerator: Process,
  upstream: Upstream,
  { url, body, expectedBody, contender, process: child }: VerifiedServer,
  load: Pick<LoadMessage, 'connections' | 'keys' | 'seconds'>,
): Promise<Throughput> {
  const [before, callsBefore] = await Promise.all([child.usage(), upstream.countCalls()]);
  const result = await loadGenerator.send(
    { type: 'load', url, body, expectedBody, ...load } satisfies LoadMessage,
    loadResultSchema,
  );
  await waitUntilIdle(child);
  const [after, callsAfter] = await Promise.all([child.usage(), upstream.countCalls()]);
  throwOnErrors(contender, result.errors);
  if (result.requestsPerSecond === 0) throw new Error(`${contender.title} sent no response during the round.`);
  const { requestsPerSecond, p50Ms, p99Ms, sent, generatorCpuShare } = result;
  return {
    requestsPerSecond,
    p50Ms,
    p99Ms,
    cpuMs: (after.cpuMs - before.cpuMs) / sent,
    rssMb: after.rssBytes / 1e6,
    restCalls: (callsAfter - callsBefore) / sent,
    generatorCpuShare,
  };
}

// Waits up to about 3 s until the requests in flight at the end of the load are done or cancelled. They then count for this contender,
// and do not affect the next one.
async function waitUntilIdle(child: Process): Promise<void> {
  for (let poll = 0; poll < 30; poll++) {
    const { cpuMs } = await child.usage();
    await sleep(100);
    if ((await child.usage()).cpuMs - cpuMs < 5) return;
  }
}

function throwOnErrors(contender: Contender, errors: number): void {
  if (errors > 0) {
    throw new Error(
      `${contender.title} had ${errors} failed requests or unexpected responses. All must be the expected one.`,
    );
  }
}

function toMedians<T extends { [K in keyof T]: number }>(rounds: readonly T[]): T {
  const [first] = rounds;
  if (first === undefined) throw new TypeError('There are no rounds.');
  const medians = { ...first };
  for (const name in first) Object.assign(medians, { [name]: median(rounds.map((round) => round[name])) });
  return medians;
}
