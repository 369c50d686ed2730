// The benchmark: compiles what runs in processes of its own, starts them, measures each work, and reports. Nothing is measured in this
// process.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { toChart } from './chart.js';
import { compile, compiled, here } from './compile.js';
import { type Contender, contenders, floor, gateway, toOther, traced } from './contenders.js';
import { otherLoad } from './machine.js';
import { type Bench, measureProbe, measureSoak, measureStart, measureThroughput } from './measure.js';
import { type Options, readOptions } from './options.js';
import { killAll, Process } from './processes.js';
import { type Finding, type Run, toReport } from './report.js';
import { startSlowUpstream, startUpstream, type Upstream, writeAnswers } from './upstream.js';
import type { Work } from './works.js';

// What Hive Gateway runs on.
async function composeSupergraph(): Promise<void> {
  const cli = join(here, 'node_modules/.bin/mesh-compose');
  const to = join(compiled, 'contenders/hive/supergraph.graphql');
  await promisify(execFile)(cli, ['-c', 'contenders/hive/mesh.config.ts', '-o', to], { cwd: here });
}

async function measure(bench: Bench, upstream: Upstream, slow: SlowUpstream, work: Work): Promise<Finding> {
  switch (work.kind) {
    case 'throughput':
      return { kind: work.kind, work, found: await measureThroughput(bench, upstream, work) };
    case 'probe': {
      if (work.delayMs === 0) return { kind: work.kind, work, found: await measureProbe(bench, upstream, work) };
      const late = await slow(work.delayMs);
      const found = await measureProbe(bench, late, work);
      await late.stop();
      return { kind: work.kind, work, found };
    }
    case 'soak':
      return { kind: work.kind, work, found: await measureSoak(bench, upstream, work) };
    case 'start':
      return { kind: work.kind, work, found: await measureStart(bench, upstream) };
  }
}

function toContenders({ all, traces, beside }: Options): readonly Contender[] {
  if (beside !== undefined) return [floor, gateway, toOther(beside)];
  return traces ? [floor, gateway, traced] : contenders.filter(({ extra }) => all || !extra);
}

type SlowUpstream = (delayMs: number) => Promise<Upstream>;

async function run(options: Options, directory: string): Promise<void> {
  const before = otherLoad();
  await compile();
  if (options.all) await composeSupergraph();
  const logs = join(directory, 'logs');
  mkdirSync(logs);
  writeAnswers(join(directory, 'answers'));
  const upstreamOptions = { directory, responder: join(compiled, 'responder.js') };
  const upstream = await startUpstream(upstreamOptions);
  const bench: Bench = {
    options,
    places: { root: join(here, '..'), compiled, logs },
    contenders: toContenders(options),
    load: new Process({
      name: 'load generator',
      file: process.execPath,
      args: [join(compiled, 'load.js')],
      logFile: join(logs, 'load.log'),
    }),
    tell,
  };
  const findings: Finding[] = [];
  for (const work of options.works) {
    tell(`\n${work.id}: ${work.title}`);
    const slow = (delayMs: number) => startSlowUpstream(upstreamOptions, delayMs);
    findings.push(await measure(bench, upstream, slow, work));
  }
  const made: Run = { options, contenders: bench.contenders, upstream: upstream.name, otherLoad: before, findings };
  const report = toReport(made, here);
  process.stdout.write(`\n${report}`);
  if (!options.keep) return;
  writeFileSync(join(here, 'results.md'), report);
  writeFileSync(join(here, 'results.svg'), toChart(made));
}

function tell(text: string): void {
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
  tell(error instanceof Error ? (error.stack ?? error.message) : 'The benchmark failed.');
  process.exit(1);
}
