// Starts contenders as servers, and verifies before any measurement that all of them return the same data as the gateway.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { request } from 'undici';
import { z } from 'zod';
import { type Contender, type Directories, gateway } from './contenders.js';
import { Process } from './processes.js';
import type { Query } from './queries.js';

/** Directories of compiled files and of logs. */
export interface ServerDirectories extends Directories {
  readonly logs: string;
}

/** A contender that is running and listening. */
export interface Server {
  readonly contender: Contender;
  readonly process: Process;
  /** URL of its GraphQL endpoint. */
  readonly url: string;
}

/** A server whose response to a query was verified. */
export interface VerifiedServer extends Server {
  /** Request body. */
  readonly body: string;
  /** Response body that every later response must equal. */
  readonly expectedBody: string;
}

const responseSchema = z.strictObject({ data: z.unknown() });

/** Settings to start a contender with, besides its own. */
export interface StartOptions {
  /** Texts by id, from which it gets a manifest of trusted documents. */
  readonly trustedDocuments?: Query['trustedDocuments'];
  /** Runs it on one core, with the heap that V8 chooses in a container of so many megabytes. */
  readonly containerMb?: number | undefined;
}

/** Starts a contender in front of a REST API. Resolves when it listens; rejects if it exits first. */
export async function startServer(
  contender: Contender,
  upstream: string,
  directories: ServerDirectories,
  { trustedDocuments, containerMb }: StartOptions = {},
): Promise<Server> {
  const manifest = join(directories.logs, 'manifest.json');
  if (trustedDocuments !== undefined) writeFileSync(manifest, JSON.stringify(trustedDocuments));
  const [file, ...args] = [
    ...(containerMb === undefined ? [] : ['taskset', '-c', findCore()]),
    process.execPath,
    ...contender.flags,
    // V8 limits the old generation to half of the memory that it sees.
    ...(containerMb === undefined ? [] : [`--max-old-space-size=${containerMb / 2}`]),
    ...(contender.isLauncher === true ? [] : ['--import', join(directories.benchDist, 'instrumentation.js')]),
    contender.script(directories),
  ];
  const child = new Process({
    name: contender.id,
    file,
    args,
    env: {
      ...contender.env(upstream),
      ...(trustedDocuments === undefined ? {} : { TRUSTED_DOCUMENTS: manifest }),
    },
    logFile: join(directories.logs, `${contender.id}.log`),
    cwd: directories.root,
  });
  return { contender, process: child, url: toGraphqlUrl(await child.waitUntilListening(contender.readyMessage)) };
}

/** Sends a query to all servers, which must include the gateway. Rejects if a response differs from the gateway's as data. */
export async function verifyServers(servers: readonly Server[], query: Query): Promise<readonly VerifiedServer[]> {
  const results = await Promise.all(servers.map((server) => verifyResponse(server, query)));
  const expected = results.find(({ verified }) => verified.contender === gateway)?.normalized;
  for (const { verified, normalized } of results) {
    if (expected === undefined || !isDeepStrictEqual(normalized, expected)) {
      throw new Error(
        `The response of ${verified.contender.title} differs from the gateway's. It begins: ${verified.expectedBody.slice(0, 500)}`,
      );
    }
  }
  return results.map(({ verified }) => verified);
}

async function verifyResponse(server: Server, query: Query) {
  const { dialect, title } = server.contender;
  const body = JSON.stringify(query.operations[dialect]);
  const response = await request(server.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'mc-api-key': 'bench-key-verify' },
    body,
  });
  const expectedBody = await response.body.text();
  try {
    const { data } = responseSchema.parse(JSON.parse(expectedBody));
    return { verified: { ...server, body, expectedBody }, normalized: query.normalize[dialect](data) };
  } catch (error) {
    throw new Error(`The response of ${title} has an unexpected shape. It begins: ${expectedBody.slice(0, 500)}`, {
      cause: error,
    });
  }
}

// Returns the last core that this process may use: the first one often serves the interrupts.
function findCore(): string {
  return /^Cpus_allowed_list:.*?(\d+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
}

function toGraphqlUrl(url: string): string {
  return new URL('/graphql', url).href;
}
