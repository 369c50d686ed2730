// Thousands of creates that clients retry while connections to the REST API are cut. RELIABILITY_RUNS sets their number.
import { describe, expect, it } from '@jest/globals';
import { toRunCount } from '../../helpers/run-count.js';
import { startRetriedCreates } from './retried-creates.js';

const run = await startRetriedCreates();

describe('A create that its client retries until it gets an answer', () => {
  it('creates no VPN twice, adopts none that differs, and ends once the REST API is back', async () => {
    const counts = await run(toRunCount(2_000));
    process.stdout.write(`${JSON.stringify(counts)}\n`);
    for (const [kind, count] of Object.entries(counts)) expect([kind, count > 0]).toEqual([kind, true]);
  }, 900_000);
});
