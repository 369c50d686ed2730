// The measuring: rounds that are interleaved, so that whatever else the machine does meets all contenders alike, and their medians.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Contender, gateway } from './contenders.js';
import type { Options } from './options.js';
import { type LoadOrder, loadResultSchema, type ProbeOrder, probeResultSchema } from './orders.js';
import type { Process } from './processes.js';
import { type Places, type Station, startStation, type Verified, verify } from './stations.js';
import { median } from './statistics.js';
import type { Upstream } from './upstream.js';
import type { ProbeWork, SoakWork, ThroughputWork } from './works.js';
import { serviceCode } from './world.js';

/** What measuring needs. */
export interface Bench {
  readonly options: Options;
  readonly places: Places;
  readonly contenders: readonly Contender[];
  /** The load generator. */
  readonly load: Process;
  /** Tells a person how far it is. */
  readonly tell: (text: string) => void;
}

/** One round of one contender, or the medians of several. Times are in milliseconds. */
export interface Throughput {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** CPU time of the contender for each request. */
  readonly cpuMs: number;
  /** Resident memory of the contender at the end, in megabytes (10^6 bytes). */
  readonly rssMb: number;
  /** REST calls for each operation. */
  readonly calls: number;
  /** The share of one core that the load generator used. */
  readonly busy: number;
}

/** One round of one contender, or the medians of several. Times are in milliseconds. */
export interface Probe {
  readonly p50: number;
  readonly p99: number;
  /** Of the REST call made directly, in between. */
  readonly directP50: number;
  /** p50 over directP50. */
  readonly ratio: number;
  /** p50 less directP50. */
  readonly difference: number;
  /** CPU time of the contender for each query. */
  readonly cpuMs: number;
  readonly calls: number;
}

/** What came of a soak. */
export interface Soak {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly faults: number;
  /** Resident memory about 20 s after the beginning, in megabytes; a median, as the next. */
  readonly rssEarlyMb: number;
  /** In the last seconds. */
  readonly rssLateMb: number;
}

/** What came of starting the gateway. */
export interface Start {
  /** From the spawn to the line that says it listens, in milliseconds. */
  readonly readyMs: number;
  /** Resident memory at rest, in megabytes. */
  readonly rssMb: number;
}

/** The medians of each contender, by its id. */
export type ByContender<T> = ReadonlyMap<string, T>;

/** Measures a work of throughput. Throws where an answer is not the expected one. */
export function measureThroughput(
  bench: Bench,
  upstream: Upstream,
  work: ThroughputWork,
): Promise<ByContender<Throughput>> {
  const { connections, keys } = work;
  return interleave(bench, upstream, work, (station, seconds) =>
    measureLoad(bench.load, upstream, station, { connections, keys, seconds }),
  );
}

/** Measures a work of one caller. Throws where an answer is not the expected one. */
export function measureProbe(bench: Bench, upstream: Upstream, work: ProbeWork): Promise<ByContender<Probe>> {
  const directUrl = `${upstream.url}/services/${serviceCode}/${work.world.environment}/sitetositevpns`;
  return interleave(bench, upstream, work, async (station, seconds) => {
    const { url, body, expectedBody, contender } = station;
    const order: ProbeOrder = { ask: 'probe', url, body, expectedBody, directUrl, seconds };
    const [before, callsBefore] = await Promise.all([station.process.usage(), upstream.calls()]);
    const result = await bench.load.ask(order, probeResultSchema);
    const [after, callsAfter] = await Promise.all([station.process.usage(), upstream.calls()]);
    refuseFaults(contender, result.faults);
    const { p50, p99, directP50, answered } = result;
    return {
      p50,
      p99,
      directP50,
      ratio: p50 / directP50,
      difference: p50 - directP50,
      cpuMs: (after.cpuMs - before.cpuMs) / answered,
      // One of them was the direct one.
      calls: (callsAfter - callsBefore) / answered - 1,
    };
  });
}

/** Loads the gateway for long, and looks at its memory every second. */
export async function measureSoak(bench: Bench, upstream: Upstream, work: SoakWork): Promise<Soak> {
  const station = await startStation(gateway, upstream.url, bench.places);
  const [verified] = await verify([station], work.question);
  if (verified === undefined) throw new TypeError('There is no gateway.');
  const { url, body, expectedBody } = verified;
  const { connections, keys, seconds } = work;
  const order: LoadOrder = { ask: 'load', url, body, expectedBody, connections, keys, seconds };
  const loading = bench.load.ask(order, loadResultSchema);
  const rss: number[] = [];
  for (let second = 1; second < seconds; second++) {
    await sleep(1000);
    rss.push((await station.process.usage()).rssBytes / 1e6);
  }
  const { perSecond, p50, p99, faults } = await loading;
  await station.process.stop();
  return { perSecond, p50, p99, faults, rssEarlyMb: median(rss.slice(17, 22)), rssLateMb: median(rss.slice(-5)) };
}

/** Starts the gateway as often as there are rounds. */
export async function measureStart(bench: Bench, upstream: Upstream): Promise<Start> {
  const starts: Start[] = [];
  for (let round = 0; round < bench.options.rounds; round++) {
    const begin = performance.now();
    const { process: started } = await startStation(gateway, upstream.url, bench.places);
    const readyMs = performance.now() - begin;
    await sleep(3000);
    starts.push({ readyMs, rssMb: (await started.usage()).rssBytes / 1e6 });
    await started.stop();
  }
  return { readyMs: median(starts.map((one) => one.readyMs)), rssMb: median(starts.map((one) => one.rssMb)) };
}

// Of every work, also of those of one caller: from one alone the compiler of the engine would not learn enough in the time.
const warmUpLoad = { connections: 16, keys: 16 };

// Every contender is started anew for each work: none carries over what another work has left in it.
async function interleave<T extends { [K in keyof T]: number }>(
  bench: Bench,
  upstream: Upstream,
  { id, question }: ThroughputWork | ProbeWork,
  measure: (station: Verified, seconds: number) => Promise<T>,
): Promise<ByContender<T>> {
  const { rounds, seconds, warmUp, leadIn } = bench.options;
  const started: Station[] = [];
  try {
    for (const contender of bench.contenders.filter(({ leftOut = [] }) => !leftOut.includes(id))) {
      started.push(await startStation(contender, upstream.url, bench.places));
    }
    const stations = await verify(started, question);
    for (const station of stations)
      await measureLoad(bench.load, upstream, station, { ...warmUpLoad, seconds: warmUp });
    const measured = new Map<string, T[]>(stations.map(({ contender }) => [contender.id, []]));
    for (let round = 0; round < rounds; round++) {
      bench.tell(`round ${round + 1} of ${rounds}`);
      const first = round % stations.length;
      for (const station of [...stations.slice(first), ...stations.slice(0, first)]) {
        if (leadIn > 0) await measureLoad(bench.load, upstream, station, { ...warmUpLoad, seconds: leadIn });
        measured.get(station.contender.id)?.push(await measure(station, seconds));
      }
    }
    return new Map([...measured].map(([contender, all]) => [contender, toMedians(all)]));
  } finally {
    await Promise.all(started.map((station) => station.process.stop()));
  }
}

async function measureLoad(
  load: Process,
  upstream: Upstream,
  { url, body, expectedBody, contender, process: measured }: Verified,
  rest: Pick<LoadOrder, 'connections' | 'keys' | 'seconds'>,
): Promise<Throughput> {
  const [before, callsBefore] = await Promise.all([measured.usage(), upstream.calls()]);
  const result = await load.ask(
    { ask: 'load', url, body, expectedBody, ...rest } satisfies LoadOrder,
    loadResultSchema,
  );
  await whenQuiet(measured);
  const [after, callsAfter] = await Promise.all([measured.usage(), upstream.calls()]);
  refuseFaults(contender, result.faults);
  if (result.perSecond === 0) throw new Error(`${contender.title} answered nothing, though it was given time.`);
  const { perSecond, p50, p99, sent, busy } = result;
  return {
    perSecond,
    p50,
    p99,
    cpuMs: (after.cpuMs - before.cpuMs) / sent,
    rssMb: after.rssBytes / 1e6,
    calls: (callsAfter - callsBefore) / sent,
    busy,
  };
}

// What was under way when the load ended is carried out, or given up, before it is counted, and before the next one's turn.
async function whenQuiet(measured: Process): Promise<void> {
  for (let look = 0; look < 30; look++) {
    const { cpuMs } = await measured.usage();
    await sleep(100);
    if ((await measured.usage()).cpuMs - cpuMs < 5) return;
  }
}

function refuseFaults(contender: Contender, faults: number): void {
  if (faults > 0) throw new Error(`${contender.title} gave ${faults} answers that are not the expected one.`);
}

function toMedians<T extends { [K in keyof T]: number }>(rounds: readonly T[]): T {
  const [first] = rounds;
  if (first === undefined) throw new TypeError('There is no round.');
  const medians = { ...first };
  for (const name in first) Object.assign(medians, { [name]: median(rounds.map((round) => round[name])) });
  return medians;
}
