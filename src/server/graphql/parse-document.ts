// Parses and validates documents, within the limits of the configuration.
import {
  type ASTVisitor,
  type DocumentNode,
  GraphQLError,
  type GraphQLFormattedError,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  parse,
  specifiedRules,
  validate,
  type ValidationContext,
  type ValidationRule,
} from 'graphql';
import type { Config } from '../../config.js';
import { type ErrorCode, RequestError } from '../../graph/error-codes.js';
import { formatGraphqlError } from '../../graph/errors.js';
import { createVariableReader, type ReadVariables } from '../../graph/execution/variables.js';
import {
  checkDocumentLength,
  createDocumentLimitsRule,
  DocumentLimitError,
  maxValidationErrors,
  toParseOptions,
} from '../../graph/limits/document-limits.js';
import { type CostOfVariables, estimateRestCalls } from '../../graph/limits/query-cost.js';

/** An operation of a valid document. */
export interface KnownOperation {
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  readonly readVariables: ReadVariables;
  /** Returns the number of REST calls that it is expected to make, at least 1. */
  readonly toCost: CostOfVariables;
}

/** A valid document. */
export interface ValidDocument {
  readonly text: string;
  readonly document: DocumentNode;
  /** Its operations, in the order of the text. */
  readonly operations: readonly KnownOperation[];
}

/** Reports that a text is not a valid document. The errors are formatted for clients; each has a code whose HTTP status is 400. */
export class InvalidDocumentError extends Error {
  readonly errors: readonly GraphQLFormattedError[];

  constructor(errors: readonly GraphQLFormattedError[]) {
    super('The document is invalid.');
    this.errors = errors;
  }
}

/** Parses and validates a text. Throws InvalidDocumentError. */
export type ParseDocument = (text: string) => ValidDocument;

/** Creates the function that parses and validates documents, within the limits of the configuration. */
export function createDocumentParser(schema: GraphQLSchema, config: Config): ParseDocument {
  const { introspection, federation } = config;
  const rules: readonly ValidationRule[] = [
    ...specifiedRules,
    createDocumentLimitsRule(config),
    ...(introspection
      ? []
      : [createIntrospectionRule(federation ? ['__schema', '__type', '_service'] : ['__schema', '__type'])]),
  ];
  const parseOptions = toParseOptions(config);
  const reject = (errors: readonly GraphQLError[], code: ErrorCode): never => {
    throw new InvalidDocumentError(
      errors.map((error) => formatGraphqlError(error.toJSON(), withCode(error, code), { introspection, schema })),
    );
  };
  const parseText = (text: string): DocumentNode => {
    try {
      return parse(text, parseOptions);
    } catch (error) {
      if (error instanceof GraphQLError) return reject([error], 'GRAPHQL_PARSE_FAILED');
      throw error;
    }
  };
  return (text) => {
    const tooLong = checkDocumentLength(text, config);
    if (tooLong !== undefined) reject([tooLong], 'GRAPHQL_PARSE_FAILED');
    const document = parseText(text);
    const errors = validate(schema, document, rules, {
      maxErrors: maxValidationErrors,
      hideSuggestions: !introspection,
    });
    // graphql-js appends one more error, which says that it stopped.
    if (errors.length > 0) reject(errors.slice(0, maxValidationErrors), 'GRAPHQL_VALIDATION_FAILED');
    const operations = document.definitions.flatMap((operation) =>
      operation.kind === Kind.OPERATION_DEFINITION
        ? [
            {
              document,
              operation,
              readVariables: createVariableReader(schema, operation, config),
              toCost: estimateRestCalls(schema, document, operation),
            },
          ]
        : [],
    );
    return { text, document, operations };
  };
}

/** Creates the validation rule that rejects the fields with the schema. */
function createIntrospectionRule(fields: readonly string[]): ValidationRule {
  return (context: ValidationContext): ASTVisitor => ({
    Field: (node) => {
      if (!fields.includes(node.name.value)) return undefined;
      context.reportError(new DocumentLimitError('Introspection is disabled.', { nodes: node }));
      return false;
    },
  });
}

function withCode(error: GraphQLError, code: ErrorCode): GraphQLError {
  if (error.extensions['code'] === code) return error;
  const { message, nodes = null, source = null, positions = null } = error;
  return new GraphQLError(message, { nodes, source, positions, originalError: error, extensions: { code } });
}

/** Returns the operation of a document that a request names. Throws OPERATION_RESOLUTION_FAILURE if the name is missing or unknown. */
export function findOperation({ operations }: ValidDocument, name: string | null | undefined): KnownOperation {
  const matches = name ? operations.filter(({ operation }) => operation.name?.value === name) : operations;
  const [match] = matches;
  if (match !== undefined && matches.length === 1) return match;
  const message =
    'The document has no operation of that name, or has several operations. Send the name of one as operationName.';
  throw new RequestError('OPERATION_RESOLUTION_FAILURE', message);
}
