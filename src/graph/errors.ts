// Every error that a caller sees in `errors` is made here: one table from what failed to a code, one formatter for every transport.
// Texts of graphql-js that repeat what was sent are rebuilt without it.
import { GraphQLError, type GraphQLFormattedError, Kind } from 'graphql';
import {
  BadResponseError,
  CallerGoneError,
  CloudcaError,
  ForbiddenError,
  NotFoundError,
  RateLimitedError,
  RefusedError,
  TimeoutError,
  UnauthenticatedError,
  UnavailableError,
  UpstreamFailureError,
} from '../cloudca/errors.js';
import { toHiddenMessage } from './limits/mask-schema-errors.js';
import { QueryLimitError } from './limits/query-limits.js';

/** The codes in `errors[].extensions.code` that are not GraphQL's own. */
export type ErrorCode =
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN'
  | 'NOT_FOUND'
  | 'RATE_LIMITED'
  | 'OVERLOADED'
  | 'UPSTREAM_ERROR'
  | 'UPSTREAM_UNAVAILABLE'
  | 'UPSTREAM_TIMEOUT'
  | 'UPSTREAM_BAD_RESPONSE';

/** The caller sent something that a resolver cannot work with. Its message reaches the caller as it is: it repeats no value. */
export class BadUserInputError extends Error {}

/** What is told where no key came. */
export const missingKeyMessage = 'Send your API key in the MC-Api-Key header.';

/** No key came with the request, or one that no HTTP header can carry. */
export class MissingKeyError extends Error {
  constructor() {
    super(missingKeyMessage);
  }
}

/** The codes of what failed; Error's subclasses that are not here are nobody's to foresee. */
const codes: readonly (readonly [new (...args: never[]) => Error, ErrorCode | 'BAD_USER_INPUT'])[] = [
  [BadUserInputError, 'BAD_USER_INPUT'],
  [MissingKeyError, 'UNAUTHENTICATED'],
  [UnauthenticatedError, 'UNAUTHENTICATED'],
  [ForbiddenError, 'FORBIDDEN'],
  [NotFoundError, 'NOT_FOUND'],
  [RateLimitedError, 'RATE_LIMITED'],
  [RefusedError, 'UPSTREAM_ERROR'],
  [UpstreamFailureError, 'UPSTREAM_ERROR'],
  [UnavailableError, 'UPSTREAM_UNAVAILABLE'],
  [TimeoutError, 'UPSTREAM_TIMEOUT'],
  [BadResponseError, 'UPSTREAM_BAD_RESPONSE'],
  [CallerGoneError, 'UPSTREAM_UNAVAILABLE'],
];

// Codes that stand for a mistake in the request itself; whoever throws them has made the text for the caller, or it is rebuilt below.
const requestCodes = new Set([
  'UNAUTHENTICATED',
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'BAD_REQUEST',
  'BAD_USER_INPUT',
  'OPERATION_RESOLUTION_FAILURE',
  'PERSISTED_QUERY_NOT_FOUND',
  'PERSISTED_QUERY_NOT_SUPPORTED',
  'TRUSTED_DOCUMENT_REQUIRED',
  'RATE_LIMITED',
  'OVERLOADED',
]);

/** What was thrown in the end: GraphQL wraps what resolvers throw. An error of GraphQL's own stays as it is. */
export function toCause(error: unknown): unknown {
  let cause = error;
  while (cause instanceof GraphQLError && cause.originalError !== undefined) cause = cause.originalError;
  return cause instanceof GraphQLError ? error : cause;
}

/** The code of an error; INTERNAL_SERVER_ERROR for all that nobody has foreseen. */
export function toCode(error: unknown): string {
  const cause = toCause(error);
  const entry = codes.find(([type]) => cause instanceof type);
  if (entry !== undefined) {
    // A 400 whose body says nothing is no refusal that could be told, but an answer that cannot be understood.
    return cause instanceof RefusedError && cause.answer?.errors.length === 0 ? 'UPSTREAM_BAD_RESPONSE' : entry[1];
  }
  if (!(cause instanceof GraphQLError)) return 'INTERNAL_SERVER_ERROR';
  const code = cause.extensions['code'];
  if (typeof code === 'string' && requestCodes.has(code)) return code;
  if (isBadRequest(cause)) return 'BAD_REQUEST';
  return isUnfit(cause) ? 'BAD_USER_INPUT' : 'INTERNAL_SERVER_ERROR';
}

/**
 * What the caller is told of an error: Apollo Server's `formatError`. `formatted` has its locations and its path. With `hidesSchema`,
 * what is wrong with a request is told by no name of the schema that was not sent.
 */
export function toFormattedError(
  { locations, path }: GraphQLFormattedError,
  error: unknown,
  hidesSchema = false,
): GraphQLFormattedError {
  const cause = toCause(error);
  const code = toCode(error);
  return {
    message: toMessage(code, cause, hidesSchema),
    ...(locations === undefined ? {} : { locations }),
    ...(path === undefined ? {} : { path }),
    extensions: { code, ...toDetails(cause) },
  };
}

function toMessage(code: string, cause: unknown, hidesSchema: boolean): string {
  if (codes.some(([type]) => cause instanceof type) && cause instanceof Error) return cause.message;
  if (code === 'INTERNAL_SERVER_ERROR' || !(cause instanceof GraphQLError)) {
    return 'Something went wrong in the gateway. With the request id its operators can find out what.';
  }
  switch (code) {
    case 'UNAUTHENTICATED':
      return missingKeyMessage;
    case 'GRAPHQL_PARSE_FAILED':
      return toSyntaxMessage(cause);
    case 'GRAPHQL_VALIDATION_FAILED':
      return toValidationMessage(cause, hidesSchema);
    case 'OPERATION_RESOLUTION_FAILURE':
      return 'The document has no operation of that name, or has several and none was named. Send operationName.';
    case 'BAD_USER_INPUT':
      if (!isUnfit(cause)) return cause.message;
      return `A variable or an argument is missing, null, or does not fit${hidesSchema ? '' : ' its type'}.`;
    default:
      return cause.message;
  }
}

function toDetails(cause: unknown): Record<string, unknown> {
  if (cause instanceof GraphQLError && typeof cause.extensions['retryAfter'] === 'number') {
    return { retryAfter: cause.extensions['retryAfter'] };
  }
  if (!(cause instanceof CloudcaError)) return {};
  const { answer } = cause;
  return {
    ...(cause instanceof RateLimitedError && cause.retryAfter !== undefined ? { retryAfter: cause.retryAfter } : {}),
    ...(cause.outcomeUnknown ? { outcomeUnknown: true } : {}),
    ...(answer === undefined || answer.errors.length === 0 ? {} : { upstream: answer }),
  };
}

// `Syntax Error: Expected Name, found String "…"`: what was expected is the grammar's, what was found is the caller's.
function toSyntaxMessage(error: GraphQLError): string {
  if (error instanceof QueryLimitError) return error.message;
  const most = /^Syntax Error: Document contains more tha[nt] (\d+) tokens\./.exec(error.message)?.[1];
  if (most !== undefined) return `The document has more than ${most} tokens. Ask for less at once.`;
  const expected = /^Syntax Error: Expected (.{1,60}?), found /.exec(error.message)?.[1];
  const place = error.locations?.[0];
  const where = place === undefined ? '' : ` at line ${place.line}, column ${place.column}`;
  return `The document is not GraphQL: syntax error${where}${expected === undefined ? '' : `, expected ${expected}`}.`;
}

// Errors about a value stand at its node; all others speak of names alone.
const valueKinds = new Set<string>([
  Kind.INT,
  Kind.FLOAT,
  Kind.STRING,
  Kind.BOOLEAN,
  Kind.NULL,
  Kind.ENUM,
  Kind.LIST,
  Kind.OBJECT,
]);

function toValidationMessage(error: GraphQLError, hidesSchema: boolean): string {
  if (error.originalError instanceof QueryLimitError) return error.message;
  if (error.message.startsWith('GraphQL introspection is not allowed ')) return 'Introspection is off here.';
  if (hidesSchema) return toHiddenMessage(error.message);
  const node = error.nodes?.[0];
  if (node === undefined || !valueKinds.has(node.kind) || toMissingField(error.message) !== undefined)
    return error.message;
  // Each of these forms begins, or ends, with the schema's word; what is between is the caller's.
  const type =
    /^Expected value of type "([\w![\]]+)"/.exec(error.message)?.[1] ??
    /^(Int|Float|String|Boolean|ID) cannot represent/.exec(error.message)?.[1] ??
    /^Enum "(\w+)" cannot represent/.exec(error.message)?.[1];
  return type === undefined ? 'The value does not fit its type.' : `The value does not fit the type ${type}.`;
}

/** `Field "x" of required type "T!" was not provided.`: names of the schema alone; undefined where a text is not of that form. */
export function toMissingField(message: string): string | undefined {
  return /^Field "[\w.]+" of required type "[\w![\]]+" was not provided\.$/.exec(message)?.[0];
}

// graphql-js finds these only as it executes, gives them no code, and repeats the value.
function isUnfit(error: GraphQLError): boolean {
  return /^(Argument "|Variable "\$)/.test(error.message);
}

// Apollo Server gives some refusals a status, and no code.
function isBadRequest(error: GraphQLError): boolean {
  const http = error.extensions['http'];
  return typeof http === 'object' && http !== null && 'status' in http && http.status === 400;
}
