// Finds Tailcall, which is a native program: its package has one for each platform, and this one needs glibc 2.39.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

const program = 'node_modules/@tailcallhq/core-linux-x64-gnu/bin/tailcall';

/**
 * Returns the path of Tailcall's program, or of the one that the environment variable TAILCALL names in its place. Returns undefined if it does
 * not run on this machine.
 */
export function findTailcall(): string | undefined {
  const file = process.env['TAILCALL'] ?? join(import.meta.dirname, program);
  return existsSync(file) && spawnSync(file, ['--version']).status === 0 ? file : undefined;
}
