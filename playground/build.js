// Builds the playground into dist/playground, or does nothing where that is newer than all it is made of.
// It runs before every start, so Vite is loaded only once it is known to be needed.
import { readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';

const source = import.meta.dirname;
const lockFile = join(dirname(source), 'package-lock.json');
// Written last, so that a build which was cut short counts as none.
const stamp = join(dirname(source), 'dist', 'playground', '.built');

/** When the file was last changed, in ms; 0 where there is none. */
const changed = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

// The folders count as well: theirs is the only time that tells of a file that is gone.
const inputs = [source, lockFile, ...readdirSync(source, { recursive: true }).map((name) => join(source, name))];

if (Math.max(...inputs.map(changed)) >= changed(stamp)) {
  const start = new Date();
  const { build } = await import('vite');
  await build({ configFile: join(source, 'vite.config.ts') });
  writeFileSync(stamp, '');
  // What is edited while the build runs is newer than the build.
  utimesSync(stamp, start, start);
  process.stdout.write(`playground built in ${((Date.now() - start.getTime()) / 1000).toFixed(1)} s\n`);
}
