// Executors that count the queries that they compile, and documents for them.
import { type DocumentNode, getOperationAST, getVariableValues, type GraphQLSchema, parse, validate } from 'graphql';
import {
  createExecutor,
  type ExecutionRequest,
  type Executor,
  type ExecutorOptions,
} from '../../../src/graph/execution/executor.js';

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

/** Names an operation of a document, with its variables and context. */
export interface RequestOptions {
  readonly operationName?: string;
  readonly variables?: Readonly<Record<string, unknown>>;
  readonly contextValue?: unknown;
}

/** Returns the request for an operation of a valid document. Returns undefined if the variables are invalid: they reach no executor. */
export function toRequest(
  schema: GraphQLSchema,
  document: DocumentNode,
  { operationName, variables: declared = {}, contextValue = {} }: RequestOptions = {},
): ExecutionRequest | undefined {
  const operation = getOperationAST(document, operationName);
  if (!operation) throw new TypeError('The document has no such operation.');
  const { coerced } = getVariableValues(schema, operation.variableDefinitions ?? [], declared);
  return coerced && { document, operation, variables: { declared, coerced }, contextValue };
}

/** Returns the request for an operation. Throws TypeError if the variables are invalid. */
export function toValidRequest(
  schema: GraphQLSchema,
  document: DocumentNode,
  options: RequestOptions = {},
): ExecutionRequest {
  const request = toRequest(schema, document, options);
  if (request === undefined) throw new TypeError('The variables are invalid.');
  return request;
}
