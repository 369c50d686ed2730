// One HTTP exchange, as ky asks for it: on undici's dispatch and one keep-alive pool. It reads the whole body, counts it inflated, and
// ends when it is told to; it follows no redirect and tries nothing again. It knows nothing of the REST API.
import { isUtf8 } from 'node:buffer';
import type { Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { type Dispatcher, EnvHttpProxyAgent, errors, Pool } from 'undici';
import { BadResponseError, UnavailableError } from '../errors.js';
import type { Cancellation } from './singleflight.js';

/** The largest body that is read, in bytes, after decompression: 10 MiB. */
export const maximumBodyBytes = 10 * 1024 * 1024;

// In how many chunks a body may come: 10 MiB of 100 bytes each. What a chunk takes besides its bytes.
const mostChunks = 100_000;
const bytesOfChunk = 128;
// What the bodies on their way may take together: as many callers as there may be, each with a list of 400 VPNs.
const mostBytesOnTheWay = 256 * 1024 * 1024;

/** What an exchange needs besides the request: through Request, each of these would cost more than all that is done with it. */
export interface ExchangeOptions {
  /** Names and values in turn. */
  readonly headers: string[];
  /** Ends the exchange. */
  readonly cancellation: Cancellation;
}

/** Through which proxies, by CONNECT, the way leads. */
export interface Proxies {
  /** The one for http, as a URL, perhaps with a user and password; undefined: none. */
  readonly http: string | undefined;
  /** The one for https; undefined: that for http. */
  readonly https: string | undefined;
  /** Hosts that are reached without, separated by commas: a name stands for those below it too, `*` for all. */
  readonly except: string;
}

/** Exchanges on one keep-alive pool. */
export interface Transport {
  /**
   * Sends a request, of whose own headers none, and gives its response, whose body has been read to its end. Rejects with
   * BadResponseError, UnavailableError where nothing was sent, undici's errors, or, at once, with the reason of the cancellation.
   */
  readonly exchange: (request: Request, options: ExchangeOptions) => Promise<Response>;
  /** Closes the idle connections and cuts the busy ones. */
  readonly close: () => Promise<void>;
}

// How long a connection may take to come about, and the proxy to say that it leads on, in milliseconds.
const connectTimeout = 5_000;

/** Opens a pool of keep-alive connections to an origin. */
export function createTransport(origin: string, proxies?: Proxies): Transport {
  const options: Pool.Options = {
    // undici closes an idle connection a second before the server's own Keep-Alive hint, or after four seconds without one: the REST API
    // would otherwise close it just as a call goes out.
    keepAliveTimeout: 4_000,
    connect: { timeout: connectTimeout },
    // Whoever asks has one deadline over all of it.
    headersTimeout: 0,
    bodyTimeout: 0,
  };
  const pools = new Pools(() => (proxies === undefined ? new Pool(origin, options) : createProxied(options, proxies)));
  const onTheWay = new OnTheWay();
  return {
    exchange: async (request, { headers, cancellation }) => {
      if (!request.url.startsWith(`${origin}/`)) throw new TypeError('The request would lead elsewhere.');
      const dispatched: Dispatcher.DispatchOptions = {
        origin,
        path: request.url.slice(origin.length),
        method: toMethod(request.method),
        headers,
        body: request.body === null ? null : await request.text(),
      };
      return toResponse(
        await new Promise((resolve, reject) => {
          pools.take().dispatch(dispatched, new Exchange(onTheWay, cancellation, resolve, reject));
        }),
      );
    },
    close: () => pools.destroy(),
  };
}

// For how long new calls go out on a pool, in milliseconds: a connection that is never idle would keep to an address that the name has long
// left. undici's own `clientTtl` asks for the time once for every connection of the pool, at every call.
const poolTtl = 60_000;

/** The pool that is in use, and those before it, each until its last answer has come. */
class Pools {
  readonly #open: () => Dispatcher;
  readonly #ending = new Set<Dispatcher>();
  #pool: Dispatcher;
  #opened = performance.now();

  constructor(open: () => Dispatcher) {
    this.#open = open;
    this.#pool = open();
  }

  /** The pool that a call is to go out on. */
  take(): Dispatcher {
    if (performance.now() - this.#opened > poolTtl) this.#renew();
    return this.#pool;
  }

  /** Closes the idle connections and cuts the busy ones. */
  async destroy(): Promise<void> {
    await Promise.all([this.#pool, ...this.#ending].map((pool) => pool.destroy()));
  }

  #renew(): void {
    const before = this.#pool;
    this.#pool = this.#open();
    this.#opened = performance.now();
    this.#ending.add(before);
    const forget = () => this.#ending.delete(before);
    before.close().then(forget, forget);
  }
}

function createProxied(options: Pool.Options, { http, https, except }: Proxies): Dispatcher {
  return new EnvHttpProxyAgent({
    ...options,
    // What is not given here it would take out of the environment by itself.
    httpProxy: http ?? '',
    httpsProxy: https ?? '',
    noProxy: except,
    proxyTls: { timeout: connectTimeout },
    requestTls: { timeout: connectTimeout },
    clientFactory: (proxy, given) => new Pool(proxy, { ...given, headersTimeout: connectTimeout }).compose(askOnce),
  });
}

// A proxy that closes when it is asked would be asked again at once, and for ever: undici takes it for a connection that was lost while idle.
const askOnce: Dispatcher.DispatcherComposeInterceptor = (dispatch) => (options, handler) =>
  dispatch(options, {
    onRequestStart: (controller, context: unknown) => handler.onRequestStart?.(controller, context),
    onRequestUpgrade: (controller, status, headers, socket) =>
      handler.onRequestUpgrade?.(controller, status, headers, socket),
    onResponseError: (controller) => handler.onResponseError?.(controller, unreachable()),
  });

// Whoever sees it knows that nothing was sent.
function unreachable(): UnavailableError {
  return new UnavailableError('The REST API cannot be reached.', { neverSent: true });
}

/** What came back: the body inflated. */
interface Received {
  readonly status: number;
  readonly retryAfter: string | string[] | undefined;
  readonly body: Buffer;
}

/** The bodies of all exchanges, as far as they have come. */
class OnTheWay {
  readonly #exchanges = new Set<Exchange>();
  #bytes = 0;

  /** Takes note of bytes that have come. Where all are too many, the largest body is given up. */
  add(exchange: Exchange, bytes: number): void {
    this.#exchanges.add(exchange);
    this.#bytes += bytes;
    if (this.#bytes <= mostBytesOnTheWay) return;
    [...this.#exchanges].reduce((one, other) => (other.size > one.size ? other : one)).giveUp();
  }

  /** Forgets an exchange that has ended. */
  remove(exchange: Exchange): void {
    if (this.#exchanges.delete(exchange)) this.#bytes -= exchange.size;
  }
}

/** Collects one answer; undici calls its methods as it comes in. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #onTheWay: OnTheWay;
  readonly #cancellation: Cancellation;
  readonly #resolve: (received: Received) => void;
  readonly #reject: (error: unknown) => void;
  readonly #chunks: Buffer[] = [];
  #controller: Dispatcher.DispatchController | undefined;
  #inflater: Transform | undefined;
  #status = 0;
  #retryAfter: Received['retryAfter'];
  #length = 0;

  constructor(
    onTheWay: OnTheWay,
    cancellation: Cancellation,
    resolve: (received: Received) => void,
    reject: (error: unknown) => void,
  ) {
    this.#onTheWay = onTheWay;
    this.#cancellation = cancellation;
    this.#resolve = resolve;
    this.#reject = reject;
    cancellation.onCancel(this.#fail);
  }

  /** How many bytes what has come of the body takes, inflated. */
  get size(): number {
    return this.#length + this.#chunks.length * bytesOfChunk;
  }

  /** Ends it, to make room for others. */
  giveUp(): void {
    this.#fail(new BadResponseError("The REST API's answers are larger than there is room for at the moment."));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // It may have waited for its connection.
    if (this.#cancellation.reason !== undefined) this.#fail(this.#cancellation.reason);
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    // Informational responses come before the one that counts (RFC 9110, 15.2).
    if (status < 200) return;
    this.#status = status;
    this.#retryAfter = headers['retry-after'];
    this.#inflater = createInflater(headers['content-encoding'])
      ?.on('data', this.#keep)
      .on('drain', () => {
        controller.resume();
      })
      .on('end', this.#finish)
      .on('error', this.#fail);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#inflater === undefined) this.#keep(chunk);
    else if (!this.#inflater.write(chunk)) controller.pause();
  }

  onResponseEnd(): void {
    if (this.#inflater === undefined) this.#finish();
    else this.#inflater.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: unknown): void {
    this.#end();
    // Without a start no connection has come about, for whatever reason; what undici finds wrong with a request is a mistake of this program.
    const neverSent = this.#controller === undefined && !(error instanceof errors.InvalidArgumentError);
    this.#reject(neverSent ? unreachable() : error);
  }

  readonly #keep = (chunk: Buffer): void => {
    this.#length += chunk.length;
    this.#chunks.push(chunk);
    this.#onTheWay.add(this, chunk.length + bytesOfChunk);
    if (this.#length > maximumBodyBytes) {
      this.#fail(new BadResponseError(`The REST API's answer is larger than ${maximumBodyBytes} bytes.`));
    } else if (this.#chunks.length > mostChunks) {
      this.#fail(new BadResponseError("The REST API's answer comes in too many pieces."));
    }
  };

  readonly #finish = (): void => {
    const [first] = this.#chunks;
    const body = first?.length === this.#length ? first : Buffer.concat(this.#chunks, this.#length);
    this.#end();
    this.#resolve({ status: this.#status, retryAfter: this.#retryAfter, body });
  };

  // The answer is of no use any more: neither is the connection.
  readonly #fail = (error: Error): void => {
    this.#end();
    this.#reject(error);
    this.#controller?.abort(error);
  };

  #end(): void {
    this.#onTheWay.remove(this);
    // undici holds on to this object until the connection is closed.
    this.#chunks.splice(0);
    this.#cancellation.onCancel(undefined);
    this.#inflater?.removeAllListeners('data').destroy();
  }
}

function toResponse({ status, retryAfter, body }: Received): Response {
  if (status > 599) throw new BadResponseError('The REST API answered with a status that HTTP does not have.');
  // Decoding would put U+FFFD in place of what is not UTF-8, and so alter a value silently.
  if (!isUtf8(body)) throw new BadResponseError("The REST API's answer is not UTF-8.");
  const response: unknown = new ReadResponse(body.toString('utf8'), status, retryAfter);
  if (response instanceof Response) return response;
  throw new TypeError('There is no Response.');
}

const noHeaders = new Headers();

/**
 * What is asked of a Response whose body has been read. It is one by its prototype alone: the standard's constructor would copy its headers,
 * and make a stream of the text, to be read anew.
 */
class ReadResponse {
  readonly status: number;
  readonly ok: boolean;
  /** Retry-After alone: the others are nobody's to read here. */
  readonly headers: Headers;
  readonly #text: string;

  constructor(text: string, status: number, retryAfter: string | string[] | undefined) {
    this.status = status;
    this.ok = status >= 200 && status < 300;
    this.headers = typeof retryAfter === 'string' ? new Headers({ 'retry-after': retryAfter }) : noHeaders;
    this.#text = text;
  }

  text(): Promise<string> {
    return Promise.resolve(this.#text);
  }
}
Object.setPrototypeOf(ReadResponse.prototype, Response.prototype);

function toMethod(method: string): Dispatcher.HttpMethod {
  if (method === 'GET' || method === 'POST' || method === 'DELETE') return method;
  throw new TypeError(`The REST API has no ${method}.`);
}

// A body compressed in a way that was not asked for is left as it is: nobody takes it for JSON.
function createInflater(encoding: string | string[] | undefined): Transform | undefined {
  // Its names are case-insensitive (RFC 9110, 8.4.1).
  const name = String(encoding).toLowerCase();
  if (name === 'gzip' || name === 'x-gzip') return createGunzip();
  if (name === 'deflate') return createInflate();
  if (name === 'br') return createBrotliDecompress();
  return undefined;
}
