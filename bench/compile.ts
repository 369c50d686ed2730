// What runs in processes of its own is compiled first. Plain Node runs what is measured: a loader that compiles while it runs would
// count in its memory and in its start.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';

/** This folder. */
export const here = import.meta.dirname;

/** Where the compiled files are. */
export const compiled = join(here, 'dist');

/** Compiles. */
export async function compile(): Promise<void> {
  await build({
    entryPoints: ['contenders/**/*.ts', 'reporter.ts', 'responder.ts', 'load.ts', 'orders.ts', 'statistics.ts'],
    absWorkingDir: here,
    outdir: compiled,
    outbase: here,
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
  });
  await buildAsGateway('contenders/packages');
}

// What is to differ from the gateway in what it does, not in how it is built.
async function buildAsGateway(name: string): Promise<void> {
  const root = join(here, '..');
  const args = ['scripts/build.js', join(here, `${name}.ts`), join(compiled, `${name}.js`)];
  await promisify(execFile)(process.execPath, args, { cwd: root });
}
