// Lets Apollo Server execute operations with the gateway's executor. A plugin hook returns results without errors. Results with errors go
// through Apollo Server's `gateway` option, so that it formats their errors like all others.
import {
  type ApolloServerOptionsWithGateway,
  type BaseContext,
  type GraphQLRequestContextResponseForOperation,
  type GraphQLResponse,
  HeaderMap,
} from '@apollo/server';
import type { ExecutionResult, GraphQLSchema } from 'graphql';
import type { Executor } from '../../graph/execution/executor.js';

/** The two halves of the execution that Apollo Server needs. */
export interface ApolloExecutor<Context extends BaseContext> {
  /** Executes an operation. Returns its response, or null if it has errors. For a plugin's `responseForOperation` hook. */
  readonly respond: (operation: GraphQLRequestContextResponseForOperation<Context>) => Promise<GraphQLResponse | null>;
  /** Provides the schema, and the results with errors. For Apollo Server's `gateway` option. */
  readonly gateway: ApolloServerOptionsWithGateway<Context>['gateway'];
}

/**
 * Creates both halves. Successful operations bypass `gateway`, because Apollo Server creates an object with a getter for each operation
 * that it passes there. The whole operation is reachable from that getter. V8 treats getters as old objects from the start. So a minor
 * garbage collection keeps all that they reach and copies it twice, and only a major one frees it.
 */
export function createApolloExecutor<Context extends BaseContext>(
  schema: GraphQLSchema,
  execute: Executor,
): ApolloExecutor<Context> {
  // Returns the result with errors, or throws what the executor threw, by context.
  const failures = new WeakMap<BaseContext, () => ExecutionResult>();
  return {
    respond: async ({ document, request: { operationName, variables }, contextValue }) => {
      try {
        const result = await execute({ document, operationName, variables, contextValue });
        const { data = null, errors } = result;
        if (errors === undefined) return { http: emptyHead, body: { kind: 'single', singleResult: { data } } };
        failures.set(contextValue, () => result);
      } catch (error) {
        failures.set(contextValue, () => {
          throw error;
        });
      }
      return null;
    },
    gateway: {
      onSchemaLoadOrUpdate: (update) => {
        update({ apiSchema: schema, coreSupergraphSdl: '' });
        return () => undefined;
      },
      load: () =>
        Promise.resolve({ executor: ({ context }) => Promise.resolve().then(failures.get(context) ?? throwMissing) }),
      stop: () => Promise.resolve(),
    },
  };
}

// All responses share it, since Apollo Server only reads it.
const emptyHead = { headers: new HeaderMap() };

function throwMissing(): never {
  throw new TypeError('The operation was not executed. A plugin must call `respond` in `responseForOperation`.');
}
