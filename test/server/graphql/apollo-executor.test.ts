// Execution within Apollo Server: success bypasses its `gateway`, errors pass through it, and no operation is executed twice.
import { describe, expect, it } from '@jest/globals';
import { ApolloServer } from '@apollo/server';
import { buildSchema, execute } from 'graphql';
import type { Executor } from '../../../src/graph/execution/executor.js';
import { createApolloExecutor } from '../../../src/server/graphql/apollo-executor.js';
import { addCleanup } from '../../helpers/cleanup.js';

const schema = buildSchema('type Query { one: Int! other: Int }');
const rootValue = {
  one: 1,
  other: () => {
    throw new Error('The field failed.');
  },
};
const defaultExecutor: Executor = ({ document, operationName, variables, contextValue }) =>
  execute({ schema, document, rootValue, operationName, variableValues: variables, contextValue });

async function run(query: string, { executor = defaultExecutor, withPlugin = true, operationName = '' } = {}) {
  let executions = 0;
  let gatewayCalls = 0;
  const { respond, gateway } = createApolloExecutor(schema, (execution) => {
    executions++;
    return executor(execution);
  });
  const apollo = new ApolloServer({
    gateway: {
      ...gateway,
      load: async (options) => {
        const { executor: gatewayExecutor } = await gateway.load(options);
        return {
          executor: (operation) => {
            gatewayCalls++;
            return gatewayExecutor === null
              ? Promise.reject(new TypeError('The gateway has no executor.'))
              : gatewayExecutor(operation);
          },
        };
      },
    },
    plugins: withPlugin ? [{ requestDidStart: () => Promise.resolve({ responseForOperation: respond }) }] : [],
    includeStacktraceInErrorResponses: false,
    stopOnTerminationSignals: false,
  });
  await apollo.start();
  addCleanup(() => apollo.stop());
  const { body } = await apollo.executeOperation({ query, ...(operationName === '' ? {} : { operationName }) });
  return { result: body.kind === 'single' ? body.singleResult : undefined, executions, gatewayCalls };
}

describe('createApolloExecutor', () => {
  it('returns a result without errors, bypassing the gateway', async () => {
    expect(await run('{ one }')).toEqual({ result: { data: { one: 1 } }, executions: 1, gatewayCalls: 0 });
  });

  it('executes an operation with a failed field once, and lets Apollo Server format the error', async () => {
    const { result, executions, gatewayCalls } = await run('{ one other }');
    expect(result).toMatchObject({
      data: { one: 1, other: null },
      errors: [{ message: 'The field failed.', path: ['other'], extensions: { code: 'INTERNAL_SERVER_ERROR' } }],
    });
    expect([executions, gatewayCalls]).toEqual([1, 1]);
  });

  it('leaves an unknown operation name to Apollo Server', async () => {
    const { result } = await run('query A { one } query B { one }', { operationName: 'C' });
    expect(result).toMatchObject({ errors: [{ extensions: { code: 'OPERATION_RESOLUTION_FAILURE' } }] });
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('The executor failed.');
      },
    ],
    ['rejects', () => Promise.reject(new Error('The executor failed.'))],
  ])('lets Apollo Server format the error if the executor %s', async (_how, executor: Executor) => {
    const { result, executions } = await run('{ one }', { executor });
    expect(result).toMatchObject({
      errors: [{ message: 'The executor failed.', extensions: { code: 'INTERNAL_SERVER_ERROR' } }],
    });
    expect(result).not.toHaveProperty('data');
    expect(executions).toBe(1);
  });

  it('does not execute an operation without the plugin', async () => {
    const { result, executions } = await run('{ one }', { withPlugin: false });
    expect(result).toMatchObject({
      errors: [{ message: 'The operation was not executed. A plugin must call `respond` in `responseForOperation`.' }],
    });
    expect(executions).toBe(0);
  });
});
