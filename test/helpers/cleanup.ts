// Cleanup after the tests of a file, the latest registered function first.
import { afterAll } from '@jest/globals';

const cleanups: (() => unknown)[] = [];

afterAll(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Runs `cleanup` after the tests of the file. Unlike Jest's hooks, it can be called within a test. */
export function addCleanup(cleanup: () => unknown): void {
  cleanups.push(cleanup);
}
