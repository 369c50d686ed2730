// Checks the packages of the lock file: origin (a registry), checksum, licence, and known vulnerabilities of high or critical severity.
// Writes an SBOM to dist/sbom.cdx.json (CycloneDX). If a package violates a rule, prints one line per violation and fails.
import { spawnSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { z } from 'zod';

/** Permissive licences, which at most require that their notice is kept. */
const allowedLicences = new Set('0BSD Apache-2.0 BlueOak-1.0.0 BSD-2-Clause BSD-3-Clause CC0-1.0 ISC MIT'.split(' '));
/** Build tools exempt from the licence check: no part of them is in the built files. */
const exemptTools = /^(argparse|caniuse-lite|lightningcss(-[\w-]+)?|spdx-exceptions)$/;

const lockFile = z.object({
  packages: z.record(z.string(), z.object({ resolved: z.string().optional(), integrity: z.string().optional() })),
});
const sbom = z.object({
  components: z.array(
    z.object({
      name: z.string(),
      licenses: z
        .array(
          z.union([
            z.object({ expression: z.string() }).transform(({ expression }) => expression),
            z.object({ license: z.object({ id: z.string() }) }).transform(({ license }) => license.id),
          ]),
        )
        .default([]),
    }),
  ),
});
const audit = z.object({ vulnerabilities: z.record(z.string(), z.object({ severity: z.string() })) });

/** Runs npm. Returns its stdout, and the parsed value or undefined if stdout is not JSON. */
function runNpm(...args: string[]): { text: string; value: unknown } {
  const { stdout: text } = spawnSync('npm', args, {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const value: unknown = JSON.parse(text);
    return { text, value };
  } catch {
    // npm printed the reason on stderr.
    return { text, value: undefined };
  }
}

// The lock file omits the URL of a registry's tarball, or the URL has this form.
const registryUrl = /^https:\/\/[^?#]+\/-\/[^/?#]+\.tgz$/;

const violations: string[] = [];

const lock = lockFile.parse(JSON.parse(await readFile('package-lock.json', 'utf8')));
for (const [path, { resolved, integrity }] of Object.entries(lock.packages)) {
  if (path === '') continue;
  if (resolved !== undefined && !registryUrl.test(resolved))
    violations.push(`${path} does not come from a registry. Depend on a published version.`);
  if (integrity?.startsWith('sha512-') !== true)
    violations.push(`${path} has no sha512 checksum in package-lock.json. Reinstall it.`);
}

// Lists all packages, dev dependencies included: the playground is built from them, and `--omit=dev` would also omit packages that both
// kinds use.
const sbomOutput = runNpm('sbom', '--package-lock-only', '--sbom-format=cyclonedx');
const { data: { components } = { components: [] }, success } = sbom.safeParse(sbomOutput.value);
if (!success) violations.push('`npm sbom` printed no CycloneDX document. See its errors above.');
await mkdir('dist', { recursive: true });
await writeFile('dist/sbom.cdx.json', sbomOutput.text);
const counts = new Map<string, number>();
for (const { name, licenses } of components) {
  const licence = licenses.join(' AND ') || 'none';
  counts.set(licence, (counts.get(licence) ?? 0) + 1);
  const ids = licence.match(/[\w.+-]+/g)?.filter((word) => !/^(AND|OR)$/.test(word)) ?? [];
  if (!exemptTools.test(name) && !ids.every((id) => allowedLicences.has(id)))
    violations.push(
      `${name} has a licence that is not allowed: ${licence}. Allowed: ${[...allowedLicences].join(', ')}.`,
    );
}

// No retries: if the registry cannot be queried, the other checks still count.
const report = audit.safeParse(
  runNpm('audit', '--omit=dev', '--json', '--fetch-retries=0', '--fetch-timeout=60000').value,
);
const vulnerabilities = Object.entries(report.data?.vulnerabilities ?? {});
for (const [name, { severity }] of vulnerabilities) {
  if (severity === 'high' || severity === 'critical')
    violations.push(`${name} has a known vulnerability: ${severity}. Run npm audit for details.`);
}

process.stdout.write(
  [
    `${components.length} packages, written to dist/sbom.cdx.json`,
    ...[...counts].sort(([, a], [, b]) => b - a).map(([licence, count]) => `${String(count).padStart(5)} ${licence}`),
    report.success
      ? `known vulnerabilities in runtime packages: ${vulnerabilities.length}`
      : 'known vulnerabilities: not checked, because the registry could not be queried',
    '',
  ].join('\n'),
);
if (violations.length > 0) {
  process.stderr.write(`${violations.join('\n')}\n`);
  process.exitCode = 1;
}
