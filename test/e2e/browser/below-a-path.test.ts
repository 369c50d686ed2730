// The playground below a path, behind real proxies with the configurations in deploy/. Each is skipped if its Debian package is not installed.
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { launchGateway } from '../../helpers/process.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { isProxyInstalled, proxies, startProxy } from '../deploy/path-proxies.js';
import { actionTimeoutMs, launchChromium } from './chromium.js';
import { results, run, selectOperation } from './playground.js';

const root = join(import.meta.dirname, '../../..');

let browser: Promise<Browser> | undefined;

describe.each(proxies)('The playground below /vpn/ behind $name', (proxy) => {
  const isInstalled = isProxyInstalled(proxy);
  const test = isInstalled ? it : it.skip;
  let page: Page;
  let origin: string;
  const requestedUrls: string[] = [];
  const pageErrors: string[] = [];

  beforeAll(async () => {
    if (!isInstalled) return;
    origin = await startProxy(proxy, new URL((await launchGateway()).url));
    browser ??= launchChromium();
    page = await (await browser).newPage({ viewport: { width: 1600, height: 1000 } });
    page.setDefaultTimeout(actionTimeoutMs);
    page.on('request', (request) => requestedUrls.push(request.url()));
    page.on('websocket', (socket) => requestedUrls.push(socket.url().replace(/^ws/, 'http')));
    page.on('pageerror', (error) => pageErrors.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') pageErrors.push(message.text());
    });
  });

  const execute = async (name: string) => {
    await selectOperation(page, name);
    await run(page);
  };

  test.each(['/vpn', '/vpn/'])('opens from %s', async (path) => {
    await page.goto(origin + path);
    await page.locator('.graphiql-editor-tool').getByText('"test_area"').waitFor();

    expect(page.url()).toBe(`${origin}/vpn/graphql`);
  });

  test('runs a query', async () => {
    await execute('siteToSiteVpns');
    await results(page).getByText('"totalCount"').waitFor();
    await page.screenshot({ path: join(root, `dist/screenshots/below-a-path-${proxy.name}.png`) });
  });

  test('runs a subscription', async () => {
    await execute('siteToSiteVpnsUpdated');
    await results(page).getByText('"siteToSiteVpnsUpdated"').waitFor();
    await results(page).getByText('"backup-site"').waitFor();
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
