// Test clients for subscriptions: graphql-ws's, graphql-sse's and Apollo's own clients over real sockets, with one interface for all, and raw
// WebSockets for malformed or unusual messages.
import { connect, type Socket } from 'node:net';
import { createFetchMultipartSubscription } from '@apollo/client/utilities/subscriptions/relay';
import { createClient as createSseClient } from 'graphql-sse';
import { type Client, createClient as createGraphqlWsClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { SANDBOX_KEY } from '../../../src/sandbox/keys.js';
import { addCleanup } from '../../helpers/cleanup.js';
import { keyHeader } from '../../helpers/fixtures.js';
import { waitUntil } from '../../helpers/wait-until.js';

/** One subscription, as its client sees it. */
export interface TestSubscription {
  /** The results, in order. */
  readonly events: unknown[];
  /** `complete`, or the argument of the client's `error` callback. Undefined while the subscription is open. */
  readonly end: unknown;
  readonly unsubscribe: () => void;
  /** Resolves when at least `count` events have arrived. */
  readonly waitForEvents: (count: number) => Promise<void>;
  /** Resolves when the subscription has ended. */
  readonly waitForEnd: () => Promise<void>;
}

/** Starts a subscription. */
export type Subscribe = (query: string, variables?: Record<string, unknown>) => TestSubscription;

interface Sink {
  next: (value: unknown) => void;
  error: (error: unknown) => void;
  complete: () => void;
}

/** Starts a subscription by a function that passes results to a sink and returns the function to unsubscribe. */
export function startSubscription(subscribe: (sink: Sink) => () => void): TestSubscription {
  const events: unknown[] = [];
  let end: unknown;
  const unsubscribe = subscribe({
    next: (value) => {
      events.push(value);
    },
    error: (error) => {
      end ??= error;
    },
    complete: () => {
      // Apollo Client and urql also complete what an error has ended.
      end ??= 'complete';
    },
  });
  return {
    events,
    get end() {
      return end;
    },
    unsubscribe,
    waitForEvents: (count) => waitUntil(() => events.length >= count),
    waitForEnd: () => waitUntil(() => end !== undefined),
  };
}

/** Creates a graphql-ws client. All its subscriptions share one socket. */
export function createWebSocketClient(url: string, key: string = SANDBOX_KEY): Client {
  const client = createGraphqlWsClient({
    url: url.replace(/^http/, 'ws'),
    connectionParams: { 'MC-Api-Key': key },
    webSocketImpl: WebSocket,
    retryAttempts: 0,
  });
  addCleanup(() => client.dispose());
  return client;
}

/** Returns a function that subscribes by WebSocket. All its subscriptions share one socket. */
export function subscribeByWebSocket(url: string, key: string = SANDBOX_KEY): Subscribe {
  const client = createWebSocketClient(url, key);
  return (query, variables = {}) => startSubscription((sink) => client.subscribe({ query, variables }, sink));
}

/** Returns a function that subscribes by Server-Sent Events. Each subscription has its own connection. */
export function subscribeBySse(url: string, key: string = SANDBOX_KEY): Subscribe {
  const client = createSseClient({
    url: `${url}/stream`,
    headers: keyHeader(key),
    retryAttempts: 0,
  });
  addCleanup(() => {
    client.dispose();
  });
  return (query, variables = {}) => startSubscription((sink) => client.subscribe({ query, variables }, sink));
}

/** Returns a function that subscribes by Apollo's multipart protocol. Each subscription has its own connection. */
export function subscribeByMultipart(url: string, key: string = SANDBOX_KEY): Subscribe {
  const subscribe = createFetchMultipartSubscription(url, { headers: keyHeader(key) });
  return (query, variables = {}) => {
    const operation = {
      text: query,
      id: null,
      cacheID: query,
      name: '',
      operationKind: 'subscription',
      metadata: {},
    } as const;
    const started = startSubscription((sink) => {
      const subscription = subscribe(operation, variables).subscribe(sink);
      return () => {
        subscription.unsubscribe();
      };
    });
    addCleanup(started.unsubscribe);
    return started;
  };
}

/** All transports, for tests of behaviour that they share. */
export const transports: readonly (readonly [string, (url: string, key?: string) => Subscribe])[] = [
  ['WebSocket', subscribeByWebSocket],
  ['Server-Sent Events', subscribeBySse],
  ['multipart', subscribeByMultipart],
];

/** A WebSocket without a GraphQL client. */
export interface RawSocket {
  readonly webSocket: WebSocket;
  /** The messages received, parsed. */
  readonly messages: unknown[];
  /** Close code and reason. Undefined while the socket is open. */
  readonly closed: { readonly code: number; readonly reason: string } | undefined;
  readonly send: (message: unknown) => void;
  /** Resolves when at least `count` messages have arrived. */
  readonly waitForMessages: (count: number) => Promise<void>;
  /** Resolves when the socket has closed. */
  readonly waitForClose: () => Promise<void>;
}

/** Options of a raw WebSocket. */
export interface SocketOptions {
  /** The subprotocol to request; null: none. Default: graphql-transport-ws. */
  readonly protocol?: string | null;
  /** Headers of the handshake. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether the client responds to pings. Default: true. */
  readonly autoPong?: boolean;
  /** Opens the connection. Default: a new TCP connection. */
  readonly createConnection?: () => Socket;
}

/** Opens an acknowledged WebSocket, and returns its connection too, for frames that no client would send. */
export async function openSocketOnStream(url: string): Promise<{ client: Socket; socket: RawSocket }> {
  const { hostname, port } = new URL(url);
  const client = connect(Number(port), hostname);
  const socket = await openAcknowledgedSocket(url, SANDBOX_KEY, { createConnection: () => client });
  return { client, socket };
}

/** Opens a WebSocket. */
export async function openSocket(
  url: string,
  { protocol = 'graphql-transport-ws', headers = {}, autoPong = true, createConnection }: SocketOptions = {},
): Promise<RawSocket> {
  const options = { headers, autoPong, ...(createConnection !== undefined && { createConnection }) };
  const socket = new WebSocket(url.replace(/^http/, 'ws'), protocol ?? [], options);
  const messages: unknown[] = [];
  let closed: { code: number; reason: string } | undefined;
  socket.on('message', (data: Buffer) => messages.push(JSON.parse(data.toString())));
  socket.on('close', (code, reason) => {
    closed = { code, reason: reason.toString() };
  });
  addCleanup(() => {
    socket.terminate();
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  socket.on('error', () => undefined);
  return {
    webSocket: socket,
    messages,
    get closed() {
      return closed;
    },
    send: (message) => {
      socket.send(JSON.stringify(message));
    },
    waitForMessages: (count) => waitUntil(() => messages.length >= count),
    waitForClose: () => waitUntil(() => closed !== undefined),
  };
}

/** Opens a WebSocket, sends connection_init with a key, and waits for connection_ack, which is the first message. */
export async function openAcknowledgedSocket(
  url: string,
  key: string = SANDBOX_KEY,
  options: SocketOptions = {},
): Promise<RawSocket> {
  const socket = await openSocket(url, options);
  socket.send({ type: 'connection_init', payload: { 'MC-Api-Key': key } });
  await socket.waitForMessages(1);
  return socket;
}
