// The protocol graphql-transport-ws on an open WebSocket: the key in `connection_init`, and the subscriptions.
import { randomUUID } from 'node:crypto';
import { CloseCode, makeServer, MessageType, type Server, stringifyMessage } from 'graphql-ws';
import type { Caller, ClientApp, GraphContext, OperationTrace } from '../../graph/context.js';
import { isObject } from '../../json.js';
import type { Payer } from '../admission/origin-budget.js';
import { withQueryText } from '../graphql/trusted-documents.js';
import { apiKeyHeader, hashApiKey, parseApiKey } from '../http/api-key.js';
import { readClientApp } from '../http/client-app.js';
import type { LongConnection } from '../http/connections.js';
import { ClientSubscription, type EventConnection, never } from './client-subscription.js';
import type { Subscriptions } from './subscriptions.js';

/** Dependencies of the protocol. */
export interface ProtocolOptions {
  readonly subscriptions: Subscriptions;
  /** Creates the context of one subscription, or of one of its events. */
  readonly createContext: (caller: Caller, trace: OperationTrace | undefined) => GraphContext;
}

/** The state of one WebSocket. */
export interface ProtocolConnection extends EventConnection {
  /** Sends a message. */
  readonly send: (text: string) => Promise<void>;
  /** Closes the socket. */
  readonly close: (code: number, reason: string) => void;
  /** Logs an unexpected error, and closes the socket. */
  readonly fail: (error: unknown) => void;
  /** Pays for documents that are unknown or invalid. */
  readonly payer: Payer;
  /** The place that the socket takes among the open connections. */
  readonly place: LongConnection;
  /** Set by `connection_init`. */
  apiKey: string | undefined;
  /** Hash of the key. */
  callerId: string | undefined;
  /** The app of the client, if the headers of the handshake name it, or `connection_init`. */
  app: ClientApp | undefined;
  /** Number of subscriptions, including those that start. */
  openSubscriptions: number;
}

// In characters. The gateway holds the id of each open subscription, and sends it with each event.
const maxIdLength = 255;

/** Closes a socket whose client may reconnect later: "Try again later" in the IANA registry of WebSocket close codes. */
export const tryAgainLater = 1013;

/** Creates the server side of the protocol. It serves the sockets that are passed to `opened`. */
export function createProtocol({ subscriptions, createContext }: ProtocolOptions): Server<ProtocolConnection> {
  return makeServer<Record<string, unknown> | undefined, ProtocolConnection>({
    connectionInitWaitTimeout: 3_000,
    // Apollo Kotlin sends an id without a text, for which graphql-ws would close the socket.
    jsonMessageReviver: function (this: unknown, key, value: unknown) {
      const isPayload = key === 'payload' && isObject(this) && this['type'] === 'subscribe' && isObject(value);
      return isPayload ? withQueryText(value) : value;
    },
    onConnect: (context) => {
      const { connectionParams, extra } = context;
      // graphql-ws would keep them for as long as the socket is open.
      Object.assign(context, { connectionParams: undefined });
      return acceptKey(connectionParams, extra);
    },
    onSubscribe: async ({ subscriptions: subscriptionsById, extra }, id, payload) => {
      const { apiKey = '', app, payer, place } = extra;
      if (id.length > maxIdLength) {
        Reflect.deleteProperty(subscriptionsById, id);
        extra.close(CloseCode.BadRequest, `The id of a subscription has at most ${maxIdLength} characters.`);
        return never();
      }
      const clientSubscription = new ClientSubscription(id, extra, () => {
        extra.openSubscriptions--;
        place.setIdle(extra.openSubscriptions === 0);
      });
      extra.openSubscriptions++;
      place.setIdle(false);
      subscriptionsById[id] = clientSubscription;
      const requestId = randomUUID();
      const result = await subscriptions.subscribe(payload, {
        createContext: (trace) => createContext({ apiKey, requestId, app }, trace),
        // Messages have no headers, so the trace is in the extensions.
        traceparent: payload.extensions?.['traceparent'],
        payer,
        disconnected: clientSubscription.ended,
      });
      // The client has completed it meanwhile, and may have used the id again. `subscribe` ends its events by itself.
      if (clientSubscription.ended.aborted) return never();
      if ('errors' in result) {
        clientSubscription.end();
        if (result.reconnectReason === undefined) return result.errors;
        extra.close(tryAgainLater, result.reconnectReason);
        return never();
      }
      const complete = (hasEnded: boolean) => {
        if (!hasEnded) return undefined;
        Reflect.deleteProperty(subscriptionsById, id);
        return extra.send(stringifyMessage<MessageType.Complete>({ id, type: MessageType.Complete }));
      };
      clientSubscription.run(result.run).then(complete).catch(extra.fail);
      // graphql-ws keeps the message until this settles. Nothing refers to a promise that never does, so both are collected.
      return never();
    },
  });
}

/** Reads the key of `connection_init`. Closes the socket and returns false if there is not exactly one, or if it has too many connections. */
function acceptKey(params: Readonly<Record<string, unknown>> | undefined, connection: ProtocolConnection): boolean {
  const fields = Object.entries(params ?? {}).map(([name, value]) => [name.toLowerCase(), value] as const);
  const [entry, ...others] = fields.filter(([name]) => name === apiKeyHeader);
  const apiKey = parseApiKey(entry?.[1]);
  // graphql-ws itself would close the socket with 4403, Forbidden.
  if (others.length > 0) connection.close(CloseCode.BadRequest, 'Send one MC-Api-Key in connection_init, not several.');
  else if (apiKey === undefined) {
    connection.close(
      CloseCode.Unauthorized,
      'The API key is missing or malformed. Send it as MC-Api-Key in connection_init.',
    );
  } else {
    connection.apiKey = apiKey;
    connection.app = readClientApp(Object.fromEntries(fields), apiKey) ?? connection.app;
    connection.callerId = hashApiKey(apiKey);
    if (connection.place.setCaller(connection.callerId)) return true;
    connection.close(tryAgainLater, 'This API key has too many connections. Try again in 1 s.');
  }
  return false;
}
