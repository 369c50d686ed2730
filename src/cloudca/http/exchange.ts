// One HTTP exchange on an undici dispatcher: collects and decompresses a response, within bounds on its bytes and chunks.
import type { Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { type Dispatcher, errors } from 'undici';
import { BadResponseError, UnavailableError } from '../errors.js';
import type { Cancellation } from './cancellation.js';
import type { HeldBody } from './flow-control.js';

/** Maximum size of a response body, in bytes after decompression: 10 MiB. */
export const maxResponseBodyBytes = 10 * 1024 * 1024;

// Maximum number of chunks of a body: 10 MiB in chunks of 100 bytes.
const maxChunks = 100_000;

/** A complete response, its body decompressed. */
export interface ReceivedResponse {
  readonly status: number;
  readonly retryAfter: string | string[] | undefined;
  readonly body: Buffer;
}

/** Collects one response. undici calls its methods as the response arrives. */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly #body: HeldBody;
  readonly #cancellation: Cancellation;
  readonly #resolve: (response: ReceivedResponse) => void;
  readonly #reject: (error: unknown) => void;
  readonly #chunks: Buffer[] = [];
  #controller: Dispatcher.DispatchController | undefined;
  #decompressor: Transform | undefined;
  #status = 0;
  #retryAfter: ReceivedResponse['retryAfter'];
  #length = 0;

  /** Releases `body` if it fails. A complete one must be released when it has been parsed. */
  constructor(
    body: HeldBody,
    cancellation: Cancellation,
    resolve: (response: ReceivedResponse) => void,
    reject: (error: unknown) => void,
  ) {
    this.#body = body;
    this.#cancellation = cancellation;
    this.#resolve = resolve;
    this.#reject = reject;
    cancellation.onCancel(this.#fail);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // The call may have been cancelled while the request waited for a connection.
    if (this.#cancellation.reason !== undefined) this.#fail(this.#cancellation.reason);
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    // Informational responses precede the final one (RFC 9110, 15.2).
    if (status < 200) return;
    this.#status = status;
    this.#retryAfter = headers['retry-after'];
    this.#decompressor = createDecompressor(headers['content-encoding'])
      ?.on('data', this.#append)
      .on('drain', () => {
        controller.resume();
      })
      .on('end', this.#finish)
      .on('error', this.#fail);
    this.#body.setSource(this.#decompressor ?? controller);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#decompressor === undefined) this.#append(chunk);
    else if (!this.#decompressor.write(chunk)) controller.pause();
  }

  onResponseEnd(): void {
    if (this.#decompressor === undefined) this.#finish();
    else this.#decompressor.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: unknown): void {
    this.#end();
    this.#body.release();
    // Without onRequestStart there was no connection. An InvalidArgumentError, however, is a bug of this program.
    const neverSent = this.#controller === undefined && !(error instanceof errors.InvalidArgumentError);
    this.#reject(neverSent ? createUnreachableError() : error);
  }

  readonly #append = (chunk: Buffer): void => {
    this.#length += chunk.length;
    this.#chunks.push(chunk);
    this.#body.add(chunk.length);
    if (this.#length > maxResponseBodyBytes) {
      this.#fail(new BadResponseError(`The response of the REST API is larger than ${maxResponseBodyBytes} bytes.`));
    } else if (this.#chunks.length > maxChunks) {
      this.#fail(new BadResponseError(`The response of the REST API comes in more than ${maxChunks} chunks.`));
    }
  };

  readonly #finish = (): void => {
    const [first] = this.#chunks;
    const body = first?.length === this.#length ? first : Buffer.concat(this.#chunks, this.#length);
    this.#end();
    this.#body.complete();
    this.#resolve({ status: this.#status, retryAfter: this.#retryAfter, body });
  };

  // Aborting closes the connection: it cannot be reused before its response has been read to the end.
  readonly #fail = (error: Error): void => {
    this.#end();
    this.#body.release();
    this.#reject(error);
    this.#controller?.abort(error);
  };

  #end(): void {
    // undici keeps this object until the connection closes.
    this.#chunks.splice(0);
    this.#cancellation.onCancel(undefined);
    this.#decompressor?.removeAllListeners('data').destroy();
  }
}

/** Creates the error for a request that was certainly not sent. */
export function createUnreachableError(): UnavailableError {
  return new UnavailableError('The REST API cannot be reached.', { neverSent: true });
}

// A body in any encoding other than gzip, deflate or br stays as it is; it will not parse as JSON.
function createDecompressor(encoding: string | string[] | undefined): Transform | undefined {
  // Names of encodings are case-insensitive (RFC 9110, 8.4.1).
  const name = String(encoding).toLowerCase();
  if (name === 'gzip' || name === 'x-gzip') return createGunzip();
  if (name === 'deflate') return createInflate();
  if (name === 'br') return createBrotliDecompress();
  return undefined;
}
