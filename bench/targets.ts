// Defines the gateway's targets and checks the results against them. A target that compares two results is checked only if the run has
// measured both.
import type { Latency, Throughput } from './measure.js';
import type { Change, Soak } from './measure-gateway.js';
import type { WorkloadResult } from './report.js';

/** A target and its status, formatted for a table. */
export interface TargetResult {
  readonly workload: string;
  readonly metric: string;
  readonly measured: string;
  readonly target: string;
  readonly targetStatus: string;
  readonly stretch: string;
  readonly stretchStatus: string;
}

interface Target {
  readonly workload: string;
  readonly metric: string;
  /** Returns the measured value; undefined if the run did not measure everything that it needs. */
  readonly value: (results: Results) => number | undefined;
  /** Whether `target` is a minimum or a maximum. */
  readonly bound: 'min' | 'max';
  readonly target: number;
  /** Stretch target, beyond `target`. */
  readonly stretch?: number;
  readonly unit: string;
  /** Number of decimal places of the measured value. */
  readonly digits: number;
}

/** Finds results by workload. */
class Results {
  readonly #results: readonly WorkloadResult[];

  constructor(results: readonly WorkloadResult[]) {
    this.#results = results;
  }

  throughput(workload: string, contender: string): Throughput | undefined {
    const match = this.#results.find((item) => item.workload.id === workload);
    return match?.kind === 'throughput' ? match.result.get(contender) : undefined;
  }

  latency(workload: string): Latency | undefined {
    const match = this.#results.find((item) => item.workload.id === workload);
    return match?.kind === 'latency' ? match.result.get('gateway') : undefined;
  }

  soak(workload: string): Soak | undefined {
    const match = this.#results.find((item) => item.workload.id === workload);
    return match?.kind === 'soak' ? match.result : undefined;
  }

  changes(): readonly Change[] | undefined {
    return this.#results.find((item) => item.kind === 'changes')?.result;
  }

  startup() {
    return this.#results.find((item) => item.kind === 'startup')?.result;
  }
}

const atLeastRelativeTo = (
  workload: string,
  contender: string,
  title: string,
  target: number,
  stretch?: number,
): Target => ({
  workload,
  metric: `requests/s relative to ${title}`,
  value: (results) =>
    divide(
      results.throughput(workload, 'gateway')?.requestsPerSecond,
      results.throughput(workload, contender)?.requestsPerSecond,
    ),
  bound: 'min',
  target,
  ...(stretch === undefined ? {} : { stretch }),
  unit: '×',
  digits: 2,
});

const atMost = (workload: string, metric: string, rest: Omit<Target, 'workload' | 'metric' | 'bound'>): Target => ({
  workload,
  metric,
  bound: 'max',
  ...rest,
});

const tailAtMost = (workload: string, target: number): Target =>
  atMost(workload, 'p99 relative to p50', {
    value: (results) => {
      const throughput = results.throughput(workload, 'gateway');
      return divide(throughput?.p99Ms, throughput?.p50Ms);
    },
    target,
    unit: '×',
    digits: 2,
  });

// A maximum for every number of VPNs and subscribers.
const changesAtMost = (
  metric: string,
  toValue: (change: Change) => number,
  rest: Pick<Target, 'target' | 'unit' | 'digits'>,
): Target =>
  atMost('changes', metric, {
    value: (results) => {
      const changes = results.changes();
      return changes === undefined ? undefined : Math.max(...changes.map(toValue));
    },
    ...rest,
  });

const targets: readonly Target[] = [
  atLeastRelativeTo('list', 'baseline', 'baseline', 0.5, 0.6),
  atLeastRelativeTo('list', 'usual-stack', 'usual stack', 6),
  atLeastRelativeTo('list', 'hive', 'Hive Gateway', 20),
  atLeastRelativeTo('list', 'tailcall', 'Tailcall', 1),
  tailAtMost('list', 2.5),
  atLeastRelativeTo('one-key', 'baseline', 'baseline', 1.3, 1.4),
  atLeastRelativeTo('one-key', 'tailcall', 'Tailcall', 3.2),
  atLeastRelativeTo('by-id', 'baseline', 'baseline', 0.45, 0.6),
  atLeastRelativeTo('by-id', 'usual-stack', 'usual stack', 2.5),
  atLeastRelativeTo('by-id', 'tailcall', 'Tailcall', 0.8),
  tailAtMost('by-id', 2.5),
  atLeastRelativeTo('trusted-id', 'baseline', 'baseline', 0.45, 0.6),
  atLeastRelativeTo('large', 'baseline', 'baseline', 0.55, 0.8),
  tailAtMost('large', 4),
  atMost('large', 'CPU per VPN relative to 25 VPNs', {
    value: (results) =>
      divide(perRow(results.throughput('large', 'gateway'), 1000), perRow(results.throughput('list', 'gateway'), 25)),
    target: 1.1,
    unit: '×',
    digits: 2,
  }),
  atMost('slow-rest', 'p50 relative to one REST call', {
    value: (results) => results.latency('slow-rest')?.ratio,
    target: 1.06,
    unit: '×',
    digits: 3,
  }),
  atMost('overhead', 'p50 minus that of the REST call', {
    value: (results) => results.latency('overhead')?.differenceMs,
    target: 1,
    stretch: 0.5,
    unit: 'ms',
    digits: 2,
  }),
  atMost('soak', 'errors', { value: (results) => results.soak('soak')?.errors, target: 0, unit: '', digits: 0 }),
  atMost('soak', 'p99 relative to p50', {
    value: (results) => divide(results.soak('soak')?.p99Ms, results.soak('soak')?.p50Ms),
    target: 4,
    unit: '×',
    digits: 2,
  }),
  atMost('soak', 'memory at the end relative to 20 s', {
    value: (results) => divide(results.soak('soak')?.rssLateMb, results.soak('soak')?.rssEarlyMb),
    target: 1.05,
    unit: '×',
    digits: 3,
  }),
  atMost('container', 'errors', {
    value: (results) => results.soak('container')?.errors,
    target: 0,
    unit: '',
    digits: 0,
  }),
  atMost('container', 'peak memory', {
    value: (results) => results.soak('container')?.rssPeakMb,
    target: 512,
    unit: 'MB',
    digits: 0,
  }),
  changesAtMost('REST calls', ({ restCalls }) => restCalls, { target: 4, unit: '', digits: 1 }),
  changesAtMost('p95 of another key', ({ otherP95Ms }) => otherP95Ms, { target: 250, unit: 'ms', digits: 0 }),
  changesAtMost('memory', ({ growthMb }) => growthMb, { target: 150, unit: 'MB', digits: 0 }),
  atMost('changes', 'CPU for 1,000 subscribers relative to 10', {
    // Uses the longest list: for short ones, writing to the sockets takes most of the time.
    value: (results) => {
      const changes = results
        .changes()
        ?.filter(({ rows }, _, all) => rows === Math.max(...all.map((item) => item.rows)));
      return divide(changes?.at(-1)?.cpuMs, changes?.[0]?.cpuMs);
    },
    target: 3,
    unit: '×',
    digits: 2,
  }),
  atMost('startup', 'time to ready', {
    value: (results) => results.startup()?.readyMs,
    target: 1000,
    stretch: 300,
    unit: 'ms',
    digits: 0,
  }),
  atMost('startup', 'idle memory', {
    value: (results) => results.startup()?.rssMb,
    target: 130,
    stretch: 95,
    unit: 'MB',
    digits: 0,
  }),
];

/** Checks all targets that the results suffice for. */
export function checkTargets(workloadResults: readonly WorkloadResult[]): readonly TargetResult[] {
  const results = new Results(workloadResults);
  return targets.flatMap((target) => {
    const value = target.value(results);
    return value === undefined ? [] : [checkTarget(target, value)];
  });
}

function checkTarget({ workload, metric, bound, target, stretch, unit, digits }: Target, value: number): TargetResult {
  const withUnit = (amount: number | string) => `${amount} ${unit}`.trim();
  const formatBound = (amount: number) => `${bound === 'min' ? 'at least' : 'at most'} ${withUnit(amount)}`;
  const toStatus = (amount: number) => ((bound === 'min' ? value >= amount : value <= amount) ? 'met' : 'missed');
  return {
    workload,
    metric,
    measured: withUnit(value.toFixed(digits)),
    target: formatBound(target),
    targetStatus: toStatus(target),
    stretch: stretch === undefined ? '' : formatBound(stretch),
    stretchStatus: stretch === undefined ? '' : toStatus(stretch),
  };
}

function divide(dividend: number | undefined, divisor: number | undefined): number | undefined {
  return dividend === undefined || divisor === undefined ? undefined : dividend / divisor;
}

function perRow(throughput: Throughput | undefined, rows: number): number | undefined {
  return throughput === undefined ? undefined : throughput.cpuMs / rows;
}
