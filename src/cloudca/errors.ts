// One error class for each way in which a call to the REST API can fail. The errors never hold a library's error object: that would hold
// the request, and with it the caller's key.

/** One entry of the REST API's `errors`, in either of its forms (`code` a number, `errorCode` a string). */
export interface UpstreamErrorEntry {
  /** The REST API's own code, as a string; null if it gave none. */
  readonly code: string | null;
  /** The REST API's message, with every secret of the call redacted. */
  readonly message: string;
}

/** The part of a failed response that a client may see. */
export interface UpstreamDetails {
  /** HTTP status. */
  readonly status: number;
  /** The entries of `errors`; empty if the body had none that could be read. */
  readonly errors: readonly UpstreamErrorEntry[];
}

/** Base class of the errors of REST calls. Only its subclasses are thrown. */
export abstract class CloudcaError extends Error {
  /** The failed response; undefined if there was no response. */
  readonly upstream: UpstreamDetails | undefined;
  #outcomeUnknown = false;

  constructor(message: string, upstream?: UpstreamDetails) {
    super(message);
    this.name = new.target.name;
    this.upstream = upstream;
  }

  /** Whether a write may have succeeded although it failed here: it may have been sent, and no readable response came. False for reads. */
  get outcomeUnknown(): boolean {
    return this.#outcomeUnknown;
  }

  /** Marks a failed write as one that may have succeeded. Appends to the message what to check before a retry. */
  markOutcomeUnknown(advice: string): this {
    this.#outcomeUnknown = true;
    this.message = `${this.message} The request may have succeeded all the same. ${advice}`;
    return this;
  }
}

/** 401: the REST API does not accept the key. */
export class UnauthenticatedError extends CloudcaError {}

/** 403 with `errors`: the key is not allowed to do this. */
export class ForbiddenError extends CloudcaError {}

/** 404 with `errors`: nothing exists at that path. */
export class NotFoundError extends CloudcaError {}

/** 429: the REST API limits the rate of requests. */
export class RateLimitedError extends CloudcaError {
  /** Seconds to wait before the next request; undefined if the REST API sent no usable Retry-After. */
  readonly retryAfter: number | undefined;

  constructor(message: string, upstream: UpstreamDetails, retryAfter: number | undefined) {
    super(message, upstream);
    this.retryAfter = retryAfter;
  }
}

/** `errors` in a 2xx or another 4xx, or a 400 to a write: the REST API rejected the request. */
export class RejectedError extends CloudcaError {}

/** The REST API has no such call, whatever it is asked for. Only calls that some REST APIs lack reject with it. */
export class UnsupportedCallError extends RejectedError {}

/** 405, 500, or another 5xx with `errors`: the REST API failed to process the request. */
export class UpstreamFailureError extends CloudcaError {}

/** 502, 503, 520 to 523, 525 to 530, no connection, a lost connection, or a call that the gateway aborted because it shuts down. */
export class UnavailableError extends CloudcaError {
  /** Whether the request was certainly not sent: there was no connection. */
  readonly neverSent: boolean;
  /** Seconds to wait before the next request; undefined unless the response has a usable Retry-After. */
  readonly retryAfter: number | undefined;

  constructor(
    message: string,
    details: { upstream?: UpstreamDetails; neverSent?: boolean; retryAfter?: number | undefined } = {},
  ) {
    super(message, details.upstream);
    this.neverSent = details.neverSent ?? false;
    this.retryAfter = details.retryAfter;
  }
}

/** The circuit is open: the REST API has failed so often that the gateway sends it no requests for a moment. */
export class CircuitOpenError extends UnavailableError {
  constructor() {
    super('The REST API has been failing, and the gateway sends it no requests for a moment. Try again later.', {
      neverSent: true,
    });
  }
}

/** The gateway shuts down: it has aborted the call, or has not started it. */
export class ShutdownError extends UnavailableError {
  constructor(neverSent = false) {
    super('The gateway is shutting down. Try again.', { neverSent });
  }
}

/** 504, 524, or the deadline passed. */
export class TimeoutError extends CloudcaError {
  /** Whether the request was certainly not sent: the deadline had passed before the call started. */
  readonly neverSent: boolean;

  constructor(message: string, details: { upstream?: UpstreamDetails; neverSent?: boolean } = {}) {
    super(message, details.upstream);
    this.neverSent = details.neverSent ?? false;
  }
}

/** The response is of no use: not JSON, not of the documented shape, too large, a redirect, or a proxy's. */
export class BadResponseError extends CloudcaError {}

/** The operation has made as many REST calls as one operation may. The read was not sent. */
export class TooManyCallsError extends CloudcaError {
  constructor(max: number) {
    super(
      `The operation needs more than ${max} calls of the REST API, the maximum for one operation. Split it into several.`,
    );
  }
}

/** The client disconnected, so the read was cancelled, or the call was not sent. */
export class ClientDisconnectedError extends CloudcaError {}
