// Builds the playground into dist/playground, unless the last build is newer than all its inputs.
// Runs before every start, so it loads Vite only if a build is needed.
import { readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';

const source = import.meta.dirname;
const lockFile = join(dirname(source), 'package-lock.json');
// Written last, so an interrupted build does not count.
const stamp = join(dirname(source), 'dist', 'playground', '.built');

/** Returns the modification time in milliseconds since the epoch; 0 if the file does not exist. */
const modifiedAt = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

// Includes folders: only a folder's modification time shows that a file was deleted.
const inputs = [source, lockFile, ...readdirSync(source, { recursive: true }).map((name) => join(source, name))];

if (Math.max(...inputs.map(modifiedAt)) >= modifiedAt(stamp)) {
  const start = new Date();
  const { build } = await import('vite');
  await build({ configFile: join(source, 'vite.config.ts') });
  writeFileSync(stamp, '');
  // Dated to the start of the build, so a file edited during the build is newer.
  utimesSync(stamp, start, start);
  process.stdout.write(`playground built in ${((Date.now() - start.getTime()) / 1000).toFixed(1)} s\n`);
}
