// The HTTP transport beneath ky: sends one request and returns its response with the body read, or fails.
import { isUtf8 } from 'node:buffer';
import type { Dispatcher } from 'undici';
import { BadResponseError } from '../errors.js';
import { ConnectionPool, type Proxies } from './connection-pool.js';
import type { Cancellation } from './cancellation.js';
import { Exchange, type ReceivedResponse } from './exchange.js';
import type { FetchClasses } from './fetch-classes.js';
import { FlowControl, type HeldBody } from './flow-control.js';

/** Carries the URL, headers and cancellation of a call, beside the Request. In the Request, they would cost more than the rest of the exchange. */
export class OutgoingCall {
  readonly url: string;
  /** Header names and values, alternating. */
  readonly headers: string[];
  /** Ends the exchange. */
  readonly cancellation: Cancellation;
  /** The API key of the call. The bodies of its responses share a bound. */
  readonly apiKey: string;
  /** The response body, once the call has been sent. Must be released when the body has been parsed. */
  heldBody: HeldBody | undefined;

  constructor(url: string, headers: string[], cancellation: Cancellation, apiKey: string) {
    this.url = url;
    this.headers = headers;
    this.cancellation = cancellation;
    this.apiKey = apiKey;
  }
}

/** Sends requests to one origin over keep-alive connections. */
export interface Transport {
  /**
   * Sends a request with the headers of `call`; ignores those of `request`. Returns the response once its body is complete. Rejects
   * with:
   *
   * - BadResponseError, for a response that is not valid or too large;
   * - UnavailableError, if nothing was sent;
   * - the reason of the cancellation, at once;
   * - TypeError, if the request has another origin, or a method other than GET, POST, PUT and DELETE;
   * - an error of undici or zlib, in all other cases.
   */
  readonly exchange: (request: Request, call: OutgoingCall) => Promise<Response>;
  /** Closes all connections at once. Calls in flight fail. */
  readonly destroy: () => Promise<void>;
}

/** Creates the transport to an origin. Opens connections as they are needed. */
export function createTransport(origin: string, fetchClasses: FetchClasses, proxies?: Proxies): Transport {
  const pool = new ConnectionPool(origin, proxies);
  const flow = new FlowControl();
  return {
    exchange: async (request, call) => {
      const { headers, cancellation } = call;
      if (!request.url.startsWith(`${origin}/`)) throw new TypeError('The URL of the request is not of this origin.');
      const options: Dispatcher.DispatchOptions = {
        origin,
        path: request.url.slice(origin.length),
        method: toMethod(request.method),
        headers,
        body: request.body === null ? null : await request.text(),
      };
      const response = await new Promise<ReceivedResponse>((resolve, reject) => {
        call.heldBody = flow.open(call.apiKey);
        pool.acquire().dispatch(options, new Exchange(call.heldBody, cancellation, resolve, reject));
      });
      return toResponse(response, fetchClasses);
    },
    destroy: () => pool.destroy(),
  };
}

function toResponse({ status, retryAfter, body }: ReceivedResponse, { createResponse }: FetchClasses): Response {
  if (status > 599) throw new BadResponseError('The REST API sent a status that is not valid HTTP.');
  // Decoding would replace invalid bytes by U+FFFD, and so alter a value silently.
  if (!isUtf8(body)) throw new BadResponseError('The response of the REST API is not UTF-8.');
  return createResponse(status, body, typeof retryAfter === 'string' ? retryAfter : undefined);
}

function toMethod(method: string): Dispatcher.HttpMethod {
  if (method === 'GET' || method === 'POST' || method === 'PUT' || method === 'DELETE') return method;
  throw new TypeError('The method of a REST call must be GET, POST, PUT or DELETE.');
}
