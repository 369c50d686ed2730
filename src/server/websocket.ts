// Subscriptions over WebSocket: graphql-ws's protocol (graphql-transport-ws) on ws's sockets, on the public listener's own connections.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { ExecutionArgs, GraphQLSchema } from 'graphql';
import { CloseCode, type Context, handleProtocols, makeServer, type Server } from 'graphql-ws';
import type { Logger } from 'pino';
import { type WebSocket, WebSocketServer } from 'ws';
import type { GraphContext } from '../graph/context.js';
import type { Lifecycle } from './lifecycle.js';
import { toLoggable } from './logging.js';
import { hostForm, keyHeader, toApiKey } from './security.js';
import type { SubscriptionResult, Subscriptions } from './subscriptions.js';

/** What the WebSocket transport stands on. */
export interface WebSocketOptions {
  readonly schema: GraphQLSchema;
  readonly subscriptions: Subscriptions;
  readonly lifecycle: Lifecycle;
  readonly log: Logger;
  /** Whether there are more connections than there should be. */
  readonly isFull: () => boolean;
  /** Whether a page of an origin may call. */
  readonly isAllowedOrigin: (origin: string, host: string) => boolean;
  /** Makes the context of one subscription, or of one event of it. */
  readonly createContext: (apiKey: string, requestId: string) => GraphContext;
}

// The largest message that is read, in bytes: as large as the body of a request.
const maxPayload = 256 * 1024;
// How often a socket is pinged, in milliseconds: one that has not answered by the next time is half open.
const pingEvery = 12_000;
// How long sockets have to say goodbye when the process ends, in milliseconds.
const farewell = 500;
// Close codes of RFC 6455 (7.4.1, and its registry) that graphql-ws has no names for.
const goingAway = 1001;
const tryAgainLater = 1013;

/** Adds WS /graphql. */
export function addWebSocket(app: FastifyInstance, options: WebSocketOptions): void {
  const { lifecycle, log, isFull } = options;
  const server = createProtocol(options);
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload,
    handleProtocols: (protocols) => handleProtocols(protocols),
  });
  app.server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    const refusal = toRefusal(request, options);
    if (refusal !== undefined) {
      stream.on('error', () => stream.destroy());
      stream.end(`HTTP/1.1 ${refusal}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    sockets.handleUpgrade(request, stream, head, (socket) => {
      // What is wrong with a message or a connection is ws's to answer; its errors may quote what was sent.
      socket.on('error', () => {
        socket.terminate();
      });
      if (isFull()) socket.close(tryAgainLater, 'Too many connections');
      else serve(socket, server, log);
    });
  });
  lifecycle.draining.addEventListener('abort', () => {
    for (const socket of sockets.clients) socket.close(goingAway, 'The gateway is shutting down');
    setTimeout(() => {
      for (const socket of sockets.clients) socket.terminate();
    }, farewell).unref();
  });
}

/** What the protocol knows of a connection. */
interface Extra {
  readonly socket: WebSocket;
}

function createProtocol({ schema, subscriptions, createContext }: WebSocketOptions): Server<Extra> {
  const begun = new WeakMap<ExecutionArgs, AsyncIterableIterator<SubscriptionResult>>();
  return makeServer<Record<string, unknown> | undefined, Extra>({
    connectionInitWaitTimeout: 3_000,
    onConnect: (context) => {
      if (toKey(context) !== undefined) return true;
      // Before graphql-ws closes it as forbidden.
      context.extra.socket.close(CloseCode.Unauthorized, 'Send your API key as MC-Api-Key in connection_init.');
      return false;
    },
    onSubscribe: async (context, _id, payload) => {
      const apiKey = toKey(context) ?? '';
      const requestId = randomUUID();
      const subscribed = await subscriptions.subscribe(payload, () => createContext(apiKey, requestId));
      if ('errors' in subscribed) return subscribed.errors;
      const { document, operation, events } = subscribed;
      const args: ExecutionArgs = { schema, document, operationName: operation.name?.value ?? null };
      begun.set(args, events);
      return args;
    },
    subscribe: (args) => begun.get(args) ?? {},
  });
}

function toKey({ connectionParams }: Context<Record<string, unknown> | undefined, Extra>): string | undefined {
  const entry = Object.entries(connectionParams ?? {}).find(([name]) => name.toLowerCase() === keyHeader);
  return toApiKey(entry?.[1]);
}

// The status line of a refusal; undefined where there is none.
function toRefusal(
  { url, headers }: IncomingMessage,
  { lifecycle, isAllowedOrigin }: WebSocketOptions,
): string | undefined {
  const { host = '', origin } = headers;
  if (url?.split('?', 1)[0] !== '/graphql') return '404 Not Found';
  if (!hostForm.test(host)) return '400 Bad Request';
  if (lifecycle.draining.aborted) return '503 Service Unavailable';
  return origin === undefined || isAllowedOrigin(origin, host) ? undefined : '403 Forbidden';
}

function serve(socket: WebSocket, server: Server<Extra>, log: Logger): void {
  let answered = true;
  const pings = setInterval(() => {
    if (!answered) socket.terminate();
    answered = false;
    socket.ping();
  }, pingEvery);
  socket.on('pong', () => {
    answered = true;
  });
  const closed = server.opened(
    {
      protocol: socket.protocol,
      // Done when the message has been handed to the network: until then nothing more is asked of a source.
      send: (text) =>
        new Promise((resolve) => {
          socket.send(text, () => {
            resolve();
          });
        }),
      close: (code, reason) => {
        socket.close(code, reason);
      },
      onMessage: (take) => {
        socket.on('message', (data: Buffer) => {
          take(data.toString()).catch((error: unknown) => {
            log.error({ err: toLoggable(error) }, 'unexpected error');
            socket.close(CloseCode.InternalServerError, 'Something went wrong in the gateway.');
          });
        });
      },
    },
    { socket },
  );
  socket.once('close', (code, reason) => {
    clearInterval(pings);
    void closed(code, reason.toString());
  });
}
