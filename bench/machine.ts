// What a run was made on and with.
import { readFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';

const manifest = z.object({ version: z.string() });

/** The machine, in a line. */
export function describeMachine(): string {
  const cores = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${cores[0]?.model ?? 'unknown CPU'}, ${cores.length} cores, ${memory} GB of memory, Node ${process.versions.node}, ${process.platform}`;
}

/** How busy the machine is with other things: the mean number of processes at work in the last minute. Of use before a run alone. */
export function otherLoad(): number {
  return loadavg()[0] ?? NaN;
}

/** The version of a package that is installed below a folder. */
export function versionOf(directory: string, name: string): string {
  const text = readFileSync(join(directory, 'node_modules', name, 'package.json'), 'utf8');
  return manifest.parse(JSON.parse(text)).version;
}
