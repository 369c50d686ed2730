// The report of a run, in Markdown that reads well on a terminal too.
import { join } from 'node:path';
import { type Contender, floor } from './contenders.js';
import { describeMachine, versionOf } from './machine.js';
import type { ByContender, Probe, Soak, Start, Throughput } from './measure.js';
import type { Options } from './options.js';
import { toVerdicts } from './targets.js';
import type { ProbeWork, SoakWork, StartWork, ThroughputWork } from './works.js';

/** What was found of a work. */
export type Finding =
  | { readonly kind: 'throughput'; readonly work: ThroughputWork; readonly found: ByContender<Throughput> }
  | { readonly kind: 'probe'; readonly work: ProbeWork; readonly found: ByContender<Probe> }
  | { readonly kind: 'soak'; readonly work: SoakWork; readonly found: Soak }
  | { readonly kind: 'start'; readonly work: StartWork; readonly found: Start };

/** A run that is over. */
export interface Run {
  readonly options: Options;
  readonly contenders: readonly Contender[];
  /** What the REST API was. */
  readonly upstream: string;
  /** The load average of the machine before the run. */
  readonly otherLoad: number;
  readonly findings: readonly Finding[];
}

/** The whole report; `here` is the bench's folder. */
export function toReport(run: Run, here: string): string {
  const verdicts = toVerdicts(run.findings);
  const sections = [
    '# Benchmark of the gateway',
    toPreamble(run, here),
    ...(run.options.keep ? ['![Requests per second of each contender](results.svg)'] : []),
    ...(verdicts.length > 0
      ? [
          '## Targets',
          toTable(
            ['work', 'measure', 'measured', 'target', '', 'stretch', ''],
            verdicts.map((one) => [
              one.work,
              one.measure,
              one.measured,
              one.target,
              one.reached,
              one.stretch,
              one.stretchReached,
            ]),
          ),
        ]
      : []),
    '## Measured',
    ...run.findings.flatMap((finding) => [`### ${finding.work.title}`, toSection(finding, run.contenders)]),
  ];
  return `${sections.join('\n\n')}\n`;
}

function toPreamble({ options, upstream, otherLoad }: Run, here: string): string {
  const { rounds, seconds } = options;
  const command = ['npm run bench', ...(options.given.length > 0 ? ['--', ...options.given] : [])].join(' ');
  const version = (name: string) => `${name} ${versionOf(here, name)}`;
  const lines = [
    `\`${command}\`, ${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC.`,
    `Machine: ${describeMachine()}; its load average before the run was ${otherLoad.toFixed(1)}. REST API: ${upstream}. Load: ${version('autocannon')}.`,
    `Floor: ${version('undici')}. Usual stack: ${['@apollo/server', 'type-graphql', 'ky', 'dataloader', 'graphql'].map(version).join(', ')}.`,
    `Gateway: this tree, with ${['@apollo/server', 'graphql', 'undici', 'fastify'].map((name) => `${name} ${versionOf(join(here, '..'), name)}`).join(', ')}.`,
    ...(options.all
      ? [
          `Mercurius: ${['mercurius', 'graphql-jit', 'fastify'].map(version).join(', ')}. Hive Gateway: ${['@graphql-hive/gateway', '@graphql-mesh/compose-cli', '@omnigraph/openapi'].map(version).join(', ')}.`,
        ]
      : []),
    `Each figure is the median of ${rounds} rounds of ${seconds} s; the rounds of the contenders take turns. What the columns are: [README.md](README.md).`,
  ];
  return lines.join('\n');
}

function toSection(finding: Finding, contenders: readonly Contender[]): string {
  switch (finding.kind) {
    case 'throughput': {
      const { found } = finding;
      const busy = Math.max(...[...found.values()].map((one) => one.busy));
      const rows = toRows(contenders, found, (one) => [
        one.perSecond.toFixed(0),
        toTimes(one.perSecond / (found.get(floor.id)?.perSecond ?? NaN)),
        one.p50.toFixed(1),
        one.p99.toFixed(1),
        one.cpuMs.toFixed(3),
        one.rssMb.toFixed(0),
        one.calls.toFixed(1),
      ]);
      const columns = [
        'contender',
        'requests/s',
        'to the floor',
        'p50, ms',
        'p99, ms',
        'CPU ms/request',
        'memory, MB',
        'REST calls',
      ];
      return `${toTable(columns, rows)}\n\nThe load generator used up to ${(busy * 100).toFixed(0)} % of a core.`;
    }
    case 'probe':
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
        toRows(contenders, finding.found, (one) => [
          one.p50.toFixed(2),
          one.p99.toFixed(2),
          one.directP50.toFixed(2),
          toTimes(one.ratio),
          one.difference.toFixed(2),
          one.cpuMs.toFixed(3),
          one.calls.toFixed(1),
        ]),
      );
    case 'soak': {
      const { perSecond, p50, p99, faults, rssEarlyMb, rssLateMb } = finding.found;
      return toTable(
        ['requests/s', 'p50, ms', 'p99, ms', 'errors', 'memory after 20 s, MB', 'memory at the end, MB'],
        [
          [
            perSecond.toFixed(0),
            p50.toFixed(1),
            p99.toFixed(1),
            String(faults),
            rssEarlyMb.toFixed(0),
            rssLateMb.toFixed(0),
          ],
        ],
      );
    }
    case 'start': {
      const { readyMs, rssMb } = finding.found;
      return toTable(['start to ready, ms', 'memory at rest, MB'], [[readyMs.toFixed(0), rssMb.toFixed(0)]]);
    }
  }
}

function toRows<T>(contenders: readonly Contender[], found: ByContender<T>, toCells: (one: T) => string[]): string[][] {
  return contenders.flatMap(({ id, title }) => {
    const one = found.get(id);
    return one === undefined ? [] : [[title, ...toCells(one)]];
  });
}

function toTimes(ratio: number): string {
  return `${ratio.toFixed(2)} ×`;
}

/** A Markdown table; text to the left, what begins with a digit to the right. */
function toTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, column) => Math.max(3, name.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const numeric = head.map((_, column) => rows.every((row) => /^-?\d/.test(row[column] ?? '')));
  const toLine = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => (numeric[column] === true ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0))).join(' | ')} |`;
  const rule = widths.map((width, column) =>
    numeric[column] === true ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width),
  );
  return [toLine(head), toLine(rule), ...rows.map(toLine)].join('\n');
}
