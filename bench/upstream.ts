// The REST API that everyone calls: the worlds as static answers, by nginx where it is installed, else by a responder on Node; the
// latter also where answers are to be late. It knows nothing of GraphQL.
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { request } from 'undici';
import { z } from 'zod';
import { Process } from './processes.js';
import { largeArea, serviceCode, testArea, type World } from './world.js';

/** A running REST API. */
export interface Upstream {
  /** What it is, for people. */
  readonly name: string;
  /** Its base URL, with the version in it. */
  readonly url: string;
  /** How many calls it has answered so far; asking is not counted. */
  calls(): Promise<number>;
  /** Ends it. */
  stop(): Promise<void>;
}

/** Where the calls are answered from, and the code to run. */
export interface UpstreamOptions {
  /** A folder of our own for files, configuration and logs. */
  readonly directory: string;
  /** The compiled responder. */
  readonly responder: string;
}

/** Starts the REST API. */
export function startUpstream(options: UpstreamOptions): Promise<Upstream> {
  const nginx = findNginx();
  return nginx === undefined ? startResponder(options, 0) : startNginx(options, nginx);
}

/** Starts a REST API whose every answer comes `delayMs` milliseconds late. */
export function startSlowUpstream(options: UpstreamOptions, delayMs: number): Promise<Upstream> {
  return startResponder(options, delayMs);
}

/** Writes the answers: one file for each path, its name the path and `.json`. */
export function writeAnswers(directory: string): void {
  for (const world of [testArea, largeArea]) writeWorld(directory, world);
}

function writeWorld(directory: string, { environment, vpns, vpcs }: World): void {
  const base = join(directory, 'v1/services', serviceCode, environment);
  for (const [collection, entities] of Object.entries({ sitetositevpns: vpns, vpcs })) {
    mkdirSync(join(base, collection), { recursive: true });
    const list = { data: entities, metadata: { recordCount: entities.length } };
    writeFileSync(join(base, `${collection}.json`), JSON.stringify(list));
    for (const entity of entities) {
      writeFileSync(join(base, collection, `${entity.id}.json`), JSON.stringify({ data: entity }));
    }
  }
}

function findNginx(): string | undefined {
  // Debian's is in a folder that only root has on its search path.
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin'];
  return folders.map((folder) => join(folder, 'nginx')).find((file) => existsSync(file));
}

async function startNginx({ directory }: UpstreamOptions, file: string): Promise<Upstream> {
  const port = await findFreePort();
  const config = join(directory, 'nginx.conf');
  writeFileSync(config, toNginxConfig(directory, port));
  chmodSync(directory, 0o755);
  const server = new Process({
    name: 'nginx',
    file,
    args: ['-c', config, '-p', directory, '-e', 'stderr'],
    logFile: join(directory, 'nginx.log'),
  });
  const origin = `http://127.0.0.1:${port}`;
  let asked = 0;
  const calls = async () => {
    const { body } = await request(`${origin}/status`);
    const requests = /^ \d+ \d+ (\d+)/m.exec(await body.text())?.[1];
    asked++;
    return Number(requests) - asked;
  };
  await untilAnswering(calls);
  return { name: 'nginx', url: `${origin}/v1`, calls, stop: () => server.stop() };
}

// One process, which needs no rights and no user of its own.
function toNginxConfig(directory: string, port: number): string {
  return `daemon off;
master_process off;
pid ${directory}/nginx.pid;
error_log stderr warn;
events { worker_connections 4096; }
http {
  access_log off;
  gzip off;
  etag off;
  tcp_nodelay on;
  keepalive_requests 1000000;
  keepalive_timeout 300s;
  open_file_cache max=4096 inactive=10m;
  open_file_cache_valid 10m;
  client_body_temp_path ${directory}/body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;
  types { }
  default_type application/json;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    root ${directory}/answers;
    location /v1/ { try_files $uri.json =404; }
    location = /v1/traces { return 200; }
    location = /status { stub_status; }
  }
}
`;
}

async function startResponder({ directory, responder }: UpstreamOptions, delayMs: number): Promise<Upstream> {
  const server = new Process({
    name: 'responder',
    file: process.execPath,
    args: [responder],
    env: { ANSWERS: join(directory, 'answers'), DELAY_MS: String(delayMs) },
    logFile: join(directory, `responder-${delayMs}.log`),
  });
  const url = await server.whenListening('listening');
  return {
    name: delayMs === 0 ? 'a static responder on Node' : `a static responder on Node, ${delayMs} ms late`,
    url: `${url}/v1`,
    calls: () => server.ask({ ask: 'calls' }, z.number()),
    stop: () => server.stop(),
  };
}

async function untilAnswering(calls: () => Promise<number>): Promise<void> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    try {
      await calls();
      return;
    } catch (error) {
      // It does not listen yet.
      if (performance.now() > deadline) throw error;
    }
  }
}

function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === 'string') reject(new TypeError('The listener has no port.'));
        else resolve(address.port);
      });
    });
  });
}
