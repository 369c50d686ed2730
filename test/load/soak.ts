// Runs the soak test for ten minutes. Prints the resources of the gateway after each minute, and how soon it cancelled abandoned reads.
// Fails for a leak, activity without callers, a lost write, or a median cancellation that takes too long.
import { resourceNames } from './soak-gateway.js';
import { soak } from './soak-run.js';

const maxMedianCancellationMs = 200;
const seed = Number(process.env['SOAK_SEED'] ?? Date.now() % 2 ** 31);

process.stdout.write(`SOAK_SEED=${seed}\nafter each minute: ${resourceNames.join(', ')}\n`);
const { actionCounts, outcomeCounts, readCancellationsMs, abandonedWrites, faults } = await soak({
  phases: 9,
  phaseMs: 60_000,
  callers: 20,
  seed,
  onMeasured: (usage) => process.stdout.write(`${resourceNames.map((name) => usage[name]).join(', ')}\n`),
});
const sorted = readCancellationsMs.toSorted((a, b) => a - b);
const toPercentile = (share: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Infinity;
const percentiles = [0.5, 0.95, 0.99, 1].map((share) => toPercentile(share).toFixed(0)).join(', ');
const lines = [
  ...[...actionCounts].map(([action, count]) => `${action}: ${count}`),
  `outcomes: ${[...outcomeCounts].map(([outcome, count]) => `${outcome} ${count}`).join(', ')}`,
  `abandoned reads: ${readCancellationsMs.length}, cancelled after ${percentiles} ms (median, 95 %, 99 %, maximum)`,
  `abandoned writes: ${abandonedWrites}`,
];
process.stdout.write(`${lines.join('\n')}\n`);
const allFaults = [
  ...faults,
  ...(toPercentile(0.5) > maxMedianCancellationMs
    ? [`The median abandoned read is cancelled later than after ${maxMedianCancellationMs} ms.`]
    : []),
];
process.stderr.write(allFaults.map((fault) => `${fault}\n`).join(''));
process.exitCode = allFaults.length === 0 ? 0 : 1;
