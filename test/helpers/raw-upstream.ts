// An upstream of bare sockets: what it answers is bytes, any bytes at any pace, and what it was asked is kept as it came.
import { createServer, type Socket } from 'node:net';
import { atEnd } from './at-end.js';

/** A request as it came. */
export interface RawCall {
  /** The whole first line, e.g. `GET /v1/environments HTTP/1.1`. */
  readonly requestLine: string;
  readonly method: string;
  /** Path and query, exactly as they were sent. */
  readonly target: string;
  /** The headers by lower-case name; bytes beyond ASCII as Latin-1. */
  readonly headers: ReadonlyMap<string, string>;
  /** The body as text; empty where there was none. */
  readonly body: string;
}

/** How to answer: bytes and text are sent as they are, other objects as JSON with status 200; a function has the socket to itself. */
export type RawScript = (call: RawCall, index: number) => string | Uint8Array | object | ((socket: Socket) => void);

/** An upstream that listens. */
export interface RawUpstream {
  /** Base URL, with a path. */
  readonly url: string;
  /** All that was asked, in order. */
  readonly calls: RawCall[];
  /** How many connections it has taken. */
  readonly connections: () => number;
  /** Answers from now on by another script; forgets the calls. */
  readonly script: (next: RawScript) => void;
  /** Cuts all connections, and refuses new ones until it listens again. */
  readonly refuse: () => Promise<void>;
  /** Listens again, on the same port. */
  readonly listen: () => Promise<void>;
}

/** Starts one on an address of the loopback; it ends with the file's tests. `port` 0: any free port. */
export async function startRawUpstream(
  first: RawScript = () => ({ data: [] }),
  host = '127.0.0.1',
  port = 0,
): Promise<RawUpstream> {
  const calls: RawCall[] = [];
  const sockets = new Set<Socket>();
  let script = first;
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    sockets.add(socket);
    // How a connection ends is the gateway's to say.
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
    let received = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      for (let read = take(received); read !== undefined; read = take(received)) {
        received = read.rest;
        send(socket, script(read.call, calls.push(read.call) - 1));
      }
    });
  });
  const listen = (on: number) =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(on, host, resolve);
    });
  await listen(port);
  const end = () => {
    for (const socket of sockets) socket.destroy();
    return new Promise<void>((resolve) => {
      server.close(() => {
        resolve();
      });
    });
  };
  atEnd(end);
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('The upstream has no port.');
  return {
    url: `http://${host}:${address.port}/v1`,
    calls,
    connections: () => connections,
    script: (next) => {
      script = next;
      calls.splice(0);
    },
    refuse: end,
    listen: () => listen(address.port),
  };
}

/** An answer as bytes: a status line, headers, and the body, with its length where nothing else is said of it. */
export function toBytes(
  status: number,
  body: string | Uint8Array | object,
  headers: Readonly<Record<string, string>> = {},
): Buffer {
  const bytes = Buffer.from(typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body));
  const all = { 'content-type': 'application/json', 'content-length': String(bytes.length), ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${status} Status\r\n${lines.join('')}\r\n`, 'latin1'), bytes]);
}

function send(socket: Socket, answer: ReturnType<RawScript>): void {
  if (typeof answer === 'function') Reflect.apply(answer, undefined, [socket]);
  else if (typeof answer === 'string' || answer instanceof Uint8Array) socket.write(answer);
  else socket.write(toBytes(200, answer));
}

// The first request in what was received, and what follows it; undefined where it is not whole yet. The gateway sends no chunks.
function take(received: Buffer): { call: RawCall; rest: Buffer<ArrayBuffer> } | undefined {
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
