// Says what has changed in schema.graphql since the last release (docs/schema/released.graphql); fails where something would break a
// client that is in use. With --release, makes what is there the release: its changes go to the top of docs/schema/CHANGELOG.md. Of the
// project in the working directory.
import { readFile, writeFile } from 'node:fs/promises';
import { type Change, CriticalityLevel, diff, DiffRule } from '@graphql-inspector/core';
import { buildSchema } from 'graphql';

const released = 'docs/schema/released.graphql';
const changelog = 'docs/schema/CHANGELOG.md';
const text = await readFile('schema.graphql', 'utf8');
const changes = await diff(buildSchema(await readFile(released, 'utf8')), buildSchema(text), [
  DiffRule.ignoreDescriptionChanges,
]);
const levels = [
  [CriticalityLevel.Breaking, 'Breaking'],
  [CriticalityLevel.Dangerous, 'To be looked at'],
  [CriticalityLevel.NonBreaking, 'New'],
] as const;

function toText(all: readonly Change[]): string {
  return levels
    .flatMap(([level, title]) => {
      const lines = all.filter(({ criticality }) => criticality.level === level).map(({ message }) => `- ${message}`);
      return lines.length === 0 ? [] : [`${title}:\n\n${lines.join('\n')}\n`];
    })
    .join('\n');
}

const version = process.argv[process.argv.indexOf('--release') + 1];
if (process.argv.includes('--release')) {
  if (version === undefined) throw new TypeError('Say which version: npm run schema:diff -- --release 1.2.0');
  const marker = '<!-- releases -->\n';
  const before = await readFile(changelog, 'utf8');
  const entry = `\n## ${version}\n\n${changes.length === 0 ? 'Nothing has changed.\n' : toText(changes)}`;
  await writeFile(
    changelog,
    before.replace(marker, () => marker + entry),
  );
  await writeFile(released, text);
} else {
  process.stdout.write(changes.length === 0 ? 'The schema is that of the last release.\n' : toText(changes));
  if (changes.some(({ criticality }) => criticality.level === CriticalityLevel.Breaking)) {
    process.stderr.write(
      '\nThis breaks clients that are in use. Deprecate instead, and remove when nobody asks for it any more.\n',
    );
    process.exitCode = 1;
  }
}
