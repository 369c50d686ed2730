// Random tests: number of runs, seed, and what they print.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { toRunCount } from '../../helpers/run-count.js';

const seed = Number(process.env['RELIABILITY_SEED'] ?? Date.now() % 2 ** 31);

/** Returns a random integer from 0 to below `end`, the same for the same seed and label. */
export function toRandom(label: string, end: number): number {
  return createHash('sha256').update(`${seed} ${label}`).digest().readUInt32BE() % end;
}

/** Prints the name of a test, its number of runs, and the seed: set RELIABILITY_SEED to it to repeat the same run. */
export function printSeed(name: string, runs: number): void {
  process.stdout.write(`${name}: ${runs} runs, RELIABILITY_SEED=${seed}\n`);
}

/** Generates one character: any code point but a surrogate. fast-check's own unit `binary` takes most of a second to set up. */
export const anyCharacter = fc
  .integer({ min: 0, max: 0x10ffff })
  .filter((codePoint) => codePoint < 0xd800 || codePoint > 0xdfff)
  .map(
    (codePoint) => String.fromCodePoint(codePoint),
    (character) => (typeof character === 'string' ? character.codePointAt(0) : undefined) ?? NaN,
  );

/**
 * Checks a property with the examples first, then with random values. Prints the seed: set RELIABILITY_SEED to it to repeat the same run.
 * Rejects with the smallest counterexample that fast-check finds.
 */
export async function checkProperty<Ts extends [unknown, ...unknown[]]>(
  name: string,
  defaultRuns: number,
  property: fc.IAsyncProperty<Ts>,
  examples: Ts[] = [],
): Promise<void> {
  const runs = toRunCount(defaultRuns);
  printSeed(name, runs);
  await fc.assert(property, { numRuns: examples.length + runs, seed, examples });
}

/** Returns a sixth of the items, another sixth for each `turn`. With RELIABILITY_RUNS, returns all of them. */
export function takeSixth<Item>(items: readonly Item[], turn: number): readonly Item[] {
  return process.env['RELIABILITY_RUNS'] === undefined ? items.filter((_, index) => (index + turn) % 6 === 0) : items;
}
