// Bounds on JSON texts, compared with their parsed values, and numbers that parsing would alter.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isTooComplex, parseExactly } from '../src/json.js';

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

describe('parseExactly', () => {
  it.each([
    ['9007199254740991', 9007199254740991],
    ['-9007199254740991', -9007199254740991],
    ['9007199254740992', '9007199254740992'],
    ['-12345678901234567890', '-12345678901234567890'],
    ['1e400', '1e400'],
    ['1e-400', 0],
    ['1.00000000000000000001', 1],
    ['0e-400', 0],
    ['1e22', 1e22],
    ['1.5E+100', 1.5e100],
    ['0.30000000000000004', 0.1 + 0.2],
    ['0.123456789012345', 0.123456789012345],
    ['123456789.123456789', '123456789.123456789'],
    ['0.00000000000000012', 1.2e-16],
  ])('returns a number as it was sent, as a string if JavaScript would alter it: %s', (text, value) => {
    expect(parseExactly(text)).toBe(value);
    expect(parseExactly(`{"a": [1, ${text}], "b":${text}}`)).toEqual({ a: [1, value], b: value });
    expect(parseExactly(` [\n${text}\n]`)).toEqual([value]);
  });

  it('leaves numbers in strings and in names as they are', () => {
    const value = { 'a 12345678901234567890': ': 12345678901234567890 "\\', '12345678901234567890': ['1e400, 1e400'] };
    expect(parseExactly(JSON.stringify(value))).toEqual(value);
    expect(parseExactly(`[${JSON.stringify(value)}, 12345678901234567890]`)).toEqual([value, '12345678901234567890']);
  });

  it('throws RangeError for more than 100 nested arrays and objects', () => {
    const nest = (depth: number) => '[{"a":'.repeat(depth / 2) + '1' + '}]'.repeat(depth / 2);
    expect(parseExactly(nest(100))).toEqual(JSON.parse(nest(100)));
    expect(() => parseExactly(nest(102))).toThrow(RangeError);
    expect(() => parseExactly(`[${nest(100)}]`)).toThrow(RangeError);
    expect(() => parseExactly('['.repeat(50_000) + ']'.repeat(50_000))).toThrow(RangeError);
  });

  it.each(['12345678901234567890x', '{12345678901234567890:1}', '01234567890123456789', '[1234567890123456789'])(
    'throws SyntaxError for %s, which is not JSON',
    (text) => {
      expect(() => parseExactly(text)).toThrow(SyntaxError);
    },
  );

  it('returns what JSON.parse returns for any text without such numbers', () => {
    fc.assert(
      fc.property(value, (sent) => {
        const json = JSON.stringify(sent);
        expect(parseExactly(`[${json}, 12345678901234567890]`)).toEqual([JSON.parse(json), '12345678901234567890']);
        expect(parseExactly(json)).toEqual(JSON.parse(json));
      }),
    );
  });
});
