// The classes of the Fetch standard that ky uses. Node keeps its own Request and Response in memory until a full garbage collection.
// With light classes, the gateway serves half as many requests again (decision 6). ky looks its classes up in `globalThis` when it is called.
// So `globalThis` has the light classes during that call. No other code sees them, since the call is synchronous. An update of ky or Node
// may break this: the tests run ky with both kinds, and `standardClasses` turns the light ones off.

/** The classes that ky uses. */
export interface FetchClasses {
  /** Calls ky, which then uses these classes. */
  readonly call: <T>(callKy: () => T) => T;
  /** Creates the response whose body is `content`, text in UTF-8, with Retry-After as its one header. */
  readonly createResponse: (status: number, content: Buffer, retryAfter: string | undefined) => Response;
}

/** The classes of Node. */
export const standardClasses: FetchClasses = {
  call: (callKy) => callKy(),
  createResponse: (status, content, retryAfter) =>
    // These have no body (Fetch, "null body status").
    new Response([204, 205, 304].includes(status) ? null : content.toString('utf8'), {
      status,
      headers: toHeaders(retryAfter),
    }),
};

// The type lets the light classes in.
const platform: { Request: unknown; Headers: unknown; AbortController: unknown } = globalThis;

/** Light classes that do what the client needs. */
export const lightClasses: FetchClasses = {
  call: (callKy) => {
    const { Request, Headers, AbortController } = platform;
    platform.Request = LightRequest;
    platform.Headers = LightHeaders;
    platform.AbortController = InertController;
    try {
      return callKy();
    } finally {
      platform.Request = Request;
      platform.Headers = Headers;
      platform.AbortController = AbortController;
    }
  },
  createResponse: (status, content, retryAfter) => {
    const response: unknown = new LightResponse(status, content, retryAfter);
    if (response instanceof Response) return response;
    throw new TypeError('The prototype of LightResponse is not Response.');
  },
};

function toHeaders(retryAfter: string | undefined): Headers {
  return new Headers(retryAfter === undefined ? {} : { 'retry-after': retryAfter });
}

/** A request with its URL, method and text. The transport gets headers and cancellation beside it. */
class LightRequest {
  readonly url: string;
  readonly method: string;
  /** Not a stream: ky cancels it after the call. */
  readonly body: { readonly cancel: () => Promise<void> } | null;
  readonly #text: string;

  constructor(url: string, { method, body }: { readonly method: string; readonly body?: string }) {
    this.url = new URL(url).href;
    this.method = method;
    this.#text = body ?? '';
    this.body = body === undefined ? null : { cancel: () => Promise.resolve() };
  }

  text(): Promise<string> {
    return Promise.resolve(this.#text);
  }

  clone(): this {
    return this;
  }
}

/** Headers without entries. */
class LightHeaders {
  /** Throws TypeError if `init` has a header, which would not be sent. */
  constructor(init: object = {}) {
    if (Object.keys(init).length > 0) throw new TypeError('Pass headers to the transport, not to ky.');
  }

  entries(): readonly never[] {
    return [];
  }
}

/** A controller that never aborts. */
class InertController {
  static readonly #signal = { aborted: false };

  get signal(): { readonly aborted: boolean } {
    return InertController.#signal;
  }
}

const noHeaders = toHeaders(undefined);

/** The part of Response that ky and the client use. Only its prototype makes it a Response. */
class LightResponse {
  readonly status: number;
  readonly ok: boolean;
  readonly headers: Headers;
  readonly #content: Buffer;

  constructor(status: number, content: Buffer, retryAfter: string | undefined) {
    this.status = status;
    this.ok = status >= 200 && status < 300;
    this.headers = retryAfter === undefined ? noHeaders : toHeaders(retryAfter);
    this.#content = content;
  }

  text(): Promise<string> {
    return Promise.resolve(this.#content.toString('utf8'));
  }
}
Object.setPrototypeOf(LightResponse.prototype, Response.prototype);
