// What every request must be before anything looks at its content, and the headers that every answer carries.
import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import cors from '@fastify/cors';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Config } from '../../config.js';
import type { Lifecycle } from '../lifecycle.js';
import { lastOwed } from './pending-responses.js';
import { answerBare, endWith, refuseUnknown, sendError, toBareAnswer, toMessage } from './error-responses.js';
import { secureHeaders } from './security-headers.js';

/** The header of the caller's API key, as Node spells header names. */
export const keyHeader = 'mc-api-key';

// Pages of this machine, on any port.
const localhost = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

// The form of a Host header.
const hostForm = /^([\w.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?$/i;

/** What the checks go by. */
export interface SecurityOptions {
  readonly config: Config;
  readonly lifecycle: Lifecycle;
  /** Whether there are more connections than there should be. */
  readonly isFull: () => boolean;
}

/** Adds the checks and the headers. */
export async function addSecurity(app: FastifyInstance, { config, lifecycle, isFull }: SecurityOptions): Promise<void> {
  // Node would end the connection of who asks for a tunnel without a word, and answer other expectations with a bare status line.
  app.server.on('connect', ({ headers }: IncomingMessage, stream: Duplex) => {
    // What was asked before it could not be answered any more: Node has let go of the connection.
    if (lastOwed(stream) !== undefined) {
      stream.destroy();
      return;
    }
    const requestId = toRequestId(headers, randomUUID);
    endWith(stream, toBareAnswer(405, 'BAD_REQUEST', toMessage(405), requestId));
  });
  app.server.on('checkExpectation', ({ headers }: IncomingMessage, answer: ServerResponse) => {
    answerBare(answer, 417, toRequestId(headers, randomUUID));
  });
  app.addHook('onRequest', (request, reply, done) => {
    void reply.header('x-request-id', request.id).headers(secureHeaders);
    done();
  });
  await app.register(cors, {
    origin: config.corsOrigins === 'localhost' ? localhost : [...config.corsOrigins],
    methods: ['GET', 'POST'],
    exposedHeaders: ['x-request-id', 'retry-after'],
    maxAge: 86_400,
    // An OPTIONS that is no preflight would be refused in plain text.
    strictPreflight: false,
  });
  app.addHook('onRequest', (request, reply, done) => {
    if (lifecycle.draining.aborted) {
      void reply.header('connection', 'close').header('retry-after', 1);
      sendError(request, reply, 503, 'OVERLOADED', 'The gateway is shutting down; ask again.');
    } else if (isFull()) {
      void reply.header('connection', 'close').header('retry-after', 1);
      sendError(request, reply, 503, 'OVERLOADED', 'The gateway has too many connections; ask again in a moment.');
    } else if (!hasHost(request.raw)) {
      sendError(request, reply, 400, 'BAD_REQUEST', 'The Host header is missing, doubled or malformed.');
    } else if (countHeader(request.raw, keyHeader) > 1) {
      sendError(request, reply, 400, 'BAD_REQUEST', 'Send one MC-Api-Key header, not several.');
    } else if (request.is404) {
      // Before the body is read: whatever is wrong with that is not what is wrong.
      refuseUnknown(request, reply);
    } else done();
  });
  app.addHook('onSend', (_request, reply, _payload, done) => {
    // Last of all: Apollo Server has its own idea for a persisted query that is not found.
    void reply.header('cache-control', 'no-store');
    // Callers with idle connections would hold the end up, and whoever sent on one as it is closed would get no answer.
    if (!lifecycle.isReady) void reply.header('connection', 'close');
    done();
  });
}

/** Whether a page of an origin may call: one that the configuration names, or the gateway's own. */
export function isAllowedOrigin({ corsOrigins }: Config, origin: string, host: string): boolean {
  const listed = corsOrigins === 'localhost' ? localhost.test(origin) : corsOrigins.includes(origin);
  return listed || origin.replace(/^https?:\/\//, '') === host;
}

/** Whether a request names one host, in a form that a host has (RFC 9112, 3.2). */
export function hasHost(request: IncomingMessage): boolean {
  return countHeader(request, 'host') === 1 && hostForm.test(request.headers.host ?? '');
}

// How often a header was sent; its name in lower case.
function countHeader({ rawHeaders }: IncomingMessage, name: string): number {
  let count = 0;
  // Names and values in turn. Node's own headersDistinct makes a list of each header to tell of one.
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const sent = rawHeaders[index];
    if (sent?.length === name.length && sent.toLowerCase() === name) count++;
  }
  return count;
}

/** The caller's key; undefined where there is none, or one that no header can carry (RFC 9110, 5.5). */
export function toApiKey(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const key = value.trim();
  return /^[\x21-\x7e\x80-\xff]([\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?$/.test(key) ? key : undefined;
}

/** The caller's request id, where it is one that can stand in a log and a header, and holds no key; else a new one. */
export function toRequestId(headers: IncomingHttpHeaders, createId: () => string): string {
  const { 'x-request-id': id, [keyHeader]: key = '' } = headers;
  if (typeof id !== 'string' || !/^[\w.:-]{1,128}$/.test(id)) return createId();
  return key !== '' && id.includes(String(key)) ? createId() : id;
}

/** The key that came with a request. */
export function readApiKey(request: FastifyRequest): string | undefined {
  return toApiKey(request.headers[keyHeader]);
}
