// The REST calls of one operation: one caller, one key, one deadline. Reads are retried and coalesced, writes are sent once.
import { Turns, type TurnsOptions } from '../turns.js';
import type { CallOptions, CloudcaClient, RestApiVersion } from './client.js';
import { lenientProblems, type WireWarning } from './decode.js';
import { toReadData, toWriteOutcome, type WriteOutcome } from './envelope.js';
import { Secrets } from './redact.js';
import {
  type Caller,
  observeResponse,
  type ReadRequest,
  type RestCall,
  type RestCallObservation,
  type WriteRequest,
} from './requests.js';
import {
  BadResponseError,
  ClientDisconnectedError,
  type CloudcaError,
  ShutdownError,
  TimeoutError,
  TooManyCallsError,
  UnavailableError,
} from './errors.js';
import { type Cancellation, runToEnd, sleep } from './http/cancellation.js';
import { Deadline, timeoutMessage, type WaitKind } from './http/deadline.js';
import { convertNetworkError } from './http/network-errors.js';
import { parseRetryAfter, type RestResponse, toRestResponse } from './http/rest-response.js';
import { defaultMaxRetries, isTransientError, isTransientResponse, toBackoff } from './http/retry.js';
import { InFlightCall, markSharedWith } from './http/singleflight.js';
import { OutgoingCall } from './http/transport.js';

/** Options of a session. */
export interface SessionOptions {
  /** How often a read is retried. Default: 2. */
  readonly maxRetries?: number;
  /**
   * Whether a read may join an identical call that another session of the same key has in flight. Such a call may miss a change that
   * this session knows of. After a write of this session, reads never join. Default: false.
   */
  readonly coalesceReads?: boolean;
}

/**
 * Maximum number of REST calls of one session, retries and writes included: more than twice what ten root fields of the deepest documented
 * operation need. Beyond it, reads reject with TooManyCallsError. A write may always start, so that no session stops between two writes.
 */
export const maxCallsPerSession = 100;

// To parse so many bytes, and to decode them if the list is short, takes about as long as executing one field.
const bytesPerField = 50;

// The maximum number of warnings per session: a list may have an unexpected value in every entry.
const maxWarnings = 50;

/** The REST calls of one operation, or of one root field in a mutation. */
export class RestSession {
  readonly #client: CloudcaClient;
  readonly #caller: Caller;
  readonly #deadline: Deadline;
  readonly #maxRetries: number;
  // Includes what writes have sent: the errors of a failed task may repeat it.
  #secrets: Secrets;
  #warned: Set<string> | undefined;
  #coalesceReads: boolean;
  #isClientDisconnected = false;
  #callCount = 0;
  #receivedLength = 0;

  constructor(
    client: CloudcaClient,
    caller: Caller,
    { maxRetries = defaultMaxRetries, coalesceReads = false }: SessionOptions = {},
  ) {
    this.#client = client;
    this.#caller = caller;
    this.#secrets = new Secrets([caller.apiKey]);
    this.#deadline = new Deadline(client.timeoutMs, client.busyDeadlines);
    this.#maxRetries = maxRetries;
    this.#coalesceReads = coalesceReads;
  }

  /** The number of REST calls made so far, retries included. Does not count calls of other sessions that reads joined. */
  get callCount(): number {
    return this.#callCount;
  }

  /** Length of the responses to reads so far, in characters, those of joined calls included. */
  get receivedLength(): number {
    return this.#receivedLength;
  }

  /** The strings that no message may repeat. */
  get secrets(): Secrets {
    return this.#secrets;
  }

  /** Version of the REST API whose form writes have. */
  get apiVersion(): RestApiVersion {
    return this.#client.apiVersion;
  }

  /** Creates turns of the event loop for work of this session. All sessions of its key share those of the process with other keys. */
  createTurns(options?: Omit<TurnsOptions, 'caller'>): Turns {
    return new Turns({ ...options, caller: this.#caller.apiKey });
  }

  /** Restarts the deadline. */
  renewDeadline(): void {
    this.#deadline.renew();
  }

  /** Postpones the deadline by time that was not spent on REST work, in milliseconds. */
  extendDeadline(milliseconds: number): void {
    this.#deadline.extend(milliseconds);
  }

  /** Passes a warning on, the first time it occurs. */
  readonly warn = (warning: WireWarning): void => {
    const key = `${warning.field} ${warning.problem}`;
    this.#warned ??= new Set();
    if (this.#warned.has(key) || this.#warned.size >= maxWarnings) return;
    this.#warned.add(key);
    this.#caller.warn(warning);
  };

  /** Cancels the reads in flight and rejects later calls, because the client has disconnected. Writes in flight finish. */
  cancelReads(): void {
    this.#isClientDisconnected = true;
    this.#deadline.cancelWaits(createDisconnectedError, 'read');
  }

  /**
   * Sends a GET, retried within the deadline if a retry may help. Returns what `decode` makes of `data`, and of the body that has it.
   * Rejects with a CloudcaError, or with what `decode` throws.
   */
  read<T>(request: ReadRequest, decode: (data: unknown, body: unknown) => T): Promise<T> {
    return this.readResponse(request, (response) =>
      decode(markSharedWith(response, toReadData(response, this.secrets)), response.body),
    );
  }

  /** Sends a GET like `read`, but gives `decode` the whole response: for responses outside the usual envelope. */
  async readResponse<T>(request: ReadRequest, decode: (response: RestResponse) => T): Promise<T> {
    const { expiresAt } = this.#deadline;
    this.#client.retryBudget.earn();
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.#tryRead(request, decode, attempt, expiresAt);
      if ('value' in outcome) return outcome.value;
      await this.#sleep(outcome.retryDelayMs);
    }
  }

  // Returns a delay without the response before it, which the pause would hold in memory.
  async #tryRead<T>(
    request: ReadRequest,
    decode: (response: RestResponse) => T,
    attempt: number,
    expiresAt: number,
  ): Promise<{ readonly value: T } | { readonly retryDelayMs: number }> {
    let response: RestResponse;
    try {
      response = await this.#get(request, attempt);
    } catch (error) {
      const retryDelayMs = isTransientError(error) ? this.#takeRetryDelay(attempt, expiresAt) : undefined;
      if (retryDelayMs === undefined) throw error;
      return { retryDelayMs };
    }
    this.#receivedLength += response.length;
    const mayRetry = isTransientResponse(response);
    const retryDelayMs = mayRetry ? this.#takeRetryDelay(attempt, expiresAt, response.retryAfter) : undefined;
    return retryDelayMs === undefined ? { value: decode(response) } : { retryDelayMs };
  }

  /** Sends a POST, PUT or DELETE, once. Rejects with a CloudcaError, which says if the outcome is unknown. */
  async write(request: WriteRequest): Promise<WriteOutcome> {
    const { reads } = this.#client;
    const { apiKey } = this.#caller;
    this.#secrets = this.#secrets.with(request.secrets ?? []);
    this.#coalesceReads = false;
    try {
      // A read in flight may not show this write, so later reads must not join it.
      reads.forget(apiKey);
      const { method, route, path, query, body } = request;
      const url = this.#client.url(path, query);
      const response = await this.#wait('write', () => this.#call(method, url, route, 1, body)).catch(
        (error: unknown) => {
          throw mayHaveBeenSent(error) ? error.markOutcomeUnknown(request.advice) : error;
        },
      );
      return toWriteOutcome(response, this.secrets, request.advice);
    } finally {
      reads.forget(apiKey);
    }
  }

  /** Returns the delay before a retry, in milliseconds, and takes the retry from the budget. Returns undefined if there must be none. */
  #takeRetryDelay(attempt: number, expiresAt: number, retryAfter?: number): number | undefined {
    const delayMs = retryAfter === undefined ? toBackoff(attempt) : retryAfter * 1000;
    const isInTime = performance.now() + delayMs < expiresAt && !this.#client.isAborted;
    const mayRetry = attempt <= this.#maxRetries && this.#callCount < maxCallsPerSession && isInTime;
    return mayRetry && this.#client.retryBudget.spend() ? delayMs : undefined;
  }

  #sleep(milliseconds: number): Promise<void> {
    return this.#wait('read', () => new InFlightCall((cancellation) => sleep(milliseconds, cancellation)));
  }

  #get({ route, path, query }: ReadRequest, attempt: number): Promise<RestResponse> {
    if (this.#callCount >= maxCallsPerSession) return Promise.reject(new TooManyCallsError(maxCallsPerSession));
    const url = this.#client.url(path, query);
    const start = () => this.#call('GET', url, route, attempt);
    if (!this.#coalesceReads) return this.#wait('read', start);
    const { apiKey, observeJoined } = this.#caller;
    const read = { isJoined: true };
    const response = this.#wait('read', () =>
      this.#client.reads.join(apiKey, url, () => {
        read.isJoined = false;
        return start();
      }),
    );
    if (!read.isJoined || observeJoined === undefined) return response;
    return observeResponse(response, observeJoined({ method: 'GET', route, attempt }));
  }

  #call(
    method: RestCall['method'],
    url: string,
    route: string,
    attempt: number,
    body?: object,
  ): InFlightCall<RestResponse> {
    const { apiKey } = this.#caller;
    return new InFlightCall((cancellation) =>
      this.#client.circuitBreaker.run(apiKey, (isProbe) => {
        this.#callCount++;
        const observation = this.#caller.observe?.({ method, route, attempt });
        const headers = this.#toHeaders(method);
        if (observation?.headers !== undefined) headers.push(...observation.headers);
        const send = (until: Cancellation) =>
          this.#send(method, body, new OutgoingCall(url, headers, until, apiKey), observation, cancellation);
        // A probe tells the circuit breaker how the REST API responds, so it goes on if its callers leave.
        return isProbe
          ? runToEnd(this.#client.timeoutMs, () => new TimeoutError(timeoutMessage), send)
          : send(cancellation);
      }),
    );
  }

  #toHeaders(method: RestCall['method']): string[] {
    const { apiKey, requestId } = this.#caller;
    const headers = ['MC-Api-Key', apiKey, 'x-request-id', requestId, ...defaultHeaders];
    // The documented reset carries a content type too, without a body.
    if (method === 'POST' || method === 'PUT') headers.push('content-type', 'application/json');
    return headers;
  }

  async #send(
    method: RestCall['method'],
    body: object | undefined,
    call: OutgoingCall,
    observation: RestCallObservation | undefined,
    waiters: Cancellation,
  ): Promise<RestResponse> {
    try {
      const response = await this.#client.send(toKyOptions(method, body, call));
      const retryAfter = parseRetryAfter(response.headers.get('retry-after'));
      // Before the wait, which is no time of the REST API.
      observation?.end(response.status);
      await this.createTurns({ isFirstStep: true }).take((call.heldBody?.length ?? 0) / bytesPerField);
      // After the wait: a text takes memory of the heap, which the bytes do not, and up to twice as much.
      const text = await response.text();
      if (text.startsWith('\uFEFF'))
        this.warn({ field: 'response', problem: lenientProblems.byte_order_mark, form: 'byte_order_mark' });
      // The circuit breaker needs the status even if no operation waits for the body any more. To parse it would be wasted work.
      return toRestResponse(response.status, waiters.reason === undefined ? text : '', retryAfter);
    } catch (thrown) {
      const error = convertNetworkError(thrown);
      observation?.end(error instanceof Error ? error : new Error('A value that is not an Error was thrown.'));
      throw error;
    } finally {
      call.heldBody?.release();
    }
  }

  #wait<T>(kind: WaitKind, start: () => InFlightCall<T>): Promise<T> {
    if (this.#client.isAborted) return Promise.reject(new ShutdownError(true));
    if (this.#isClientDisconnected) return Promise.reject(createDisconnectedError());
    return this.#deadline.run(kind, start);
  }
}

// ky copies every option of every call, so a GET passes none but its call.
function toKyOptions(method: RestCall['method'], body: object | undefined, call: OutgoingCall): CallOptions {
  if (method === 'GET') return { call };
  return body === undefined ? { call, method } : { call, method, body: JSON.stringify(body) };
}

const defaultHeaders = ['accept', 'application/json', 'accept-encoding', 'gzip'];

function createDisconnectedError(): ClientDisconnectedError {
  return new ClientDisconnectedError('The client disconnected.');
}

/** Reports whether a call without a response may have been sent. A response that is not HTTP, or too large, is no response either. */
function mayHaveBeenSent(error: unknown): error is CloudcaError {
  if (error instanceof UnavailableError || error instanceof TimeoutError) return !error.neverSent;
  return error instanceof BadResponseError;
}
