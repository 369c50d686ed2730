// Writes the report of a run as Markdown that is readable on a terminal too.
import { join } from 'node:path';
import { baseline, type Contender } from './contenders.js';
import { describeMachine, nodeMajor, versionOf } from './machine.js';
import type { ByContender, Latency, Throughput } from './measure.js';
import type { Change, Soak, Startup } from './measure-gateway.js';
import type { Options } from './options.js';
import { checkTargets } from './targets.js';
import type {
  ChangesWorkload,
  LatencyWorkload,
  SoakWorkload,
  StartupWorkload,
  ThroughputWorkload,
} from './workloads.js';

/** A workload and what was measured. */
export type WorkloadResult =
  | { readonly kind: 'throughput'; readonly workload: ThroughputWorkload; readonly result: ByContender<Throughput> }
  | { readonly kind: 'latency'; readonly workload: LatencyWorkload; readonly result: ByContender<Latency> }
  | { readonly kind: 'soak'; readonly workload: SoakWorkload; readonly result: Soak | undefined }
  | { readonly kind: 'changes'; readonly workload: ChangesWorkload; readonly result: readonly Change[] }
  | { readonly kind: 'startup'; readonly workload: StartupWorkload; readonly result: Startup };

/** A completed run. */
export interface Run {
  readonly options: Options;
  readonly contenders: readonly Contender[];
  /** Display name of the REST API's server. */
  readonly upstream: string;
  /** Load average of the machine before the run. */
  readonly loadAverage: number;
  readonly results: readonly WorkloadResult[];
}

/** Returns the report of a run. `benchDirectory` is the directory of the bench's packages, for their versions. */
export function toReport(run: Run, benchDirectory: string): string {
  const targets = checkTargets(run.results);
  const sections = [
    '# Benchmark results',
    toPreamble(run, benchDirectory),
    ...(run.options.writesResults ? [`![Requests per second of each contender](results-node${nodeMajor}.svg)`] : []),
    ...(targets.length > 0
      ? [
          '## Targets',
          toTable(
            ['workload', 'metric', 'measured', 'target', '', 'stretch target', ''],
            targets.map((target) => [
              target.workload,
              target.metric,
              target.measured,
              target.target,
              target.targetStatus,
              target.stretch,
              target.stretchStatus,
            ]),
          ),
        ]
      : []),
    '## Measurements',
    ...run.results.flatMap((result) => [`### ${result.workload.title}`, toSection(result, run.contenders)]),
  ];
  return `${sections.join('\n\n')}\n`;
}

function toPreamble({ options, contenders, upstream, loadAverage }: Run, benchDirectory: string): string {
  const { rounds, seconds } = options;
  const command = ['npm run bench', ...(options.args.length > 0 ? ['--', ...options.args] : [])].join(' ');
  const version = (name: string) => `${name} ${versionOf(benchDirectory, name)}`;
  const lines = [
    `\`${command}\`, ${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC.`,
    `Machine: ${describeMachine()}; load average before the run: ${loadAverage.toFixed(1)}. REST API: ${upstream}. Load generator: ${version('autocannon')}.`,
    `Baseline: ${version('undici')}. Usual stack: ${['@apollo/server', 'type-graphql', 'ky', 'dataloader', 'graphql'].map(version).join(', ')}.`,
    `Gateway: this repository, with ${['@apollo/server', 'graphql', 'undici', 'fastify'].map((name) => `${name} ${versionOf(join(benchDirectory, '..'), name)}`).join(', ')}.`,
    ...(options.all
      ? [
          `Mercurius: ${['mercurius', 'graphql-jit', 'fastify'].map(version).join(', ')}. Hive Gateway: ${['@graphql-hive/gateway', '@graphql-mesh/compose-cli', '@omnigraph/openapi'].map(version).join(', ')}.`,
        ]
      : []),
    ...(contenders.some(({ id }) => id === 'tailcall')
      ? [`Tailcall: ${version('@tailcallhq/core-linux-x64-gnu')}.`]
      : []),
    `Each figure is the median of ${rounds} rounds of ${seconds} s; the rounds of the contenders are interleaved. [README.md](README.md) explains the columns.`,
  ];
  return lines.join('\n');
}

function toSection({ kind, result }: WorkloadResult, contenders: readonly Contender[]): string {
  switch (kind) {
    case 'throughput': {
      const generatorCpuShare = Math.max(...[...result.values()].map((throughput) => throughput.generatorCpuShare));
      const rows = toRows(contenders, result, (throughput) => [
        throughput.requestsPerSecond.toFixed(0),
        toRatio(throughput.requestsPerSecond / (result.get(baseline.id)?.requestsPerSecond ?? NaN)),
        throughput.p50Ms.toFixed(1),
        throughput.p99Ms.toFixed(1),
        toRatio(throughput.p99Ms / throughput.p50Ms),
        throughput.cpuMs.toFixed(3),
        throughput.rssMb.toFixed(0),
        throughput.restCalls.toFixed(1),
      ]);
      const columns = [
        'contender',
        'requests/s',
        'to baseline',
        'p50, ms',
        'p99, ms',
        'p99/p50',
        'CPU ms/request',
        'memory, MB',
        'REST calls',
      ];
      return `${toTable(columns, rows)}\n\nThe load generator used at most ${(generatorCpuShare * 100).toFixed(0)} % of a core.`;
    }
    case 'latency':
      return toTable(
        [
          'contender',
          'p50, ms',
          'p99, ms',
          'REST call p50, ms',
          'ratio',
          'difference, ms',
          'CPU ms/request',
          'REST calls',
        ],
        toRows(contenders, result, (latency) => [
          latency.p50Ms.toFixed(2),
          latency.p99Ms.toFixed(2),
          latency.directP50Ms.toFixed(2),
          toRatio(latency.ratio),
          latency.differenceMs.toFixed(2),
          latency.cpuMs.toFixed(3),
          latency.restCalls.toFixed(1),
        ]),
      );
    case 'soak':
      if (result === undefined) return 'Not measured: it needs `taskset`, of util-linux.';
      return toTable(
        [
          'requests/s',
          'p50, ms',
          'p99, ms',
          'errors',
          'memory after 20 s, MB',
          'memory at the end, MB',
          'peak memory, MB',
        ],
        [
          [
            result.requestsPerSecond.toFixed(0),
            result.p50Ms.toFixed(1),
            result.p99Ms.toFixed(1),
            String(result.errors),
            result.rssEarlyMb.toFixed(0),
            result.rssLateMb.toFixed(0),
            result.rssPeakMb.toFixed(0),
          ],
        ],
      );
    case 'changes':
      return toTable(
        [
          'VPNs',
          'subscribers',
          'CPU ms/change',
          'to fewest',
          'REST calls',
          'poll and delivery, ms',
          'p95 of another key, ms',
          'memory, MB',
        ],
        result.map((change) => [
          String(change.rows),
          String(change.subscribers),
          change.cpuMs.toFixed(0),
          toRatio(change.cpuMs / (result.find(({ rows }) => rows === change.rows)?.cpuMs ?? NaN)),
          change.restCalls.toFixed(1),
          change.deliveredMs.toFixed(0),
          change.otherP95Ms.toFixed(0),
          change.growthMb.toFixed(0),
        ]),
      );
    case 'startup':
      return toTable(['time to ready, ms', 'idle memory, MB'], [[result.readyMs.toFixed(0), result.rssMb.toFixed(0)]]);
  }
}

function toRows<T>(
  contenders: readonly Contender[],
  results: ByContender<T>,
  toCells: (result: T) => string[],
): string[][] {
  return contenders.flatMap(({ id, title }) => {
    const result = results.get(id);
    return result === undefined ? [] : [[title, ...toCells(result)]];
  });
}

function toRatio(ratio: number): string {
  // A run without the baseline has no ratio to it.
  return Number.isNaN(ratio) ? '' : `${ratio.toFixed(2)} ×`;
}

// Returns a Markdown table. Columns are right-aligned if every cell begins with a number, otherwise left-aligned.
function toTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((name, column) => Math.max(3, name.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const numeric = header.map((_, column) => rows.every((row) => /^-?\d/.test(row[column] ?? '')));
  const toLine = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => (numeric[column] === true ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0))).join(' | ')} |`;
  const separator = widths.map((width, column) =>
    numeric[column] === true ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width),
  );
  return [toLine(header), toLine(separator), ...rows.map(toLine)].join('\n');
}
