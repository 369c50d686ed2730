// Waiting for something to become true, with a guard against hanging.
import { setTimeout as sleep } from 'node:timers/promises';

/** Resolves once `isTrue` is; throws after 25 s, which is a guard and no measure. */
export async function until(isTrue: () => boolean): Promise<void> {
  const end = performance.now() + 25_000;
  while (!isTrue()) {
    if (performance.now() > end) throw new Error('It does not become true.');
    await sleep(5);
  }
}
