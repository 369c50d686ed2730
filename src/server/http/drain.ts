// Waits until a client has taken what was written for it.
import type { Writable } from 'node:stream';

const waits = new WeakMap<Writable, Promise<void>>();

/**
 * Returns undefined if a stream can take more bytes. Otherwise, returns a promise that resolves when the stream has sent its buffer, or has
 * closed. All callers share it, so that any number may wait for one stream.
 */
export function whenDrained(stream: Writable): Promise<void> | undefined {
  if (!stream.writableNeedDrain || stream.closed) return undefined;
  const existing = waits.get(stream);
  if (existing !== undefined) return existing;
  const wait = new Promise<void>((resolve) => {
    const settle = () => {
      stream.off('drain', settle);
      stream.off('close', settle);
      waits.delete(stream);
      resolve();
    };
    stream.on('drain', settle);
    stream.on('close', settle);
  });
  waits.set(stream, wait);
  return wait;
}
