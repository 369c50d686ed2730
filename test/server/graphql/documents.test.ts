// Which documents the gateway remembers, and what the origin of a request pays for them.
import { hash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { readConfig } from '../../../src/config.js';
import { RequestError } from '../../../src/graph/error-codes.js';
import { createSchema } from '../../../src/graph/schema.js';
import { Documents } from '../../../src/server/graphql/documents.js';
import { createDocumentParser, InvalidDocumentError } from '../../../src/server/graphql/parse-document.js';

const parse = createDocumentParser(createSchema(), readConfig({}));

/** Creates documents that count what they parse, and payers that count what they pay. */
function create() {
  const parsed: string[] = [];
  const documents = new Documents({
    trusted: undefined,
    parseDocument: (text) => {
      parsed.push(text);
      return parse(text);
    },
  });
  const createPayer = (hasKey: boolean, budget = Infinity) => {
    let units = 0;
    return {
      hasKey,
      spend: (count: number) => {
        if (units + count > budget) throw new RequestError('RATE_LIMITED', 'spent');
        units += count;
      },
      refund: (count: number) => {
        units -= count;
      },
      units: () => units,
    };
  };
  return { documents, parsed, keyed: createPayer(true), keyless: createPayer(false), createPayer };
}

const valid = '{ environments { id } }';
const invalid = '{ nothing }';
const padded = (index: number) => `{ __typename } # ${index} `.padEnd(1_000, 'x');

describe('Documents', () => {
  it('parse a document once, and cost the origin of a request with a key nothing', () => {
    const { documents, parsed, keyed } = create();
    expect(documents.find({ query: valid }, keyed)).toBe(documents.find({ query: valid }, keyed));
    expect([parsed, keyed.units()]).toEqual([[valid], 0]);
  });

  it('cost a unit for each 200 characters without a key, and then one unit each time', () => {
    const { documents, parsed, keyless } = create();
    documents.find({ query: padded(1) }, keyless);
    expect(keyless.units()).toBe(6);
    documents.find({ query: padded(1) }, keyless);
    expect([parsed.length, keyless.units()]).toEqual([1, 7]);
  });

  it('with a key, cost what is above 10 units, once', () => {
    const { documents, keyed } = create();
    const query = '{ __typename } #'.padEnd(8_000, 'x');
    documents.find({ query }, keyed);
    expect(keyed.units()).toBe(31);
    documents.find({ query }, keyed);
    expect(keyed.units()).toBe(31);
  });

  it.each([true, false])('cost as much if they are invalid, and are remembered (key: %s)', (hasKey) => {
    const { documents, parsed, createPayer } = create();
    const payer = createPayer(hasKey);
    const query = `${invalid} #`.padEnd(1_000, 'x');
    const find = () => documents.find({ query }, payer);
    expect(find).toThrow(InvalidDocumentError);
    expect([parsed.length, payer.units()]).toEqual([1, 6]);
    expect(find).toThrow(InvalidDocumentError);
    expect([parsed.length, payer.units()]).toEqual([1, 7]);
  });

  it.each([true, false])('are not parsed once the budget is spent (key: %s)', (hasKey) => {
    const { documents, parsed, createPayer } = create();
    expect(() => documents.find({ query: padded(1) }, createPayer(hasKey, 5))).toThrow(RequestError);
    expect(parsed).toEqual([]);
  });

  it('of clients without a key do not push out those of the others, nor their persisted queries', () => {
    const { documents, parsed, keyed, keyless } = create();
    const extensions = { persistedQuery: { version: 1, sha256Hash: hash('sha256', valid) } };
    documents.find({ query: valid, extensions }, keyed);
    for (let index = 0; index < 2_000; index++) {
      const query = padded(index);
      documents.find(
        { query, extensions: { persistedQuery: { version: 1, sha256Hash: hash('sha256', query) } } },
        keyless,
      );
    }
    expect(documents.find({ extensions }, keyed).text).toBe(valid);
    expect(parsed.filter((text) => text === valid)).toHaveLength(1);
    // Without a key, only the last ones are left.
    documents.find({ query: padded(0) }, keyless);
    expect(parsed.filter((text) => text === padded(0))).toHaveLength(2);
  });

  it.each([
    ['a version other than 1', { version: 2, sha256Hash: hash('sha256', valid) }],
    ['a hash of another text', { version: 1, sha256Hash: hash('sha256', invalid) }],
    ['no hash', { version: 1 }],
    ['no object', 'x'],
  ])('reject a persisted query with %s', (_what, persistedQuery) => {
    const { documents, parsed, keyed } = create();
    expect(() => documents.find({ query: valid, extensions: { persistedQuery } }, keyed)).toThrow(
      expect.objectContaining({ extensions: { code: 'BAD_REQUEST' }, status: 400 }),
    );
    expect(parsed).toEqual([]);
  });
});
