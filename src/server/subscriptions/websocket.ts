// Subscriptions by WebSocket: the handshake, on connections of the public listener.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server as HttpServer } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { CloseCode, GRAPHQL_TRANSPORT_WS_PROTOCOL, handleProtocols } from 'graphql-ws';
import { type WebSocket, WebSocketServer } from 'ws';
import type { ErrorCode } from '../../graph/error-codes.js';
import { overloadedMessage } from '../admission/load-shedding.js';
import { originSpentMessage, type OriginBudgets, type Payer } from '../admission/origin-budget.js';
import { readClientApp } from '../http/client-app.js';
import { respondAndClose, formatErrorResponse, maxRequestBytes, sendError } from '../http/error-responses.js';
import { findLastPendingResponse } from '../http/pending-responses.js';
import { type HeaderError, toRequestId } from '../http/request-checks.js';
import type { Lifecycle } from '../lifecycle.js';
import { closeWebSocket, type ConnectionOptions, serveWebSocket } from './websocket-connection.js';
import { createProtocol, type ProtocolOptions } from './websocket-protocol.js';

/** Dependencies of the WebSocket transport. */
export interface WebSocketOptions extends ProtocolOptions, ConnectionOptions {
  readonly lifecycle: Lifecycle;
  readonly originBudgets: OriginBudgets;
  /** Reports whether a new connection must be shed, and counts it if so. */
  readonly shedIfOverloaded: () => boolean;
  /** Returns why the headers of a handshake are invalid; undefined if they are valid. */
  readonly checkHeaders: (request: IncomingMessage) => HeaderError | undefined;
  /** Reports whether a web page of an origin may call the gateway. */
  readonly isAllowedOrigin: (origin: string, host: string) => boolean;
}

// RFC 6455, 7.4.1.
const goingAway = 1001;
// A message may have so many. The default of ws is 16,384.
const maxFragments = 16;
// A frame of 256 KiB arrives in about 500 pieces if each network packet has the smallest size in use (536 bytes).
const maxPieces = 512;

/** Adds WS /graphql. */
export function addWebSocket(app: FastifyInstance, options: WebSocketOptions): void {
  const { lifecycle, originBudgets, log } = options;
  const protocol = createProtocol(options);
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: maxRequestBytes,
    maxFragments,
    maxBufferedChunks: maxPieces,
    // One message, ping or pong of a socket in each turn of the event loop. A read of 64 KiB may have 10,000 of them.
    allowSynchronousEvents: false,
    // A browser does not tell its page why a handshake fails, so a socket with another protocol opens, and closes with a reason.
    handleProtocols: (protocols) => handleProtocols(protocols) || ([...protocols][0] ?? false),
  });
  const logInvalid = ({ headers }: IncomingMessage, message: string) => {
    log.warn({ requestId: toRequestId(headers, randomUUID), reason: message }, 'invalid WebSocket handshake');
  };
  sockets.on('wsClientError', (error, stream: Duplex, request) => {
    // The messages of ws quote nothing of the request.
    const message = `The WebSocket handshake is invalid: ${error.message}. Send that of RFC 6455, version 13.`;
    logInvalid(request, message);
    sendRejection(request, stream, { code: 'BAD_REQUEST', message });
  });
  app.addHook('onRequest', (request, reply, done) => {
    if (!isHandshakeWithoutUpgrade(request.raw)) {
      done();
      return;
    }
    logInvalid(request.raw, missingUpgradeMessage);
    sendError(request, reply, 'BAD_REQUEST', missingUpgradeMessage);
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
      terminateOnError(socket);
      if (socket.protocol !== GRAPHQL_TRANSPORT_WS_PROTOCOL) {
        logInvalid(request, wrongProtocolReason);
        closeWebSocket(socket, CloseCode.SubprotocolNotAcceptable, wrongProtocolReason);
        return;
      }
      const app = readClientApp(request.headers);
      serveWebSocket(socket, stream, { payer: createPayer(originBudgets, request), app }, protocol, options);
    });
  });
  lifecycle.draining.addEventListener('abort', () => {
    for (const socket of sockets.clients) closeWebSocket(socket, goingAway, 'The gateway is shutting down');
  });
}

// A function keeps all that functions around it use. One that lives as long as the socket must not be written where the request is in scope.
function terminateOnError(socket: WebSocket): void {
  // ws has sent the close code. The error is not logged, because it may quote the message.
  socket.on('error', () => {
    socket.terminate();
  });
}

function createPayer(originBudgets: OriginBudgets, request: IncomingMessage): Payer {
  const origin = originBudgets.toOrigin(request);
  return originBudgets.toPayer(true, () => origin);
}

// At most 123 bytes, as a close reason must be (RFC 6455, 5.5).
const wrongProtocolReason =
  'Use the subprotocol graphql-transport-ws (npm graphql-ws), not graphql-ws (subscriptions-transport-ws).';

const missingUpgradeMessage =
  'This WebSocket handshake has no `Connection: Upgrade` or no `Upgrade: websocket`. Send both over HTTP/1.1. A proxy may have removed them.';

/** Reports whether a request is a WebSocket handshake that Node reads as a plain request. */
function isHandshakeWithoutUpgrade({ method, headers }: IncomingMessage): boolean {
  const isHandshake = headers.upgrade?.toLowerCase() === 'websocket' || headers['sec-websocket-key'] !== undefined;
  return method === 'GET' && isHandshake;
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
  { lifecycle, originBudgets, shedIfOverloaded, checkHeaders, isAllowedOrigin }: WebSocketOptions,
): HandshakeRejection | undefined {
  const { url, headers } = request;
  const { host = '', origin } = headers;
  if (lifecycle.draining.aborted) {
    return { code: 'OVERLOADED', message: 'The gateway is shutting down. Try again.' };
  }
  if (shedIfOverloaded()) return { code: 'OVERLOADED', message: overloadedMessage };
  // The key comes later, in `connection_init`.
  if (originBudgets.spend(originBudgets.toOrigin(request), 1) > 0) {
    return { code: 'RATE_LIMITED', message: originSpentMessage };
  }
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
