// The GraphQL client of a session: HTTP for queries and mutations, a WebSocket for subscriptions. The API key is stored only here.
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { createClient } from 'graphql-ws';
import { OperationTypeNode } from 'graphql';

const gatewayUrl = new URL(import.meta.env.VITE_GATEWAY_URL);

/** State of the WebSocket: updates arrive only while it is connected. */
export type ConnectionStatus = 'connected' | 'reconnecting';

/** A signed-in session, with one API key. */
export interface Session {
  readonly client: ApolloClient;
  /** Store of the WebSocket's state, in the shape that `useSyncExternalStore` takes. */
  readonly connectionStatus: {
    readonly subscribe: (onChange: () => void) => () => void;
    readonly get: () => ConnectionStatus;
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
    retryWait: pause,
  });
  const client = new ApolloClient({
    cache: new InMemoryCache(),
    link: ApolloLink.split(
      ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
      new GraphQLWsLink(socket),
      new HttpLink({ uri: gatewayUrl.href, headers }),
    ),
  });

  let connectionStatus: ConnectionStatus = 'connected';
  const listeners = new Set<() => void>();
  const setStatus = (value: ConnectionStatus): void => {
    connectionStatus = value;
    for (const listener of listeners) listener();
  };
  socket.on('connected', () => {
    setStatus('connected');
  });
  // The client closes the connection itself with code 1000 (normal closure).
  socket.on('closed', (event) => {
    const isNormalClosure = typeof event === 'object' && event !== null && 'code' in event && event.code === 1000;
    setStatus(isNormalClosure ? 'connected' : 'reconnecting');
  });

  return {
    client,
    connectionStatus: {
      subscribe: (onChange) => {
        listeners.add(onChange);
        return () => listeners.delete(onChange);
      },
      get: () => connectionStatus,
    },
    end: () => {
      client.stop();
      void socket.dispose();
    },
  };
}

/** Waits before a retry: 0.5 to 1 s at first, 15 to 30 s at last. The random part keeps pages from reconnecting all at once. */
function pause(retries: number): Promise<void> {
  const maxDelayMs = Math.min(30_000, 1_000 * 2 ** retries);
  return new Promise((resolve) => setTimeout(resolve, maxDelayMs * (0.5 + Math.random() / 2)));
}
