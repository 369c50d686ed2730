// Runs Debian's nginx and HAProxy with the configurations in deploy/ that serve a gateway below /vpn/.
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { addCleanup } from '../../helpers/cleanup.js';
import { findFreePort } from '../../helpers/free-port.js';
import { sendRequest } from '../../helpers/http.js';
import { startProcess } from '../../helpers/process.js';
import { waitUntil } from '../../helpers/wait-until.js';

const root = join(import.meta.dirname, '../../..');

/** The proxies, and how to run each. */
export const proxies = [
  {
    name: 'nginx',
    binary: '/usr/sbin/nginx',
    file: 'deploy/nginx/nginx.conf',
    replacements: [
      [/listen 443 ssl;\s+ssl_certificate .*;\s+ssl_certificate_key .*;/, 'listen 127.0.0.1:PROXY_PORT;'],
      ['server 127.0.0.1:4000', 'server 127.0.0.1:GATEWAY_PORT'],
      ['http {', 'http { access_log off;'],
    ],
    // One process, which a signal ends.
    toArgs: (file: string) => ['-c', file, '-e', 'stderr', '-g', `daemon off; master_process off; pid ${file}.pid;`],
  },
  {
    name: 'haproxy',
    binary: '/usr/sbin/haproxy',
    file: 'deploy/haproxy/below-a-path.cfg',
    replacements: [
      [':443 ssl crt /etc/haproxy/gateway.pem', '127.0.0.1:PROXY_PORT'],
      ['10.0.0.11:4000', '127.0.0.1:GATEWAY_PORT'],
    ],
    toArgs: (file: string) => ['-db', '-f', file],
  },
] as const;

/** One of the proxies. */
export type PathProxy = (typeof proxies)[number];

/** Reports whether a proxy is installed. Prints a line if it is not. */
export function isProxyInstalled({ binary, name }: PathProxy): boolean {
  const isInstalled = existsSync(binary);
  if (!isInstalled) process.stdout.write(`skipped: ${name} is not installed\n`);
  return isInstalled;
}

/** Starts a proxy in front of a gateway. Returns its origin when it serves a gateway at /vpn/graphql. */
export async function startProxy({ binary, file, replacements, toArgs }: PathProxy, gateway: URL): Promise<string> {
  const port = await findFreePort();
  let text = await readFile(join(root, file), 'utf8');
  for (const [pattern, replacement] of replacements) {
    expect(text).toMatch(pattern);
    text = text.replace(pattern, replacement.replace('PROXY_PORT', String(port)).replace('GATEWAY_PORT', gateway.port));
  }
  const directory = await mkdtemp(join(tmpdir(), 'proxy-'));
  addCleanup(() => rm(directory, { recursive: true }));
  const copy = join(directory, 'configuration');
  await writeFile(copy, text);
  const proxy = startProcess(binary, toArgs(copy));
  const origin = `http://127.0.0.1:${port}`;
  const typename = `${origin}/vpn/graphql?query=%7B__typename%7D`;
  const headers = { 'apollo-require-preflight': 'true' };
  await waitUntil(
    async () => (await sendRequest(typename, { headers }).catch(() => undefined))?.status === 200,
    proxy.stderr,
  );
  return origin;
}
