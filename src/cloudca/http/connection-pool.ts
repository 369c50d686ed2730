// The keep-alive connections to one origin, direct or through an outbound proxy.
import { type Dispatcher, EnvHttpProxyAgent, Pool } from 'undici';
import { createUnreachableError } from './exchange.js';

/** The outbound proxies. Calls go through them by CONNECT. */
export interface Proxies {
  /** URL of the proxy for an http REST API, perhaps with user and password; undefined if there is none. */
  readonly http: string | undefined;
  /** URL of the proxy for an https REST API; undefined: the one for http. */
  readonly https: string | undefined;
  /** Hosts reached without a proxy, with optional port, separated by commas; a name covers its subdomains. `*` alone: all hosts. */
  readonly except: string;
}

// The maximum time to connect, and the maximum time for a proxy to respond to CONNECT, in milliseconds.
const connectTimeoutMs = 5_000;

// How long a pool takes new calls, in milliseconds. A busy connection would otherwise never follow a change of the host's DNS records.
// The option `clientTtl` of undici reads the clock for every connection of the pool at every call.
const poolTtlMs = 60_000;

const poolOptions: Pool.Options = {
  // undici closes an idle connection a second before the server's own Keep-Alive hint, or after four seconds without one. Otherwise
  // the REST API would close it just as a call goes out.
  keepAliveTimeout: 4_000,
  connect: { timeout: connectTimeoutMs },
  // The session's deadline covers headers and body.
  headersTimeout: 0,
  bodyTimeout: 0,
};

/** A pool of connections that is replaced once a minute. Older pools close once their last response has arrived. */
export class ConnectionPool {
  readonly #open: () => Dispatcher;
  readonly #closing = new Set<Dispatcher>();
  #pool: Dispatcher;
  #openedAt = performance.now();

  constructor(origin: string, proxies?: Proxies) {
    this.#open = () => (proxies === undefined ? new Pool(origin, poolOptions) : createProxyAgent(proxies));
    this.#pool = this.#open();
  }

  /** Returns the dispatcher for the next call. */
  acquire(): Dispatcher {
    if (performance.now() - this.#openedAt > poolTtlMs) this.#replace();
    return this.#pool;
  }

  /** Closes all connections at once. Calls in flight fail. */
  async destroy(): Promise<void> {
    await Promise.all([this.#pool, ...this.#closing].map((pool) => pool.destroy()));
  }

  #replace(): void {
    const previous = this.#pool;
    this.#pool = this.#open();
    this.#openedAt = performance.now();
    this.#closing.add(previous);
    const remove = () => this.#closing.delete(previous);
    previous.close().then(remove, remove);
  }
}

function createProxyAgent({ http, https, except }: Proxies): Dispatcher {
  return new EnvHttpProxyAgent({
    ...poolOptions,
    // undici reads from the environment what is not given here.
    httpProxy: http ?? '',
    httpsProxy: https ?? '',
    noProxy: except,
    proxyTls: { timeout: connectTimeoutMs },
    requestTls: { timeout: connectTimeoutMs },
    clientFactory: (proxy, options) =>
      new Pool(proxy, { ...options, headersTimeout: connectTimeoutMs }).compose(connectOnce),
  });
}

// If a proxy closes the connection on CONNECT, undici assumes that an idle connection was lost, and sends CONNECT again without end.
const connectOnce: Dispatcher.DispatcherComposeInterceptor = (dispatch) => (options, handler) =>
  dispatch(options, {
    onRequestStart: (controller, context: unknown) => handler.onRequestStart?.(controller, context),
    onRequestUpgrade: (controller, status, headers, socket) =>
      handler.onRequestUpgrade?.(controller, status, headers, socket),
    onResponseError: (controller) => handler.onResponseError?.(controller, createUnreachableError()),
  });
