// The playground below a path, behind real proxies with the configurations in deploy/. Each is skipped if its Debian package is not installed.
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { addCleanup } from '../../helpers/cleanup.js';
import { findFreePort } from '../../helpers/free-port.js';
import { sendRequest } from '../../helpers/http.js';
import { launchGateway, startProcess } from '../../helpers/process.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { actionTimeoutMs, launchChromium } from './chromium.js';

const root = join(import.meta.dirname, '../../..');

const proxies = [
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

/** Starts a proxy in front of a gateway. Returns its origin when it serves the gateway. */
async function startProxy({ binary, file, replacements, toArgs }: (typeof proxies)[number], gateway: URL) {
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
  await waitUntil(
    async () => (await sendRequest(`${origin}/vpn/`).catch(() => undefined))?.status === 302,
    proxy.stderr,
  );
  return origin;
}

describe.each(proxies)('The playground below /vpn/ behind $name', (proxy) => {
  const test = existsSync(proxy.binary) ? it : it.skip;
  if (!existsSync(proxy.binary)) process.stdout.write(`skipped: ${proxy.name} is not installed\n`);
  let page: Page;
  let origin: string;
  const requestedUrls: string[] = [];
  const pageErrors: string[] = [];

  beforeAll(async () => {
    if (!existsSync(proxy.binary)) return;
    origin = await startProxy(proxy, new URL((await launchGateway()).url));
    page = await (await launchChromium()).newPage({ viewport: { width: 1600, height: 1000 } });
    page.setDefaultTimeout(actionTimeoutMs);
    page.on('request', (request) => requestedUrls.push(request.url()));
    page.on('websocket', (socket) => requestedUrls.push(socket.url().replace(/^ws/, 'http')));
    page.on('pageerror', (error) => pageErrors.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') pageErrors.push(message.text());
    });
  });

  const execute = async (tab: string) => {
    await page.getByRole('tab').getByText(tab, { exact: true }).click();
    await page.getByRole('button', { name: /^Execute/ }).click();
  };
  const results = () => page.locator('.graphiql-response');

  test.each(['/vpn', '/vpn/'])('opens from %s', async (path) => {
    await page.goto(origin + path);
    await page.locator('.graphiql-editor-tool').getByText('"MC-Api-Key"').waitFor();

    expect(page.url()).toBe(`${origin}/vpn/graphql`);
  });

  test('runs a query', async () => {
    await execute('siteToSiteVpns');
    await results().getByText('"totalCount"').waitFor();
    await page.screenshot({ path: join(root, `dist/screenshots/below-a-path-${proxy.name}.png`) });
  });

  test('runs a subscription', async () => {
    await execute('siteToSiteVpnsUpdated');
    await results().getByText('"siteToSiteVpnsUpdated"').waitFor();
    await results().getByText('"backup-site"').waitFor();
    await page.screenshot({ path: join(root, `dist/screenshots/below-a-path-${proxy.name}-subscription.png`) });
  });

  test('starts its web workers, reports no errors, and requests nothing outside /vpn/', async () => {
    const hasWorker = (name: RegExp) => page.workers().some((worker) => name.test(new URL(worker.url()).pathname));
    await waitUntil(() => hasWorker(/graphql\.worker/) && hasWorker(/json\.worker/));
    const outside = requestedUrls.filter(
      (url) => !/^(data|blob):/.test(url) && url !== `${origin}/vpn` && !url.startsWith(`${origin}/vpn/`),
    );

    expect(requestedUrls).toContain(`${origin}/vpn/graphql`);
    expect(outside).toEqual([]);
    expect(pageErrors).toEqual([]);
  });
});
