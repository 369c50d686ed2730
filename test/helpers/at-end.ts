// What a test file opened is closed when its tests are over, the last first.
import { afterAll } from '@jest/globals';

const ends: (() => unknown)[] = [];

afterAll(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** Has something closed at the end of the file's tests; may be called from within a test, where Jest takes no hooks. */
export function atEnd(end: () => unknown): void {
  ends.push(end);
}
