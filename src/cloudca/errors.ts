// The ways in which a call to the REST API can fail, one class each. They carry facts, never foreign error objects:
// those hold the request, and with it the caller's key.

/** One entry of the REST API's `errors`, in either of its forms (`code` a number, `errorCode` a string). */
export interface UpstreamErrorEntry {
  /** The REST API's own code, as a string; null where it gave none. */
  readonly code: string | null;
  /** The REST API's words, with every secret of the call struck out. */
  readonly message: string;
}

/** What the REST API answered, as far as it may be told to the caller. */
export interface UpstreamAnswer {
  /** HTTP status. */
  readonly status: number;
  /** Its `errors`; empty where the body had none that could be read. */
  readonly errors: readonly UpstreamErrorEntry[];
}

/** The base of all of them; only its subclasses are thrown. */
export abstract class CloudcaError extends Error {
  /** What the REST API answered with; undefined where it did not answer. */
  readonly answer: UpstreamAnswer | undefined;
  #outcomeUnknown = false;

  constructor(message: string, answer?: UpstreamAnswer) {
    super(message);
    this.name = new.target.name;
    this.answer = answer;
  }

  /**
   * Whether a write may have been carried out although it failed here: it was sent, perhaps, and no readable answer came.
   * Always false for a read.
   */
  get outcomeUnknown(): boolean {
    return this.#outcomeUnknown;
  }

  /** Marks a failed write as one that may have been carried out, and adds to the message what to look for before trying again. */
  asUnknownOutcome(advice: string): this {
    this.#outcomeUnknown = true;
    this.message = `${this.message} The request may have been carried out all the same. ${advice}`;
    return this;
  }
}

/** 401: the REST API does not know the key. */
export class UnauthenticatedError extends CloudcaError {}

/** 403: the key may not do this. */
export class ForbiddenError extends CloudcaError {}

/** 404: there is nothing at that address. */
export class NotFoundError extends CloudcaError {}

/** 429: the REST API wants to be asked less often. */
export class RateLimitedError extends CloudcaError {
  /** Seconds after which to ask again; undefined where the REST API named none that is sane. */
  readonly retryAfter: number | undefined;

  constructor(message: string, answer: UpstreamAnswer, retryAfter: number | undefined) {
    super(message, answer);
    this.retryAfter = retryAfter;
  }
}

/** The REST API refused what was asked for: any other 4xx, or `errors` in a 2xx. */
export class RefusedError extends CloudcaError {}

/** The REST API failed at it: 405, 500, or another 5xx that is not a gateway's. */
export class UpstreamFailureError extends CloudcaError {}

/** No connection, connection lost, 502, 503, or the call was cut because this process ends. */
export class UnavailableError extends CloudcaError {
  /** Whether it is certain that the request was not sent: no connection came about. */
  readonly neverSent: boolean;

  constructor(message: string, details: { answer?: UpstreamAnswer; neverSent?: boolean } = {}) {
    super(message, details.answer);
    this.neverSent = details.neverSent ?? false;
  }
}

/** The REST API has failed so often that it is not asked for a moment. */
export class CircuitOpenError extends UnavailableError {
  constructor() {
    super('The REST API has been failing, and is left alone for a moment; ask again later.', { neverSent: true });
  }
}

/** The deadline passed, or 504. */
export class TimeoutError extends CloudcaError {
  /** Whether it is certain that the request was not sent: the deadline had passed before its turn came. */
  readonly neverSent: boolean;

  constructor(message: string, details: { answer?: UpstreamAnswer; neverSent?: boolean } = {}) {
    super(message, details.answer);
    this.neverSent = details.neverSent ?? false;
  }
}

/** An answer that cannot be understood: not JSON, not the documented shape, too large, a redirect. */
export class BadResponseError extends CloudcaError {}

/** The caller of a read went away; nobody is there to take what would come. */
export class CallerGoneError extends CloudcaError {}
