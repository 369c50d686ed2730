// Runs the benchmark: compiles the child processes, starts them, measures each workload, and reports the results.
// Nothing is measured in this process.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { toChart } from './chart.js';
import { benchDirectory, benchDist, compile } from './compile.js';
import {
  baseline,
  type Contender,
  contenders,
  createOtherBuild,
  createOtherFlags,
  createTailcall,
  gateway,
  gatewayWithTraces,
} from './contenders.js';
import { loadAverage, nodeMajor } from './machine.js';
import { type Bench, measureLatency, measureThroughput } from './measure.js';
import { measureChanges, measureSoak, measureStartup } from './measure-gateway.js';
import { type Options, readOptions } from './options.js';
import { killAll, Process } from './processes.js';
import { type Run, toReport, type WorkloadResult } from './report.js';
import { startSlowUpstream, startUpstream, type Upstream, writeResponses } from './upstream.js';
import { findTailcall } from './tailcall.js';
import type { Workload } from './workloads.js';

async function run(options: Options, directory: string): Promise<void> {
  const loadAverageBefore = loadAverage();
  await compile();
  if (options.all) await composeSupergraph();
  const logs = join(directory, 'logs');
  mkdirSync(logs);
  writeResponses(join(directory, 'responses'));
  const upstreamOptions = { directory, staticServer: join(benchDist, 'static-server.js') };
  const upstream = await startUpstream(upstreamOptions);
  const bench: Bench = {
    options,
    directories: { root: join(benchDirectory, '..'), benchDist, logs },
    contenders: toContenders(options),
    loadGenerator: new Process({
      name: 'load generator',
      file: process.execPath,
      args: [join(benchDist, 'load.js')],
      logFile: join(logs, 'load.log'),
    }),
    logProgress,
  };
  const results: WorkloadResult[] = [];
  for (const workload of options.workloads) {
    logProgress(`\n${workload.id}: ${workload.title}`);
    const startSlow = (delayMs: number) => startSlowUpstream(upstreamOptions, delayMs);
    results.push(await measureWorkload(bench, upstream, startSlow, workload));
  }
  const completedRun: Run = {
    options,
    contenders: bench.contenders,
    upstream: upstream.name,
    loadAverage: loadAverageBefore,
    results,
  };
  const report = toReport(completedRun, benchDirectory);
  process.stdout.write(`\n${report}`);
  if (!options.writesResults) return;
  writeFileSync(join(benchDirectory, `results-node${nodeMajor}.md`), report);
  writeFileSync(join(benchDirectory, `results-node${nodeMajor}.svg`), toChart(completedRun));
}

// Writes the supergraph that Hive Gateway serves.
async function composeSupergraph(): Promise<void> {
  const cli = join(benchDirectory, 'node_modules/.bin/mesh-compose');
  const output = join(benchDist, 'contenders/hive/supergraph.graphql');
  await promisify(execFile)(cli, ['-c', 'contenders/hive/mesh.config.ts', '-o', output], { cwd: benchDirectory });
}

function toContenders({ all, traces, compare, flags }: Options): readonly Contender[] {
  if (flags.length > 0) return [gateway, ...flags.map(createOtherFlags)];
  if (compare !== undefined) return [baseline, gateway, createOtherBuild(compare)];
  if (traces) return [baseline, gateway, gatewayWithTraces];
  if (!all) return contenders.filter(({ optional }) => !optional);
  const program = findTailcall();
  if (program === undefined) logProgress('Without Tailcall, which does not run on this machine (see README.md).');
  return program === undefined ? contenders : [...contenders, createTailcall(program)];
}

async function measureWorkload(
  bench: Bench,
  upstream: Upstream,
  startSlow: (delayMs: number) => Promise<Upstream>,
  workload: Workload,
): Promise<WorkloadResult> {
  switch (workload.kind) {
    case 'throughput':
      return { kind: workload.kind, workload, result: await measureThroughput(bench, upstream, workload) };
    case 'latency': {
      if (workload.delayMs === 0) {
        return { kind: workload.kind, workload, result: await measureLatency(bench, upstream, workload) };
      }
      const slowUpstream = await startSlow(workload.delayMs);
      const result = await measureLatency(bench, slowUpstream, workload);
      await slowUpstream.stop();
      return { kind: workload.kind, workload, result };
    }
    case 'soak':
      return { kind: workload.kind, workload, result: await measureSoak(bench, upstream, workload) };
    case 'changes':
      return { kind: workload.kind, workload, result: await measureChanges(bench, workload) };
    case 'startup':
      return { kind: workload.kind, workload, result: await measureStartup(bench, upstream) };
  }
}

function logProgress(text: string): void {
  process.stderr.write(`${text}\n`);
}

const directory = mkdtempSync(join(tmpdir(), 'gateway-bench-'));
process.once('exit', () => {
  killAll();
  rmSync(directory, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

try {
  await run(readOptions(process.argv.slice(2)), directory);
  process.exit();
} catch (error) {
  logProgress(error instanceof Error ? (error.stack ?? error.message) : 'The benchmark failed.');
  process.exit(1);
}
