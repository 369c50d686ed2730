// The command line.
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { firstWork, type Work, works } from './works.js';

/** What a run does. */
export interface Options {
  /** What is measured. */
  readonly works: readonly Work[];
  /** Whether the contenders that are not always there are. */
  readonly all: boolean;
  /** Whether it is what traces cost that is measured. */
  readonly traces: boolean;
  /** The `dist/main.js` of another tree that this one's gateway is measured beside; undefined: none is. */
  readonly beside: string | undefined;
  readonly rounds: number;
  /** Length of a round, in seconds. */
  readonly seconds: number;
  /** Length of the warm-up of each contender, in seconds. */
  readonly warmUp: number;
  /** How long each contender is loaded before each of its rounds, in seconds. */
  readonly leadIn: number;
  /** Whether the results are to be kept: only where everything was measured, and often enough. */
  readonly keep: boolean;
  /** The arguments as they were given. */
  readonly given: readonly string[];
}

// A median of fewer is chance.
const leastRounds = 5;

/** Reads the command line. Throws Error, with a message for people. */
export function readOptions(given: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...given],
    options: {
      quick: { type: 'boolean', default: false },
      all: { type: 'boolean', default: false },
      traces: { type: 'boolean', default: false },
      beside: { type: 'string' },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string' },
      only: { type: 'string' },
    },
  });
  const { quick, all, traces, beside, only } = values;
  const rounds = toCount('rounds', values.rounds);
  return {
    works: only === undefined ? (quick ? [firstWork] : works) : only.split(',').map(toWork),
    all,
    traces,
    // npm runs scripts in the folder of their package, and keeps where it was called.
    beside: beside && resolve(process.env['INIT_CWD'] ?? '', beside),
    rounds,
    seconds: toCount('seconds', values.seconds ?? (quick ? '2' : '4')),
    // The engine compiles what it runs for thousands of operations.
    warmUp: quick ? 3 : 10,
    // It throws away what it has compiled where nothing has been asked for some seconds: each contender has waited for the others' rounds.
    leadIn: quick ? 0 : 2,
    keep: !quick && !traces && beside === undefined && only === undefined && rounds >= leastRounds,
    given,
  };
}

function toWork(id: string): Work {
  const work = works.find((one) => one.id === id);
  if (work === undefined) {
    throw new Error(
      `There is no such work. --only takes ${works.map((one) => one.id).join(', ')}, separated by commas.`,
    );
  }
  return work;
}

function toCount(name: string, text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1) throw new Error(`--${name} must be a whole number from 1.`);
  return count;
}
