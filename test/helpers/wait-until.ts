// Waits for a condition, with a limit against tests that hang.
import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until `isTrue` returns true, checked every 5 ms. Throws after 25 s. */
export async function waitUntil(isTrue: () => boolean): Promise<void> {
  const deadline = performance.now() + 25_000;
  while (!isTrue()) {
    if (performance.now() > deadline) throw new Error('The condition was not true within 25 s.');
    await sleep(5);
  }
}
