// What is tried at random: how often, from which seed, and what is told of it.
import fc from 'fast-check';

const seed = Number(process.env['RELIABILITY_SEED'] ?? Date.now() % 2 ** 31);

/** How often something is tried: RELIABILITY_RUNS, or what is usual. */
export function toRuns(usual: number): number {
  return Number(process.env['RELIABILITY_RUNS'] ?? usual);
}

/**
 * Tries a property; writes the seed from which the same is tried again (RELIABILITY_SEED). What breaks it is told in its smallest form. The
 * examples come first, whatever the seed.
 */
export async function tryAtRandom<Ts extends [unknown, ...unknown[]]>(
  what: string,
  usual: number,
  property: fc.IAsyncProperty<Ts>,
  examples: Ts[] = [],
): Promise<void> {
  const runs = toRuns(usual);
  process.stdout.write(`${what}: ${runs} tries, RELIABILITY_SEED=${seed}\n`);
  await fc.assert(property, { numRuns: examples.length + runs, seed, examples });
}
