// A document from its text, as Apollo Server makes it for queries: held to the limits, parsed, validated.
import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  parse,
  specifiedRules,
  validate,
  type ValidationRule,
} from 'graphql';
import {
  checkLength,
  createQueryLimitsRule,
  mostValidationErrors,
  type QueryLimits,
  toParseOptions,
} from '../../graph/limits/query-limits.js';

/** A text is no document to run. */
export class InvalidDocumentError extends Error {
  readonly errors: readonly GraphQLError[];

  constructor(errors: readonly GraphQLError[]) {
    super('The document cannot be run.');
    this.errors = errors;
  }
}

/** Makes what reads documents; it throws InvalidDocumentError. */
export function createDocumentReader(
  schema: GraphQLSchema,
  limits: QueryLimits,
  hideSuggestions: boolean,
): (text: string) => DocumentNode {
  const rules: readonly ValidationRule[] = [...specifiedRules, createQueryLimitsRule(limits)];
  const parseOptions = toParseOptions(limits);
  return (text) => {
    const tooLong = checkLength(text, limits);
    if (tooLong !== undefined) throw new InvalidDocumentError([tooLong]);
    const document = parseWith(text, parseOptions);
    const invalid = validate(schema, document, rules, { maxErrors: mostValidationErrors, hideSuggestions });
    if (invalid.length === 0) return document;
    const told = invalid.slice(0, mostValidationErrors);
    throw new InvalidDocumentError(told.map((error) => withCode(error, 'GRAPHQL_VALIDATION_FAILED')));
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

function withCode(error: GraphQLError, code: string): GraphQLError {
  const { message, nodes = null, source = null, positions = null } = error;
  const extensions = { code, http: { status: 400 } };
  return new GraphQLError(message, { nodes, source, positions, originalError: error, extensions });
}
