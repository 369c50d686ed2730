// Compares schema.graphql with the last release (docs/schema/released.graphql). Prints the changes and fails if one breaks clients.
// With --release VERSION, adds the changes to docs/schema/CHANGELOG.md and makes schema.graphql the last release.
// Works on the project in the working directory.
import { readFile, writeFile } from 'node:fs/promises';
import { type Change, CriticalityLevel, diff, DiffRule } from '@graphql-inspector/core';
import { buildSchema } from 'graphql';

const released = 'docs/schema/released.graphql';
const changelog = 'docs/schema/CHANGELOG.md';
const text = await readFile('schema.graphql', 'utf8');
const changes = await diff(buildSchema(await readFile(released, 'utf8')), buildSchema(text), [
  DiffRule.ignoreDescriptionChanges,
]);
const sections = [
  [CriticalityLevel.Breaking, 'Breaking'],
  [CriticalityLevel.Dangerous, 'Dangerous'],
  [CriticalityLevel.NonBreaking, 'Non-breaking'],
] as const;

/** Formats changes as Markdown, grouped by criticality. */
function toMarkdown(all: readonly Change[]): string {
  return sections
    .flatMap(([level, title]) => {
      const lines = all.filter(({ criticality }) => criticality.level === level).map(({ message }) => `- ${message}`);
      return lines.length === 0 ? [] : [`${title}:\n\n${lines.join('\n')}\n`];
    })
    .join('\n');
}

const version = process.argv[process.argv.indexOf('--release') + 1];
if (process.argv.includes('--release')) {
  if (version === undefined)
    throw new TypeError('--release needs a version. Run, e.g.: npm run schema:diff -- --release 1.2.0');
  const marker = '<!-- releases -->\n';
  const before = await readFile(changelog, 'utf8');
  const entry = `\n## ${version}\n\n${changes.length === 0 ? 'No changes.\n' : toMarkdown(changes)}`;
  await writeFile(
    changelog,
    before.replace(marker, () => marker + entry),
  );
  await writeFile(released, text);
} else {
  process.stdout.write(changes.length === 0 ? 'No changes since the last release.\n' : toMarkdown(changes));
  if (changes.some(({ criticality }) => criticality.level === CriticalityLevel.Breaking)) {
    process.stderr.write(
      '\nThe breaking changes break existing clients. Deprecate instead, and remove once no client uses it.\n',
    );
    process.exitCode = 1;
  }
}
