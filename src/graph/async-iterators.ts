// Sources of subscriptions. None ever throws: what goes wrong is its last event.
import { Repeater } from '@repeaterjs/repeater';
import type { WatchEvent, WatchEvents } from '../cloudca/polling/watcher.js';

/**
 * Each event of a source as another, or left out where there is nothing to tell (undefined). Leaving is passed on at once: an async
 * generator would pass it on with the next event only.
 */
export function mapEvents<T, U>(
  source: AsyncIterable<T>,
  map: (event: T) => Promise<U | undefined> | U | undefined,
): Repeater<U> {
  return new Repeater<U>(async (push, stop) => {
    const events = source[Symbol.asyncIterator]();
    void stop.then(() => events.return?.());
    for (let next = await events.next(); next.done !== true; next = await events.next()) {
      const mapped = await map(next.value);
      // Waits until it is read: what comes meanwhile is the source's to keep.
      if (mapped !== undefined) await push(mapped);
    }
    stop();
  });
}

/** As mapEvents, for what is followed: a failure stays what it is. */
export function mapValues<T, U>(source: WatchEvents<T>, map: (value: T) => U | undefined): WatchEvents<U> {
  return mapEvents(source, (event): WatchEvent<U> | undefined => {
    if ('failure' in event) return event;
    const value = map(event.value);
    return value === undefined ? undefined : { value };
  });
}

/** A source of one event. */
export function justOnce<T>(event: WatchEvent<T>): WatchEvents<T> {
  return new Repeater<WatchEvent<T>>(async (push, stop) => {
    await push(event);
    stop();
  });
}

/** A source that is made from arguments which may be bad: then its one event says so. */
export function guarded<T>(make: () => WatchEvents<T>): WatchEvents<T> {
  try {
    return make();
  } catch (failure) {
    return justOnce({ failure });
  }
}
