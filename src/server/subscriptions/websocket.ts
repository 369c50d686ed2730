// Subscriptions over WebSocket: graphql-ws's protocol (graphql-transport-ws) on ws's sockets, on the public listener's own connections.
import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { IncomingMessage, Server as HttpServer } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { ExecutionArgs, GraphQLSchema } from 'graphql';
import { CloseCode, type Context, handleProtocols, makeServer, type Server } from 'graphql-ws';
import type { Logger } from 'pino';
import { type WebSocket, WebSocketServer } from 'ws';
import { isObject } from '../../cloudca/envelope.js';
import { isTooComplex } from '../../json.js';
import type { GraphContext, OperationTrace } from '../../graph/context.js';
import type { Lifecycle } from '../lifecycle.js';
import { toLoggable } from '../telemetry/logging.js';
import { lastOwed } from '../http/pending-responses.js';
import { endWith, toBareAnswer } from '../http/error-responses.js';
import { hasHost, keyHeader, toApiKey, toRequestId } from '../http/request-checks.js';
import { lateMessage } from '../admission/load-shedding.js';
import type { SubscriptionResult, Subscriptions } from './subscriptions.js';
import { withText } from '../graphql/trusted-documents.js';

/** What the WebSocket transport stands on. */
export interface WebSocketOptions {
  readonly schema: GraphQLSchema;
  readonly subscriptions: Subscriptions;
  readonly lifecycle: Lifecycle;
  readonly log: Logger;
  /** Whether there are more connections than there should be. */
  readonly isFull: () => boolean;
  /** Whether the event loop is late, so that a new connection is refused; it is counted then. */
  readonly isLate: () => boolean;
  /** Whether a page of an origin may call. */
  readonly isAllowedOrigin: (origin: string, host: string) => boolean;
  /** Makes the context of one subscription, or of one event of it. */
  readonly createContext: (apiKey: string, requestId: string, trace: OperationTrace | undefined) => GraphContext;
  /** How often a socket is pinged, in milliseconds: one that has not answered by the next time is half open. */
  readonly pingMs?: number | undefined;
}

// The largest message that is read, in bytes: as large as the body of a request.
const maxPayload = 256 * 1024;
// How often a socket is pinged where nothing else is said, in milliseconds.
const usualPingMs = 12_000;
// How long sockets have to say goodbye when the process ends, in milliseconds.
const farewell = 500;
// Close codes of RFC 6455 (7.4.1, and its registry) that graphql-ws has no names for.
const goingAway = 1001;
const tryAgainLater = 1013;
// In bytes: 125 of a control frame, less the code.
const longestReason = 123;

/** Adds WS /graphql. */
export function addWebSocket(app: FastifyInstance, options: WebSocketOptions): void {
  const { lifecycle, isFull } = options;
  const server = createProtocol(options);
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload,
    handleProtocols: (protocols) => handleProtocols(protocols),
  });
  sockets.on('wsClientError', (_error, stream: Duplex, request) => {
    refuse(request, stream, { status: 400, code: 'BAD_REQUEST', message: 'This is no WebSocket handshake.' });
  });
  app.server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    // Sent before the one before it was answered, which Node has let go of by now: neither could be answered any more.
    if (lastOwed(stream)?.writableFinished === false) {
      stream.destroy();
      return;
    }
    if (request.headers.upgrade?.toLowerCase() !== 'websocket') {
      passOver(app.server, request, stream, head);
      return;
    }
    const refusal = toRefusal(request, options);
    if (refusal !== undefined) {
      refuse(request, stream, refusal);
      return;
    }
    sockets.handleUpgrade(request, stream, head, (socket) => {
      // What is wrong with a message or a connection is ws's to answer; its errors may quote what was sent.
      socket.on('error', () => {
        socket.terminate();
      });
      if (isFull()) socket.close(tryAgainLater, 'Too many connections');
      else serve(socket, stream, server, options);
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
  /** Aborted when the socket is closed: graphql-ws loses sight of a subscription whose id is used again too soon. */
  readonly gone: AbortSignal;
}

function createProtocol({ schema, subscriptions, createContext }: WebSocketOptions): Server<Extra> {
  const begun = new WeakMap<ExecutionArgs, AsyncIterableIterator<SubscriptionResult>>();
  return makeServer<Record<string, unknown> | undefined, Extra>({
    connectionInitWaitTimeout: 3_000,
    // Apollo Kotlin sends no text with an id, for which graphql-ws would close the socket.
    jsonMessageReviver: function (this: unknown, key, value: unknown) {
      const isRequest = key === 'payload' && isObject(this) && this['type'] === 'subscribe' && isObject(value);
      return isRequest ? withText(value) : value;
    },
    onConnect: (context) => {
      if (toKey(context) !== undefined) return true;
      // Before graphql-ws closes it as forbidden.
      context.extra.socket.close(CloseCode.Unauthorized, 'Send your API key as MC-Api-Key in connection_init.');
      return false;
    },
    onSubscribe: async (context, _id, payload) => {
      const apiKey = toKey(context) ?? '';
      const requestId = randomUUID();
      const subscribed = await subscriptions.subscribe(
        // Messages have no headers.
        { ...payload, traceparent: payload.extensions?.['traceparent'] },
        (trace) => createContext(apiKey, requestId, trace),
        context.extra.gone,
      );
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

/** Why there is to be no WebSocket. */
interface HandshakeRefusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

function toRefusal(
  request: IncomingMessage,
  { lifecycle, isLate, isAllowedOrigin }: WebSocketOptions,
): HandshakeRefusal | undefined {
  const { url, headers } = request;
  const { host = '', origin } = headers;
  if (lifecycle.draining.aborted) {
    return { status: 503, code: 'OVERLOADED', message: 'The gateway is shutting down; ask again.' };
  }
  if (isLate()) return { status: 503, code: 'OVERLOADED', message: lateMessage };
  if (!hasHost(request)) {
    return { status: 400, code: 'BAD_REQUEST', message: 'The Host header is missing, doubled or malformed.' };
  }
  if (url?.split('?', 1)[0] !== '/graphql') {
    return { status: 404, code: 'BAD_REQUEST', message: 'There is nothing here. WebSockets are served at /graphql.' };
  }
  if (origin === undefined || isAllowedOrigin(origin, host)) return undefined;
  return { status: 403, code: 'FORBIDDEN', message: 'Pages of this origin may not call.' };
}

function refuse({ headers }: IncomingMessage, stream: Duplex, { status, code, message }: HandshakeRefusal): void {
  endWith(stream, toBareAnswer(status, code, message, toRequestId(headers, randomUUID)));
}

// Whoever listens for upgrades gets those to HTTP/2 as well, which many clients offer with any request. A server may pass an offer over
// (RFC 9110, 7.8): the request is read again without it.
function passOver(server: HttpServer, request: IncomingMessage, stream: Duplex, head: Buffer): void {
  const { method = '', url = '', httpVersion, rawHeaders } = request;
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    if (name.toLowerCase() !== 'upgrade') lines.push(`${name}: ${rawHeaders[index + 1] ?? ''}`);
  }
  stream.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  server.emit('connection', stream);
}

function serve(
  socket: WebSocket,
  stream: Duplex,
  server: Server<Extra>,
  { log, pingMs = usualPingMs }: WebSocketOptions,
): void {
  const gone = new AbortController();
  // Every subscription of the socket listens.
  setMaxListeners(0, gone.signal);
  // Who does not read what it is owed is not read either: answers to pings, or to what is refused, would pile up here.
  const pace = () => {
    if (!stream.writableNeedDrain || socket.isPaused) return;
    socket.pause();
    stream.once('drain', () => {
      socket.resume();
    });
  };
  socket.on('ping', pace);
  let answered = true;
  const pings = setInterval(() => {
    if (!answered) socket.terminate();
    answered = false;
    socket.ping();
  }, pingMs);
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
      close: (code, reason = '') => {
        // ws takes no longer reason, and some hold an id of the caller's.
        socket.close(code, Buffer.byteLength(reason) > longestReason ? '' : reason);
      },
      onMessage: (take) => {
        socket.on('message', (data: Buffer) => {
          const text = data.toString();
          if (isTooComplex(text)) {
            socket.close(CloseCode.BadRequest, 'Nested too deep');
            return;
          }
          take(text).catch((error: unknown) => {
            log.error({ err: toLoggable(error) }, 'unexpected error');
            socket.close(CloseCode.InternalServerError, 'Something went wrong in the gateway.');
          });
          pace();
        });
      },
    },
    { socket, gone: gone.signal },
  );
  socket.once('close', (code, reason) => {
    clearInterval(pings);
    gone.abort();
    void closed(code, reason.toString());
  });
}
