// Parses the command line.
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { firstWorkload, type Workload, workloads } from './workloads.js';

/** Options of a run. */
export interface Options {
  readonly workloads: readonly Workload[];
  /** Includes the optional contenders. */
  readonly all: boolean;
  /** Compares the gateway with and without traces, instead of the other contenders. */
  readonly traces: boolean;
  /** Path of another build's `dist/main.js` to compare with, instead of the other contenders. */
  readonly compare: string | undefined;
  /** Flags of Node to run the gateway with, one item per contender, instead of the other contenders. */
  readonly flags: readonly string[];
  readonly rounds: number;
  /** Duration of a round, in seconds. */
  readonly seconds: number;
  /** Duration of the warm-up after a contender starts, in seconds. */
  readonly warmUpSeconds: number;
  /** Duration of the warm-up before each round, in seconds. */
  readonly roundWarmUpSeconds: number;
  /** Writes the results of this version of Node. Only for a run of all workloads with at least five rounds. */
  readonly writesResults: boolean;
  /** Command-line arguments as the user gave them. */
  readonly args: readonly string[];
}

// A median of fewer rounds is mostly noise.
const minRounds = 5;

/** Parses the command line. Throws an Error with a message for the user if an argument is invalid. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      all: { type: 'boolean', default: false },
      traces: { type: 'boolean', default: false },
      compare: { type: 'string' },
      flags: { type: 'string', multiple: true, default: [] },
      // scripts/bench.js has chosen this process's Node by it.
      node: { type: 'string' },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string' },
      only: { type: 'string' },
    },
  });
  const { quick, all, traces, compare, flags, only } = values;
  const rounds = toCount('rounds', values.rounds);
  return {
    workloads: only === undefined ? (quick ? [firstWorkload] : workloads) : only.split(',').map(toWorkload),
    all,
    traces,
    // npm runs a script in the directory of its package, and puts the user's directory into INIT_CWD.
    compare: compare && resolve(process.env['INIT_CWD'] ?? '', compare),
    flags,
    rounds,
    seconds: toCount('seconds', values.seconds ?? (quick ? '2' : '4')),
    // V8 optimizes hot functions over thousands of operations.
    warmUpSeconds: quick ? 3 : 10,
    // V8 discards optimized code after some idle seconds, and a contender is idle during the rounds of the others.
    roundWarmUpSeconds: quick ? 0 : 2,
    writesResults:
      !quick && !traces && compare === undefined && flags.length === 0 && only === undefined && rounds >= minRounds,
    args,
  };
}

function toWorkload(id: string): Workload {
  const workload = workloads.find((item) => item.id === id);
  if (workload === undefined) {
    throw new Error(
      `Unknown workload in --only. Allowed: ${workloads.map((item) => item.id).join(', ')}, separated by commas.`,
    );
  }
  return workload;
}

function toCount(name: string, text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1) throw new Error(`--${name} must be an integer of at least 1.`);
  return count;
}
