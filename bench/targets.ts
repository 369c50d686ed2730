// What the gateway is meant to reach, and whether it did. A target that compares with a contender is judged where that one was measured.
import type { Probe, Throughput } from './measure.js';
import type { Finding } from './report.js';

/** A target and what came of it, in words for a table. */
export interface Verdict {
  readonly work: string;
  readonly measure: string;
  readonly measured: string;
  readonly target: string;
  readonly reached: string;
  readonly stretch: string;
  readonly stretchReached: string;
}

interface Goal {
  readonly work: string;
  readonly measure: string;
  /** What was measured; undefined where something that it takes was not. */
  readonly value: (findings: Findings) => number | undefined;
  /** Whether more is better. */
  readonly least: boolean;
  readonly target: number;
  readonly stretch?: number;
  readonly unit: string;
  readonly digits: number;
}

/** The findings, by work. */
class Findings {
  readonly #findings: readonly Finding[];

  constructor(findings: readonly Finding[]) {
    this.#findings = findings;
  }

  throughput(work: string, contender: string): Throughput | undefined {
    const finding = this.#findings.find((one) => one.work.id === work);
    return finding?.kind === 'throughput' ? finding.found.get(contender) : undefined;
  }

  probe(work: string): Probe | undefined {
    const finding = this.#findings.find((one) => one.work.id === work);
    return finding?.kind === 'probe' ? finding.found.get('gateway') : undefined;
  }

  soak() {
    return this.#findings.find((one) => one.kind === 'soak')?.found;
  }

  start() {
    return this.#findings.find((one) => one.kind === 'start')?.found;
  }
}

const times = (work: string, contender: string, title: string, target: number, stretch?: number): Goal => ({
  work,
  measure: `requests per second, to the ${title}`,
  value: (findings) =>
    quotient(findings.throughput(work, 'gateway')?.perSecond, findings.throughput(work, contender)?.perSecond),
  least: true,
  target,
  ...(stretch === undefined ? {} : { stretch }),
  unit: '×',
  digits: 2,
});

const atMost = (work: string, measure: string, rest: Omit<Goal, 'work' | 'measure' | 'least'>): Goal => ({
  work,
  measure,
  least: false,
  ...rest,
});

const goals: readonly Goal[] = [
  times('list', 'floor', 'floor', 0.4, 0.6),
  times('list', 'usual', 'usual stack', 8),
  times('list', 'hive', 'Hive Gateway', 20),
  times('one-key', 'floor', 'floor', 1, 1.4),
  times('by-id', 'floor', 'floor', 0.4, 0.6),
  times('by-id', 'usual', 'usual stack', 3),
  times('large', 'floor', 'floor', 0.5, 0.8),
  atMost('large', 'CPU per VPN, to that at 25 VPNs', {
    value: (findings) =>
      quotient(
        perRow(findings.throughput('large', 'gateway'), 1000),
        perRow(findings.throughput('list', 'gateway'), 25),
      ),
    target: 1.1,
    unit: '×',
    digits: 2,
  }),
  atMost('late', 'p50, to that of one REST call', {
    value: (findings) => findings.probe('late')?.ratio,
    target: 1.06,
    unit: '×',
    digits: 3,
  }),
  atMost('overhead', 'p50, above that of the REST call', {
    value: (findings) => findings.probe('overhead')?.difference,
    target: 1,
    stretch: 0.5,
    unit: 'ms',
    digits: 2,
  }),
  atMost('soak', 'errors', { value: (findings) => findings.soak()?.faults, target: 0, unit: '', digits: 0 }),
  atMost('soak', 'p99, to p50', {
    value: (findings) => quotient(findings.soak()?.p99, findings.soak()?.p50),
    target: 4,
    unit: '×',
    digits: 2,
  }),
  atMost('soak', 'memory at the end, to that after 20 s', {
    value: (findings) => quotient(findings.soak()?.rssLateMb, findings.soak()?.rssEarlyMb),
    target: 1.05,
    unit: '×',
    digits: 3,
  }),
  atMost('start', 'start to ready', {
    value: (findings) => findings.start()?.readyMs,
    target: 1000,
    stretch: 300,
    unit: 'ms',
    digits: 0,
  }),
  atMost('start', 'memory at rest', {
    value: (findings) => findings.start()?.rssMb,
    target: 130,
    stretch: 95,
    unit: 'MB',
    digits: 0,
  }),
];

/** Judges what was measured. */
export function toVerdicts(findings: readonly Finding[]): readonly Verdict[] {
  const found = new Findings(findings);
  return goals.flatMap((goal) => {
    const value = goal.value(found);
    return value === undefined ? [] : [toVerdict(goal, value)];
  });
}

function toVerdict({ work, measure, least, target, stretch, unit, digits }: Goal, value: number): Verdict {
  const say = (amount: number) => `${amount} ${unit}`.trim();
  const bound = (amount: number) => `${least ? 'at least' : 'at most'} ${say(amount)}`;
  const judge = (amount: number) => ((least ? value >= amount : value <= amount) ? 'reached' : 'not reached');
  return {
    work,
    measure,
    measured: `${value.toFixed(digits)} ${unit}`.trim(),
    target: bound(target),
    reached: judge(target),
    stretch: stretch === undefined ? '' : bound(stretch),
    stretchReached: stretch === undefined ? '' : judge(stretch),
  };
}

function quotient(value: number | undefined, by: number | undefined): number | undefined {
  return value === undefined || by === undefined ? undefined : value / by;
}

function perRow(found: Throughput | undefined, rows: number): number | undefined {
  return found === undefined ? undefined : found.cpuMs / rows;
}
