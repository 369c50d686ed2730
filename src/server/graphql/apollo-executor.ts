// How Apollo Server comes to execute by an executor of ours: what succeeds is answered by a hook of its plugins, what fails comes through its
// `gateway`, so that Apollo Server makes of it what it makes of every error. It does not know how operations are executed.
import {
  type ApolloServerOptionsWithGateway,
  type BaseContext,
  type GraphQLRequestContextResponseForOperation,
  type GraphQLResponse,
  HeaderMap,
} from '@apollo/server';
import type { ExecutionResult, GraphQLSchema } from 'graphql';
import type { Executor } from '../../graph/execution/executor.js';

/** What Apollo Server is to be given. */
export interface ApolloExecution<Context extends BaseContext> {
  /** Executes an operation and answers it; null where something failed. For the hook `responseForOperation` of a plugin. */
  readonly respond: (operation: GraphQLRequestContextResponseForOperation<Context>) => Promise<GraphQLResponse | null>;
  /** Has the schema, and tells of what failed. For the option `gateway`. */
  readonly gateway: ApolloServerOptionsWithGateway<Context>['gateway'];
}

/**
 * Makes both halves. For each operation that a gateway executes, Apollo Server makes an object with a getter from which all of the operation can
 * be reached. V8 counts getters among old objects from the beginning: what they reach is kept, and moved twice, until V8 collects all that is
 * old. An operation that succeeds does without.
 */
export function createApolloExecution<Context extends BaseContext>(
  schema: GraphQLSchema,
  execute: Executor,
): ApolloExecution<Context> {
  // What came of operations that failed, by their contexts.
  const failures = new WeakMap<BaseContext, () => ExecutionResult>();
  return {
    respond: async ({ document, request: { operationName, variables }, contextValue }) => {
      try {
        const result = await execute({ document, operationName, variables, contextValue });
        const { data = null, errors } = result;
        if (errors === undefined) return { http: noHead, body: { kind: 'single', singleResult: { data } } };
        failures.set(contextValue, () => result);
      } catch (error) {
        failures.set(contextValue, () => {
          throw error;
        });
      }
      return null;
    },
    gateway: {
      onSchemaLoadOrUpdate: (tell) => {
        tell({ apiSchema: schema, coreSupergraphSdl: '' });
        return () => undefined;
      },
      load: () =>
        Promise.resolve({ executor: ({ context }) => Promise.resolve().then(failures.get(context) ?? nothingFailed) }),
      stop: () => Promise.resolve(),
    },
  };
}

// Apollo Server only reads it.
const noHead = { headers: new HeaderMap() };

function nothingFailed(): never {
  throw new TypeError('An operation is executed by the plugin.');
}
