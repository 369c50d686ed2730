// The fetch that ky runs on: undici's request on one keep-alive pool. It reads the whole body under the caller's signal and counts
// it inflated; it follows no redirect, since undici's request does not. It knows nothing of the REST API.
import { isUtf8 } from 'node:buffer';
import type { Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { Agent, type Dispatcher, request } from 'undici';
import { BadResponseError } from './errors.js';

/** The largest body that is read, in bytes after decompression: 10 MiB. */
export const maximumBodyBytes = 10 * 1024 * 1024;

/** The keep-alive pool and the fetch on it. */
export interface Transport {
  /** A fetch whose Response holds a body that has been read to its end. Throws BadResponseError, undici's errors, or the signal's reason. */
  readonly fetch: (request: Request) => Promise<Response>;
  /** Closes the idle connections and cuts the busy ones. */
  readonly close: () => Promise<void>;
}

// Statuses for which the Response constructor takes no body (Fetch standard, "null body status").
const nullBodyStatuses = new Set([204, 205, 304]);

/** Opens a pool of keep-alive connections. */
export function createTransport(): Transport {
  // undici closes an idle connection a second before the server's own Keep-Alive hint, or after four seconds without one: the REST API
  // would otherwise close it just as a call goes out.
  const agent = new Agent({ keepAliveTimeout: 4_000, connect: { timeout: 5_000 } });
  return {
    fetch: async (fetchRequest) => {
      const response = await request(fetchRequest.url, {
        dispatcher: agent,
        method: toMethod(fetchRequest.method),
        headers: [...fetchRequest.headers].flat(),
        body: fetchRequest.body === null ? null : await fetchRequest.text(),
        signal: fetchRequest.signal,
      });
      const bytes = await readBody(response);
      if (response.statusCode > 599)
        throw new BadResponseError('The REST API answered with a status that HTTP does not have.');
      return new Response(nullBodyStatuses.has(response.statusCode) ? null : bytes, {
        status: response.statusCode,
        headers: toHeaders(response.headers),
      });
    },
    close: () => agent.destroy(),
  };
}

function toMethod(method: string): Dispatcher.HttpMethod {
  if (method === 'GET' || method === 'POST' || method === 'DELETE') return method;
  throw new TypeError(`The REST API has no ${method}.`);
}

// Only what the client reads: the rest would be parsed for nothing.
function toHeaders(headers: Record<string, string | string[] | undefined>): Headers {
  const kept = new Headers();
  for (const name of ['content-type', 'retry-after']) {
    const value = headers[name];
    if (typeof value === 'string') kept.set(name, value);
  }
  return kept;
}

async function readBody(response: Dispatcher.ResponseData): Promise<Buffer<ArrayBuffer>> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of inflated(response)) {
    if (!Buffer.isBuffer(chunk)) throw new TypeError('The body came in something other than bytes.');
    length += chunk.length;
    if (length > maximumBodyBytes) {
      throw new BadResponseError(`The REST API's answer is larger than ${maximumBodyBytes} bytes.`);
    }
    chunks.push(chunk);
  }
  const bytes = Buffer.concat(chunks, length);
  // Response.text() would put U+FFFD in place of what is not UTF-8, and so alter a value silently.
  if (!isUtf8(bytes)) throw new BadResponseError("The REST API's answer is not UTF-8.");
  return bytes;
}

// A body compressed in a way that was not asked for is left as it is: nobody takes it for JSON.
function inflated(response: Dispatcher.ResponseData): Readable {
  const inflater = createInflater(response.headers['content-encoding']);
  if (inflater === undefined) return response.body;
  response.body.on('error', (error) => inflater.destroy(error));
  inflater.on('close', () => response.body.destroy());
  return response.body.pipe(inflater);
}

function createInflater(encoding: string | string[] | undefined) {
  // Its names are case-insensitive (RFC 9110, 8.4.1).
  const name = String(encoding).toLowerCase();
  if (name === 'gzip' || name === 'x-gzip') return createGunzip();
  if (name === 'deflate') return createInflate();
  if (name === 'br') return createBrotliDecompress();
  return undefined;
}
