// Checks what one client can cause: each attack beside a neighbour that is served meanwhile. With BOUNDED_SECONDS, which is the duration of an
// attack, prints the figures of docs/reliability.md too. Run one attack by `-t` with a part of its name.
import { describe, expect, it } from '@jest/globals';
import { attacks } from './bounded-attacks.js';
import { measureAttack, toCell, toOutcomeList } from './bounded-rig.js';

const measuredSeconds = Number(process.env['BOUNDED_SECONDS'] ?? 0);
const defaultMaxMemoryMiB = 150;

describe('Load of one client', () => {
  it.each(attacks)(
    'is bounded if the client $name',
    async (attack) => {
      const isMeasured = measuredSeconds > 0;
      const figures = await measureAttack(attack, {
        secondsBefore: isMeasured ? 3 : 0,
        secondsDuring: isMeasured ? measuredSeconds : 1,
      });
      if (isMeasured) process.stdout.write(`| ${attack.name} | ${toCell(figures)} | ${toOutcomeList(figures)} |\n`);

      expect(figures.failures).toEqual([]);
      for (const pattern of attack.expected ?? []) {
        expect([...figures.outcomes.keys()]).toContainEqual(expect.stringMatching(pattern));
      }
      expect([...figures.outcomes.keys()].join()).not.toContain('INTERNAL_SERVER_ERROR');
      expect(figures.memoryMiB).toBeLessThan(attack.maxMemoryMiB ?? defaultMaxMemoryMiB);
      expect(figures.restCalls).toBeLessThanOrEqual(attack.maxRestCalls?.(figures.seconds) ?? Infinity);
    },
    600_000,
  );
});
