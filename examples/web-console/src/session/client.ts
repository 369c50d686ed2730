// The way to the gateway for one key: queries and mutations by HTTP, subscriptions by WebSocket. The key lives in here and nowhere else.
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { createClient } from 'graphql-ws';
import { OperationTypeNode } from 'graphql';

const gatewayUrl = new URL(import.meta.env.VITE_GATEWAY_URL);

/** Whether changes come in as they happen. */
export type Liveness = 'live' | 'reconnecting';

/** A signed-in caller. */
export interface Session {
  readonly client: ApolloClient;
  /** The state of the WebSocket, as useSyncExternalStore wants it. */
  readonly liveness: { readonly subscribe: (onChange: () => void) => () => void; readonly get: () => Liveness };
  /** Forgets the key and all that was read with it. */
  readonly end: () => void;
}

/** A session with a key; nothing is asked for yet. */
export function createSession(key: string): Session {
  const headers = { 'MC-Api-Key': key };
  const socketUrl = new URL(gatewayUrl);
  socketUrl.protocol = socketUrl.protocol.replace('http', 'ws');
  // A page that changes what it follows does so within a second: the connection is kept that long.
  const socket = createClient({ url: socketUrl.href, connectionParams: headers, lazyCloseTimeout: 1_000 });
  const client = new ApolloClient({
    cache: new InMemoryCache(),
    link: ApolloLink.split(
      ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
      new GraphQLWsLink(socket),
      new HttpLink({ uri: gatewayUrl.href, headers }),
    ),
  });

  let liveness: Liveness = 'live';
  const listeners = new Set<() => void>();
  const set = (value: Liveness): void => {
    liveness = value;
    for (const listener of listeners) listener();
  };
  socket.on('connected', () => {
    set('live');
  });
  // 1000 is the end that the client itself wants.
  socket.on('closed', (event) => {
    const wanted = typeof event === 'object' && event !== null && 'code' in event && event.code === 1000;
    set(wanted ? 'live' : 'reconnecting');
  });

  return {
    client,
    liveness: {
      subscribe: (onChange) => {
        listeners.add(onChange);
        return () => listeners.delete(onChange);
      },
      get: () => liveness,
    },
    end: () => {
      client.stop();
      void socket.dispose();
    },
  };
}
