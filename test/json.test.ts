// What JSON is made of, told without parsing it: the same as its parsed value has.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isTooComplex } from '../src/json.js';

const text = fc.oneof(
  fc.string(),
  fc.array(fc.constantFrom('"', '\\', ',', '[', ']', '{', '}', 'ü', '\n'), { maxLength: 8 }),
);
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, 0, -1.5e10),
    text.map(String),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(text.map(String), tie('value'), { maxKeys: 5 }),
  ),
}));

/** One for each list and object, and one for each entry after its first. */
function countValues(of: unknown): number {
  if (typeof of !== 'object' || of === null) return 0;
  const entries: unknown[] = Object.values(of);
  return 1 + Math.max(0, entries.length - 1) + entries.map(countValues).reduce((sum, count) => sum + count, 0);
}

describe('JSON', () => {
  it('is too complex from one value too many on, whatever stands in its texts', () => {
    fc.assert(
      fc.property(value, fc.constantFrom(undefined, 2), (json, indent) => {
        const written = JSON.stringify(json, null, indent);
        const count = countValues(json);
        expect(isTooComplex(written, count)).toBe(false);
        expect(isTooComplex(written, count - 1)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ['lists', (depth: number) => '['.repeat(depth) + ']'.repeat(depth)],
    ['objects', (depth: number) => '{"\\"":'.repeat(depth) + '1' + '}'.repeat(depth)],
    ['lists beside others', (depth: number) => '[[],'.repeat(depth - 1) + '["]]"]' + ']'.repeat(depth - 1)],
  ])('is too complex below 100 %s', (_what, nest) => {
    expect(() => void JSON.parse(nest(101))).not.toThrow();
    expect(isTooComplex(nest(100))).toBe(false);
    expect(isTooComplex(nest(101))).toBe(true);
  });

  it('may be cut anywhere, and is looked at to its end', () => {
    for (const json of ['', '"', '"\\', '"\\\\', '"\\"', '[["', '{"a', '\\']) expect(isTooComplex(json)).toBe(false);
    expect(isTooComplex('['.repeat(101) + '"')).toBe(true);
  });
});
