// A short soak test, four phases of 6 s each: most callers disconnect, and the REST API fails at times. `npm run test:soak` runs it for 10 min.
import { expect, it } from '@jest/globals';
import { soak } from '../../load/soak-run.js';

it('Gateway frees all resources and loses no write when callers disconnect and the REST API fails', async () => {
  const { usages, actionCounts, readCancellationsMs, abandonedWrites, faults } = await soak({
    phases: 3,
    phaseMs: 6_000,
    callers: 20,
    seed: 20,
  });

  expect(faults).toEqual([]);
  expect(usages).toHaveLength(4);
  // Guards against a run that tested nothing.
  expect(actionCounts.size).toBe(9);
  expect(readCancellationsMs.length).toBeGreaterThan(20);
  expect(abandonedWrites).toBeGreaterThan(20);
});
