// Parses and validates documents as Apollo Server does for queries, with the same limits.
import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  parse,
  specifiedRules,
  validate,
  type ValidationRule,
} from 'graphql';
import { type ErrorCode, errorStatuses } from '../../graph/error-codes.js';
import {
  checkDocumentLength,
  createDocumentLimitsRule,
  maxValidationErrors,
  type DocumentLimits,
  toParseOptions,
} from '../../graph/limits/document-limits.js';

/** Reports that a text is not a valid document. Each error has a code. */
export class InvalidDocumentError extends Error {
  readonly errors: readonly GraphQLError[];

  constructor(errors: readonly GraphQLError[]) {
    super('The document is invalid.');
    this.errors = errors;
  }
}

/**
 * Creates the function that parses and validates a document; it throws InvalidDocumentError. With `hideSuggestions`, error messages suggest
 * no names of the schema.
 */
export function createDocumentParser(
  schema: GraphQLSchema,
  limits: DocumentLimits,
  hideSuggestions: boolean,
): (text: string) => DocumentNode {
  const rules: readonly ValidationRule[] = [...specifiedRules, createDocumentLimitsRule(limits)];
  const parseOptions = toParseOptions(limits);
  return (text) => {
    const tooLong = checkDocumentLength(text, limits);
    if (tooLong !== undefined) throw new InvalidDocumentError([tooLong]);
    const document = parseWith(text, parseOptions);
    const invalid = validate(schema, document, rules, { maxErrors: maxValidationErrors, hideSuggestions });
    if (invalid.length === 0) return document;
    // graphql-js appends one more error, which says that it stopped.
    const errors = invalid.slice(0, maxValidationErrors);
    throw new InvalidDocumentError(errors.map((error) => withCode(error, 'GRAPHQL_VALIDATION_FAILED')));
  };
}

function parseWith(text: string, options: ReturnType<typeof toParseOptions>): DocumentNode {
  try {
    return parse(text, options);
  } catch (error) {
    if (error instanceof GraphQLError) throw new InvalidDocumentError([withCode(error, 'GRAPHQL_PARSE_FAILED')]);
    throw error;
  }
}

function withCode(error: GraphQLError, code: ErrorCode): GraphQLError {
  const { message, nodes = null, source = null, positions = null } = error;
  const extensions = { code, http: { status: errorStatuses[code] } };
  return new GraphQLError(message, { nodes, source, positions, originalError: error, extensions });
}
