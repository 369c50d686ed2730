// HTTP clients for tests: fetch, and a raw socket for requests that fetch cannot send.
import { connect } from 'node:net';

/** A response with its whole body. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: Headers;
  /** The body as text. */
  readonly text: string;
  /** The parsed body; undefined if it is not JSON. */
  readonly json: unknown;
}

/** Sends a request with fetch, without following redirects. */
export async function sendRequest(url: string, init: RequestInit = {}): Promise<HttpResponse> {
  const response = await fetch(url, { redirect: 'manual', ...init });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: toJson(text) };
}

/** Posts a body as application/json: an object is serialized, other bodies are sent as they are. Rejects when `signal` aborts. */
export function post(
  url: string,
  body: object | string | Uint8Array<ArrayBuffer>,
  headers: Readonly<Record<string, string>> = {},
  signal?: AbortSignal,
): Promise<HttpResponse> {
  const payload = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
  return sendRequest(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: payload,
    ...(signal && { signal }),
  });
}

/** Sends lines, each followed by CRLF, over a raw socket, and returns the response. The request must have `connection: close`. */
export function sendLines(url: string, lines: readonly string[]): Promise<HttpResponse> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    let received = '';
    const socket = connect(Number(port), hostname, () => socket.write(lines.map((line) => `${line}\r\n`).join('')));
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      received += chunk;
    });
    socket.on('error', reject);
    socket.on('close', () => {
      resolve(toResponse(received));
    });
  });
}

function toResponse(received: string): HttpResponse {
  const end = received.indexOf('\r\n\r\n');
  const [statusLine = '', ...headerLines] = received.slice(0, end).split('\r\n');
  const headers = new Headers();
  for (const line of headerLines) {
    const colon = line.indexOf(':');
    headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  const text = received.slice(end + 4);
  return { status: Number(statusLine.split(' ')[1]), headers, text, json: toJson(text) };
}

function toJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}
