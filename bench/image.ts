// Reads the Dockerfile, so that the bench measures what ships.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { benchDirectory } from './compile.js';

/** Returns the flags of Node in the image's command, e.g. `--max-semi-space-size=16`. */
export function readImageFlags(): readonly string[] {
  const [, command = ''] = /^CMD (.*)$/m.exec(readFileSync(join(benchDirectory, '../Dockerfile'), 'utf8')) ?? [];
  return z
    .array(z.string())
    .parse(JSON.parse(command))
    .filter((argument) => argument.startsWith('--'));
}
