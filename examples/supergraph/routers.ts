// The routers: each runs queries of a supergraph with the caller's API key, which it passes on to the subgraphs.
import { ApolloGateway, RemoteGraphQLDataSource } from '@apollo/gateway';
import { ApolloServer } from '@apollo/server';
import { createGatewayRuntime } from '@graphql-hive/gateway-runtime';

/** A started router. */
export interface Router {
  /** Runs a query. Returns the response. */
  readonly run: (query: string, apiKey: string) => Promise<unknown>;
  readonly stop: () => Promise<void>;
}

/** Starts Apollo Server with Apollo Gateway. */
export async function startApolloGateway(supergraphSdl: string): Promise<Router> {
  const gateway = new ApolloGateway({
    supergraphSdl,
    buildService: ({ url }) =>
      new RemoteGraphQLDataSource<{ apiKey?: string }>({
        ...(url !== undefined && { url }),
        // Apollo Gateway passes no header on by itself.
        willSendRequest: ({ request, context }) => {
          const { apiKey }: { apiKey?: string } = context;
          if (apiKey !== undefined) request.http?.headers.set('MC-Api-Key', apiKey);
        },
      }),
  });
  const server = new ApolloServer<{ apiKey: string }>({ gateway });
  await server.start();
  return {
    run: async (query, apiKey) => {
      const { body } = await server.executeOperation({ query }, { contextValue: { apiKey } });
      return body.kind === 'single' ? body.singleResult : undefined;
    },
    stop: () => server.stop(),
  };
}

/** Starts Hive Gateway. */
export function startHiveGateway(supergraph: string): Router {
  const runtime = createGatewayRuntime({
    supergraph,
    logging: false,
    propagateHeaders: {
      fromClientToSubgraphs: ({ request }) => ({ 'MC-Api-Key': request.headers.get('MC-Api-Key') ?? '' }),
    },
  });
  return {
    run: async (query, apiKey) => {
      const response = await runtime.fetch('http://localhost/graphql', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'MC-Api-Key': apiKey },
        body: JSON.stringify({ query }),
      });
      return response.json();
    },
    stop: async () => {
      await runtime[Symbol.asyncDispose]();
    },
  };
}
