// Executors that count the queries that they compile, and documents for them.
import { type DocumentNode, type GraphQLSchema, parse, validate } from 'graphql';
import { createExecutor, type Executor, type ExecutorOptions } from '../../../src/graph/execution/executor.js';

/** A string with a marker: graphql-jit would copy it into its generated code, which then runs. */
export const canary = '__MAGIC_DATE__33a9e76d_02e0_4128_8e92_3530ad3da74d0 + Reflect.set(globalThis, `canary`, true)';

/** Creates an executor that counts the queries that it compiles. By default, it compiles each at its first execution. */
export function createCountingExecutor(
  schema: GraphQLSchema,
  options: ExecutorOptions = {},
): { run: Executor; compileAhead: (document: DocumentNode) => void; compiledCount: () => number } {
  let count = 0;
  const onCompiled = () => {
    count++;
  };
  const { execute: run, compileAhead } = createExecutor(schema, {
    compileAt: 1,
    maxCompileShare: 1,
    ...options,
    onCompiled,
  });
  return { run, compileAhead, compiledCount: () => count };
}

/** Parses a query. Returns undefined if it is invalid. */
export function parseValid(schema: GraphQLSchema, query: string): DocumentNode | undefined {
  const document = parse(query);
  return validate(schema, document).length === 0 ? document : undefined;
}
