// Executes operations: queries that come again are compiled, all else is graphql-js's. It knows nothing of HTTP.
import {
  type DocumentNode,
  execute,
  type ExecutionResult,
  getOperationAST,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import { type CompiledQuery, createCompiler } from './compiled-query.js';
import { coerceVariables } from './variables.js';

/** An operation of a document that has been found valid. */
export interface Execution {
  readonly document: DocumentNode;
  readonly operationName: string | null | undefined;
  /** The variables as they were sent. */
  readonly variables: Readonly<Record<string, unknown>> | null | undefined;
  readonly contextValue: unknown;
}

/** Executes an operation. What fails is in the result, as with graphql-js's `execute`. */
export type Executor = (execution: Execution) => Promise<ExecutionResult> | ExecutionResult;

/** An executor, and what else it can be told. */
export interface PreparableExecutor {
  readonly execute: Executor;
  /** Compiles the queries of a document that is sure to come, as long as there is room for them. */
  readonly prepare: (document: DocumentNode) => void;
}

/** What makes an executor. */
export interface ExecutorOptions {
  /** The execution of a query from which on it is compiled; the first is 1. Infinity: never. */
  readonly compileAt?: number;
  /** The share of the process's time that may go into compiling: above 0, at most 1. */
  readonly share?: number;
  /** Told of each query that has been compiled. */
  readonly onCompiled?: (operation: OperationDefinitionNode) => void;
}

// Compiling takes as long as several executions: a query that never comes again is not worth it.
const usualCompileAt = 3;

// A flood of queries that do come again must not keep the process from executing.
const usualShare = 0.05;

// An app has a few dozen queries. Each takes some 100 KB.
const mostCompiled = 128;

/**
 * Makes the executor of a schema. Queries are told apart by their nodes, so that a document is recognized as long as whoever parses
 * keeps it, and what is counted of it goes with it.
 */
export function createExecutor(schema: GraphQLSchema, options: ExecutorOptions = {}): PreparableExecutor {
  const { compileAt = usualCompileAt, share = usualShare, onCompiled } = options;
  const compile = createCompiler(schema);
  const executions = new WeakMap<OperationDefinitionNode, number>();
  // False: cannot be compiled.
  const queries = new LRUCache<OperationDefinitionNode, CompiledQuery | false>({ max: mostCompiled });
  let rests = 0;
  const add = (document: DocumentNode, operation: OperationDefinitionNode): CompiledQuery | false => {
    const query = compile(document, operation) ?? false;
    queries.set(operation, query);
    if (query !== false) onCompiled?.(operation);
    return query;
  };
  const find = (document: DocumentNode, operation: OperationDefinitionNode): CompiledQuery | false => {
    const known = queries.get(operation);
    if (known !== undefined) return known;
    const count = (executions.get(operation) ?? 0) + 1;
    executions.set(operation, count);
    const begun = performance.now();
    if (count < compileAt || begun < rests) return false;
    const query = add(document, operation);
    const ended = performance.now();
    rests = ended + (ended - begun) * (1 / share - 1);
    return query;
  };
  const run: Executor = ({ document, operationName, variables, contextValue }) => {
    const operation = getOperationAST(document, operationName);
    const query = operation ? find(document, operation) : false;
    const sent = variables ?? {};
    if (operation && query !== false) {
      const coerced = coerceVariables(schema, operation, sent);
      const result = coerced && query(coerced, contextValue);
      if (result !== undefined) return result;
    }
    return execute({ schema, document, operationName, variableValues: sent, contextValue });
  };
  return {
    execute: run,
    prepare: (document) => {
      for (const definition of document.definitions) {
        if (definition.kind === Kind.OPERATION_DEFINITION && queries.size < mostCompiled) add(document, definition);
      }
    },
  };
}
