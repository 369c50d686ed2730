// Profiles the gateway under each throughput workload, and prints the share of CPU time of each package and of each gateway file.
// Time in Node's own functions counts for the package or file that called them.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { benchDirectory, benchDist, compile } from './compile.js';
import { gateway } from './contenders.js';
import { type LoadMessage, loadResultSchema } from './messages.js';
import { readOptions } from './options.js';
import { killAll, Process } from './processes.js';
import { startServer, verifyServers } from './servers.js';
import { startUpstream, writeResponses } from './upstream.js';

const profileSchema = z.object({
  nodes: z.array(
    z.object({
      id: z.number(),
      callFrame: z.object({
        functionName: z.string(),
        url: z.string(),
        lineNumber: z.number(),
        columnNumber: z.number(),
      }),
      children: z.array(z.number()).optional(),
    }),
  ),
  samples: z.array(z.number()),
});

// SourceMap itself validates the fields.
const payloadSchema = z.custom<SourceMapPayload>((value) => typeof value === 'object' && value !== null);

type ProfileNode = z.infer<typeof profileSchema>['nodes'][number];

// Smaller shares are summed up in one line.
const minShare = 0.005;

// Returns the package or gateway file that a call frame belongs to; undefined if it belongs to Node.
function ownerOf({ callFrame: { url, lineNumber, columnNumber } }: ProfileNode, map: SourceMap): string | undefined {
  if (!url.startsWith('file:')) return undefined;
  let source = url;
  if (url.endsWith('/dist/main.js')) {
    const entry = map.findEntry(lineNumber, columnNumber);
    // Despite the type, `originalSource` is undefined for code that esbuild adds.
    const original: unknown = 'originalSource' in entry ? entry.originalSource : undefined;
    if (typeof original !== 'string') return undefined;
    source = original;
  }
  const names = [...source.matchAll(/node_modules\/((?:@[^/]+\/)?[^/]+)/g)].map(([, name]) => name);
  // Source maps of some packages refer to paths outside the package.
  const name = names.at(-1) === 'src' ? 'package that its source map does not name' : names.at(-1);
  return name ?? /src\/.*/.exec(source)?.[0];
}

// Returns the CPU share of each owner, in descending order.
function toShares(profile: string, map: SourceMap): readonly (readonly [string, number])[] {
  const { nodes, samples } = profileSchema.parse(JSON.parse(profile));
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node] as const)));
  const owners = new Map<number, string>();
  const findOwner = (node: ProfileNode): string => {
    const cached = owners.get(node.id);
    if (cached !== undefined) return cached;
    const parent = parents.get(node.id);
    const owner = ownerOf(node, map) ?? (parent === undefined ? 'Node itself' : findOwner(parent));
    owners.set(node.id, owner);
    return owner;
  };
  const counts = new Map<string, number>();
  let busySamples = 0;
  for (const id of samples) {
    const node = byId.get(id);
    if (node === undefined || node.callFrame.functionName === '(idle)') continue;
    busySamples++;
    const isCollector = node.callFrame.functionName === '(garbage collector)';
    const owner = isCollector ? 'garbage collector' : findOwner(node);
    counts.set(owner, (counts.get(owner) ?? 0) + 1);
  }
  const shares = [...counts].map(([owner, count]) => [owner, count / busySamples] as const);
  const shown = shares.filter(([, share]) => share >= minShare).toSorted((a, b) => b[1] - a[1]);
  const rest = shares.filter(([, share]) => share < minShare);
  return [...shown, [`${rest.length} others`, rest.reduce((sum, [, share]) => sum + share, 0)]];
}

async function run(directory: string): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  await compile();
  mkdirSync(join(directory, 'logs'));
  writeResponses(join(directory, 'responses'));
  const upstream = await startUpstream({ directory, staticServer: join(benchDist, 'static-server.js') });
  const directories = { root: join(benchDirectory, '..'), benchDist, logs: join(directory, 'logs') };
  const loadGenerator = new Process({
    name: 'load generator',
    file: process.execPath,
    args: [join(benchDist, 'load.js')],
    logFile: join(directories.logs, 'load.log'),
  });
  const payload: unknown = JSON.parse(readFileSync(join(directories.root, 'dist/main.js.map'), 'utf8'));
  const map = new SourceMap(payloadSchema.parse(payload));
  for (const workload of options.workloads) {
    if (workload.kind !== 'throughput') continue;
    const server = await startServer(gateway, upstream.url, directories, workload.query);
    const [verified] = await verifyServers([server], workload.query);
    if (verified === undefined) throw new TypeError('The gateway was not verified.');
    const { url, body, expectedBody } = verified;
    const { connections, keys } = workload;
    const load = { type: 'load', url, body, expectedBody, connections, keys } as const;
    const warmUp: LoadMessage = { ...load, seconds: options.warmUpSeconds };
    await loadGenerator.send(warmUp, loadResultSchema);
    const file = join(directory, 'profile.json');
    const measured: LoadMessage = { ...load, seconds: options.seconds + 1 };
    const loading = loadGenerator.send(measured, loadResultSchema);
    await server.process.send({ type: 'profile', seconds: options.seconds, file }, z.object({ file: z.string() }));
    await loading;
    await server.process.stop();
    process.stdout.write(`\n${workload.title}\n`);
    for (const [owner, share] of toShares(readFileSync(file, 'utf8'), map)) {
      process.stdout.write(`${(share * 100).toFixed(1).padStart(6)} %  ${owner}\n`);
    }
  }
}

const directory = mkdtempSync(join(tmpdir(), 'gateway-profile-'));
process.once('exit', () => {
  killAll();
  rmSync(directory, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
try {
  await run(directory);
  process.exit();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : 'The profile failed.'}\n`);
  process.exit(1);
}
