// Accounts for the bytes of events and messages that clients have not read.
import type { Duplex } from 'node:stream';
import type { UnreadBytes } from '../http/unread-bytes.js';

/** Bytes that are sent to one or more connections of a caller. They count once as unread, until the last client has taken them. */
export class SentBytes {
  readonly bytes: Buffer;
  readonly #callerId: string | undefined;
  readonly #unreadBytes: UnreadBytes;
  readonly #connections = new Set<Duplex>();

  /** `callerId` is the hash of the API key, if any. */
  constructor(bytes: Buffer, callerId: string | undefined, unreadBytes: UnreadBytes) {
    this.bytes = bytes;
    this.#callerId = callerId;
    this.#unreadBytes = unreadBytes;
  }

  /** Counts the bytes as unread by the client of a connection until `taken` resolves. */
  async holdUntil(connection: Duplex, taken: Promise<void>): Promise<void> {
    this.#connections.add(connection);
    if (this.#connections.size === 1) this.#unreadBytes.set(this, this.#callerId, this.bytes.length);
    await taken;
    this.#connections.delete(connection);
    if (this.#connections.size === 0) this.#unreadBytes.set(this, this.#callerId, 0);
  }

  /** Counts the bytes, and `head` that only this client gets, as unread by the client of a connection until `taken` resolves. */
  holdWithHead(head: string, connection: Duplex, taken: Promise<void>): Promise<void> {
    void this.holdUntil(connection, taken);
    return new SentBytes(Buffer.from(head), this.#callerId, this.#unreadBytes).holdUntil(connection, taken);
  }

  /** Closes the connections whose clients have not taken the bytes. */
  destroy(): void {
    for (const connection of this.#connections) connection.destroy();
  }
}
