// Ten minutes of faults and leaving callers (test/load/soaking.ts). Prints what the gateway holds after each minute, and how soon the reads of
// those who left ended; fails where anything grows or goes on, a write is lost, or reads go on for too long in the median.
import { heldNames, soak } from './soak-run.js';

// In milliseconds.
const mostToEnd = 200;
const seed = Number(process.env['SOAK_SEED'] ?? Date.now() % 2 ** 31);

process.stdout.write(`SOAK_SEED=${seed}\nafter each minute: ${heldNames.join(', ')}\n`);
const { deeds, outcomes, endings, writesLeft, faults } = await soak({
  phases: 9,
  phaseMs: 60_000,
  callers: 20,
  seed,
  measured: (held) => process.stdout.write(`${heldNames.map((name) => held[name]).join(', ')}\n`),
});
const sorted = endings.toSorted((one, other) => one - other);
const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Infinity;
const lines = [
  ...[...deeds].map(([deed, count]) => `${deed}: ${count}`),
  `outcomes: ${[...outcomes].map(([outcome, count]) => `${outcome} ${count}`).join(', ')}`,
  `reads whose callers left: ${endings.length}, ended after ${[0.5, 0.95, 0.99, 1].map((share) => at(share).toFixed(0)).join(', ')} ms (median, 95 %, 99 %, longest)`,
  `writes whose callers left: ${writesLeft}`,
];
process.stdout.write(`${lines.join('\n')}\n`);
const all = [
  ...faults,
  ...(at(0.5) > mostToEnd ? [`Reads of callers who left end later than after ${mostToEnd} ms.`] : []),
];
process.stderr.write(all.map((fault) => `${fault}\n`).join(''));
process.exitCode = all.length === 0 ? 0 : 1;
