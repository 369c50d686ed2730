// The schema against that of the last release: `npm run schema:diff` lets through what no client notices, and nothing else.
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { atEnd } from '../helpers/at-end.js';
import { runScript } from '../helpers/script.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const released = await readFile(join(root, 'docs/schema/released.graphql'), 'utf8');
const changelog = 'docs/schema/CHANGELOG.md';

/** A project whose schema is that of the last release but for one replacement; throws where that finds nothing to replace. */
async function createProject(from = '', to = '') {
  const folder = await mkdtemp(join(tmpdir(), 'schema-'));
  atEnd(() => rm(folder, { recursive: true }));
  await cp(join(root, 'docs/schema'), join(folder, 'docs/schema'), { recursive: true });
  const text = released.replace(from, () => to);
  if (text === released && from !== to) throw new Error(`The schema has no ${from}.`);
  await writeFile(join(folder, 'schema.graphql'), text);
  return folder;
}

describe('schema:diff', () => {
  it('lets through what is as it was', async () => {
    expect(await runScript('schema-diff.ts', { folder: await createProject() })).toEqual({
      code: 0,
      stdout: 'The schema is that of the last release.\n',
      stderr: '',
    });
  });

  it('lets through what is new, and names it', async () => {
    const folder = await createProject('type Vpc ', 'type Route { id: ID! }\n\ntype Vpc ');
    const { code, stdout } = await runScript('schema-diff.ts', { folder });
    expect(stdout).toMatch(/^New:\n\n- Type 'Route' was added\n/);
    expect(code).toBe(0);
  });

  it.each([
    [
      'a field that is gone',
      'sourceNatIp: String\n',
      'sourceNat: String\n',
      "Field 'sourceNatIp' was removed from object type 'Vpc'",
    ],
    ['a type that is another', 'sourceNatIp: String\n', 'sourceNatIp: Int\n', "Field 'Vpc.sourceNatIp' changed type"],
    [
      'an input that is wanted',
      'input DeleteSiteToSiteVpnInput {',
      'input DeleteSiteToSiteVpnInput {\n  why: String!',
      'why',
    ],
  ])('fails for %s', async (_what, from, to, told) => {
    const { code, stdout, stderr } = await runScript('schema-diff.ts', { folder: await createProject(from, to) });
    expect(stdout).toMatch(/^Breaking:\n\n- /);
    expect(stdout).toContain(told);
    expect(stderr).toContain('Deprecate instead');
    expect(code).toBe(1);
  });

  it('makes a release, whose changes are noted and no longer told', async () => {
    const folder = await createProject('sourceNatIp: String\n', 'sourceNat: String\n');
    const args = ['--release', '1.2.0'];
    expect(await runScript('schema-diff.ts', { folder, args })).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(await readFile(join(folder, changelog), 'utf8')).toContain(
      "<!-- releases -->\n\n## 1.2.0\n\nBreaking:\n\n- Field 'sourceNatIp' was removed from object type 'Vpc'\n",
    );
    expect(await runScript('schema-diff.ts', { folder })).toMatchObject({ code: 0 });
  });
});
