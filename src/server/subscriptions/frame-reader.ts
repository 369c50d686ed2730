// Follows the frames of a WebSocket (RFC 6455, 5.2) on the bytes of its connection. ws has no event for the start of a message.

// Flags, opcode and length of a frame, then up to 8 bytes of a longer length and 4 bytes of the mask.
const maxHeaderBytes = 14;

/** Reads the headers of frames, to know whether a connection is within a message. Ignores what the frames contain. */
export class FrameReader {
  readonly #header = Buffer.alloc(maxHeaderBytes);
  #headerBytes = 0;
  #payloadBytesLeft = 0;
  #isFragmented = false;
  #completeMessages = 0;

  /** Counts the messages that are complete, with the pings and pongs between messages. */
  get completeMessages(): number {
    return this.#completeMessages;
  }

  /** Reports whether the last frame so far is incomplete, or is a fragment that others must follow. */
  get isWithinMessage(): boolean {
    return this.#isFragmented || this.#headerBytes > 0 || this.#payloadBytesLeft > 0;
  }

  /** Reads the next bytes of the connection. */
  read(bytes: Buffer): void {
    let offset = 0;
    while (offset < bytes.length) {
      if (this.#payloadBytesLeft > 0) {
        const skipped = Math.min(this.#payloadBytesLeft, bytes.length - offset);
        this.#payloadBytesLeft -= skipped;
        offset += skipped;
      } else {
        this.#header[this.#headerBytes++] = bytes[offset++] ?? 0;
        if (this.#headerBytes >= 2 && this.#headerBytes === this.#toHeaderSize()) this.#startPayload();
      }
      if (!this.isWithinMessage) this.#completeMessages++;
    }
  }

  #toHeaderSize(): number {
    const length = this.#header.readUInt8(1);
    const maskBytes = length >= 0x80 ? 4 : 0;
    return 2 + maskBytes + ({ 126: 2, 127: 8 }[length & 0x7f] ?? 0);
  }

  #startPayload(): void {
    const opcode = this.#header.readUInt8(0) & 0x0f;
    const isFinal = this.#header.readUInt8(0) >= 0x80;
    const length = this.#header.readUInt8(1) & 0x7f;
    // Control frames may come between fragments.
    if (opcode < 8) this.#isFragmented = !isFinal;
    this.#headerBytes = 0;
    if (length === 126) this.#payloadBytesLeft = this.#header.readUInt16BE(2);
    // ws rejects a message far below 2^48 bytes.
    else this.#payloadBytesLeft = length === 127 ? this.#header.readUIntBE(4, 6) : length;
  }
}
