// A scripted upstream: a bare HTTP server that answers what a test says, byte by byte where it likes, and keeps what it was asked.
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { atEnd } from './at-end.js';

/** A request as it came. */
export interface UpstreamCall {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** The body as text; empty where there was none. */
  readonly body: string;
}

/** How to answer: an object is sent as JSON with status 200; a function has the response to itself. */
export type Script = (call: UpstreamCall, index: number) => object | ((response: ServerResponse) => void);

/** A scripted upstream that listens. */
export interface Upstream {
  /** Base URL, with a path: http://127.0.0.1:1234/v1. */
  readonly url: string;
  /** All that was asked, in order. */
  readonly calls: UpstreamCall[];
  /** Answers from now on by another script; forgets the calls. */
  script(next: Script): void;
}

/** Starts an upstream; it ends with the file's tests. */
export async function startUpstream(first: Script = () => ({ data: [] })): Promise<Upstream> {
  const calls: UpstreamCall[] = [];
  let script = first;
  const server = createServer((request, response) => {
    void read(request).then((body) => {
      const call = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body };
      const answer = script(call, calls.push(call) - 1);
      if (typeof answer === 'function') answer(response);
      else json(200, answer)(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('The upstream has no port.');
  return {
    url: `http://127.0.0.1:${address.port}/v1`,
    calls,
    script: (next) => {
      script = next;
      calls.splice(0);
    },
  };
}

/** Answers with a status and JSON. */
export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}) {
  return (response: ServerResponse): void => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  };
}

/** Answers with a status and anything. */
export function raw(status: number, body = '', headers: Readonly<Record<string, string>> = {}) {
  return (response: ServerResponse): void => {
    response.writeHead(status, headers).end(body);
  };
}

/** Cuts the connection. */
export function cut(response: ServerResponse): void {
  response.destroy();
}

async function read(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += String(chunk);
  return text;
}
