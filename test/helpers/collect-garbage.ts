// Measures what is left in memory.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Collects garbage. Returns the memory that is in use, the gateway's and the test's. */
export function collectGarbage(): NodeJS.MemoryUsage {
  setFlagsFromString('--expose-gc');
  // The second time waits until the buffers that the first time has found are freed.
  runInNewContext('gc(); gc();');
  return process.memoryUsage();
}
