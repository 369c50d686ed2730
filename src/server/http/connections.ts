// Bounds the open connections of a server: all of them, those that stay open (WebSockets and event streams), and those of one API key.
import type { Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Config } from '../../config.js';
import type { ShedReason } from '../telemetry/metrics.js';
import { hasPendingRequest } from './pending-responses.js';

/** Message to clients while too many connections are open. */
export const tooManyConnectionsMessage = 'The gateway has too many open connections. Try again in a moment.';

/** The limits of the connections. A tenth of `maxConnections` is kept for connections that do not stay open. */
type ConnectionLimits = Pick<Config, 'maxConnections' | 'maxConnectionsPerKey'>;

/** A WebSocket or an event stream. */
export interface LongConnection {
  /** Attributes it to a key, by its hash. Returns false if the key has too many; the caller must then close it. */
  readonly setCaller: (callerId: string) => boolean;
  /** Says whether it is idle. An idle connection is closed if another one needs its place. */
  readonly setIdle: (isIdle: boolean) => void;
  /** Ends the count of this connection. Does nothing the second time. */
  readonly release: () => void;
}

interface Entry {
  readonly socket: Duplex;
  /** Closes the connection to make room for another. */
  readonly evict: () => void;
  callerId: string | undefined;
}

/** The open connections of one server. */
export class Connections {
  readonly #limits: ConnectionLimits;
  readonly #onShed: (reason: ShedReason) => void;
  // Sockets, not events: a socket whose offer to upgrade is ignored reaches the server a second time.
  readonly #open = new Set<Duplex>();
  // WebSockets and event streams, by socket.
  readonly #long = new Map<Duplex, Entry>();
  // By hash of the key; undefined for WebSockets without `connection_init`. Callers without connections have no entry.
  readonly #countOfCaller = new Map<string | undefined, number>();
  // Those idle for longest first.
  readonly #idleOfCaller = new Map<string | undefined, Set<Entry>>();

  /**
   * Counts the connections of a server from now on. One connection too many closes the oldest on which no request is pending, whatever its
   * client has sent so far. Calls `onShed` for each rejection and each connection that is closed. Node closes connections above 110 % of
   * the maximum, or above 16 more if that is more, without a response.
   */
  constructor(server: Server, limits: ConnectionLimits, onShed: (reason: ShedReason) => void) {
    this.#limits = limits;
    this.#onShed = onShed;
    server.on('connection', (socket: Duplex) => {
      if (this.#open.has(socket)) return;
      if (this.#open.size >= limits.maxConnections) this.#closeUnused();
      this.#open.add(socket);
      socket.once('close', () => this.#open.delete(socket));
    });
    server.maxConnections = limits.maxConnections + Math.max(16, Math.ceil(limits.maxConnections / 10));
  }

  /** Reports whether a request must be rejected because too many connections are open. Evicts an idle WebSocket before that. */
  shouldReject(): boolean {
    if (this.#open.size <= this.#limits.maxConnections || this.#evictIdle()) return false;
    this.#onShed('connections');
    return true;
  }

  /**
   * Counts a connection that stays open, as idle if it has `evict`. Returns undefined if there is no place for it, even after the eviction
   * of an idle one.
   */
  open(socket: Duplex, evict?: () => void): LongConnection | undefined {
    const { maxConnections } = this.#limits;
    const max = maxConnections - Math.floor(maxConnections / 10);
    if (this.shouldReject()) return undefined;
    if (this.#long.size >= max && !this.#evictIdle()) {
      this.#onShed('connections');
      return undefined;
    }
    const entry: Entry = { socket, evict: evict ?? (() => undefined), callerId: undefined };
    this.#long.set(socket, entry);
    this.#count(undefined, 1);
    if (evict !== undefined) this.#setIdle(entry, true);
    return {
      setCaller: (callerId) => this.#setCaller(entry, callerId),
      setIdle: (isIdle) => {
        if (this.#isCounted(entry)) this.#setIdle(entry, isIdle);
      },
      release: () => {
        this.#release(entry);
      },
    };
  }

  #isCounted(entry: Entry): boolean {
    return this.#long.get(entry.socket) === entry;
  }

  #setCaller(entry: Entry, callerId: string): boolean {
    const { maxConnectionsPerKey } = this.#limits;
    if (!this.#isCounted(entry)) return true;
    if (maxConnectionsPerKey > 0 && (this.#countOfCaller.get(callerId) ?? 0) >= maxConnectionsPerKey) {
      this.#onShed('connections_of_key');
      return false;
    }
    const isIdle = this.#idleOfCaller.get(entry.callerId)?.has(entry) === true;
    this.#setIdle(entry, false);
    this.#count(entry.callerId, -1);
    entry.callerId = callerId;
    this.#count(callerId, 1);
    this.#setIdle(entry, isIdle);
    return true;
  }

  #release(entry: Entry): void {
    if (!this.#isCounted(entry)) return;
    this.#long.delete(entry.socket);
    this.#setIdle(entry, false);
    this.#count(entry.callerId, -1);
  }

  #setIdle(entry: Entry, isIdle: boolean): void {
    const idle = this.#idleOfCaller.get(entry.callerId) ?? new Set();
    if (isIdle) idle.add(entry);
    else idle.delete(entry);
    if (idle.size > 0) this.#idleOfCaller.set(entry.callerId, idle);
    else this.#idleOfCaller.delete(entry.callerId);
  }

  #count(callerId: string | undefined, change: 1 | -1): void {
    const count = (this.#countOfCaller.get(callerId) ?? 0) + change;
    if (count > 0) this.#countOfCaller.set(callerId, count);
    else this.#countOfCaller.delete(callerId);
  }

  // Closes the oldest connection that serves nothing: it waits for its first request or the next one, or has sent part of one.
  #closeUnused(): void {
    for (const socket of this.#open) {
      if (this.#long.has(socket) || hasPendingRequest(socket)) continue;
      this.#open.delete(socket);
      this.#onShed('connections');
      socket.destroy();
      return;
    }
  }

  // Evicts the connection that has been idle for longest, of the key with most connections. Returns false if none is idle.
  #evictIdle(): boolean {
    let victims: ReadonlySet<Entry> = new Set();
    let max = 0;
    for (const [callerId, idle] of this.#idleOfCaller) {
      const count = this.#countOfCaller.get(callerId) ?? 0;
      if (count <= max) continue;
      victims = idle;
      max = count;
    }
    const [victim] = victims;
    if (victim === undefined) return false;
    this.#release(victim);
    // It takes a moment to close, but its place is free now.
    this.#open.delete(victim.socket);
    this.#onShed('connections');
    victim.evict();
    return true;
  }
}
