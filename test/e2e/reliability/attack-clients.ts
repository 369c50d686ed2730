// The clients of the attacks, on bare sockets, so that they can send what no library sends and spend little CPU time on responses.
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { attackerKey, type Target, toOutcome } from './bounded-rig.js';
import { openConnection } from './harness.js';

/** An HTTP connection that notes the outcome of each response. */
export interface HttpClient {
  readonly socket: Socket;
  /** Returns the number of responses so far. */
  readonly responses: () => number;
  /** Reports whether the gateway has closed the connection. */
  readonly isClosed: () => boolean;
  /** Resolves when the connection is closed, or has had this many responses, or when the attack must end. */
  readonly whenResponded: (count: number) => Promise<void>;
}

/** Opens an HTTP connection. It is closed when the attack must end. */
export function openHttpClient({ url, note, over }: Pick<Target, 'url' | 'note' | 'over'>): HttpClient {
  const socket = openConnection(url);
  let responses = 0;
  let isClosed = false;
  let changed: () => void = () => undefined;
  const read = createResponseReader((outcome) => {
    responses++;
    note(outcome);
    changed();
  });
  socket.on('data', read);
  socket.on('end', () => socket.destroy());
  socket.once('close', () => {
    isClosed = true;
    changed();
  });
  let isOver = false;
  void over.then(() => {
    isOver = true;
    socket.destroy();
  });
  return {
    socket,
    responses: () => responses,
    isClosed: () => isClosed,
    whenResponded: (count) =>
      new Promise((resolve) => {
        changed = () => {
          if (isOver || isClosed || responses >= count) resolve();
        };
        changed();
      }),
  };
}

/** Returns a function that takes the bytes of responses, and passes their outcomes to `onOutcome`. Keeps only the ends of a body. */
function createResponseReader(onOutcome: (outcome: string) => void): (chunk: Buffer) => void {
  let head = '';
  let body: { status: number; hasRetryAfter: boolean; remaining: number; text: string } | undefined;
  return (chunk) => {
    let rest = chunk;
    while (rest.length > 0 || body?.remaining === 0) {
      if (body === undefined) {
        head += rest.toString('latin1');
        const end = head.indexOf('\r\n\r\n');
        if (end < 0) return;
        const lines = head.slice(0, end);
        rest = Buffer.from(head.slice(end + 4), 'latin1');
        head = '';
        const length = Number(/^content-length: (\d+)/im.exec(lines)?.[1] ?? 0);
        const status = Number(lines.slice(9, 12));
        body = { status, hasRetryAfter: /^retry-after: \d+/im.test(lines), remaining: length, text: '' };
      } else {
        const part = rest.subarray(0, body.remaining);
        rest = rest.subarray(part.length);
        body.remaining -= part.length;
        body.text = (body.text + part.toString('latin1')).slice(body.text.length > 2_000 ? -1_000 : 0);
        if (body.text.length > 4_000) body.text = body.text.slice(0, 1_000) + body.text.slice(-1_000);
        if (body.remaining > 0) return;
        onOutcome(`${toOutcome(body.status, body.text)}${body.hasRetryAfter ? ', Retry-After' : ''}`);
        body = undefined;
      }
    }
  };
}

/** Formats a POST request to /graphql. `key` is the API key; null: none. */
export function toPost(
  body: object | string,
  key: string | null = attackerKey,
  headers: readonly string[] = [],
  path = '/graphql',
): string {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const lines = [
    `POST ${path} HTTP/1.1`,
    'host: localhost',
    'content-type: application/json',
    ...(key === null ? [] : [`mc-api-key: ${key}`]),
    ...headers,
    `content-length: ${Buffer.byteLength(text)}`,
  ];
  return `${lines.join('\r\n')}\r\n\r\n${text}`;
}

/**
 * Sends requests until the attack must end: on each connection, the next one after the response to the last. Opens a connection again
 * if the gateway closes it. With `count`, each connection sends this many requests.
 */
export async function sendInTurn(
  target: Target,
  connections: number,
  toRequest: (index: number) => string,
  count = Infinity,
): Promise<void> {
  let index = 0;
  const run = async () => {
    let sent = 0;
    while (!target.isOver() && sent < count) {
      const client = openHttpClient(target);
      while (!target.isOver() && !client.isClosed() && sent < count) {
        sent++;
        client.socket.write(toRequest(index++));
        await client.whenResponded(client.responses() + 1);
      }
      if (client.isClosed() && client.responses() === 0 && !target.isOver()) {
        target.note('closed');
        // A closed port would otherwise be tried without a pause.
        await sleep(10);
      }
      client.socket.destroy();
    }
  };
  await Promise.all(Array.from({ length: connections }, run));
}

/** Sends requests with up to 15 responses outstanding, until the attack must end, as fast as the gateway responds, but at most this fast. */
export async function pipeline(target: Target, request: string, bytesPerSecond: number): Promise<void> {
  const startedAt = performance.now();
  let sent = 0;
  // The gateway closes a connection with 16 pending requests.
  const maxPending = 15;
  const batch = 8;
  while (!target.isOver()) {
    const client = openHttpClient(target);
    for (let requests = batch; !target.isOver() && !client.isClosed(); requests += batch) {
      await client.whenResponded(requests - maxPending);
      const allowed = ((performance.now() - startedAt) / 1_000) * bytesPerSecond;
      if (sent > allowed) await sleep(((sent - allowed) / bytesPerSecond) * 1_000);
      sent += request.length * batch;
      client.socket.write(request.repeat(batch), 'latin1');
    }
    client.socket.destroy();
    if (!target.isOver()) await sleep(5);
  }
}

/** Sends requests on connections of their own, and keeps those open until the attack must end. */
export async function sendAndHold(target: Target, requests: readonly string[]): Promise<void> {
  for (const request of requests) openHttpClient(target).socket.write(request, 'latin1');
  await target.over;
}

/** Opens a WebSocket that notes the errors of its subscriptions and its end. Resolves when it is acknowledged or rejected. */
export async function openWebSocket({ url, note, over }: Target, key: string = attackerKey): Promise<WebSocket> {
  const webSocket = new WebSocket(url.replace(/^http/, 'ws'), 'graphql-transport-ws');
  webSocket.on('error', () => undefined);
  webSocket.on('unexpected-response', (request, response) => {
    note(`handshake ${response.statusCode ?? 0}`);
    request.destroy();
  });
  let isOver = false;
  webSocket.on('close', (code) => {
    if (!isOver && code !== 1006) note(`closed ${code}`);
    else if (!isOver) note('closed');
  });
  void over.then(() => {
    isOver = true;
    webSocket.terminate();
  });
  webSocket.once('open', () => {
    webSocket.send(JSON.stringify({ type: 'connection_init', payload: { 'MC-Api-Key': key } }));
  });
  // Either rejects if the gateway closes the connection during the handshake. The listener above notes that.
  const settled = ['message', 'close'].map((event) => once(webSocket, event).catch(() => undefined));
  await Promise.race([...settled, over]);
  webSocket.on('message', (data: Buffer) => {
    const code = /^\{"id":"[^"]*","type":"error".*?"code":"(\w+)"/.exec(data.toString('latin1', 0, 1_000))?.[1];
    if (code !== undefined) note(`error ${code}`);
  });
  return webSocket;
}

/** Sends a subscription, unless the socket is closed. */
export function subscribe(webSocket: WebSocket, id: string, payload: object): void {
  if (webSocket.readyState !== WebSocket.OPEN) return;
  webSocket.send(JSON.stringify({ id, type: 'subscribe', payload }));
}

/** Opens a connection and upgrades it to a WebSocket whose frames the attack builds itself. Notes its end. */
export async function openFrameSocket({ url, note, over }: Target): Promise<Socket> {
  const socket = openConnection(url);
  const lines = [
    'GET /graphql HTTP/1.1',
    'host: localhost',
    'connection: Upgrade',
    'upgrade: websocket',
    'sec-websocket-version: 13',
    'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==',
    'sec-websocket-protocol: graphql-transport-ws',
  ];
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  let isOver = false;
  socket.on('end', () => socket.destroy());
  socket.once('close', () => {
    if (!isOver) note('closed');
  });
  void over.then(() => {
    isOver = true;
    socket.destroy();
  });
  await Promise.race([once(socket, 'data'), once(socket, 'close'), over]);
  socket.resume();
  return socket;
}

/** Returns a masked WebSocket frame. `opcode` 1: text; 0: continuation; 10: pong. */
export function toFrame(opcode: 0 | 1 | 10, isLast: boolean, text: string): Buffer {
  const length = text.length < 126 ? [0x80 | text.length] : [0x80 | 126, text.length >> 8, text.length & 0xff];
  // The mask is 0, which leaves the text as it is.
  return Buffer.concat([Buffer.from([(isLast ? 0x80 : 0) | opcode, ...length, 0, 0, 0, 0]), Buffer.from(text)]);
}
