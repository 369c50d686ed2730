// Tests `npm run schema:diff`: it fails on breaking changes and accepts all others.
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { addCleanup } from '../helpers/cleanup.js';
import { runScript } from '../helpers/script.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const released = await readFile(join(root, 'docs/schema/released.graphql'), 'utf8');
const changelog = 'docs/schema/CHANGELOG.md';

/** Creates a project whose schema is the last release with some texts replaced. Throws if the schema does not contain one of them. */
async function createProject(...replacements: readonly (readonly [from: string, to: string])[]) {
  const folder = await mkdtemp(join(tmpdir(), 'schema-'));
  addCleanup(() => rm(folder, { recursive: true }));
  await cp(join(root, 'docs/schema'), join(folder, 'docs/schema'), { recursive: true });
  const text = replacements.reduce((schema, [from, to]) => {
    if (!schema.includes(from)) throw new Error(`The schema does not contain ${from}.`);
    return schema.replace(from, () => to);
  }, released);
  await writeFile(join(folder, 'schema.graphql'), text);
  return folder;
}

describe('schema:diff', () => {
  it('succeeds if nothing has changed', async () => {
    expect(await runScript('schema-diff.ts', { folder: await createProject() })).toEqual({
      code: 0,
      stdout: 'No changes since the last release.\n',
      stderr: '',
    });
  });

  it('accepts a new type and lists it', async () => {
    const folder = await createProject(['type Vpc ', 'type Route { id: ID! }\n\ntype Vpc ']);
    const { code, stdout } = await runScript('schema-diff.ts', { folder });
    expect(stdout).toMatch(/^Non-breaking:\n\n- Type 'Route' was added\n/);
    expect(code).toBe(0);
  });

  it('fails for a removed field, a changed field type, and a new required input field', async () => {
    const folder = await createProject(
      ['sourceNatIp: String\n', 'sourceNat: String\n'],
      ['requiresUpgrade: Boolean\n', 'requiresUpgrade: Int\n'],
      ['input DeleteSiteToSiteVpnInput {', 'input DeleteSiteToSiteVpnInput {\n  why: String!'],
    );
    const { code, stdout, stderr } = await runScript('schema-diff.ts', { folder });
    const [breaking] = stdout.split('\n\nDangerous');
    expect(breaking).toMatch(/^Breaking:\n\n- /);
    expect(breaking).toContain("Field 'sourceNatIp' was removed from object type 'Vpc'");
    expect(breaking).toContain("Field 'Vpc.requiresUpgrade' changed type");
    expect(breaking).toContain('why');
    expect(stderr).toContain('Deprecate instead');
    expect(code).toBe(1);
  });

  it('--release adds the changes to the changelog and makes the schema the last release', async () => {
    const folder = await createProject(['sourceNatIp: String\n', 'sourceNat: String\n']);
    const args = ['--release', '1.2.0'];
    expect(await runScript('schema-diff.ts', { folder, args })).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(await readFile(join(folder, changelog), 'utf8')).toContain(
      "<!-- releases -->\n\n## 1.2.0\n\nBreaking:\n\n- Field 'sourceNatIp' was removed from object type 'Vpc'\n",
    );
    expect(await runScript('schema-diff.ts', { folder })).toMatchObject({ code: 0 });
  });
});
