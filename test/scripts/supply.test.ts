// Tests `npm run check:supply`: the violations it reports, and that a failed query is not reported as "no vulnerabilities".
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { addCleanup } from '../helpers/cleanup.js';
import { runScript } from '../helpers/script.js';
import { json, startUpstream } from '../helpers/upstream.js';

const validPackage = { version: '1.0.0', license: 'MIT', integrity: 'sha512-eA==' };

/**
 * Runs the check on a project with these dependencies. The registry reports a vulnerability of the given severity for each named
 * package; with null, it rejects all queries.
 */
async function check(
  dependencies: Readonly<Record<string, object>>,
  severities: Readonly<Record<string, string>> | null = {},
) {
  const folder = await mkdtemp(join(tmpdir(), 'supply-'));
  addCleanup(() => rm(folder, { recursive: true }));
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
  const advisory = { url: 'https://example.com/1', title: 'A vulnerability.', vulnerable_versions: '*', cwe: [] };
  return Object.fromEntries(
    Object.entries(severities).map(([name, severity], id) => [name, [{ ...advisory, id, severity }]]),
  );
}

const allowed = 'Allowed: 0BSD, Apache-2.0, BlueOak-1.0.0, BSD-2-Clause, BSD-3-Clause, CC0-1.0, ISC, MIT.';

// A project that breaks every rule.
const rejected = await check(
  {
    git: { ...validPackage, resolved: 'git+ssh://git@example.com/git.git#123', integrity: undefined },
    tarball: { ...validPackage, resolved: 'https://example.com/tarball.tgz' },
    folder: { ...validPackage, resolved: '../folder' },
    registered: { ...validPackage, resolved: 'https://example.com/npm/registered/-/registered-1.0.0.tgz' },
    left: { ...validPackage, license: '(MIT OR GPL-3.0-only)' },
    right: { ...validPackage, license: undefined },
    up: { ...validPackage, license: 'SEE LICENSE IN FILE' },
    a: validPackage,
    b: validPackage,
    c: validPackage,
    d: validPackage,
  },
  { a: 'low', b: 'moderate', c: 'high', d: 'critical' },
);

/** Returns the violations of `rejected` with this text, in order. */
const violationsWith = (text: string) => rejected.stderr.split('\n').filter((line) => line.includes(text));

describe('check:supply', () => {
  it('accepts a valid package and lists it in the SBOM', async () => {
    const { code, stdout, stderr, folder } = await check({ left: validPackage });

    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toBe(
      '1 packages, written to dist/sbom.cdx.json\n    1 MIT\nknown vulnerabilities in runtime packages: 0\n',
    );
    const sbom: unknown = JSON.parse(await readFile(join(folder, 'dist/sbom.cdx.json'), 'utf8'));
    expect(sbom).toMatchObject({ bomFormat: 'CycloneDX', components: [{ name: 'left', version: '1.0.0' }] });
  });

  it('fails if a package violates a rule', () => {
    expect(rejected.code).toBe(1);
    expect(rejected.stdout).toContain('known vulnerabilities in runtime packages: 4\n');
  });

  it('rejects packages from a git repository, a tarball URL or a folder', () => {
    expect(violationsWith('node_modules/')).toEqual([
      'node_modules/git does not come from a registry. Depend on a published version.',
      'node_modules/git has no sha512 checksum in package-lock.json. Reinstall it.',
      'node_modules/tarball does not come from a registry. Depend on a published version.',
      'node_modules/folder does not come from a registry. Depend on a published version.',
    ]);
  });

  it('rejects packages with a licence that is not allowed, without a licence, or without an SPDX id', () => {
    expect(violationsWith('licence')).toEqual([
      `left has a licence that is not allowed: (MIT OR GPL-3.0-only). ${allowed}`,
      `right has a licence that is not allowed: none. ${allowed}`,
      `up has a licence that is not allowed: none. ${allowed}`,
    ]);
  });

  it('rejects packages with a known vulnerability of high or critical severity', () => {
    expect(violationsWith('vulnerability')).toEqual([
      'c has a known vulnerability: high. Run npm audit for details.',
      'd has a known vulnerability: critical. Run npm audit for details.',
    ]);
  });

  it('reports that vulnerabilities were not checked if the registry rejects the query', async () => {
    const { code, stdout } = await check({ left: validPackage }, null);

    expect(code).toBe(0);
    expect(stdout).toContain('known vulnerabilities: not checked, because the registry could not be queried\n');
  });
});
