// Measures what one client can cause: each attack beside a neighbour. BOUNDED_SECONDS sets the duration of an attack. Run one by
// `-t` with a part of its name. docs/reliability.md has the figures.
import { describe, expect, it } from '@jest/globals';
import { attacks } from './bounded-attacks.js';
import { measureAttack, toCell, toOutcomeList } from './bounded-rig.js';

const seconds = Number(process.env['BOUNDED_SECONDS'] ?? 8);
const maxMemoryMiB = 150;
// Four times what is promised: processes of the machine, such as the attacker itself, take CPU time too. The table has the figures.
const maxP95Ms = 1_000;
// The first probe of an open circuit comes after about a second, and succeeds. Failed probes would delay the next by up to 30 s.
const maxOutageSeconds = 15;

describe('Load of one client', () => {
  it.each(attacks)(
    'is bounded if the client $name',
    async (attack) => {
      const figures = await measureAttack(attack, { secondsBefore: 3, secondsDuring: seconds });
      process.stdout.write(`| ${attack.name} | ${toCell(figures)} | ${toOutcomeList(figures)} |\n`);

      expect(figures.memoryMiB).toBeLessThan(maxMemoryMiB);
      expect(figures.restCalls).toBeLessThanOrEqual(attack.maxRestCalls?.(figures.seconds) ?? Infinity);
      expect(figures.outageSeconds).toBeLessThan(maxOutageSeconds);
      // On a machine that is busy, a gateway without the attacker is slow too.
      const { p95Before, p95OfOther } = figures;
      expect(figures.p95During).toBeLessThan(Math.max(maxP95Ms, 5 * p95Before, 5 * p95OfOther));
    },
    600_000,
  );
});
