// The client of the REST API: one ky instance, connection pool, circuit breaker and retry budget for the process. Sessions make calls
// through it on behalf of callers.
import ky, { type KyInstance, type Options } from 'ky';
import { ShutdownError } from './errors.js';
import { CircuitBreaker } from './http/circuit-breaker.js';
import type { Proxies } from './http/connection-pool.js';
import type { Deadline } from './http/deadline.js';
import { type FetchClasses, lightClasses } from './http/fetch-classes.js';
import type { RestResponse } from './http/rest-response.js';
import { RetryBudget } from './http/retry.js';
import { Singleflight } from './http/singleflight.js';
import { createTransport, OutgoingCall, type Transport } from './http/transport.js';
import { encodePathSegment, isPathSegment } from './path-segments.js';
import type { Caller } from './requests.js';
import { RestSession, type SessionOptions } from './session.js';

/** A version of the REST API. */
export type RestApiVersion = 1 | 2;

/** How the REST API is reached. */
export interface ClientOptions {
  /** Base URL, http or https, without query. It may have a path: `https://api.cloud.ca/v1`. */
  readonly baseUrl: string;
  /** Version of the REST API whose form writes have. Default: 1. */
  readonly apiVersion?: RestApiVersion;
  /** Deadline of one operation's REST work, retries included, in milliseconds. */
  readonly timeoutMs: number;
  /** The outbound proxies; undefined if there are none. */
  readonly proxies?: Proxies | undefined;
  /** Default: a CircuitBreaker with its defaults. */
  readonly circuitBreaker?: CircuitBreaker;
  /** Default: a RetryBudget with its defaults. */
  readonly retryBudget?: RetryBudget;
  /** The classes of the Fetch standard that ky uses. Default: the light ones. */
  readonly fetchClasses?: FetchClasses;
}

/** The client of the REST API; one for the process. */
export class CloudcaClient {
  readonly #transport: Transport;
  readonly #baseUrl: string;
  readonly #fetchClasses: FetchClasses;
  readonly #ky: KyInstance;
  #isAborted = false;
  /** Coalesces identical reads of one key. */
  readonly reads = new Singleflight<RestResponse>();
  /** Rejects calls while the REST API fails. */
  readonly circuitBreaker: CircuitBreaker;
  /** Limits how many reads are retried. */
  readonly retryBudget: RetryBudget;
  /** Version of the REST API whose form writes have. */
  readonly apiVersion: RestApiVersion;
  /** Deadline of one operation's REST work, in milliseconds. */
  readonly timeoutMs: number;
  /** The deadlines that calls in flight wait under. */
  readonly busyDeadlines = new Set<Deadline>();

  constructor(options: ClientOptions) {
    const base = new URL(options.baseUrl.replace(/\/+$/, ''));
    this.#baseUrl = base.href.replace(/\/$/, '');
    this.#fetchClasses = options.fetchClasses ?? lightClasses;
    this.#transport = createTransport(base.origin, this.#fetchClasses, options.proxies);
    this.timeoutMs = options.timeoutMs;
    this.apiVersion = options.apiVersion ?? 1;
    this.circuitBreaker = options.circuitBreaker ?? new CircuitBreaker();
    this.retryBudget = options.retryBudget ?? new RetryBudget();
    this.#ky = ky.create({
      // ky passes options that it does not know on to `fetch`.
      fetch: (request, options) => this.#fetch(request, options),
      // Each of these would act outside the deadline: ky's timeout ends at the headers, and its retry sleeps for any Retry-After.
      timeout: false,
      retry: 0,
      throwHttpErrors: false,
    });
  }

  /** Sends a call with ky. Rejects as Transport.exchange does. */
  send(options: CallOptions): Promise<Response> {
    return this.#fetchClasses.call(() => this.#ky(options.call.url, options));
  }

  #fetch(request: string | URL | Request, options: object = {}): Promise<Response> {
    const call = 'call' in options ? options.call : undefined;
    if (typeof request === 'string' || request instanceof URL || !(call instanceof OutgoingCall)) {
      throw new TypeError('ky did not pass on the request and its call.');
    }
    // `isPathSegment` relies on what is known of the URL parser. This comparison holds whatever the parser does.
    if (request.url !== call.url) throw new TypeError('The URL of the request is not the one that was built.');
    return this.#transport.exchange(request, call);
  }

  /** Creates the session of one operation. Its deadline starts now. */
  session(caller: Caller, options?: SessionOptions): RestSession {
    return new RestSession(this, caller, options);
  }

  /** Whether `abort` was called. No call starts after that. */
  get isAborted(): boolean {
    return this.#isAborted;
  }

  /** Fails all calls in flight with UnavailableError, and rejects later ones. */
  abort(): void {
    this.#isAborted = true;
    for (const deadline of this.busyDeadlines) deadline.cancelWaits(() => new ShutdownError());
  }

  /** Closes all connections at once. Calls in flight fail. */
  async close(): Promise<void> {
    await this.#transport.destroy();
  }

  /** Builds the URL of a path below the base URL. Throws TypeError if a segment could make it the URL of another path. */
  url(path: readonly string[], query?: Readonly<Record<string, string>>): string {
    if (!path.every(isPathSegment)) throw new TypeError('A path segment is not allowed in a URL.');
    let url = this.#baseUrl;
    for (const segment of path) url += `/${encodePathSegment(segment)}`;
    const parameters = Object.entries(query ?? {});
    return parameters.length === 0 ? url : `${url}?${new URLSearchParams(parameters).toString()}`;
  }
}

/** Options of ky for one call. */
export interface CallOptions extends Options {
  /** The call, which the transport gets beside the Request. */
  readonly call: OutgoingCall;
}
