// Subscribers with the same API key, operation and variables share one source of events, and one execution of each event.
import { hash } from 'node:crypto';
import { print } from 'graphql';
import { LRUCache } from 'lru-cache';
import type { Operation } from '../graphql/operations.js';
import { Group, type GroupMember, type GroupOptions, type SharedResult } from './event-group.js';
import { EventTurns } from './event-turns.js';

/** Dependencies of a FanOut. */
export type FanOutOptions = Pick<GroupOptions, 'schema' | 'operations' | 'admission' | 'unreadBytes'>;

// Maximum size of the results that are kept for newcomers, in bytes. A newcomer to a group without one has the latest event executed again.
const maxKeptBytes = 16 * 1024 * 1024;
// Approximate size of a formatted error.
const bytesPerError = 500;

/** The groups of one process. */
export class FanOut {
  readonly #options: FanOutOptions;
  readonly #groups = new Map<string, Group>();
  readonly #results = new LRUCache<Group, SharedResult>({
    maxSize: maxKeptBytes,
    sizeCalculation: ({ tail, errors = [] }) => tail.bytes.length + errors.length * bytesPerError,
  });
  // By hash of the key. Results of more events at a time would take memory before their clients can read them.
  readonly #turnsOfCaller = new Map<string, EventTurns>();

  constructor(options: FanOutOptions) {
    this.#options = options;
  }

  /**
   * Adds a subscriber to the group of its key, operation and variables. Opens the group if there is none, and charges its cost to the key.
   * Rejects with a GraphQLError if the rate limit does not allow that; the subscriber then must leave the group.
   */
  join(operation: Operation, callerId: string, subscriber: GroupMember): Group {
    const key = toGroupKey(operation, callerId);
    const existing = this.#groups.get(key);
    existing?.add(subscriber);
    if (existing !== undefined) return existing;
    const group: Group = new Group(
      {
        ...this.#options,
        operation,
        callerId,
        results: this.#results,
        inTurn: (execute) => this.#inTurn(callerId, execute),
        // A group that has ended admits no newcomer: the resource may exist again.
        onClosed: () => {
          if (this.#groups.get(key) === group) this.#groups.delete(key);
        },
      },
      subscriber,
    );
    this.#groups.set(key, group);
    return group;
  }

  /** Executes an event of a caller in its turn. */
  async #inTurn<T>(callerId: string, execute: () => Promise<T>): Promise<T> {
    const turns = this.#turnsOfCaller.get(callerId) ?? new EventTurns();
    this.#turnsOfCaller.set(callerId, turns);
    await turns.take();
    try {
      return await execute();
    } finally {
      turns.release();
      if (turns.isIdle) this.#turnsOfCaller.delete(callerId);
    }
  }
}

/** Returns the identity of a group, of fixed length. A text and its id have the same, since the errors of both have the same locations. */
function toGroupKey({ document, operation, variables }: Operation, callerId: string): string {
  const text = document.loc?.source.body ?? print(document);
  return hash('sha256', JSON.stringify([callerId, text, operation.name?.value ?? null, variables.coerced]));
}
