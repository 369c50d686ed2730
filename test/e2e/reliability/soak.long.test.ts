// A soak of seconds: what `npm run test:soak` holds for ten minutes. Callers of whom most leave, a REST API that fails now and then.
import { expect, it } from '@jest/globals';
import { soak } from '../../load/soak-run.js';

it('Callers who come and leave while the REST API fails leave nothing behind, and no write is lost', async () => {
  const { held, deeds, endings, writesLeft, faults } = await soak({ phases: 3, phaseMs: 6_000, callers: 20, seed: 20 });

  expect(faults).toEqual([]);
  expect(held).toHaveLength(4);
  // Or nothing was tried.
  expect(deeds.size).toBe(9);
  expect(endings.length).toBeGreaterThan(20);
  expect(writesLeft).toBeGreaterThan(20);
});
