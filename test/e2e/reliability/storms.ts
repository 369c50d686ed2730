// Storms: what a REST API answers in each, and what they may cost.
import { expect } from '@jest/globals';
import { type RawScript, toBytes } from '../../helpers/raw-upstream.js';
import { resetting } from './operations.js';
import { apiKey, type Rig } from './harness.js';

/** A storm. */
export interface Storm {
  readonly name: string;
  /** What the REST API answers to its calls, by their number. */
  readonly answer: (index: number) => ReturnType<RawScript>;
  /** Whether it goes on asking: where it does not, the circuit opens. */
  readonly goesOn: boolean;
}

const works = { data: [] };

/** All of them. */
export const storms: readonly Storm[] = [
  { name: 'of 429', answer: () => toBytes(429, ''), goesOn: true },
  {
    name: 'in which two of five connections are lost',
    answer: (index) => (index % 5 < 3 ? works : resetting()),
    goesOn: true,
  },
  { name: 'of 503', answer: () => toBytes(503, ''), goesOn: false },
  { name: 'of lost connections', answer: () => resetting(), goesOn: false },
  { name: 'of 500', answer: () => toBytes(500, ''), goesOn: true },
  {
    name: 'in which two of five answers are 502',
    answer: (index) => (index % 5 < 3 ? works : toBytes(502, '')),
    goesOn: true,
  },
  {
    name: 'in which one of three answers is 504',
    answer: (index) => (index % 3 < 2 ? works : toBytes(504, '')),
    goesOn: true,
  },
];

/** Has so many callers read in a storm, 50 at a time, and says that the REST API was asked 1.2 times for each at the most. */
export async function expectFewCalls(rig: Rig, { answer, goesOn }: Storm, callers: number): Promise<number> {
  rig.upstream.script((_call, index) => answer(index));
  for (let first = 0; first < callers; first += 50) {
    const asked = Array.from({ length: 50 }, (_, index) =>
      rig.ask({ query: '{ environments { id } }' }, { 'mc-api-key': `${apiKey}-${first + index}` }),
    );
    await Promise.all(asked);
  }
  const calls = rig.upstream.calls.length;
  if (goesOn) expect(calls).toBeGreaterThanOrEqual(callers);
  else expect(calls).toBeLessThan(callers / 4);
  expect(calls).toBeLessThanOrEqual(1.2 * callers);
  await rig.settle();
  return calls;
}
