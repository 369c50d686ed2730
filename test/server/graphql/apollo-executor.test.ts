// How Apollo Server executes: what succeeds is answered without its gateway, what fails is told as every error is, and nothing is executed twice.
import { describe, expect, it } from '@jest/globals';
import { ApolloServer } from '@apollo/server';
import { buildSchema, execute } from 'graphql';
import type { Executor } from '../../../src/graph/execution/executor.js';
import { createApolloExecution } from '../../../src/server/graphql/apollo-executor.js';
import { atEnd } from '../../helpers/at-end.js';

const schema = buildSchema('type Query { one: Int! other: Int }');
const rootValue = {
  one: 1,
  other: () => {
    throw new Error('There is no other.');
  },
};
const usual: Executor = ({ document, operationName, variables, contextValue }) =>
  execute({ schema, document, rootValue, operationName, variableValues: variables, contextValue });

async function ask(query: string, { executor = usual, byPlugin = true, operationName = '' } = {}) {
  let executed = 0;
  let told = 0;
  const { respond, gateway } = createApolloExecution(schema, (execution) => {
    executed++;
    return executor(execution);
  });
  const apollo = new ApolloServer({
    gateway: {
      ...gateway,
      load: async (options) => {
        const { executor: tell } = await gateway.load(options);
        return {
          executor: (operation) => {
            told++;
            return tell === null ? Promise.reject(new TypeError('It has none.')) : tell(operation);
          },
        };
      },
    },
    plugins: byPlugin ? [{ requestDidStart: () => Promise.resolve({ responseForOperation: respond }) }] : [],
    includeStacktraceInErrorResponses: false,
    stopOnTerminationSignals: false,
  });
  await apollo.start();
  atEnd(() => apollo.stop());
  const { body } = await apollo.executeOperation({ query, ...(operationName === '' ? {} : { operationName }) });
  return { answer: body.kind === 'single' ? body.singleResult : undefined, executed, told };
}

describe('An operation', () => {
  it('that succeeds is answered without the gateway', async () => {
    expect(await ask('{ one }')).toEqual({ answer: { data: { one: 1 } }, executed: 1, told: 0 });
  });

  it('of which a field fails is executed once, and answered as Apollo Server answers it', async () => {
    const { answer, executed, told } = await ask('{ one other }');
    expect(answer).toMatchObject({
      data: { one: 1, other: null },
      errors: [{ message: 'There is no other.', path: ['other'], extensions: { code: 'INTERNAL_SERVER_ERROR' } }],
    });
    expect([executed, told]).toEqual([1, 1]);
  });

  it('that the document does not have is one that Apollo Server cannot resolve', async () => {
    const { answer } = await ask('query A { one } query B { one }', { operationName: 'C' });
    expect(answer).toMatchObject({ errors: [{ extensions: { code: 'OPERATION_RESOLUTION_FAILURE' } }] });
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('It broke.');
      },
    ],
    ['rejects', () => Promise.reject(new Error('It broke.'))],
  ])('whose executor %s is an error as every other', async (_how, executor: Executor) => {
    const { answer, executed } = await ask('{ one }', { executor });
    expect(answer).toMatchObject({ errors: [{ message: 'It broke.', extensions: { code: 'INTERNAL_SERVER_ERROR' } }] });
    expect(answer).not.toHaveProperty('data');
    expect(executed).toBe(1);
  });

  it('is not executed where the plugin is left out', async () => {
    const { answer, executed } = await ask('{ one }', { byPlugin: false });
    expect(answer).toMatchObject({ errors: [{ message: 'An operation is executed by the plugin.' }] });
    expect(executed).toBe(0);
  });
});
