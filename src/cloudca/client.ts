// The one ky instance: base URL, key, deadline, retry of GET, request id. It sends and receives; what an answer means
// is envelope.ts's to say, and GraphQL is nothing it knows.
import ky, { type KyInstance, type Options } from 'ky';
import { type Answer, toAnswer, toReadData, toWriteOutcome, type WriteOutcome } from './envelope.js';
import { Breaker, RetryBudget, unavailableStatuses } from './http/circuit-breaker.js';
import {
  BadResponseError,
  CallerGoneError,
  CircuitOpenError,
  CloudcaError,
  TimeoutError,
  UnavailableError,
} from './errors.js';
import { type Cancellation, Flight, Flights, shareWith } from './http/singleflight.js';
import { createTransport, type ExchangeOptions, type Proxies, type Transport } from './http/transport.js';

/** How the REST API is reached. */
export interface ClientOptions {
  /** Base URL, http or https, without query; a path is kept: `https://api.cloud.ca/v1`. */
  readonly baseUrl: string;
  /** Deadline of one operation's REST work, retries included, in milliseconds. */
  readonly timeoutMs: number;
  /** The proxies on the way to it; undefined: none. */
  readonly proxies?: Proxies | undefined;
  /** Spares a REST API that fails; where nothing is said, as Breaker and RetryBudget are by themselves. */
  readonly breaker?: Breaker;
  readonly retryBudget?: RetryBudget;
}

/** A call to the REST API, as those who count or trace calls know it: with nothing of a caller's in it. */
export interface RestCall {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Template of the path, e.g. `/services/{serviceCode}/{environmentName}/vpcs`. */
  readonly route: string;
  /** 1 for the first; more where a read is tried again. */
  readonly attempt: number;
}

/** What follows one call. */
export interface RestCallObservation {
  /** Headers to send along, names and values in turn. */
  readonly headers?: readonly string[];
  /** Told once: the status of the answer, or what was thrown where there was none. */
  readonly end: (outcome: number | Error) => void;
}

/** Begins to follow a call that is about to be sent. */
export type ObserveCall = (call: RestCall) => RestCallObservation;

/** For whom calls are made. */
export interface Caller {
  /** The caller's own key; it goes into the `MC-Api-Key` header and nowhere else. */
  readonly apiKey: string;
  /** Sent along as `x-request-id`. */
  readonly requestId: string;
  /** Told of each oddity in an answer that was passed over, once for each kind of it, and of the first 50 kinds. */
  readonly warn: (warning: WireWarning) => void;
  /** Told of each call. */
  readonly observe?: ObserveCall | undefined;
}

/** Something in an answer that was read as null, or as unknown, instead of failing. */
export interface WireWarning {
  /** Where it stood, e.g. `siteToSiteVpn.ikeHashAlgorithm`. */
  readonly field: string;
  /** What was wrong with it. */
  readonly problem: string;
}

/** What a read asks for. */
export interface ReadRequest {
  /** Template of the path, with a name in braces for each segment that differs. */
  readonly route: string;
  /** Path below the base URL, one entry a segment, not encoded. */
  readonly path: readonly string[];
  /** Query parameters. */
  readonly query?: Readonly<Record<string, string>>;
}

/** What a write asks for. */
export interface WriteRequest extends ReadRequest {
  readonly method: 'POST' | 'DELETE';
  /** Sent as JSON. */
  readonly body?: object;
  /** Values in the body that must not come back in a message. */
  readonly secrets?: readonly string[];
  /** What to look for before trying again where the outcome is unknown: a whole sentence. */
  readonly advice: string;
}

/** How a session differs from what is usual. */
export interface SessionOptions {
  /** How often a read is tried again; 2 where nothing else is said. */
  readonly retries?: number;
  /**
   * Whether a read may be answered by the call that another session of the same key has under way, begun a moment earlier. Not where
   * something is known that such a call may not know yet: after a write of this session, whatever is said here.
   */
  readonly shares?: boolean;
}

const usualRetries = 2;
// Of one operation: a list may be odd at each of its rows.
const mostWarnings = 50;

/**
 * Whether a value can be one segment of a path: it stays in its place once encoded. Percent-encoding does not help `.` and `..`
 * (WHATWG URL, "double-dot path segment"), and servers in between decode slashes and backslashes.
 */
export function isPathSegment(value: string): boolean {
  return (
    isPlain(value) ||
    (value !== '' && value !== '.' && value !== '..' && value.isWellFormed() && !/[/\\?#%\p{Cc}]/u.test(value))
  );
}

// Nearly all segments are, and need neither be looked at any further nor encoded.
function isPlain(value: string): boolean {
  return /^[\w-]+$/.test(value);
}

/** The way to the REST API; one for the process. */
export class CloudcaClient {
  readonly #transport: Transport;
  readonly #base: string;
  readonly #sessions = new Set<RestSession>();
  #cut = false;
  /** The ky instance, for its sessions. */
  readonly ky: KyInstance;
  /** The reads under way that others of the same key may join. */
  readonly flights = new Flights<Answer>();
  /** Whether the REST API is worth asking. */
  readonly breaker: Breaker;
  /** How often reads may be tried again. */
  readonly retryBudget: RetryBudget;
  /** Deadline of one operation's REST work, in milliseconds. */
  readonly timeoutMs: number;

  constructor(options: ClientOptions) {
    const base = new URL(options.baseUrl.replace(/\/+$/, ''));
    this.#base = base.href.replace(/\/$/, '');
    this.#transport = createTransport(base.origin, options.proxies);
    this.timeoutMs = options.timeoutMs;
    this.breaker = options.breaker ?? new Breaker();
    this.retryBudget = options.retryBudget ?? new RetryBudget();
    this.ky = ky.create({
      // A hook's response ends ky's work before it clones the request, for retries that it is not to make; headers and cancellation
      // need not go through Request.
      hooks: { beforeRequest: [(request, { context }) => this.#exchange(request, context)] },
      // Each of these would act outside the deadline: ky's timeout ends at the headers, its retry sleeps out any Retry-After.
      timeout: false,
      retry: 0,
      throwHttpErrors: false,
    });
  }

  #exchange(request: Request, { call }: Readonly<Record<string, unknown>>): Promise<Response> {
    // The check of the segments stands on knowledge of the URL parser; this one does not.
    if (!(call instanceof Call) || request.url !== call.url) throw new TypeError('The path would lead elsewhere.');
    return this.#transport.exchange(request, call);
  }

  /** Begins the REST work of one operation; its deadline runs from now. */
  session(caller: Caller, options?: SessionOptions): RestSession {
    return new RestSession(this, caller, options);
  }

  /** Keeps a session that has calls under way, so that they can be cut. */
  track(session: RestSession): void {
    this.#sessions.add(session);
  }

  /** Forgets a session that has none left. */
  untrack(session: RestSession): void {
    this.#sessions.delete(session);
  }

  /** Whether calls have been cut; none is begun any more. */
  get isCut(): boolean {
    return this.#cut;
  }

  /** Ends all calls under way with UnavailableError, and lets none begin. */
  cut(): void {
    this.#cut = true;
    for (const session of this.#sessions) session.abort(() => shuttingDown());
  }

  /** Closes the connections. */
  async close(): Promise<void> {
    await this.#transport.close();
  }

  /** The address of a path: never another origin, never another path than the one named. Throws TypeError where a segment is unsafe. */
  url({ path, query }: Pick<ReadRequest, 'path' | 'query'>): string {
    if (!path.every(isPathSegment)) throw new TypeError('A path segment would lead elsewhere.');
    let address = this.#base;
    for (const segment of path) address += `/${isPlain(segment) ? segment : encodeURIComponent(segment)}`;
    const parameters = Object.entries(query ?? {});
    return parameters.length === 0 ? address : `${address}?${new URLSearchParams(parameters).toString()}`;
  }
}

/** What the transport is to know of a call besides its Request. */
class Call implements ExchangeOptions {
  /** Where it is to go. */
  readonly url: string;
  readonly headers: string[];
  readonly cancellation: Cancellation;

  constructor(url: string, headers: string[], cancellation: Cancellation) {
    this.url = url;
    this.headers = headers;
    this.cancellation = cancellation;
  }
}

/** Somebody who waits for a call, or for the next attempt. */
interface Wait {
  readonly kind: 'read' | 'write';
  /** Ends it with an error, and what is waited for where nobody else does. */
  readonly end: (error: CloudcaError) => void;
}

/** The REST work of one operation (of one root field, in a mutation): one caller, one deadline. */
export class RestSession {
  readonly #client: CloudcaClient;
  readonly #caller: Caller;
  #warned: Set<string> | undefined;
  // Secrets that writes have sent: a task that fails may repeat them later.
  readonly #sent: string[] = [];
  readonly #waits = new Set<Wait>();
  readonly #retries: number;
  #shares: boolean;
  #deadline: number;
  #timer: NodeJS.Timeout | undefined;
  #callerGone = false;
  #calls = 0;

  constructor(client: CloudcaClient, caller: Caller, { retries = usualRetries, shares = false }: SessionOptions = {}) {
    this.#client = client;
    this.#caller = caller;
    this.#retries = retries;
    this.#shares = shares;
    this.#deadline = performance.now() + client.timeoutMs;
  }

  /** REST calls made so far, retries included; one that was begun by another session is not among them. */
  get calls(): number {
    return this.#calls;
  }

  /** The strings that no message may repeat. */
  get secrets(): readonly string[] {
    return [this.#caller.apiKey, ...this.#sent];
  }

  /** Begins the deadline anew. */
  renewDeadline(): void {
    this.#deadline = performance.now() + this.#client.timeoutMs;
  }

  /** Moves the deadline on, by milliseconds that were spent waiting rather than working. */
  extendDeadline(milliseconds: number): void {
    this.#deadline += milliseconds;
  }

  /** Passes on a warning, the first time it is given. */
  readonly warn = (warning: WireWarning): void => {
    const key = `${warning.field} ${warning.problem}`;
    this.#warned ??= new Set();
    if (this.#warned.has(key) || this.#warned.size >= mostWarnings) return;
    this.#warned.add(key);
    this.#caller.warn(warning);
  };

  /** Ends the reads under way, since the caller has gone; writes finish. */
  leave(): void {
    this.#callerGone = true;
    for (const wait of [...this.#waits]) {
      if (wait.kind === 'read') wait.end(callerGone());
    }
  }

  /** Ends every call under way with the error that is made for it. */
  abort(toError: () => CloudcaError): void {
    for (const wait of [...this.#waits]) wait.end(toError());
  }

  /**
   * GET, tried again within the deadline where that may help; gives what `decode` makes of `data`. Throws a CloudcaError, and what `decode`
   * throws.
   */
  read<T>(request: ReadRequest, decode: (data: unknown) => T): Promise<T> {
    return this.readAnswer(request, (answer) => decode(shareWith(answer, toReadData(answer, this.secrets))));
  }

  /** As read, but `decode` is given what came, for those answers that are not in the usual envelope. */
  async readAnswer<T>(request: ReadRequest, decode: (answer: Answer) => T): Promise<T> {
    const deadline = this.#deadline;
    this.#client.retryBudget.earn();
    for (let attempt = 1; ; attempt++) {
      let answer: Answer;
      try {
        answer = await this.#get(request, attempt);
      } catch (error) {
        const mayPass = error instanceof UnavailableError && !(error instanceof CircuitOpenError);
        const delay = mayPass ? this.#toDelay(attempt, deadline) : undefined;
        if (delay === undefined) throw error;
        await this.#sleep(delay);
        continue;
      }
      const mayPass = answer.status === 429 || unavailableStatuses.includes(answer.status);
      const delay = mayPass ? this.#toDelay(attempt, deadline, answer.retryAfter) : undefined;
      if (delay === undefined) return decode(answer);
      await this.#sleep(delay);
    }
  }

  /** POST or DELETE, sent once. Throws a CloudcaError, marked where the outcome is unknown. */
  async write(request: WriteRequest): Promise<WriteOutcome> {
    const { flights } = this.#client;
    const { apiKey } = this.#caller;
    this.#sent.push(...(request.secrets ?? []));
    this.#shares = false;
    try {
      // What is read from here on may show what is written, and what has begun before may not.
      flights.close(apiKey);
      const { method, route, body } = request;
      const url = this.#client.url(request);
      const answer = await this.#wait('write', () => this.#call(method, url, route, 1, body));
      return toWriteOutcome(answer, this.secrets);
    } catch (error) {
      if (error instanceof CloudcaError && mayHaveBeenCarriedOut(error)) throw error.asUnknownOutcome(request.advice);
      throw error;
    } finally {
      flights.close(apiKey);
    }
  }

  /** How long to wait before a read is tried again, in milliseconds; undefined where it is not to be. */
  #toDelay(attempt: number, deadline: number, retryAfter?: number): number | undefined {
    const delay = retryAfter === undefined ? jittered(attempt) : retryAfter * 1000;
    const mayBe = attempt <= this.#retries && performance.now() + delay < deadline && !this.#client.isCut;
    return mayBe && this.#client.retryBudget.spend() ? delay : undefined;
  }

  #sleep(milliseconds: number): Promise<void> {
    return this.#wait('read', () => new Flight((cancellation) => sleep(milliseconds, cancellation)));
  }

  #get(request: ReadRequest, attempt: number): Promise<Answer> {
    const url = this.#client.url(request);
    const begin = () => this.#call('GET', url, request.route, attempt);
    return this.#wait('read', () =>
      this.#shares ? this.#client.flights.join(this.#caller.apiKey, url, begin) : begin(),
    );
  }

  /** Begins a call. */
  #call(method: RestCall['method'], url: string, route: string, attempt: number, body?: object): Flight<Answer> {
    return new Flight((cancellation) =>
      this.#client.breaker.run(() => {
        this.#calls++;
        const observation = this.#caller.observe?.({ method, route, attempt });
        const headers = this.#toHeaders(method);
        if (observation?.headers !== undefined) headers.push(...observation.headers);
        return this.#send(method, body, new Call(url, headers, cancellation), observation);
      }),
    );
  }

  #toHeaders(method: RestCall['method']): string[] {
    const { apiKey, requestId } = this.#caller;
    const headers = ['MC-Api-Key', apiKey, 'x-request-id', requestId, ...usualHeaders];
    // The documented reset carries it too, without a body.
    if (method === 'POST') headers.push('content-type', 'application/json');
    return headers;
  }

  async #send(
    method: RestCall['method'],
    body: object | undefined,
    call: Call,
    observation: RestCallObservation | undefined,
  ): Promise<Answer> {
    try {
      const response = await this.#client.ky(call.url, toOptions(method, body, call));
      const retryAfter = toRetryAfter(response.headers.get('retry-after'));
      const answer = toAnswer(response.status, await response.text(), retryAfter);
      observation?.end(answer.status);
      return answer;
    } catch (thrown) {
      const error = toCloudcaError(thrown);
      observation?.end(error instanceof Error ? error : new Error('Something was thrown that is no error.'));
      throw error;
    }
  }

  /** Waits until it lands, the deadline, the caller's leaving (reads alone) or the process's end, whichever comes first. */
  #wait<T>(kind: 'read' | 'write', begin: () => Flight<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#client.isCut) throw shuttingDown(true);
      if (this.#callerGone && kind === 'read') throw callerGone();
      const remaining = this.#deadline - performance.now();
      if (remaining <= 0) throw new TimeoutError(tooLate, { neverSent: true });
      const flight = begin();
      const wait: Wait = {
        kind,
        end: (error) => {
          this.#forget(wait);
          reject(error);
          flight.leave(error);
        },
      };
      this.#waits.add(wait);
      this.#client.track(this);
      this.#timer ??= this.#startTimer(remaining);
      // Before anybody hears what came of it.
      const forgetting =
        <V>(settle: (value: V) => void) =>
        (value: V) => {
          this.#forget(wait);
          settle(value);
        };
      flight.board(forgetting<T>(resolve), forgetting<unknown>(reject));
    });
  }

  #forget(wait: Wait): void {
    this.#waits.delete(wait);
    if (this.#waits.size > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#client.untrack(this);
  }

  // One for all that is waited for.
  #startTimer(milliseconds: number): NodeJS.Timeout {
    const deadline = this.#deadline;
    return setTimeout(
      () => {
        // It may have moved on meanwhile.
        if (this.#deadline === deadline) this.abort(() => new TimeoutError(tooLate));
        else this.#timer = this.#startTimer(this.#deadline - performance.now());
      },
      // Timers of the same length share a list in Node: whole milliseconds keep these few.
      Math.ceil(milliseconds),
    );
  }
}

// ky goes through all options for each call, and reads where nothing else is said.
function toOptions(method: RestCall['method'], body: object | undefined, call: Call): Options {
  const context = { call };
  if (method === 'GET') return { context };
  return body === undefined ? { context, method } : { context, method, body: JSON.stringify(body) };
}

const usualHeaders = ['accept', 'application/json', 'accept-encoding', 'gzip'];

const tooLate = 'The REST API did not answer in time.';

function shuttingDown(neverSent = false): UnavailableError {
  return new UnavailableError('The gateway is shutting down; ask again.', { neverSent });
}

function callerGone(): CallerGoneError {
  return new CallerGoneError('The caller went away.');
}

function sleep(milliseconds: number, cancellation: Cancellation): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    cancellation.onCancel((reason) => {
      clearTimeout(timer);
      reject(reason);
    });
  });
}

function jittered(attempt: number): number {
  return (50 * 2 ** attempt * (1 + Math.random())) / 2;
}

/** Retry-After in seconds, from either form (RFC 9110, 10.2.3); undefined where it is absent, past or neither form. */
function toRetryAfter(header: string | null): number | undefined {
  if (header === null) return undefined;
  const seconds = /^\d+$/.test(header.trim()) ? Number(header) : Math.ceil((Date.parse(header) - Date.now()) / 1000);
  return seconds >= 0 ? seconds : undefined;
}

/** After these, a write may stand all the same. */
function mayHaveBeenCarriedOut(error: CloudcaError): boolean {
  if (error instanceof UnavailableError || error instanceof TimeoutError) return !error.neverSent;
  if (!(error instanceof BadResponseError)) return false;
  return error.answer === undefined || (error.answer.status >= 200 && error.answer.status < 300);
}

/**
 * An error of undici, zlib or Node as one of ours. Told by code: its text and its fields may hold the key, and inside a vm context
 * it is no `instanceof Error`.
 */
function toCloudcaError(error: unknown): unknown {
  if (error instanceof CloudcaError) return error;
  const code = toCode(error);
  if (code === undefined) return error;
  // Z_* and, of brotli, ERR__ERROR_*: not what Content-Encoding says. ERR_ASSERTION: undici asserts what HTTP has, e.g. a status from 100 on.
  if (/^(HTTPParserError$|Z_|ERR_(BROTLI|_ERROR|ASSERTION$)|UND_ERR_(HEADERS_OVERFLOW|RES_))/.test(code)) {
    return new BadResponseError('The REST API answered with something that is not HTTP as it should be.');
  }
  if (/^UND_ERR_(HEADERS|BODY)_TIMEOUT$/.test(code)) return new TimeoutError(tooLate);
  // EPIPE, ECONNRESET and the like; Node's own ERR_* are mistakes of this program.
  if (/^(UND_ERR_(SOCKET|CLOSED|DESTROYED|ABORTED)|ERR_STREAM_PREMATURE_CLOSE|E(?!RR_)[A-Z]+)$/.test(code)) {
    return new UnavailableError('The connection to the REST API was lost.');
  }
  return error;
}

function toCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  // undici's parser error is the one that may come without a code, so its name stands for it: what came is not HTTP.
  if ('name' in error && error.name === 'HTTPParserError') return error.name;
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
