// What is let go of once an answer has been made: kept from there on, it would make up most of what V8 has to collect.
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { toConnection, wholeList } from '../../src/graph/connection.js';
import { GraphContext } from '../../src/graph/context.js';
import { SANDBOX_KEY } from '../../src/sandbox/sandbox.js';
import { stringifyResult } from '../../src/server/graphql.js';
import { startGatewayOnSandbox } from '../helpers/gateway.js';
import { post } from '../helpers/wire.js';

afterEach(() => {
  jest.restoreAllMocks();
});

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

describe('An operation', () => {
  const query =
    'query ($name: String!) { vpcs(environment: { serviceCode: "compute-on", name: $name }) { totalCount } }';

  it.each([
    ['lets go of what it has loaded once it is answered', 'test_area', 1],
    ['keeps it where a field has failed, since others may be at work', 'no/such', 0],
  ])('%s', async (_, name, times) => {
    const forget = jest.spyOn(GraphContext.prototype, 'forget');
    const loaders = jest.spyOn(GraphContext.prototype, 'loaders', 'get');
    const gateway = await startGatewayOnSandbox();
    const answer = await post(gateway.url, { query, variables: { name } }, { 'mc-api-key': SANDBOX_KEY });
    expect(answer.json).toHaveProperty(times === 0 ? 'errors' : 'data.vpcs.totalCount');
    expect(forget).toHaveBeenCalledTimes(times);
    const [context] = forget.mock.contexts;
    const [loaded] = loaders.mock.results;
    if (context instanceof GraphContext) expect(context.loaders).not.toBe(loaded?.value);
    expect(context === undefined).toBe(times === 0);
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
