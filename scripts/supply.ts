// What the gateway is made of, from the lock file: every package from a registry and with its checksum, under a licence that we may use,
// and without a known hole. Writes it down in dist/sbom.cdx.json (CycloneDX); fails with a line for each fault.
import { spawnSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { z } from 'zod';

/** Licences that ask for no more than their notice to be kept. */
const licences = new Set('0BSD Apache-2.0 BlueOak-1.0.0 BSD-2-Clause BSD-3-Clause CC0-1.0 ISC MIT'.split(' '));
/** Tools with other licences: they work here, and nothing of them is in what is built. */
const tools = /^(argparse|caniuse-lite|lightningcss(-[\w-]+)?)$/;

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

/** What npm prints as JSON; undefined where it is none. */
function npm(...args: string[]): { text: string; value: unknown } {
  const { stdout: text } = spawnSync('npm', args, {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const value: unknown = JSON.parse(text);
    return { text, value };
  } catch {
    // npm has said why.
    return { text, value: undefined };
  }
}

// A registry's own address is left out of the lock file, or is of this form.
const registryAddress = /^https:\/\/[^?#]+\/-\/[^/?#]+\.tgz$/;

const faults: string[] = [];

const lock = lockFile.parse(JSON.parse(await readFile('package-lock.json', 'utf8')));
for (const [path, { resolved, integrity }] of Object.entries(lock.packages)) {
  if (path === '') continue;
  if (resolved !== undefined && !registryAddress.test(resolved)) faults.push(`${path} comes from no registry.`);
  if (integrity?.startsWith('sha512-') !== true) faults.push(`${path} has no checksum.`);
}

// The whole tree, with what only builds marked as such: `--omit=dev` leaves out what both use, and the playground is built of the latter.
const bill = npm('sbom', '--package-lock-only', '--sbom-format=cyclonedx');
const { data: { components } = { components: [] }, success } = sbom.safeParse(bill.value);
if (!success) faults.push('npm makes no bill of materials of the lock file.');
await mkdir('dist', { recursive: true });
await writeFile('dist/sbom.cdx.json', bill.text);
const counts = new Map<string, number>();
for (const { name, licenses } of components) {
  const licence = licenses.join(' AND ') || 'none';
  counts.set(licence, (counts.get(licence) ?? 0) + 1);
  const ids = licence.match(/[\w.+-]+/g)?.filter((word) => !/^(AND|OR)$/.test(word)) ?? [];
  if (!tools.test(name) && !ids.every((id) => licences.has(id))) faults.push(`${name} has the licence ${licence}.`);
}

// One try: where no registry answers, the rest stands.
const report = audit.safeParse(
  npm('audit', '--omit=dev', '--json', '--fetch-retries=0', '--fetch-timeout=60000').value,
);
const holes = Object.entries(report.data?.vulnerabilities ?? {});
for (const [name, { severity }] of holes) {
  if (severity === 'high' || severity === 'critical')
    faults.push(`${name} has a known hole: ${severity}. See npm audit.`);
}

process.stdout.write(
  [
    `${components.length} packages, written to dist/sbom.cdx.json`,
    ...[...counts].sort(([, a], [, b]) => b - a).map(([licence, count]) => `${String(count).padStart(5)} ${licence}`),
    report.success ? `known holes in what runs: ${holes.length}` : 'known holes: the registry could not be asked',
    '',
  ].join('\n'),
);
if (faults.length > 0) {
  process.stderr.write(`${faults.join('\n')}\n`);
  process.exitCode = 1;
}
