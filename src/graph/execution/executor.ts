// Executes operations. Compiles queries that repeat, and leaves all others to graphql-js.
import {
  type DocumentNode,
  execute,
  type ExecutionResult,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import { GraphContext } from '../context.js';
import { type CompiledQuery, createCompiler } from './compiled-query.js';
import { limitResult } from './limit-result.js';
import { countFields } from './operation-fields.js';
import type { OperationVariables } from './variables.js';

/** An operation of a valid document. */
export interface ExecutionRequest {
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  readonly variables: OperationVariables;
  readonly contextValue: unknown;
  /** The event of a subscription. */
  readonly rootValue?: unknown;
}

/** Executes an operation. Returns failures in the result, like graphql-js's `execute`. */
export type Executor = (execution: ExecutionRequest) => Promise<ExecutionResult> | ExecutionResult;

/** Executes operations; compiles repeated queries. */
export interface CompilingExecutor {
  readonly execute: Executor;
  /** Compiles all queries of a document now, until the cache is full. Ignores `maxCompileShare`. */
  readonly compileAhead: (document: DocumentNode) => void;
}

/** Options of an executor. */
export interface ExecutorOptions {
  /** The execution, counted from 1, that compiles a query. Infinity: never. Default: 3. */
  readonly compileAt?: number;
  /** Maximum share of the process's time that compiling may take, above 0 and at most 1. Default: 0.05. */
  readonly maxCompileShare?: number;
  /** Called with the operation of each query that was compiled. */
  readonly onCompiled?: (operation: OperationDefinitionNode) => void;
}

// Compiling takes as long as several executions, so it does not pay for a query that never repeats.
const defaultCompileAt = 3;

// A flood of queries that do repeat must not keep the process from executing.
const defaultCompileShare = 0.05;

// An app has a few dozen queries. Each takes about 160 KB.
const maxCompiledQueries = 128;

/**
 * Creates the executor of a schema. It identifies a query by its AST node. So it recognizes a query as long as the same parsed document is
 * passed, and the query's counts are released with the document.
 */
export function createExecutor(schema: GraphQLSchema, options: ExecutorOptions = {}): CompilingExecutor {
  const { compileAt = defaultCompileAt, maxCompileShare = defaultCompileShare, onCompiled } = options;
  const compile = createCompiler(schema);
  const executionCounts = new WeakMap<OperationDefinitionNode, number>();
  // False: cannot be compiled.
  const queries = new LRUCache<OperationDefinitionNode, CompiledQuery | false>({ max: maxCompiledQueries });
  let pausedUntil = 0;
  const add = (document: DocumentNode, operation: OperationDefinitionNode): CompiledQuery | false => {
    const query = compile(document, operation) ?? false;
    queries.set(operation, query);
    if (query !== false) onCompiled?.(operation);
    return query;
  };
  const find = (document: DocumentNode, operation: OperationDefinitionNode): CompiledQuery | false => {
    const cached = queries.get(operation);
    if (cached !== undefined) return cached;
    const count = (executionCounts.get(operation) ?? 0) + 1;
    executionCounts.set(operation, count);
    const startedAt = performance.now();
    if (count < compileAt || startedAt < pausedUntil) return false;
    const query = add(document, operation);
    const endedAt = performance.now();
    pausedUntil = endedAt + (endedAt - startedAt) * (1 / maxCompileShare - 1);
    return query;
  };
  const run: Executor = ({ document, operation, variables, contextValue, rootValue }) => {
    const query = find(document, operation);
    const result = query === false ? undefined : query(variables.coerced, contextValue);
    // graphql-js coerces the variables itself.
    const args = { operationName: operation.name?.value ?? null, variableValues: variables.declared };
    return result ?? execute({ schema, document, contextValue, rootValue, ...args });
  };
  const runLimited: Executor = (request) => {
    const { document, operation, contextValue } = request;
    const result = run(request);
    const context = toGraphContext(contextValue);
    if (context === undefined) return result;
    const { budget } = context;
    return limitResult(result, {
      operation,
      budget,
      estimateLength: () => estimateLength(document, operation, context),
    });
  };
  return {
    execute: runLimited,
    compileAhead: (document) => {
      for (const definition of document.definitions) {
        if (definition.kind === Kind.OPERATION_DEFINITION && queries.size < maxCompiledQueries)
          add(document, definition);
      }
    },
  };
}

function toGraphContext(contextValue: unknown): GraphContext | undefined {
  if (typeof contextValue !== 'object' || contextValue === null || !('operation' in contextValue)) return undefined;
  return contextValue.operation instanceof GraphContext ? contextValue.operation : undefined;
}

// Every string of a query's result comes from a REST response or, like a long alias, from the document. Only the text of the schema does not,
// in `_service`, which is short. Events and tasks of mutations come from polls, whose responses the context does not know.
function estimateLength(document: DocumentNode, operation: OperationDefinitionNode, context: GraphContext): number {
  if (operation.operation !== OperationTypeNode.QUERY || document.loc === undefined) return Infinity;
  const fields = context.budget.fields + countFields(document, operation);
  return fields * (context.receivedLength + document.loc.source.body.length);
}
