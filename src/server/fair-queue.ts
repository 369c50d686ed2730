// A queue in which clients take turns, so that those of one with many items do not delay the items of another.

/** Items of clients, in the order in which they are due. */
export class FairQueue<T> {
  // By client, the next one first; the items of a client in their order. Clients without items have no entry.
  readonly #items = new Map<string, T[]>();

  /** Whether the queue has no item. */
  get isEmpty(): boolean {
    return this.#items.size === 0;
  }

  /** Adds an item behind the others of its client. */
  add(client: string, item: T): void {
    const items = this.#items.get(client);
    if (items === undefined) this.#items.set(client, [item]);
    else items.push(item);
  }

  /** Removes the next item and returns it; undefined if the queue is empty. The other clients come before the next item of this one. */
  takeNext(): T | undefined {
    for (const [client, items] of this.#items) {
      const item = items.shift();
      this.#items.delete(client);
      if (items.length > 0) this.#items.set(client, items);
      return item;
    }
    return undefined;
  }
}
