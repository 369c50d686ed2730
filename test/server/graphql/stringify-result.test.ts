// The JSON text of results, made at once or in slices.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { stringifyResult } from '../../../src/server/graphql/stringify-result.js';
import { maxWorkPerTurn, Turns } from '../../../src/turns.js';
import { numberedVpn, range } from '../../helpers/fixtures.js';

const rows = (count: number) => range(count).map((index) => numberedVpn(index, 0));

describe('stringifyResult', () => {
  it.each<[string, object]>([
    ['an empty result', {}],
    ['a short list', { data: { nodes: rows(3) } }],
    ['a long list', { data: { nodes: rows(1_000), totalCount: 1_000 } }],
    ['a long list with absent fields', { errors: undefined, data: { nodes: rows(1_000) }, extensions: undefined }],
    ['long lists in the rows of a list', { data: { vpcs: range(5).map(() => ({ nodes: rows(500) })) } }],
    ['short lists in the rows of a long list', { data: { vpcs: range(500).map(() => ({ nodes: rows(2) })) } }],
    ['lists of lists', { data: range(3).map(() => range(3_000).map(() => [null, 1, 'x'])) }],
    ['rows before and after a long one', { data: [1, rows(500), 2, [], rows(500)] }],
    ['many fields', Object.fromEntries(range(3_000).map((index) => [`f"${index}`, new Date(index)]))],
    ['long lists of nothing', { data: [range(3_000).map(() => undefined), []] }],
    ['errors beside a long list', { errors: [{ message: 'no' }], data: { nodes: rows(1_000) } }],
  ])('returns the text of JSON.stringify, with a line end, for %s', async (_, result) => {
    expect(await stringifyResult(result)).toBe(`${JSON.stringify(result)}\n`);
  });

  it('returns the text of JSON.stringify for any JSON value, amid enough others', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (value) => {
        const result = { data: [value, range(2_001), { value }], value };
        expect(await stringifyResult(result)).toBe(`${JSON.stringify(result)}\n`);
      }),
    );
  });

  it('returns a small result at once', () => {
    expect(typeof stringifyResult({ data: { nodes: rows(25) } })).toBe('string');
  });

  it('makes the text of a small result in a later turn if this one is full', async () => {
    await nextTurn();
    void new Turns({ caller: 'another' }).take(maxWorkPerTurn);
    const result = { data: { nodes: rows(60) } };
    const texts = range(3).map(() => stringifyResult(result));
    expect(texts).toEqual([expect.any(String), expect.any(Promise), expect.any(Promise)]);
    expect(new Set(await Promise.all(texts.map((text) => Promise.resolve(text))))).toEqual(
      new Set([`${JSON.stringify(result)}\n`]),
    );
  });

  it('lets other work have turns of the event loop while it writes a large result', async () => {
    let turns = 0;
    const count = () => {
      turns++;
      timer = setImmediate(count);
    };
    let timer = setImmediate(count);
    await stringifyResult({ data: { nodes: rows(5_000) } });
    clearImmediate(timer);
    expect(turns).toBeGreaterThan(5);
  });
});
