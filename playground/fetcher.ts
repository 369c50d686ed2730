// Sends the operations of the page: queries and mutations by POST, subscriptions over a WebSocket. Every failure becomes a result with a
// message, because GraphiQL shows the stack of what a fetcher throws.
import type { Fetcher, FetcherOpts, FetcherParams } from '@graphiql/toolkit';
import { GraphQLError, Kind, type OperationDefinitionNode, OperationTypeNode, parse } from 'graphql';
import { createClient, type ExecutionResult } from 'graphql-ws';
import { notify } from './notice.js';

/** Creates the fetcher of a GraphQL endpoint. The typed headers are also the connection parameters of the WebSocket. */
export function createFetcher(url: URL): Fetcher {
  return (params, options) => {
    const operation = findOperation(params.query, params.operationName);
    const request = { ...params, operationName: operation?.name?.value ?? params.operationName ?? null };
    return operation?.operation === OperationTypeNode.SUBSCRIPTION
      ? subscribe(url, request, options)
      : post(url, request, options, operation?.operation === OperationTypeNode.MUTATION);
  };
}

/**
 * Returns the operation of this name, or else the only operation, because GraphiQL's name is briefly that of the previous tab. Returns
 * undefined if there is no such operation or the document has a syntax error, so that the gateway reports it.
 */
export function findOperation(query: string, name: string | null | undefined): OperationDefinitionNode | undefined {
  try {
    const { definitions } = parse(query, { noLocation: true });
    const operations = definitions.filter((definition) => definition.kind === Kind.OPERATION_DEFINITION);
    const [first, second] = operations;
    return operations.find((operation) => operation.name?.value === name) ?? (second ? undefined : first);
  } catch {
    return undefined;
  }
}

async function post(url: URL, request: FetcherParams, options: FetcherOpts = {}, isMutation: boolean): Promise<object> {
  let headers: Headers;
  try {
    headers = new Headers({ ...options.headers });
  } catch {
    return toFailure('The browser cannot send one of the headers. Check their names, and use Latin characters only.');
  }
  headers.set('accept', 'application/graphql-response+json, application/json;q=0.9');
  headers.set('content-type', 'application/json');
  const advice = isMutation
    ? 'The mutation may have been executed. Check before you run it again.'
    : 'Run the operation again in a few seconds.';
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(request) });
    text = await response.text();
  } catch {
    return toFailure(`The gateway did not respond. It may be restarting, or the network is down. ${advice}`);
  }
  try {
    const result: unknown = JSON.parse(text);
    if (typeof result === 'object' && result !== null) return result;
  } catch {
    // A proxy responds with a page of its own while the gateway restarts.
  }
  return toFailure(
    `The response is not from the gateway: its status is ${response.status}, and it is not JSON. ${advice}`,
  );
}

function toFailure(message: string): ExecutionResult {
  return { errors: [new GraphQLError(message)] };
}

/** Subscribes once. The client does not reconnect, because the events that it misses would be missing without a sign. */
function subscribe(
  url: URL,
  { query, variables, operationName }: FetcherParams,
  options?: FetcherOpts,
): AsyncIterableIterator<object> {
  const socketUrl = new URL(url);
  socketUrl.protocol = socketUrl.protocol.replace('http', 'ws');
  const client = createClient({ url: socketUrl.href, connectionParams: { ...options?.headers }, retryAttempts: 0 });
  const events = client.iterate({ query, variables: toRecord(variables), operationName: operationName ?? null });
  let hasEvent = false;
  let hasEnded = false;
  return {
    next: async () => {
      try {
        const event = await events.next();
        hasEvent = true;
        if (event.done === true && !hasEnded) notify('The subscription has ended: the gateway has completed it.');
        return event;
      } catch (error) {
        hasEnded = true;
        if (isErrorList(error)) return { done: false, value: { errors: error } };
        const reason = toReason(error);
        if (!hasEvent) {
          return {
            done: false,
            value: toFailure(`The subscription has not started: ${reason}. Run it again in a few seconds.`),
          };
        }
        // The last event stays visible.
        notify(`The subscription has ended: ${reason}. Run it again to receive further events.`);
        return { done: true, value: undefined };
      }
    },
    // GraphiQL calls this when the user stops the subscription or opens another tab.
    return: async () => {
      hasEnded = true;
      await events.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

function toRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function isErrorList(error: unknown): error is GraphQLError[] {
  return Array.isArray(error);
}

/** Describes why a WebSocket has closed. A lost connection has no reason. */
function toReason(error: unknown): string {
  if (!(error instanceof CloseEvent)) return 'the connection could not be opened';
  return error.reason === ''
    ? `the connection to the gateway is lost (close code ${error.code})`
    : `the gateway has closed the connection: ${error.reason} (close code ${error.code})`;
}
