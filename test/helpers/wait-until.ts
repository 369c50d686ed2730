// Waits for a condition, with a limit against tests that hang. Fake timers do not affect it.
import { performance } from 'node:perf_hooks';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';

// In milliseconds. Far longer than any wait takes, even on a busy machine.
const limitMs = 60_000;
// Most waits within the test process are shorter, in milliseconds. Checks on each turn of the event loop take a whole processor.
const spinMs = 2;

/**
 * Waits until `isTrue` returns true: checks it on each turn of the event loop at first, then every 5 ms. Throws after 60 s, with what
 * `toDetails` returns in the message.
 */
export async function waitUntil(
  isTrue: () => boolean | Promise<boolean>,
  toDetails: () => string = () => '',
): Promise<void> {
  const startedAt = performance.now();
  while (!(await isTrue())) {
    const elapsed = performance.now() - startedAt;
    if (elapsed > limitMs) throw new Error(`The condition was not true within 60 s.\n${toDetails()}`);
    await (elapsed < spinMs ? nextTurn() : sleep(5));
  }
}
