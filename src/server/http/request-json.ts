// Reads the JSON of a request, in its body or its URL, and bounds its size and complexity.
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isObject, isTooComplex, maxNesting, removeByteOrderMark } from '../../json.js';
import { chunkExtensionsMessage, maxRequestBytes, RequestBodyError, toStatusMessage } from './error-responses.js';

/**
 * Maximum number of values in the JSON of a request: its body, one parameter of its URL, or a WebSocket message. A mutation with every
 * field of its input has about 30.
 */
export const maxJsonValues = 20_000;

// A body of 256 KiB arrives in about 500 pieces if each network packet has the smallest size in use (536 bytes). Each piece takes CPU time.
const maxPieces = 2_048;

// Chunks may have extensions (RFC 9112, 7.1.1), which Node reads and drops. With their chunks, they may take twice the largest body.
const maxTransferBytes = 2 * maxRequestBytes;

const numbers = new Intl.NumberFormat('en');
const complexityMessage = `nests more than ${maxNesting} arrays or objects, or has more than ${numbers.format(maxJsonValues)} values.`;

/** Makes the application parse bodies of `application/json` in UTF-8, without compression, and check the parameters of URLs. */
export function addRequestJson(app: FastifyInstance): void {
  // Fastify's own parser reads other charsets as UTF-8, and replaces invalid bytes by U+FFFD.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', (request: FastifyRequest, payload: IncomingMessage, done) => {
    collectBody(payload, (error, body) => {
      if (error === null) parseBody(request, body, done);
      else done(error);
    });
  });
  app.addHook('preValidation', (request, _reply, done) => {
    const { query } = request;
    if (isObject(query)) {
      for (const name of ['variables', 'extensions']) {
        const value = query[name];
        if (typeof value !== 'string' || !isTooComplex(value, maxJsonValues)) continue;
        done(new RequestBodyError(400, `The parameter ${name} ${complexityMessage}`));
        return;
      }
    }
    done();
  });
}

// Each with the separator after it. A parser of parameters ignores one at the end.
const emptyParameters = /(?<=^|&)(?:operationName|variables|extensions)=?(?:&|$)/g;

/**
 * Returns a URL without the optional GraphQL parameters that have no value. They mean the same as absent ones (GraphQL over HTTP, "GET").
 */
export function removeEmptyParameters(url: string): string {
  const start = url.indexOf('?');
  return start < 0 ? url : `${url.slice(0, start)}?${url.slice(start + 1).replace(emptyParameters, '')}`;
}

/**
 * Reads a body. Copies its pieces into one buffer: a client may send a piece per byte, and each would hold a Buffer object. Passes an error
 * to `done` if the body is too large, has too many pieces, or ends early.
 */
function collectBody(payload: IncomingMessage, done: (error: Error | null, body: Buffer) => void): void {
  let body: Buffer = Buffer.alloc(0);
  let length = 0;
  let pieces = 0;
  const { socket } = payload;
  const bytesBefore = socket.bytesRead;
  const settle = (error: Error | null) => {
    payload.off('data', onData);
    payload.off('end', onEnd);
    payload.off('error', onError);
    done(error, body.subarray(0, length));
  };
  const onData = (piece: Buffer) => {
    const newLength = length + piece.length;
    if (newLength > maxRequestBytes) {
      settle(new RequestBodyError(413, toStatusMessage(413)));
      return;
    }
    if (socket.bytesRead - bytesBefore > maxTransferBytes) {
      settle(new RequestBodyError(413, chunkExtensionsMessage));
      return;
    }
    if (++pieces > maxPieces) {
      settle(new RequestBodyError(413, `The body arrives in more than ${maxPieces} pieces. Send it in larger ones.`));
      return;
    }
    // Nearly all bodies are one piece, which needs no copy.
    if (length === 0) body = piece;
    else {
      if (newLength > body.length) {
        const larger = Buffer.allocUnsafe(Math.min(maxRequestBytes, 2 * newLength));
        body.copy(larger, 0, 0, length);
        body = larger;
      }
      piece.copy(body, length);
    }
    length = newLength;
  };
  const onEnd = () => {
    settle(null);
  };
  const onError = () => {
    settle(new RequestBodyError(400, 'The body ended early.'));
  };
  if (Number(payload.headers['content-length']) > maxRequestBytes) {
    settle(new RequestBodyError(413, toStatusMessage(413)));
    return;
  }
  payload.on('data', onData);
  payload.on('end', onEnd);
  payload.on('error', onError);
}

function parseBody(request: FastifyRequest, body: Buffer, done: (error: Error | null, body?: unknown) => void): void {
  const { 'content-type': type = '', 'content-encoding': encoding } = request.headers;
  if (!isUtf8Type(type) || (encoding !== undefined && encoding !== 'identity')) {
    done(new RequestBodyError(415, toStatusMessage(415)));
    return;
  }
  if (!isUtf8(body)) {
    done(new RequestBodyError(400, 'The body is not valid UTF-8.'));
    return;
  }
  const text = removeByteOrderMark(body.toString('utf8'));
  if (isTooComplex(text, maxJsonValues)) {
    done(new RequestBodyError(400, `The body ${complexityMessage}`));
    return;
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's own message quotes the body.
    done(new RequestBodyError(400, 'The body is not valid JSON.'));
    return;
  }
  done(null, value);
}

// JSON is UTF-8 even if the media type does not say so (RFC 8259, 8.1).
function isUtf8Type(type: string): boolean {
  if (type === 'application/json') return true;
  return [...type.matchAll(/;\s*charset\s*=\s*"?([^\s;"]*)/gi)].every(([, charset = '']) => /^utf-?8$/i.test(charset));
}
