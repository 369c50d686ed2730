// The codes in `errors[].extensions.code`, and the HTTP status of a request that is rejected with one. The contract fixes the codes.
import { GraphQLError } from 'graphql';

/**
 * Maps each code to the HTTP status of a request that the gateway rejects with it. An operation that was executed has status 200,
 * whatever its errors; the UPSTREAM codes, NOT_FOUND and OPERATION_TOO_COMPLEX occur there only.
 */
export const errorStatuses = {
  GRAPHQL_PARSE_FAILED: 400,
  GRAPHQL_VALIDATION_FAILED: 400,
  BAD_REQUEST: 400,
  BAD_USER_INPUT: 400,
  OPERATION_RESOLUTION_FAILURE: 400,
  // Clients that then send the text expect no failure.
  PERSISTED_QUERY_NOT_FOUND: 200,
  PERSISTED_QUERY_NOT_SUPPORTED: 400,
  TRUSTED_DOCUMENT_REQUIRED: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 200,
  RATE_LIMITED: 429,
  OVERLOADED: 503,
  UPSTREAM_ERROR: 200,
  UPSTREAM_UNAVAILABLE: 200,
  UPSTREAM_TIMEOUT: 200,
  UPSTREAM_BAD_RESPONSE: 200,
  OPERATION_TOO_COMPLEX: 200,
  INTERNAL_SERVER_ERROR: 500,
} as const satisfies Record<string, number>;

/** A code in `errors[].extensions.code`. */
export type ErrorCode = keyof typeof errorStatuses;

/** Reports whether a value is one of the codes. */
export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(errorStatuses, value);
}

/** Details of the response that rejects a request. */
export interface RequestErrorOptions {
  /** Seconds until a retry may succeed: goes into `extensions.retryAfter` and the Retry-After header. */
  readonly retryAfter?: number;
  /** HTTP status. Default: that of the code. */
  readonly status?: number;
}

/** Rejects a request before it is executed. */
export class RequestError extends GraphQLError {
  /** HTTP status of the response. */
  readonly status: number;
  /** Seconds until a retry may succeed; undefined if that is unknown. */
  readonly retryAfter: number | undefined;

  /** Clients get the message unchanged, so it must not quote a value. */
  constructor(
    code: ErrorCode,
    message: string,
    { retryAfter, status = errorStatuses[code] }: RequestErrorOptions = {},
  ) {
    super(message, { extensions: { code, ...(retryAfter === undefined ? {} : { retryAfter }) } });
    this.status = status;
    this.retryAfter = retryAfter;
  }
}
