// One subscriber: its place in the events of its group, and what it has received. A slow client skips states that a newer one replaces, but
// never the last one, and delays no other subscriber.
import type { GraphContext } from '../../graph/context.js';
import { withRequestId } from '../graphql/operations.js';
import type { OperationSummary } from '../telemetry/logging.js';
import type { Deliveries } from './deliveries.js';
import type { Group, GroupMember, SharedResult } from './event-group.js';
import { type SubscriptionEvent, toHead } from './subscription-event.js';

/** The client of a subscription, as its transport serves it. */
export interface EventReceiver {
  /** Resolves when the client can take another event; undefined if it can already. */
  readonly whenReady: () => Promise<void> | undefined;
  /** Sends an event. Resolves when the client has taken it; undefined if it has already. */
  readonly send: (event: SubscriptionEvent) => Promise<void> | undefined;
}

/** Dependencies of a subscription. */
export interface SubscriptionDependencies extends Pick<GroupMember, 'context' | 'createContext'> {
  readonly deliveries: Deliveries;
  /** Called once, when the subscription has ended, with what its log line says of it. */
  readonly onLeft: (totals: Pick<OperationSummary, 'restCalls' | 'events' | 'errors'>) => void;
}

/** A subscription of one client. */
export class Subscription implements GroupMember {
  readonly context: GraphContext;
  readonly createContext: () => GraphContext;
  readonly #deliveries: Deliveries;
  readonly #onLeft: SubscriptionDependencies['onLeft'];
  // Codes of the errors in its events.
  readonly #codes = new Set<string>();
  // REST calls for the events that were executed because this subscriber was the first to be ready for them.
  #restCalls = 0;
  // Events sent.
  #events = 0;
  #group: Group | undefined;
  #hasLeft = false;
  #wake: (() => void) | undefined;

  constructor({ context, createContext, deliveries, onLeft }: SubscriptionDependencies) {
    this.context = context;
    this.createContext = createContext;
    this.#deliveries = deliveries;
    this.#onLeft = onLeft;
  }

  /** Joins a group. Rejects with a GraphQLError if the group cannot open, and leaves it. */
  async join(group: Group): Promise<void> {
    this.#group = group;
    try {
      await group.admit();
    } catch (error) {
      this.leave();
      throw error;
    }
  }

  /** Ends the subscription. Does nothing the second time. */
  leave(): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    this.#group?.remove(this);
    this.#onLeft({ restCalls: this.#restCalls, events: this.#events, errors: this.#codes });
    this.wake();
  }

  /**
   * Sends the events of the group, each when the client is ready for it. Resolves with true when the group has ended and the client has all
   * of it, and with false when the subscription has ended before.
   */
  async run(group: Group, receiver: EventReceiver): Promise<boolean> {
    let sent = 0;
    while (this.#isOpen()) {
      if (group.eventCount > sent) {
        await receiver.whenReady();
        if (!this.#isOpen()) break;
        sent = await this.#deliverLatest(group, receiver);
      } else if (!group.hasEnded) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      } else {
        if (group.failure !== undefined) {
          await receiver.whenReady();
          await this.#deliver(group.failure, receiver);
        }
        break;
      }
    }
    const hasEnded = this.#isOpen();
    this.leave();
    return hasEnded;
  }

  onRestCalls(count: number): void {
    this.#restCalls += count;
  }

  wake(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  // It may change during each wait.
  #isOpen(): boolean {
    return !this.#hasLeft;
  }

  // Returns the number of the event. A variable of `run` would hold the result until the next event, however long that takes.
  async #deliverLatest(group: Group, receiver: EventReceiver): Promise<number> {
    const result = await group.latestResult(this);
    await this.#deliver(result, receiver);
    return result.eventNumber;
  }

  #deliver(result: SharedResult, receiver: EventReceiver): Promise<void> {
    return new Promise((resolve) => {
      this.#deliveries.add(this.context.callerId ?? '', () => {
        resolve(this.#isOpen() ? receiver.send(this.#toEvent(result)) : undefined);
      });
    });
  }

  #toEvent({ tail, hasData, errors, secretReads }: SharedResult): SubscriptionEvent {
    this.#events++;
    this.context.auditSecretReads(secretReads);
    const ownErrors = errors?.map((error) => withRequestId(error, this.context));
    for (const { extensions } of ownErrors ?? []) this.#codes.add(String(extensions?.['code']));
    return { head: toHead(ownErrors, hasData), tail };
  }
}
