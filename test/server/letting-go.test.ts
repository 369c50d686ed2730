// What is let go of once an answer has been made: kept from there on, it would make up most of what V8 has to collect.
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { isObject } from '../../src/cloudca/envelope.js';
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
  const ask = async (name: string) => {
    const gateway = await startGatewayOnSandbox();
    return post(gateway.url, { query, variables: { name } }, { 'mc-api-key': SANDBOX_KEY });
  };

  it('lets go of what it has loaded and answered once it is answered', async () => {
    const forget = jest.spyOn(GraphContext.prototype, 'forget');
    const loaders = jest.spyOn(GraphContext.prototype, 'loaders', 'get');
    const stringify = jest.spyOn(JSON, 'stringify');
    expect((await ask('test_area')).json).toHaveProperty('data.vpcs.totalCount');
    const [context] = forget.mock.contexts;
    const [loaded] = loaders.mock.results;
    expect(loaded?.value).toBeDefined();
    if (!(context instanceof GraphContext)) throw new TypeError('No operation has let go.');
    expect(context.loaders).not.toBe(loaded?.value);
    const answers = stringify.mock.calls.map(([value]: readonly unknown[]) => (isObject(value) ? value['data'] : null));
    expect(answers.filter((data) => isObject(data) && 'vpcs' in data)).toEqual([{ vpcs: null }]);
  });

  it('keeps what it has loaded where a field has failed, since others may be at work', async () => {
    const forget = jest.spyOn(GraphContext.prototype, 'forget');
    expect((await ask('no_such_area')).json).toHaveProperty('errors');
    expect(forget).not.toHaveBeenCalled();
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
