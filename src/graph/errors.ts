// Formats errors for clients, on all transports: code, message and extensions. Rebuilds graphql-js's messages, which quote input values.
import { GraphQLError, type GraphQLFormattedError, type GraphQLSchema, isEnumType, Kind } from 'graphql';
import {
  BadResponseError,
  ClientDisconnectedError,
  CloudcaError,
  ForbiddenError,
  NotFoundError,
  RateLimitedError,
  RejectedError,
  TimeoutError,
  TooManyCallsError,
  UnauthenticatedError,
  UnavailableError,
  UpstreamFailureError,
} from '../cloudca/errors.js';
import { type ErrorCode, isErrorCode } from './error-codes.js';
import { ResultTooLargeError } from './execution/result-budget.js';
import { maskValidationMessage } from './limits/mask-schema-errors.js';
import { DocumentLimitError } from './limits/document-limits.js';

/** Rejects an argument of a resolver. The client sees its message unchanged, so the message must not quote a value. */
export class BadUserInputError extends Error {}

/** The message for a request without a usable API key. */
export const missingKeyMessage = 'The API key is missing or malformed. Send it in the MC-Api-Key header.';

/** Rejects a request without an API key, or with one that no HTTP header can carry. */
export class MissingKeyError extends Error {
  constructor() {
    super(missingKeyMessage);
  }
}

/** Error classes and their codes. Any other class is INTERNAL_SERVER_ERROR. */
const codes: readonly (readonly [new (...args: never[]) => Error, ErrorCode])[] = [
  [BadUserInputError, 'BAD_USER_INPUT'],
  [MissingKeyError, 'UNAUTHENTICATED'],
  [UnauthenticatedError, 'UNAUTHENTICATED'],
  [ForbiddenError, 'FORBIDDEN'],
  [NotFoundError, 'NOT_FOUND'],
  [RateLimitedError, 'RATE_LIMITED'],
  [RejectedError, 'UPSTREAM_ERROR'],
  [UpstreamFailureError, 'UPSTREAM_ERROR'],
  [UnavailableError, 'UPSTREAM_UNAVAILABLE'],
  [TimeoutError, 'UPSTREAM_TIMEOUT'],
  [BadResponseError, 'UPSTREAM_BAD_RESPONSE'],
  [ClientDisconnectedError, 'UPSTREAM_UNAVAILABLE'],
  [ResultTooLargeError, 'OPERATION_TOO_COMPLEX'],
  [TooManyCallsError, 'OPERATION_TOO_COMPLEX'],
];

// Codes that a GraphQLError may bring along. Its message is written for the client, or toMessage rebuilds it.
const requestCodes = new Set<ErrorCode>([
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

/** Returns the error that a resolver threw, which graphql-js wraps. Returns errors of graphql-js unchanged. */
export function unwrapError(error: unknown): unknown {
  let cause = error;
  while (cause instanceof GraphQLError && cause.originalError !== undefined) cause = cause.originalError;
  return cause instanceof GraphQLError ? error : cause;
}

/** Returns the code of an error. An unexpected error is INTERNAL_SERVER_ERROR. */
export function toErrorCode(error: unknown): ErrorCode {
  const cause = unwrapError(error);
  const entry = codes.find(([type]) => cause instanceof type);
  if (entry !== undefined) return entry[1];
  if (!(cause instanceof GraphQLError)) return 'INTERNAL_SERVER_ERROR';
  const code = cause.extensions['code'];
  if (isErrorCode(code) && requestCodes.has(code)) return code;
  if (isBadRequest(cause)) return 'BAD_REQUEST';
  return isCoercionError(cause) ? 'BAD_USER_INPUT' : 'INTERNAL_SERVER_ERROR';
}

/** How much messages may say about the schema. */
export interface MessageOptions {
  /** Whether messages may name parts of the schema that the client did not send. Default: true. */
  readonly introspection?: boolean;
  /** The schema whose enum values messages list. Default: messages list none. */
  readonly schema?: GraphQLSchema;
}

/** Formats an error for the client. `formatted` gives its locations and path; its message and extensions are replaced. */
export function formatGraphqlError(
  { locations, path }: GraphQLFormattedError,
  error: unknown,
  options: MessageOptions = {},
): GraphQLFormattedError {
  const cause = unwrapError(error);
  const code = toErrorCode(error);
  return {
    message: toMessage(code, cause, options),
    ...(locations === undefined ? {} : { locations }),
    ...(path === undefined ? {} : { path }),
    extensions: { code, ...toDetails(cause) },
  };
}

function toMessage(code: ErrorCode, cause: unknown, options: MessageOptions): string {
  if (codes.some(([type]) => cause instanceof type) && cause instanceof Error) return cause.message;
  if (code === 'INTERNAL_SERVER_ERROR' || !(cause instanceof GraphQLError)) {
    return 'Internal error in the gateway. Quote the request id to its operators.';
  }
  if (code === 'UNAUTHENTICATED') return missingKeyMessage;
  if (code === 'GRAPHQL_PARSE_FAILED') return toSyntaxMessage(cause);
  if (code === 'GRAPHQL_VALIDATION_FAILED') return toValidationMessage(cause, options);
  return code === 'BAD_USER_INPUT' && isCoercionError(cause)
    ? 'A variable or an argument is missing, null or of the wrong type. Send a value of the declared type.'
    : cause.message;
}

function toDetails(cause: unknown): Record<string, unknown> {
  if (cause instanceof GraphQLError && typeof cause.extensions['retryAfter'] === 'number') {
    return { retryAfter: cause.extensions['retryAfter'] };
  }
  if (cause instanceof ResultTooLargeError) return cause.outcomeUnknown ? { outcomeUnknown: true } : {};
  if (!(cause instanceof CloudcaError)) return {};
  const { upstream } = cause;
  return {
    ...(cause instanceof RateLimitedError && cause.retryAfter !== undefined ? { retryAfter: cause.retryAfter } : {}),
    ...(cause.outcomeUnknown ? { outcomeUnknown: true } : {}),
    ...(upstream === undefined || upstream.errors.length === 0 ? {} : { upstream }),
  };
}

// `Syntax Error: Expected Name, found String "…"`: the expected token is of the grammar, but the token found may quote the client's input.
function toSyntaxMessage(error: GraphQLError): string {
  if (error instanceof DocumentLimitError) return error.message;
  const maxTokens = /^Syntax Error: Document contains more tha[nt] (\d+) tokens\./.exec(error.message)?.[1];
  if (maxTokens !== undefined) {
    return `The document has more than ${maxTokens} tokens (MAX_TOKENS). Split it into several requests.`;
  }
  const expected = /^Syntax Error: Expected (.{1,60}?), found /.exec(error.message)?.[1];
  const location = error.locations?.[0];
  const position = location === undefined ? '' : ` at line ${location.line}, column ${location.column}`;
  return `The document is not GraphQL: syntax error${position}${expected === undefined ? '' : `, expected ${expected}`}.`;
}

// An error about a value has the value as its node. Messages of all other errors contain names only.
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

function toValidationMessage(error: GraphQLError, { introspection = true, schema }: MessageOptions): string {
  if (error.originalError instanceof DocumentLimitError) return error.message;
  // The rule about overlapping fields gives up after a number of comparisons.
  if (error.message === 'Validation aborted.') return 'The document is too complex. Split it into several requests.';
  if (!introspection) return maskValidationMessage(error.message);
  const node = error.nodes?.[0];
  if (node === undefined || !valueKinds.has(node.kind) || matchMissingField(error.message) !== undefined)
    return error.message;
  const type = matchExpectedType(error.message);
  if (type === undefined) return 'The value is of the wrong type.';
  const values = schema && listEnumValues(schema, type);
  if (error.message.startsWith('Value "')) return `${describeUnknownValue(type, values)}.`;
  const advice = values !== undefined && node.kind === Kind.STRING ? ', without quotes' : '';
  return `Expected a value of type ${type}${advice}.${values === undefined ? '' : ` Allowed: ${values}.`}`;
}

/** Describes a value that the enum `type` does not have, without a final period. `values`, if known, lists those that it has. */
export function describeUnknownValue(type: string, values: string | undefined): string {
  return `Unknown value for ${type}${values === undefined ? '' : `. Allowed: ${values}`}`;
}

/** Returns a message of the form `Field "x" of required type "T!" was not provided.`, which contains names only. Otherwise undefined. */
export function matchMissingField(message: string): string | undefined {
  return /^Field "[\w.]+" of required type "[\w![\]]+" was not provided\.$/.exec(message)?.[0];
}

/** Returns the type that graphql-js's message about an invalid value expects, e.g. `Int` or `[ID!]`. Undefined if it names none. */
export function matchExpectedType(message: string): string | undefined {
  // The value may contain anything, so each form takes the type from before the value, or from the very end.
  return (
    /^Expected (?:value of )?type "([\w![\]]+)"/.exec(message)?.[1] ??
    /^(Int|Float|String|Boolean|ID) cannot represent/.exec(message)?.[1] ??
    /^Enum "(\w+)" cannot represent/.exec(message)?.[1] ??
    /^Value ".*" does not exist in "(\w+)" enum\.(?: Did you mean .*)?$/s.exec(message)?.[1]
  );
}

/** Returns the values of an enum, e.g. `SHA1, MD5`. Undefined if the type, written as in a document, is not an enum. */
export function listEnumValues(schema: GraphQLSchema, type: string): string | undefined {
  const namedType = schema.getType(type.replace(/[![\]]/g, ''));
  if (!isEnumType(namedType)) return undefined;
  return namedType
    .getValues()
    .map(({ name }) => name)
    .join(', ');
}

// graphql-js finds these during execution only. They have no code, and their messages quote the value.
function isCoercionError(error: GraphQLError): boolean {
  return /^(Argument "|Variable "\$)/.test(error.message);
}

// Apollo Server rejects some requests with a status but without a code.
function isBadRequest(error: GraphQLError): boolean {
  const http = error.extensions['http'];
  return typeof http === 'object' && http !== null && 'status' in http && http.status === 400;
}
