// Checks what one client can cause, without a clock: each attack beside a neighbour that is served meanwhile. bounded.long.test.ts measures.
import { describe, expect, it } from '@jest/globals';
import { attacks } from './bounded-attacks.js';
import { measureAttack } from './bounded-rig.js';

const maxMemoryMiB = 150;

describe('Load of one client', () => {
  it.each(attacks.map((attack) => ({ name: attack.name, attack })))(
    'is bounded if the client $name',
    async ({ attack }) => {
      const figures = await measureAttack(attack, { secondsBefore: 0, secondsDuring: 1 });

      expect(figures.failures).toEqual([]);
      for (const pattern of attack.expected ?? []) {
        expect([...figures.outcomes.keys()]).toContainEqual(expect.stringMatching(pattern));
      }
      expect([...figures.outcomes.keys()].join()).not.toContain('INTERNAL_SERVER_ERROR');
      expect(figures.memoryMiB).toBeLessThan(maxMemoryMiB);
      expect(figures.restCalls).toBeLessThanOrEqual(attack.maxRestCalls?.(figures.seconds) ?? Infinity);
    },
  );
});
