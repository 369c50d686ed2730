// A scripted REST API on raw sockets: it sends any bytes at any pace, stops and listens again, and records requests as received.
// A new test begins with upstream.ts, and comes here only for what an HTTP server cannot do.
import { createServer, type Socket } from 'node:net';
import { addCleanup } from './cleanup.js';
import { listen } from './free-port.js';

/** A request as received. */
export interface RawCall {
  /** The whole first line, e.g. `GET /v1/environments HTTP/1.1`. */
  readonly requestLine: string;
  readonly method: string;
  /** Path and query, exactly as sent. */
  readonly target: string;
  /** Headers by lower-case name. Bytes that are not ASCII are decoded as Latin-1. */
  readonly headers: ReadonlyMap<string, string>;
  /** The body as text; empty if there was none. */
  readonly body: string;
}

/** Returns the response to a call: text, bytes, an object to send as JSON with status 200, or a function that writes to the socket. */
export type RawScript = (call: RawCall, index: number) => string | Uint8Array | object | ((socket: Socket) => void);

/** A running upstream. */
export interface RawUpstream {
  /** Base URL, with a path. */
  readonly url: string;
  /** All calls, in order. */
  readonly calls: RawCall[];
  /** Returns the number of accepted connections. */
  readonly connectionCount: () => number;
  /** Replaces the script and clears `calls`. */
  readonly script: (next: RawScript) => void;
  /** Closes all connections and stops listening. */
  readonly stop: () => Promise<void>;
  /** Listens again, on the same port. */
  readonly listen: () => Promise<void>;
}

/** Starts an upstream on a loopback address (port 0: any free port). It stops after the tests of the file. */
export async function startRawUpstream(
  initialScript: RawScript = () => ({ data: [] }),
  host = '127.0.0.1',
  port = 0,
): Promise<RawUpstream> {
  const calls: RawCall[] = [];
  const sockets = new Set<Socket>();
  let script = initialScript;
  let connectionCount = 0;
  const server = createServer((socket) => {
    connectionCount++;
    sockets.add(socket);
    // The gateway may reset connections.
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
    let received = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      for (let parsed = parseRequest(received); parsed !== undefined; parsed = parseRequest(received)) {
        received = parsed.rest;
        send(socket, script(parsed.call, calls.push(parsed.call) - 1));
      }
    });
  });
  const listeningPort = await listen(server, { host, port });
  const stop = () => {
    for (const socket of sockets) socket.destroy();
    return new Promise<void>((resolve) => {
      server.close(() => {
        resolve();
      });
    });
  };
  addCleanup(stop);
  return {
    url: `http://${host}:${listeningPort}/v1`,
    calls,
    connectionCount: () => connectionCount,
    script: (next) => {
      script = next;
      calls.splice(0);
    },
    stop,
    listen: async () => {
      await listen(server, { host, port: listeningPort });
    },
  };
}

/** Returns a whole HTTP response as bytes. By default, it is JSON and has its content-length. */
export function toBytes(
  status: number,
  body: string | Uint8Array | object,
  headers: Readonly<Record<string, string>> = {},
): Buffer {
  const bytes = Buffer.from(typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body));
  const allHeaders = { 'content-type': 'application/json', 'content-length': String(bytes.length), ...headers };
  const lines = Object.entries(allHeaders).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${status} Status\r\n${lines.join('')}\r\n`, 'latin1'), bytes]);
}

function send(socket: Socket, response: ReturnType<RawScript>): void {
  if (typeof response === 'function') Reflect.apply(response, undefined, [socket]);
  else if (typeof response === 'string' || response instanceof Uint8Array) socket.write(response);
  else socket.write(toBytes(200, response));
}

// Returns the first request and the bytes after it; undefined if the request is incomplete. The gateway does not send chunked bodies.
function parseRequest(received: Buffer): { call: RawCall; rest: Buffer<ArrayBuffer> } | undefined {
  const end = received.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [requestLine = '', ...lines] = received.toString('latin1', 0, end).split('\r\n');
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const bodyEnd = end + 4 + Number(headers.get('content-length') ?? 0);
  if (received.length < bodyEnd) return undefined;
  const [method = '', target = ''] = requestLine.split(' ');
  const body = received.toString('utf8', end + 4, bodyEnd);
  return { call: { requestLine, method, target, headers, body }, rest: Buffer.from(received.subarray(bodyEnd)) };
}
