// The scripted REST API that a new test begins with: an HTTP server that responds as a test says, and records its calls.
// Use raw-upstream.ts only for responses that no HTTP server sends, and for closed and refused connections.
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { addCleanup } from './cleanup.js';
import { listen } from './free-port.js';

/** A request as received. */
export interface UpstreamCall {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** The body as text; empty if there was none. */
  readonly body: string;
}

/** Returns the response to a call: an object is sent as JSON with status 200, a function writes the response itself. */
export type Script = (call: UpstreamCall, index: number) => object | ((response: ServerResponse) => void);

/** A running upstream. */
export interface Upstream {
  /** Base URL, with a path: http://127.0.0.1:1234/v1. */
  readonly url: string;
  /** All calls, in order. */
  readonly calls: UpstreamCall[];
  /** Replaces the script and clears `calls`. */
  script(next: Script): void;
}

/** Starts an upstream. It stops after the tests of the file. */
export async function startUpstream(initialScript: Script = () => ({ data: [] })): Promise<Upstream> {
  const calls: UpstreamCall[] = [];
  let script = initialScript;
  const server = createServer((request, response) => {
    void readBody(request).then((body) => {
      const call = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body };
      const result = script(call, calls.push(call) - 1);
      if (typeof result === 'function') result(response);
      else json(200, result)(response);
    });
  });
  // The server closes no idle connection by itself: on a busy machine, it could do so just as a write arrives.
  server.keepAliveTimeout = 0;
  const port = await listen(server);
  addCleanup(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${port}/v1`,
    calls,
    script: (next) => {
      script = next;
      calls.splice(0);
    },
  };
}

/** Responds with a status and JSON. */
export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}) {
  return (response: ServerResponse): void => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  };
}

/** Responds with a status and a text. */
export function raw(status: number, body = '', headers: Readonly<Record<string, string>> = {}) {
  return (response: ServerResponse): void => {
    response.writeHead(status, headers).end(body);
  };
}

/** Closes the connection without a response. */
export function dropConnection(response: ServerResponse): void {
  response.destroy();
}

async function readBody(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += String(chunk);
  return text;
}
