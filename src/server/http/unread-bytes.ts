// Bounds the bytes that wait to be read by clients: one account for responses, event streams and WebSockets.

/** Holds bytes that are unread: a connection, or an event that several connections share. */
export interface UnreadHolder {
  /** Closes the connection, or all of them. */
  destroy(): unknown;
}

interface Unread {
  readonly holder: UnreadHolder;
  readonly callerId: string | undefined;
  bytes: number;
}

// Maximum unread bytes of one caller for which more work is done.
const maxBytesForMore = 16 * 1024 * 1024;

/**
 * The unread bytes of all connections. Above the maximum, closes connections: first the oldest of the caller with the most unread bytes, so
 * that one caller's slow clients do not cost another caller its connections.
 */
export class UnreadBytes {
  readonly #maxBytes: number;
  readonly #onClose: () => void;
  // By the time at which a holder began to have unread bytes, the oldest first.
  readonly #unread = new Map<UnreadHolder, Unread>();
  readonly #bytesOfCaller = new Map<string | undefined, number>();
  #total = 0;

  /** `maxBytes` is the maximum of all connections together. Calls `onClose` for each connection that is closed. */
  constructor(maxBytes: number, onClose: () => void) {
    this.#maxBytes = maxBytes;
    this.#onClose = onClose;
  }

  /** Returns the unread bytes of all connections. */
  get total(): number {
    return this.#total;
  }

  /**
   * Reports whether a caller has so many unread bytes, more than 16 MiB, that no more work must be done for it. False without a key: that is
   * many clients, of which one must not block the others.
   */
  isFull(callerId: string | undefined): boolean {
    return callerId !== undefined && (this.#bytesOfCaller.get(callerId) ?? 0) > maxBytesForMore;
  }

  /**
   * Sets the unread bytes of a holder; 0 when it has closed. `callerId` is the hash of its API key, if any. May close holders, but this one
   * only with `closeable`.
   */
  set(holder: UnreadHolder, callerId: string | undefined, bytes: number, closeable = true): void {
    this.#update(holder, callerId, bytes);
    while (this.#total > this.#maxBytes) {
      const victim = this.#findVictim(closeable ? undefined : holder);
      if (victim === undefined) return;
      this.#update(victim.holder, victim.callerId, 0);
      this.#onClose();
      victim.holder.destroy();
    }
  }

  #update(holder: UnreadHolder, callerId: string | undefined, bytes: number): void {
    const existing = this.#unread.get(holder);
    this.#add(existing === undefined ? callerId : existing.callerId, bytes - (existing?.bytes ?? 0));
    if (bytes === 0) this.#unread.delete(holder);
    else if (existing !== undefined) existing.bytes = bytes;
    else this.#unread.set(holder, { holder, callerId, bytes });
  }

  #add(callerId: string | undefined, bytes: number): void {
    this.#total += bytes;
    const sum = (this.#bytesOfCaller.get(callerId) ?? 0) + bytes;
    if (sum === 0) this.#bytesOfCaller.delete(callerId);
    else this.#bytesOfCaller.set(callerId, sum);
  }

  #findVictim(except: UnreadHolder | undefined): Unread | undefined {
    let victim: Unread | undefined;
    let maxBytes = 0;
    for (const unread of this.#unread.values()) {
      const bytes = this.#bytesOfCaller.get(unread.callerId) ?? 0;
      if (bytes <= maxBytes || unread.holder === except) continue;
      victim = unread;
      maxBytes = bytes;
    }
    return victim;
  }
}
