// Writes schema.graphql from the code. With --check, fails if the file differs from the code.
import { readFile, writeFile } from 'node:fs/promises';
import { createSchema, toSchemaText } from '../src/graph/schema.js';

const file = new URL('../schema.graphql', import.meta.url);
const text = toSchemaText(createSchema());

if (process.argv.includes('--check')) {
  if ((await readFile(file, 'utf8')) !== text) {
    process.stderr.write('schema.graphql differs from the schema in the code. Run: npm run schema\n');
    process.exitCode = 1;
  }
} else {
  await writeFile(file, text);
}
