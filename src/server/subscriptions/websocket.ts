// Subscriptions by WebSocket: graphql-ws's protocol (graphql-transport-ws) on sockets of ws, on connections of the public listener.
import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { IncomingMessage, Server as HttpServer } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { ExecutionArgs, GraphQLSchema } from 'graphql';
import { CloseCode, type Context, handleProtocols, makeServer, type Server } from 'graphql-ws';
import type { Logger } from 'pino';
import { type WebSocket, WebSocketServer } from 'ws';
import type { GraphContext, OperationTrace } from '../../graph/context.js';
import type { ErrorCode } from '../../graph/error-codes.js';
import { isObject, isTooComplex } from '../../json.js';
import { overloadedMessage } from '../admission/load-shedding.js';
import type { OriginBudgets, Payer } from '../admission/origin-budget.js';
import { withQueryText } from '../graphql/trusted-documents.js';
import { apiKeyHeader, parseApiKey } from '../http/api-key.js';
import { respondAndClose, formatErrorResponse, maxRequestBytes } from '../http/error-responses.js';
import { findLastPendingResponse } from '../http/pending-responses.js';
import { type HeaderError, toRequestId } from '../http/request-checks.js';
import type { Lifecycle } from '../lifecycle.js';
import { toLoggable } from '../telemetry/logging.js';
import type { SubscriptionResult, Subscriptions } from './subscriptions.js';

/** Dependencies of the WebSocket transport. */
export interface WebSocketOptions {
  readonly schema: GraphQLSchema;
  readonly subscriptions: Subscriptions;
  readonly originBudgets: OriginBudgets;
  readonly lifecycle: Lifecycle;
  readonly log: Logger;
  /** Reports whether more connections are open than the maximum. */
  readonly hasTooManyConnections: () => boolean;
  /** Reports whether a new connection must be shed, and counts it if so. */
  readonly shedIfOverloaded: () => boolean;
  /** Returns why the headers of a handshake are invalid; undefined if they are valid. */
  readonly checkHeaders: (request: IncomingMessage) => HeaderError | undefined;
  /** Reports whether a web page of an origin may call the gateway. */
  readonly isAllowedOrigin: (origin: string, host: string) => boolean;
  /** Creates the context of one subscription, or of one of its events. */
  readonly createContext: (apiKey: string, requestId: string, trace: OperationTrace | undefined) => GraphContext;
}

// Milliseconds between pings of a socket. The gateway terminates a socket that has not responded by the next ping.
const pingMs = 12_000;
// How long clients may take to close their sockets during shutdown, in milliseconds.
const shutdownGraceMs = 500;
// Close codes that graphql-ws does not name (RFC 6455, 7.4.1, and the IANA registry).
const goingAway = 1001;
const tryAgainLater = 1013;
// A control frame has at most 125 bytes (RFC 6455, 5.5). The close code takes 2 of them.
const maxReasonBytes = 123;

/** Adds WS /graphql. */
export function addWebSocket(app: FastifyInstance, options: WebSocketOptions): void {
  const { lifecycle, hasTooManyConnections } = options;
  const server = createProtocol(options);
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: maxRequestBytes,
    handleProtocols: (protocols) => handleProtocols(protocols),
  });
  sockets.on('wsClientError', (_error, stream: Duplex, request) => {
    sendRejection(request, stream, { code: 'BAD_REQUEST', message: 'The WebSocket handshake is invalid.' });
  });
  app.server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    // The client sent it before the response to its previous request. Node has detached that response, so neither can be sent.
    if (findLastPendingResponse(stream)?.writableFinished === false) {
      stream.destroy();
      return;
    }
    if (request.headers.upgrade?.toLowerCase() !== 'websocket') {
      ignoreUpgrade(app.server, request, stream, head);
      return;
    }
    const rejection = checkHandshake(request, options);
    if (rejection !== undefined) {
      sendRejection(request, stream, rejection);
      return;
    }
    sockets.handleUpgrade(request, stream, head, (socket) => {
      // ws has sent the close code. The error is not logged, because it may quote the message.
      socket.on('error', () => {
        socket.terminate();
      });
      if (hasTooManyConnections()) socket.close(tryAgainLater, 'Too many connections');
      else serve(socket, request, server, options);
    });
  });
  lifecycle.draining.addEventListener('abort', () => {
    for (const socket of sockets.clients) socket.close(goingAway, 'The gateway is shutting down');
    setTimeout(() => {
      for (const socket of sockets.clients) socket.terminate();
    }, shutdownGraceMs).unref();
  });
}

/** Data that graphql-ws keeps with a connection. */
interface Extra {
  readonly socket: WebSocket;
  readonly payer: Payer;
  /** Aborts when the socket closes. graphql-ws alone would lose a subscription whose id the client reuses too early. */
  readonly closed: AbortSignal;
}

function createProtocol({ schema, subscriptions, createContext }: WebSocketOptions): Server<Extra> {
  const eventsOf = new WeakMap<ExecutionArgs, AsyncIterableIterator<SubscriptionResult>>();
  return makeServer<Record<string, unknown> | undefined, Extra>({
    connectionInitWaitTimeout: 3_000,
    // Apollo Kotlin sends an id without a text, for which graphql-ws would close the socket.
    jsonMessageReviver: function (this: unknown, key, value: unknown) {
      const isPayload = key === 'payload' && isObject(this) && this['type'] === 'subscribe' && isObject(value);
      return isPayload ? withQueryText(value) : value;
    },
    onConnect: (context) => {
      if (readConnectionKey(context) !== undefined) return true;
      // Otherwise graphql-ws would close the socket with 4403, Forbidden.
      context.extra.socket.close(
        CloseCode.Unauthorized,
        'The API key is missing or malformed. Send it as MC-Api-Key in connection_init.',
      );
      return false;
    },
    onSubscribe: async (context, _id, payload) => {
      const apiKey = readConnectionKey(context) ?? '';
      const requestId = randomUUID();
      const { closed, payer } = context.extra;
      const result = await subscriptions.subscribe(payload, {
        createContext: (trace) => createContext(apiKey, requestId, trace),
        // Messages have no headers, so the trace is in the extensions.
        traceparent: payload.extensions?.['traceparent'],
        payer,
        disconnected: closed,
      });
      // graphql-ws keeps them for as long as the subscription is open.
      Object.assign(payload, { variables: undefined, extensions: undefined });
      if ('errors' in result) return result.errors;
      const { document, operation, events } = result;
      const args: ExecutionArgs = { schema, document, operationName: operation.name?.value ?? null };
      eventsOf.set(args, events);
      return args;
    },
    subscribe: (args) => eventsOf.get(args) ?? {},
  });
}

function readConnectionKey({
  connectionParams,
}: Context<Record<string, unknown> | undefined, Extra>): string | undefined {
  const entry = Object.entries(connectionParams ?? {}).find(([name]) => name.toLowerCase() === apiKeyHeader);
  return parseApiKey(entry?.[1]);
}

/** The error that a handshake is rejected with. */
interface HandshakeRejection {
  readonly code: ErrorCode;
  readonly message: string;
  /** HTTP status, if it is not the one of the code. */
  readonly status?: number;
}

/** Returns the error to reject a handshake with, or undefined if it is acceptable. */
function checkHandshake(
  request: IncomingMessage,
  { lifecycle, shedIfOverloaded, checkHeaders, isAllowedOrigin }: WebSocketOptions,
): HandshakeRejection | undefined {
  const { url, headers } = request;
  const { host = '', origin } = headers;
  if (lifecycle.draining.aborted) {
    return { code: 'OVERLOADED', message: 'The gateway is shutting down. Try again.' };
  }
  if (shedIfOverloaded()) return { code: 'OVERLOADED', message: overloadedMessage };
  const headerError = checkHeaders(request);
  if (headerError !== undefined) return { code: 'BAD_REQUEST', ...headerError };
  if (url?.split('?', 1)[0] !== '/graphql') {
    return { status: 404, code: 'BAD_REQUEST', message: 'No such path. WebSockets are served at /graphql.' };
  }
  if (origin === undefined || isAllowedOrigin(origin, host)) return undefined;
  return {
    code: 'FORBIDDEN',
    message: 'Web pages of this origin may not call the gateway. CORS_ORIGINS lists the allowed origins.',
  };
}

function sendRejection(
  { headers }: IncomingMessage,
  stream: Duplex,
  { status, code, message }: HandshakeRejection,
): void {
  respondAndClose(stream, formatErrorResponse(code, message, toRequestId(headers, randomUUID), status));
}

/**
 * Makes Node read a request again without its Upgrade header. Many clients offer an upgrade to HTTP/2 with each request, and a server may
 * ignore the offer (RFC 9110, 7.8). Node would not, because the gateway listens for upgrades.
 */
function ignoreUpgrade(server: HttpServer, request: IncomingMessage, stream: Duplex, head: Buffer): void {
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
  request: IncomingMessage,
  server: Server<Extra>,
  { log, originBudgets }: WebSocketOptions,
): void {
  const stream = request.socket;
  const payer = originBudgets.toPayer(originBudgets.toOrigin(request), true);
  const closed = new AbortController();
  // Each subscription of the socket adds a listener.
  setMaxListeners(0, closed.signal);
  // Stops reading from a client that does not read. Otherwise responses to its pings and rejected messages would accumulate.
  const applyBackpressure = () => {
    if (!stream.writableNeedDrain || socket.isPaused) return;
    socket.pause();
    stream.once('drain', () => {
      socket.resume();
    });
  };
  socket.on('ping', applyBackpressure);
  let isAlive = true;
  const pings = setInterval(() => {
    if (!isAlive) socket.terminate();
    isAlive = false;
    socket.ping();
  }, pingMs);
  socket.on('pong', () => {
    isAlive = true;
  });
  const onClosed = server.opened(
    {
      protocol: socket.protocol,
      // Resolves when the message has been handed to the network. Until then, graphql-ws requests no further event.
      send: (text) =>
        new Promise((resolve) => {
          socket.send(text, () => {
            resolve();
          });
        }),
      close: (code, reason = '') => {
        // ws throws on a longer reason. Reasons with the id that the client chose may be longer.
        socket.close(code, Buffer.byteLength(reason) > maxReasonBytes ? '' : reason);
      },
      onMessage: (handleMessage) => {
        socket.on('message', (data: Buffer) => {
          const text = data.toString();
          if (isTooComplex(text)) {
            socket.close(CloseCode.BadRequest, 'Nested too deep');
            return;
          }
          handleMessage(text).catch((error: unknown) => {
            log.error({ err: toLoggable(error) }, 'unexpected error');
            socket.close(CloseCode.InternalServerError, 'Internal error in the gateway.');
          });
          applyBackpressure();
        });
      },
    },
    { socket, payer, closed: closed.signal },
  );
  socket.once('close', (code, reason) => {
    clearInterval(pings);
    closed.abort();
    void onClosed(code, reason.toString());
  });
}
