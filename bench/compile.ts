// Compiles the code of the child processes, so that plain Node runs it. A loader that compiles at run time would add to the measured
// memory and startup time.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';

/** Path of the directory `bench`. */
export const benchDirectory = import.meta.dirname;

/** Path of the directory of compiled files. */
export const benchDist = join(benchDirectory, 'dist');

/** Compiles the contenders, the load generator, the static server and the instrumentation to `benchDist`. */
export async function compile(): Promise<void> {
  await build({
    entryPoints: [
      'contenders/**/*.ts',
      'instrumentation.ts',
      'static-server.ts',
      'load.ts',
      'messages.ts',
      'statistics.ts',
    ],
    absWorkingDir: benchDirectory,
    outdir: benchDist,
    outbase: benchDirectory,
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
  });
  await buildLikeGateway('contenders/packages');
}

// Builds a contender with the gateway's own build script, so that it differs from the gateway only in what it does.
async function buildLikeGateway(name: string): Promise<void> {
  const root = join(benchDirectory, '..');
  const args = ['scripts/build.js', join(benchDirectory, `${name}.ts`), join(benchDist, `${name}.js`)];
  await promisify(execFile)(process.execPath, args, { cwd: root });
}
