// What is let go of once an answer has been made: kept from there on, it would make up most of what V8 has to collect.
import { describe, expect, it } from '@jest/globals';
import { toConnection, wholeList } from '../../src/graph/connection.js';
import { stringifyResult } from '../../src/server/graphql.js';

describe('An answer', () => {
  it('is made a text as it is, and holds no data any more', () => {
    const rows = [{ id: '1', name: 'one' }];
    const data: Record<string, unknown> = { vpns: { nodes: rows }, alias: rows };
    const errors = [{ message: 'It failed.', path: ['other'] }];
    expect(stringifyResult({ errors, data })).toBe(
      '{"errors":[{"message":"It failed.","path":["other"]}],"data":{"vpns":{"nodes":[{"id":"1","name":"one"}]},"alias":[{"id":"1","name":"one"}]}}\n',
    );
    expect(data).toEqual({ vpns: null, alias: null });
    expect(rows).toEqual([{ id: '1', name: 'one' }]);
  });

  it.each([[{ data: null }], [{ errors: [{ message: 'It failed.' }] }], [{}]])('may have none: %j', (result) => {
    expect(stringifyResult(result)).toBe(`${JSON.stringify(result)}\n`);
  });
});

describe('A page of a list', () => {
  it('has no getter of its own', () => {
    const page = toConnection('thing', [{ id: '1', name: 'one' }], wholeList);
    const own = Object.values(Object.getOwnPropertyDescriptors(page));
    expect(own.filter((property) => 'get' in property)).toEqual([]);
    expect(page.edges).toHaveLength(1);
  });
});
