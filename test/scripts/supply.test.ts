// What the gateway is made of: `npm run check:supply` says what is wrong with a lock file, and tells "not asked" from "nothing found".
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { atEnd } from '../helpers/at-end.js';
import { runScript } from '../helpers/script.js';
import { json, startUpstream } from '../helpers/upstream.js';

const good = { version: '1.0.0', license: 'MIT', integrity: 'sha512-eA==' };

/** Checks a project with these dependencies, against a registry that knows of holes by their severity, or of nothing at all. */
async function check(
  dependencies: Readonly<Record<string, object>>,
  severities: Readonly<Record<string, string>> | null = {},
) {
  const folder = await mkdtemp(join(tmpdir(), 'supply-'));
  atEnd(() => rm(folder, { recursive: true }));
  const names = Object.keys(dependencies);
  const project = {
    name: 'project',
    version: '1.0.0',
    dependencies: Object.fromEntries(names.map((name) => [name, '^1.0.0'])),
  };
  const installed = Object.entries(dependencies).map(([name, entry]) => [`node_modules/${name}`, entry] as const);
  const lock = { ...project, lockfileVersion: 3, packages: { '': project, ...Object.fromEntries(installed) } };
  await writeFile(join(folder, 'package.json'), JSON.stringify(project));
  await writeFile(join(folder, 'package-lock.json'), JSON.stringify(lock));
  const registry = await startUpstream(({ method, url }) => {
    if (severities === null) return json(405, {});
    if (method === 'POST') return toAdvisories(severities);
    const name = url.slice(1);
    return { name, 'dist-tags': { latest: '1.0.0' }, versions: { '1.0.0': { name, version: '1.0.0' } } };
  });
  const env = { npm_config_registry: new URL('/', registry.url).href, npm_config_loglevel: 'silent' };
  return { ...(await runScript('supply.ts', { folder, env })), folder };
}

function toAdvisories(severities: Readonly<Record<string, string>>): object {
  const advisory = { url: 'https://example.com/1', title: 'A hole.', vulnerable_versions: '*', cwe: [] };
  return Object.fromEntries(
    Object.entries(severities).map(([name, severity], id) => [name, [{ ...advisory, id, severity }]]),
  );
}

describe('A dependency', () => {
  it('of a registry, with its checksum, a licence and no known hole, is taken and written down', async () => {
    const { code, stdout, stderr, folder } = await check({ left: good });

    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toBe('1 packages, written to dist/sbom.cdx.json\n    1 MIT\nknown holes in what runs: 0\n');
    const sbom: unknown = JSON.parse(await readFile(join(folder, 'dist/sbom.cdx.json'), 'utf8'));
    expect(sbom).toMatchObject({ bomFormat: 'CycloneDX', components: [{ name: 'left', version: '1.0.0' }] });
  });

  it('of a git repository, a tarball or a folder is refused', async () => {
    const { code, stderr } = await check({
      git: { ...good, resolved: 'git+ssh://git@example.com/git.git#123', integrity: undefined },
      tarball: { ...good, resolved: 'https://example.com/tarball.tgz' },
      folder: { ...good, resolved: '../folder' },
      registered: { ...good, resolved: 'https://example.com/npm/registered/-/registered-1.0.0.tgz' },
    });

    expect(code).toBe(1);
    expect(stderr.trimEnd().split('\n')).toEqual([
      'node_modules/git comes from no registry.',
      'node_modules/git has no checksum.',
      'node_modules/tarball comes from no registry.',
      'node_modules/folder comes from no registry.',
    ]);
  });

  it('with a licence that asks for more is refused, and so is one without a licence that has a name', async () => {
    const { code, stderr } = await check({
      left: { ...good, license: '(MIT OR GPL-3.0-only)' },
      right: { ...good, license: undefined },
      up: { ...good, license: 'SEE LICENSE IN FILE' },
    });

    expect(code).toBe(1);
    expect(stderr.trimEnd().split('\n')).toEqual([
      'left has the licence (MIT OR GPL-3.0-only).',
      'right has the licence none.',
      'up has the licence none.',
    ]);
  });

  it('with a known hole is refused where that is high or critical', async () => {
    const severities = { a: 'low', b: 'moderate', c: 'high', d: 'critical' };
    const { code, stdout, stderr } = await check({ a: good, b: good, c: good, d: good }, severities);

    expect(code).toBe(1);
    expect(stdout).toContain('known holes in what runs: 4\n');
    expect(stderr.trimEnd().split('\n')).toEqual([
      'c has a known hole: high. See npm audit.',
      'd has a known hole: critical. See npm audit.',
    ]);
  });

  it('of which no registry says whether it has holes is not said to have none', async () => {
    const { code, stdout } = await check({ left: good }, null);

    expect(code).toBe(0);
    expect(stdout).toContain('known holes: the registry could not be asked\n');
  });
});
