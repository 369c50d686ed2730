// Async iterators for subscriptions. A source never throws: its last event carries the failure.
import { Repeater } from '@repeaterjs/repeater';
import type { WatchEvent, WatchEvents } from '../cloudca/polling/watcher.js';

/**
 * Maps each event of a source, and drops those that map to undefined. Passes `return` on to the source at once: an async generator
 * would not before the next event.
 */
export function mapAsyncIterator<T, U>(
  source: AsyncIterable<T>,
  map: (event: T) => Promise<U | undefined> | U | undefined,
): Repeater<U> {
  return new Repeater<U>(async (push, stop) => {
    const events = source[Symbol.asyncIterator]();
    void stop.then(() => events.return?.());
    for (let next = await events.next(); next.done !== true; next = await events.next()) {
      const mapped = await map(next.value);
      // Waits until the consumer takes the event. The source decides what to buffer meanwhile.
      if (mapped !== undefined) await push(mapped);
    }
    stop();
  });
}

/** Maps the value of each event of a watched source, and drops those that map to undefined. Failures pass unchanged. */
export function mapWatchEvents<T, U>(source: WatchEvents<T>, map: (value: T) => U | undefined): WatchEvents<U> {
  return mapAsyncIterator(source, (event): WatchEvent<U> | undefined => {
    if ('failure' in event) return event;
    const value = map(event.value);
    return value === undefined ? undefined : { value };
  });
}

/** Returns a source of one event. */
export function singleEvent<T>(event: WatchEvent<T>): WatchEvents<T> {
  return new Repeater<WatchEvent<T>>(async (push, stop) => {
    await push(event);
    stop();
  });
}

/** Returns the source that `createSource` creates. If it throws, e.g. because of an invalid argument, returns a source of that failure. */
export function errorsAsEvents<T>(createSource: () => WatchEvents<T>): WatchEvents<T> {
  try {
    return createSource();
  } catch (failure) {
    return singleEvent({ failure });
  }
}
