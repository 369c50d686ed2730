// Followers as applications have them: graphql-ws's and graphql-sse's own clients over real sockets, and one form to look at both. Then
// bare sockets, for what no well-behaved client does.
import { createClient as createEventStreamClient } from 'graphql-sse';
import { type Client, createClient as createWebSocketClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { SANDBOX_KEY } from '../../../src/sandbox/sandbox.js';
import { atEnd } from '../../helpers/at-end.js';
import { until } from '../../helpers/until.js';

/** One subscription, as its client was told of it. */
export interface Following {
  /** The results, in order. */
  readonly events: unknown[];
  /** How it ended: `complete`, or what the client's `error` was given; undefined while it is open. */
  readonly end: unknown;
  /** Unsubscribes. */
  readonly stop: () => void;
  /** Waits for so many events. */
  readonly has: (count: number) => Promise<void>;
  /** Waits for its end. */
  readonly ends: () => Promise<void>;
}

/** Begins a subscription. */
export type Follow = (query: string, variables?: Record<string, unknown>) => Following;

interface Sink {
  next: (value: unknown) => void;
  error: (error: unknown) => void;
  complete: () => void;
}

/** Makes a Following of a client's way to subscribe. */
export function toFollowing(subscribe: (sink: Sink) => () => void): Following {
  const events: unknown[] = [];
  let end: unknown;
  const stop = subscribe({
    next: (value) => {
      events.push(value);
    },
    error: (error) => {
      end = error;
    },
    complete: () => {
      end = 'complete';
    },
  });
  return {
    events,
    get end() {
      return end;
    },
    stop,
    has: (count) => until(() => events.length >= count),
    ends: () => until(() => end !== undefined),
  };
}

/** A graphql-ws client with a key; all its subscriptions share one socket. */
export function connectWebSocket(url: string, key: string = SANDBOX_KEY): Client {
  const client = createWebSocketClient({
    url: url.replace(/^http/, 'ws'),
    connectionParams: { 'MC-Api-Key': key },
    webSocketImpl: WebSocket,
    retryAttempts: 0,
  });
  atEnd(() => client.dispose());
  return client;
}

/** Follows by WebSocket, all subscriptions on one socket. */
export function byWebSocket(url: string, key: string = SANDBOX_KEY): Follow {
  const client = connectWebSocket(url, key);
  return (query, variables = {}) => toFollowing((sink) => client.subscribe({ query, variables }, sink));
}

/** Follows by Server-Sent Events, a connection for each subscription. */
export function byEventStream(url: string, key: string = SANDBOX_KEY): Follow {
  const client = createEventStreamClient({
    url: `${url}/stream`,
    headers: { 'MC-Api-Key': key },
    retryAttempts: 0,
  });
  atEnd(() => {
    client.dispose();
  });
  return (query, variables = {}) => toFollowing((sink) => client.subscribe({ query, variables }, sink));
}

/** Both ways, for what must be the same on each. */
export const transports: readonly (readonly [string, (url: string, key?: string) => Follow])[] = [
  ['WebSocket', byWebSocket],
  ['Server-Sent Events', byEventStream],
];

/** A WebSocket without a client of GraphQL's on it. */
export interface BareSocket {
  readonly socket: WebSocket;
  /** The messages that came, parsed. */
  readonly messages: unknown[];
  /** The close code and reason; undefined while it is open. */
  readonly closed: { readonly code: number; readonly reason: string } | undefined;
  readonly send: (message: unknown) => void;
  /** Waits for so many messages. */
  readonly has: (count: number) => Promise<void>;
  /** Waits for it to be closed. */
  readonly closes: () => Promise<void>;
}

/** Opens a WebSocket; `protocol` null: none is asked for. */
export async function openSocket(
  url: string,
  {
    protocol = 'graphql-transport-ws',
    headers = {},
  }: { protocol?: string | null; headers?: Record<string, string> } = {},
): Promise<BareSocket> {
  const socket = new WebSocket(url.replace(/^http/, 'ws'), protocol ?? [], { headers });
  const messages: unknown[] = [];
  let closed: { code: number; reason: string } | undefined;
  socket.on('message', (data: Buffer) => messages.push(JSON.parse(data.toString())));
  socket.on('close', (code, reason) => {
    closed = { code, reason: reason.toString() };
  });
  atEnd(() => {
    socket.terminate();
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  socket.on('error', () => undefined);
  return {
    socket,
    messages,
    get closed() {
      return closed;
    },
    send: (message) => {
      socket.send(JSON.stringify(message));
    },
    has: (count) => until(() => messages.length >= count),
    closes: () => until(() => closed !== undefined),
  };
}

/** Opens a WebSocket and says hello with a key; the acknowledgement is its first message. */
export async function openAcknowledged(url: string, key: string = SANDBOX_KEY): Promise<BareSocket> {
  const bare = await openSocket(url);
  bare.send({ type: 'connection_init', payload: { 'MC-Api-Key': key } });
  await bare.has(1);
  return bare;
}
