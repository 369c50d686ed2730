// Where the gateway's time goes: the works of throughput, one after another, and for each the share of the CPU time that each package and
// each file of the gateway takes. What Node does is counted for who asked for it.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { compile, compiled, here } from './compile.js';
import { gateway } from './contenders.js';
import { readOptions } from './options.js';
import { loadResultSchema } from './orders.js';
import { killAll, Process } from './processes.js';
import { startStation, verify } from './stations.js';
import { startUpstream, writeAnswers } from './upstream.js';

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

// Node reads it, field by field.
const payloadSchema = z.custom<SourceMapPayload>((value) => typeof value === 'object' && value !== null);

type Node = z.infer<typeof profileSchema>['nodes'][number];

// What is less than this is told together.
const least = 0.005;

/** Whose a frame is: a package, or a file of the gateway; undefined where it is Node's. */
function ownerOf({ callFrame: { url, lineNumber, columnNumber } }: Node, map: SourceMap): string | undefined {
  if (!url.startsWith('file:')) return undefined;
  let source = url;
  if (url.endsWith('/dist/main.js')) {
    const entry = map.findEntry(lineNumber, columnNumber);
    // What esbuild adds by itself has no source, whatever the type says.
    const original: unknown = 'originalSource' in entry ? entry.originalSource : undefined;
    if (typeof original !== 'string') return undefined;
    source = original;
  }
  const names = [...source.matchAll(/node_modules\/((?:@[^/]+\/)?[^/]+)/g)].map(([, name]) => name);
  // Some maps of packages lead out of their package.
  const name = names.at(-1) === 'src' ? 'a package that its map does not name' : names.at(-1);
  return name ?? /src\/.*/.exec(source)?.[0];
}

/** The share of each owner, the largest first. */
function toShares(text: string, map: SourceMap): readonly (readonly [string, number])[] {
  const { nodes, samples } = profileSchema.parse(JSON.parse(text));
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node] as const)));
  const owners = new Map<number, string>();
  const ownerAbove = (node: Node): string => {
    const known = owners.get(node.id);
    if (known !== undefined) return known;
    const parent = parents.get(node.id);
    const own = ownerOf(node, map) ?? (parent === undefined ? 'Node itself' : ownerAbove(parent));
    owners.set(node.id, own);
    return own;
  };
  const counts = new Map<string, number>();
  let busy = 0;
  for (const id of samples) {
    const node = byId.get(id);
    if (node === undefined || node.callFrame.functionName === '(idle)') continue;
    busy++;
    const isCollector = node.callFrame.functionName === '(garbage collector)';
    const owner = isCollector ? 'garbage collector' : ownerAbove(node);
    counts.set(owner, (counts.get(owner) ?? 0) + 1);
  }
  const shares = [...counts].map(([owner, count]) => [owner, count / busy] as const);
  const large = shares.filter(([, share]) => share >= least).toSorted((a, b) => b[1] - a[1]);
  const rest = shares.filter(([, share]) => share < least);
  return [...large, [`${rest.length} others`, rest.reduce((sum, [, share]) => sum + share, 0)]];
}

async function run(directory: string): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  await compile();
  mkdirSync(join(directory, 'logs'));
  writeAnswers(join(directory, 'answers'));
  const upstream = await startUpstream({ directory, responder: join(compiled, 'responder.js') });
  const places = { root: join(here, '..'), compiled, logs: join(directory, 'logs') };
  const load = new Process({
    name: 'load generator',
    file: process.execPath,
    args: [join(compiled, 'load.js')],
    logFile: join(places.logs, 'load.log'),
  });
  const payload: unknown = JSON.parse(readFileSync(join(places.root, 'dist/main.js.map'), 'utf8'));
  const map = new SourceMap(payloadSchema.parse(payload));
  for (const work of options.works) {
    if (work.kind !== 'throughput') continue;
    const station = await startStation(gateway, upstream.url, places);
    const [verified] = await verify([station], work.question);
    if (verified === undefined) throw new TypeError('There is no gateway.');
    const { url, body, expectedBody } = verified;
    const { connections, keys } = work;
    const order = { ask: 'load', url, body, expectedBody, connections, keys };
    await load.ask({ ...order, seconds: options.warmUp }, loadResultSchema);
    const file = join(directory, 'profile.json');
    const loading = load.ask({ ...order, seconds: options.seconds + 1 }, loadResultSchema);
    await station.process.ask({ ask: 'profile', seconds: options.seconds, file }, z.object({ file: z.string() }));
    await loading;
    await station.process.stop();
    process.stdout.write(`\n${work.title}\n`);
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
