// Replaces `globalThis` for ky in the built gateway (scripts/build.js). Its minimal classes of the Fetch standard do what ky needs for a
// REST call. The standard classes cost more than the rest of ky, partly in garbage collection.
// Unbuilt code, e.g. in tests, uses the standard classes, with the same results.

/** A request: URL, method and text body. Headers and cancellation are in `ExchangeOptions`, not here. */
class MinimalRequest {
  readonly url: string;
  readonly method: string;
  /** Not a stream: ky cancels the body after the call. */
  readonly body: { readonly cancel: () => Promise<void> } | null;
  readonly #text: string;

  /** Throws TypeError if `url` is not absolute, or if `body` is not a string. */
  constructor(url: string, { method, body }: { readonly method: string; readonly body?: unknown }) {
    this.url = new URL(url).href;
    this.method = method;
    if (body !== undefined && typeof body !== 'string') throw new TypeError('The body must be a string.');
    this.#text = body ?? '';
    this.body = body === undefined ? null : { cancel: () => Promise.resolve() };
  }

  text(): Promise<string> {
    return Promise.resolve(this.#text);
  }
}

/** Headers that are always empty. */
class EmptyHeaders {
  /** Throws TypeError if `init` holds a header. */
  constructor(init: object = {}) {
    if (!(init instanceof EmptyHeaders) && Object.keys(init).length > 0) {
      throw new TypeError('Headers must be passed in ExchangeOptions, not in the request.');
    }
  }

  entries(): readonly never[] {
    return [];
  }
}

/**
 * The properties of `globalThis` that ky reads. AbortController is left out on purpose: ky would create one for each call, and the
 * gateway does not use its signal. Streams and FormData are left out as well.
 */
export const platform = {
  Request: MinimalRequest,
  Headers: EmptyHeaders,
  Response,
  fetch: (): Promise<never> => Promise.reject(new TypeError('Only the transport may send a request.')),
};
