// Bounds on JSON texts, compared with their parsed values.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isTooComplex } from '../src/json.js';

const string = fc.oneof(
  fc.string(),
  fc.array(fc.constantFrom('"', '\\', ',', '[', ']', '{', '}', 'ü', '\n'), { maxLength: 8 }),
);
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, 0, -1.5e10),
    string.map(String),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(string.map(String), tie('value'), { maxKeys: 5 }),
  ),
}));

/** Counts values as `isTooComplex` does: each array and object, and each of their entries after the first. */
function countValues(parsed: unknown): number {
  if (typeof parsed !== 'object' || parsed === null) return 0;
  const entries: unknown[] = Object.values(parsed);
  return 1 + Math.max(0, entries.length - 1) + entries.map(countValues).reduce((sum, count) => sum + count, 0);
}

describe('isTooComplex', () => {
  it('returns true for more than maxValues values, whatever the strings contain', () => {
    fc.assert(
      fc.property(value, fc.constantFrom(undefined, 2), (json, indent) => {
        const text = JSON.stringify(json, null, indent);
        const count = countValues(json);
        expect(isTooComplex(text, count)).toBe(false);
        expect(isTooComplex(text, count - 1)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ['nested arrays', (depth: number) => '['.repeat(depth) + ']'.repeat(depth)],
    ['nested objects', (depth: number) => '{"\\"":'.repeat(depth) + '1' + '}'.repeat(depth)],
    [
      'nested arrays beside other arrays',
      (depth: number) => '[[],'.repeat(depth - 1) + '["]]"]' + ']'.repeat(depth - 1),
    ],
  ])('returns true for more than 100 %s', (_form, nest) => {
    expect(() => void JSON.parse(nest(101))).not.toThrow();
    expect(isTooComplex(nest(100))).toBe(false);
    expect(isTooComplex(nest(101))).toBe(true);
  });

  it('scans a truncated text to its end', () => {
    for (const json of ['', '"', '"\\', '"\\\\', '"\\"', '[["', '{"a', '\\']) expect(isTooComplex(json)).toBe(false);
    expect(isTooComplex('['.repeat(101) + '"')).toBe(true);
  });
});
