// What one client can cause: each attack beside a neighbour, with its figures. BOUNDED_SECONDS sets the duration of an attack. Run one by
// `-t` with a part of its name. docs/reliability.md has the figures.
import { describe, expect, it } from '@jest/globals';
import { attacks } from './bounded-attacks.js';
import { measureAttack, toCell, toOutcomeList } from './bounded-rig.js';

const seconds = Number(process.env['BOUNDED_SECONDS'] ?? 8);
const maxMemoryMiB = 150;
// Four times what is promised, since other processes of the machine take CPU time too. The table has the figures.
const maxP95Ms = 1_000;

describe('A client that', () => {
  it.each(attacks)(
    '$name leaves the neighbour served, and memory and REST calls bounded',
    async (attack) => {
      const figures = await measureAttack(attack, { secondsBefore: 3, secondsDuring: seconds });
      process.stdout.write(`| ${attack.name} | ${toCell(figures)} | ${toOutcomeList(figures)} |\n`);

      expect(figures.memoryMiB).toBeLessThan(maxMemoryMiB);
      expect(figures.restCalls).toBeLessThanOrEqual(attack.maxRestCalls?.(figures.seconds) ?? Infinity);
      expect(figures.p95During).toBeLessThan(Math.max(maxP95Ms, 5 * figures.p95Before));
    },
    600_000,
  );
});
