// Starts the REST API that the contenders call. It serves the datasets as static responses.
// The server is nginx if it is installed and no latency is to be added, otherwise static-server.ts.
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { request } from 'undici';
import { z } from 'zod';
import { findFreePort } from './contenders/listen.js';
import { type Dataset, largeDataset, serviceCode, smallDataset } from './dataset.js';
import { Process } from './processes.js';

/** A running REST API. */
export interface Upstream {
  /** Display name of the server. */
  readonly name: string;
  /** Base URL, including the API version. */
  readonly url: string;
  /** Returns the number of REST calls served so far. Calls of this method do not count. */
  countCalls(): Promise<number>;
  /** Stops the server. */
  stop(): Promise<void>;
}

/** Files that the REST API needs. */
export interface UpstreamOptions {
  /** Directory for responses, configuration and logs. */
  readonly directory: string;
  /** Path of the compiled static-server.ts. */
  readonly staticServer: string;
}

/** Starts the REST API on nginx if it is installed, otherwise on Node. */
export function startUpstream(options: UpstreamOptions): Promise<Upstream> {
  const nginx = findNginx();
  return nginx === undefined ? startStaticServer(options, 0) : startNginx(options, nginx);
}

/** Starts a REST API on Node that delays every response by `delayMs` milliseconds. */
export function startSlowUpstream(options: UpstreamOptions, delayMs: number): Promise<Upstream> {
  return startStaticServer(options, delayMs);
}

/** Writes one response file per URL path, named after the path plus `.json`. */
export function writeResponses(directory: string): void {
  for (const dataset of [smallDataset, largeDataset]) writeDataset(directory, dataset);
}

function writeDataset(directory: string, { environment, vpns, vpcs }: Dataset): void {
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
  // Debian installs nginx in a directory that is only on root's search path.
  const directories = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin'];
  return directories.map((directory) => join(directory, 'nginx')).find((file) => existsSync(file));
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
  let statusCalls = 0;
  const countCalls = async () => {
    const { body } = await request(`${origin}/status`);
    const requests = /^ \d+ \d+ (\d+)/m.exec(await body.text())?.[1];
    statusCalls++;
    return Number(requests) - statusCalls;
  };
  await waitUntilReady(countCalls);
  return { name: 'nginx', url: `${origin}/v1`, countCalls, stop: () => server.stop() };
}

// Single process, so that nginx runs without root and without a user of its own.
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
    root ${directory}/responses;
    location /v1/ { try_files $uri.json =404; }
    location = /v1/traces { return 200; }
    location = /status { stub_status; }
  }
}
`;
}

async function startStaticServer({ directory, staticServer }: UpstreamOptions, delayMs: number): Promise<Upstream> {
  const server = new Process({
    name: 'static server',
    file: process.execPath,
    args: [staticServer],
    env: { RESPONSES: join(directory, 'responses'), DELAY_MS: String(delayMs) },
    logFile: join(directory, `static-server-${delayMs}.log`),
  });
  const url = await server.waitUntilListening('listening');
  return {
    name: delayMs === 0 ? 'a static server on Node' : `a static server on Node with ${delayMs} ms of latency`,
    url: `${url}/v1`,
    countCalls: () => server.send({ type: 'countCalls' }, z.number()),
    stop: () => server.stop(),
  };
}

async function waitUntilReady(countCalls: () => Promise<number>): Promise<void> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    try {
      await countCalls();
      return;
    } catch (error) {
      // nginx does not listen yet.
      if (performance.now() > deadline) throw error;
    }
  }
}
