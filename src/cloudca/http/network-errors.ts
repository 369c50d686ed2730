// Converts errors of undici, zlib and Node into the classes of errors.ts, by their code alone: their text and fields may hold the key.
import { BadResponseError, CloudcaError, TimeoutError, UnavailableError } from '../errors.js';
import { timeoutMessage } from './deadline.js';

/**
 * Converts an error of the network, of HTTP or of decompression into a CloudcaError. Returns a CloudcaError, and any error that is a bug,
 * unchanged.
 */
export function convertNetworkError(error: unknown): unknown {
  if (error instanceof CloudcaError) return error;
  const code = readCode(error);
  if (code === undefined) return error;
  // Z_* and, of brotli, ERR__ERROR_*: the body does not match Content-Encoding. ERR_ASSERTION: undici asserts rules of HTTP, e.g. that
  // a status is at least 100.
  if (/^(HTTPParserError$|Z_|ERR_(BROTLI|_ERROR|ASSERTION$)|UND_ERR_(HEADERS_OVERFLOW|RES_))/.test(code)) {
    return new BadResponseError('The REST API sent a response that is not valid HTTP.');
  }
  if (/^UND_ERR_(HEADERS|BODY)_TIMEOUT$/.test(code)) return new TimeoutError(timeoutMessage);
  // EPIPE, ECONNRESET and the like. Node's own ERR_* are bugs of this program.
  if (/^(UND_ERR_(SOCKET|CLOSED|DESTROYED|ABORTED)|ERR_STREAM_PREMATURE_CLOSE|E(?!RR_)[A-Z]+)$/.test(code)) {
    return new UnavailableError('The connection to the REST API was lost.');
  }
  return error;
}

// Not by `instanceof Error`, which does not hold for Node's errors inside a vm context.
function readCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  // undici's parser error may come without a code.
  if ('name' in error && error.name === 'HTTPParserError') return error.name;
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
