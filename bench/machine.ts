// Describes the environment of a run: machine, load average and package versions.
import { readFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';

const manifest = z.object({ version: z.string() });

/** Major version of this process's Node, e.g. `24`. */
export const nodeMajor = process.versions.node.split('.')[0] ?? '';

/** Returns CPU model, cores, memory, Node version and platform in one line. */
export function describeMachine(): string {
  const cores = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${cores[0]?.model ?? 'unknown CPU'}, ${cores.length} cores, ${memory} GB of memory, Node ${process.versions.node}, ${process.platform}`;
}

/** Returns the machine's one-minute load average. Read it before the run, whose own load it would include. */
export function loadAverage(): number {
  return loadavg()[0] ?? NaN;
}

/** Returns the version of a package that is installed in `directory`. */
export function versionOf(directory: string, name: string): string {
  const text = readFileSync(join(directory, 'node_modules', name, 'package.json'), 'utf8');
  return manifest.parse(JSON.parse(text)).version;
}
