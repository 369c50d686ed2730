// One open WebSocket: its messages, how long they may take, pings, and what its client does not read.
import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { CloseCode, type Server } from 'graphql-ws';
import type { Logger } from 'pino';
import type { WebSocket } from 'ws';
import { isObject, isTooComplex } from '../../json.js';
import type { Connections } from '../http/connections.js';
import { whenDrained } from '../http/drain.js';
import { maxJsonValues } from '../http/request-json.js';
import type { UnreadBytes } from '../http/unread-bytes.js';
import { toLoggable } from '../telemetry/logging.js';
import { EventTurns } from './event-turns.js';
import { FrameReader } from './frame-reader.js';
import { heartbeatMs } from './heartbeat.js';
import { SentBytes } from './sent-bytes.js';
import { type ProtocolConnection, tryAgainLater } from './websocket-protocol.js';

/** Dependencies of a connection. */
export interface ConnectionOptions {
  readonly log: Logger;
  readonly connections: Connections;
  readonly unreadBytes: UnreadBytes;
}

// How long a message may take from its first to its last byte, in milliseconds.
const maxMessageMs = 10_000;
// How long clients may take to close their sockets, in milliseconds.
const closeMs = 500;
// Close codes that graphql-ws does not name (RFC 6455, 7.4.1).
const normalClosure = 1000;
const policyViolation = 1008;
const tooManyReason = 'Too many connections. Try again in 1 s.';
// A control frame has at most 125 bytes (RFC 6455, 5.5). The close code takes 2 of them.
const maxReasonBytes = 123;

/** Serves a WebSocket on a connection, or closes it with 1013 if there is no place for it. */
export function serveWebSocket(
  socket: WebSocket,
  stream: Duplex,
  { payer, app }: Pick<ProtocolConnection, 'payer' | 'app'>,
  protocol: Server<ProtocolConnection>,
  { log, connections, unreadBytes }: ConnectionOptions,
): void {
  const place = connections.open(stream, () => {
    closeWebSocket(socket, tryAgainLater, tooManyReason);
  });
  if (place === undefined) {
    closeWebSocket(socket, tryAgainLater, tooManyReason);
    return;
  }
  const connection: ProtocolConnection = {
    send: async (text) => {
      socket.send(text);
      const drained = whenDrained(stream);
      if (drained === undefined) return;
      await new SentBytes(Buffer.from(text), connection.callerId, unreadBytes).holdUntil(stream, drained);
    },
    close: (code, reason) => {
      closeWebSocket(socket, code, reason);
    },
    fail: (error) => {
      log.error({ err: toLoggable(error) }, 'unexpected error');
      socket.close(CloseCode.InternalServerError, 'Internal error in the gateway.');
    },
    payer,
    place,
    turns: new EventTurns(),
    whenWritable: () => whenDrained(stream),
    sendEvent: (id, { head, tail }) => {
      // Nothing can come between the two fragments of the message (RFC 6455, 5.4), because ws writes both at once.
      stream.cork();
      socket.send(`{"id":${JSON.stringify(id)},"type":"next","payload":${head}`, { fin: false });
      socket.send(tail.bytes, { fin: true });
      stream.uncork();
      const drained = whenDrained(stream);
      return drained && tail.holdWithHead(head, stream, drained);
    },
    apiKey: undefined,
    callerId: undefined,
    app,
    openSubscriptions: 0,
  };
  // Stops reading from a client that does not read. Otherwise responses to its pings and rejected messages would accumulate.
  const applyBackpressure = () => {
    if (!stream.writableNeedDrain || socket.isPaused) return;
    socket.pause();
    stream.once('drain', () => {
      socket.resume();
    });
  };
  socket.on('ping', applyBackpressure);
  stream.once('close', () => {
    dropUnhandledMessages(socket);
  });
  const stopPings = pingRegularly(socket);
  limitMessageTime(socket, stream);
  const onClosed = protocol.opened(
    {
      protocol: socket.protocol,
      send: connection.send,
      close: (code = normalClosure, reason = '') => {
        closeWebSocket(socket, code, reason);
      },
      onMessage: (handleMessage) => {
        socket.on('message', (data: Buffer) => {
          // Messages of a socket that is closing may still wait for their turns.
          if (socket.readyState !== socket.OPEN) return;
          const text = data.toString();
          if (isTooComplex(text, maxJsonValues)) {
            socket.close(CloseCode.BadRequest, 'Nested too deep, or too many values');
            return;
          }
          handleMessage(text).catch(connection.fail);
          applyBackpressure();
        });
      },
    },
    connection,
  );
  socket.once('close', (code, reason) => {
    stopPings();
    place.release();
    void onClosed(code, reason.toString());
  });
}

/** Closes a WebSocket, and terminates it if its client does not close it too within 500 ms. */
export function closeWebSocket(socket: WebSocket, code: number, reason: string): void {
  // ws throws on a longer reason. Reasons with the id that the client chose may be longer.
  socket.close(code, Buffer.byteLength(reason) > maxReasonBytes ? '' : reason);
  const timer = setTimeout(() => {
    socket.terminate();
  }, closeMs).unref();
  socket.once('close', () => {
    clearTimeout(timer);
  });
}

// ws emits the messages that it has read one in each turn of the event loop, also once the connection has closed. A read of 64 KiB may hold
// 10,000. Until the last one, it holds them and does not emit `close`. Neither member is documented (decision 32).
function dropUnhandledMessages(socket: WebSocket): void {
  const receiver: unknown = Reflect.get(socket, '_receiver');
  if (isObject(receiver)) Object.assign(receiver, { _buffers: [], _bufferedBytes: 0 });
}

/** Pings a client, and terminates its socket if it does not respond in time. Returns the function that stops this. */
function pingRegularly(socket: WebSocket): () => void {
  // A pong must repeat it. A client could send pongs without reading anything.
  let unanswered: Buffer | undefined;
  const timer = setInterval(() => {
    if (unanswered !== undefined) socket.terminate();
    unanswered = randomBytes(8);
    socket.ping(unanswered);
  }, heartbeatMs);
  socket.on('pong', (data) => {
    if (unanswered?.equals(data) === true) unanswered = undefined;
  });
  return () => {
    clearInterval(timer);
  };
}

/** Closes a socket whose client does not complete a message in time. */
function limitMessageTime(socket: WebSocket, stream: Duplex): void {
  const frames = new FrameReader();
  let timer: NodeJS.Timeout | undefined;
  let messagesBefore = 0;
  // ws listens too, and has taken the bytes when this is called.
  stream.on('data', (bytes: Buffer) => {
    frames.read(bytes);
    if (timer !== undefined && frames.completeMessages === messagesBefore) return;
    clearTimeout(timer);
    timer = undefined;
    if (!frames.isWithinMessage) return;
    messagesBefore = frames.completeMessages;
    timer = setTimeout(() => {
      closeWebSocket(socket, policyViolation, 'The message did not arrive in time');
    }, maxMessageMs);
  });
  socket.once('close', () => {
    clearTimeout(timer);
  });
}
