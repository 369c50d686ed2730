// What ky takes for the platform in the built gateway, in place of `globalThis`: classes of the Fetch standard that do what ky asks of them
// for a call of ours, and nothing else. The standard's own cost more than all that ky does with them, and some of it is done by the collector.
// Where this is not built in, ky has the standard's, and does the same.

/** A request: where it goes, by which method, and the text of its body. Of headers and signals it has none: `ExchangeOptions` carries them. */
class BareRequest {
  readonly url: string;
  readonly method: string;
  /** Not a stream: ky would cancel it when the call is over. */
  readonly body: { readonly cancel: () => Promise<void> } | null;
  readonly #text: string;

  /** Throws TypeError where the address is no absolute one, or the body no text. */
  constructor(url: string, { method, body }: { readonly method: string; readonly body?: unknown }) {
    this.url = new URL(url).href;
    this.method = method;
    if (body !== undefined && typeof body !== 'string') throw new TypeError('A body must be a text.');
    this.#text = body ?? '';
    this.body = body === undefined ? null : { cancel: () => Promise.resolve() };
  }

  /** The body. */
  text(): Promise<string> {
    return Promise.resolve(this.#text);
  }
}

/** Headers that are none. */
class NoHeaders {
  /** Throws TypeError where there are any. */
  constructor(init: object = {}) {
    if (!(init instanceof NoHeaders) && Object.keys(init).length > 0)
      throw new TypeError('Headers go beside the request.');
  }

  /** None. */
  entries(): readonly never[] {
    return [];
  }
}

/**
 * The platform. There is no AbortController in it: ky would make one for each call, whose signal nothing here listens to. Nor are there
 * streams and forms.
 */
export const platform = {
  Request: BareRequest,
  Headers: NoHeaders,
  Response,
  fetch: (): Promise<never> => Promise.reject(new TypeError('Nothing is sent but by the transport.')),
};
