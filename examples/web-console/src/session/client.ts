// The GraphQL client of a session: HTTP for queries and mutations, a WebSocket for subscriptions. Holds the API key.
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { createClient } from 'graphql-ws';
import { OperationTypeNode } from 'graphql';

const gatewayUrl = new URL(import.meta.env.VITE_GATEWAY_URL);

/** Time after which an idle WebSocket is pinged, and time that the response may take, in milliseconds. */
const pingAfterMs = 10_000;
const maxPongMs = 5_000;

/** A signed-in session, with one API key. */
export interface Session {
  readonly client: ApolloClient;
  /**
   * Store of the time at which the WebSocket was lost, in the shape that `useSyncExternalStore` takes. Undefined while it is
   * connected: updates arrive only then.
   */
  readonly lostSince: {
    readonly subscribe: (onChange: () => void) => () => void;
    readonly get: () => Date | undefined;
  };
  /** Stops the client and closes the WebSocket. The key and the cache go with the session object. */
  readonly end: () => void;
}

/** Creates a session for an API key. Sends no request yet. */
export function createSession(key: string): Session {
  const headers = { 'MC-Api-Key': key };
  const socketUrl = new URL(gatewayUrl);
  socketUrl.protocol = socketUrl.protocol.replace('http', 'ws');
  const socket = createClient({
    url: socketUrl.href,
    connectionParams: headers,
    // A page change ends one subscription and starts another within 1 s. Keeping the connection that long avoids a reconnect.
    lazyCloseTimeout: 1_000,
    // By default, graphql-ws gives up when a connection is refused, or after five retries. It never retries a rejected key.
    shouldRetry: () => true,
    retryAttempts: Infinity,
    retryWait: (retries) => pause(retries),
    keepAlive: pingAfterMs,
  });
  const client = new ApolloClient({
    cache: new InMemoryCache(),
    link: ApolloLink.split(
      ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
      new GraphQLWsLink(socket),
      new HttpLink({ uri: gatewayUrl.href, headers }),
    ),
  });

  let lostSince: Date | undefined;
  const listeners = new Set<() => void>();
  const setLostSince = (value: Date | undefined): void => {
    lostSince = value;
    for (const listener of listeners) listener();
  };
  socket.on('connected', () => {
    setLostSince(undefined);
  });
  // The client closes the connection itself with code 1000 (normal closure).
  socket.on('closed', (event) => {
    const isNormalClosure = typeof event === 'object' && event !== null && 'code' in event && event.code === 1000;
    setLostSince(isNormalClosure ? undefined : (lostSince ?? new Date()));
  });
  // A connection may be lost without a close, e.g. if the computer changes its network. Then no pong comes.
  let pongTimer: ReturnType<typeof setTimeout> | undefined;
  socket.on('ping', (isReceived) => {
    if (isReceived) return;
    pongTimer = setTimeout(() => {
      socket.terminate();
    }, maxPongMs);
  });
  socket.on('pong', (isReceived) => {
    if (isReceived) clearTimeout(pongTimer);
  });
  socket.on('closed', () => {
    clearTimeout(pongTimer);
  });

  return {
    client,
    lostSince: {
      subscribe: (onChange) => {
        listeners.add(onChange);
        return () => listeners.delete(onChange);
      },
      get: () => lostSince,
    },
    end: () => {
      client.stop();
      void socket.dispose();
    },
  };
}

/**
 * Waits before a retry: 0.5 to 1 s at first, 5 to 10 s at last, but no longer than the browser is offline. The random part keeps pages
 * from reconnecting all at once.
 */
export function pause(retries: number, signal?: AbortSignal): Promise<void> {
  const maxDelayMs = Math.min(10_000, 1_000 * 2 ** retries);
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      removeEventListener('online', end);
      resolve();
    };
    const timer = setTimeout(end, maxDelayMs * (0.5 + Math.random() / 2));
    addEventListener('online', end);
    signal?.addEventListener('abort', end);
  });
}
