// Tests the playground in Chromium, on the built gateway with its sandbox.
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Page, Response } from 'playwright-core';
import { launchGateway } from '../../helpers/process.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { actionTimeoutMs, launchChromium } from './chromium.js';

const ROOT = join(import.meta.dirname, '../../..');
const TABS = [
  'siteToSiteVpns',
  'siteToSiteVpn',
  'vpcs',
  'vpc',
  'environments',
  'task',
  'createSiteToSiteVpn',
  'resetSiteToSiteVpn',
  'updateSiteToSiteVpn',
  'deleteSiteToSiteVpn',
  'siteToSiteVpnsUpdated',
  'siteToSiteVpnUpdated',
  'taskUpdated',
];

let page: Page;
let url: URL;
/** URLs of all requests of the page. */
const requestedUrls: string[] = [];
/** Errors of the page: exceptions, console errors and Content-Security-Policy violations. */
const pageErrors: string[] = [];

/** Opens a tab, runs its operation, and returns the response. */
async function run(tab: string): Promise<Response> {
  await page.getByRole('tab').getByText(tab, { exact: true }).click();
  const response = page.waitForResponse((received) => received.request().method() === 'POST');
  await page.getByRole('button', { name: /^Execute/ }).click();
  return response;
}

const headers = () => page.locator('.graphiql-editor-tool');
const results = () => page.locator('.graphiql-response');

beforeAll(async () => {
  url = new URL((await launchGateway()).url);
  page = await (await launchChromium()).newPage({ viewport: { width: 1600, height: 1000 } });
  page.setDefaultTimeout(actionTimeoutMs);
  page.on('request', (request) => requestedUrls.push(request.url()));
  page.on('pageerror', (error) => pageErrors.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') pageErrors.push(message.text());
  });
  await page.addInitScript(
    `addEventListener('securitypolicyviolation', ({ blockedURI, violatedDirective }) =>
      console.error('blocked by', violatedDirective, blockedURI))`,
  );
  await page.goto(url.href);
  await page.getByRole('tab').first().waitFor();
});

describe('The playground', () => {
  it('opens with a tab for each operation, the VPN list first', async () => {
    expect(await page.locator('.graphiql-tab-button').allTextContents()).toEqual(TABS);
  });

  it('shows the headers with the sandbox key', async () => {
    const key = await page.locator('meta[name="api-key"]').getAttribute('content');

    expect(key).toMatch(/\S/);
    await page
      .locator('.graphiql-editor-tool')
      .getByText(`"${key ?? ''}"`)
      .waitFor();
  });

  it('runs the query for the list', async () => {
    const response = await run('siteToSiteVpns');

    expect(await response.text()).toContain('"name":"stargate"');
    await results().getByText('"totalCount"').waitFor();
    await page.screenshot({ path: join(ROOT, 'dist/screenshots/playground.png') });
  });

  it('shows the REST calls of the last run while the switch is on, and asks for none otherwise', async () => {
    await page.getByRole('button', { name: 'Show REST calls' }).click();
    const response = await run('vpcs');

    expect(response.request().headers()['x-explain']).toBe('true');
    await page.getByRole('row', { name: 'GET …/vpcs' }).waitFor();
    await page.getByRole('row', { name: 'GET …/sitetositevpns' }).waitFor();
    await page.screenshot({ path: join(ROOT, 'dist/screenshots/playground-rest-calls.png') });
    await page.getByRole('button', { name: 'Hide REST calls' }).click();
    expect((await run('vpcs')).request().headers()['x-explain']).toBeUndefined();
    expect(await page.getByText('REST calls of the last run').count()).toBe(0);
  });

  it('creates a VPN', async () => {
    const response = await run('createSiteToSiteVpn');

    expect(await response.text()).toContain('"userErrors":[]');
    await results().getByText('"playground-tunnel"').waitFor();
  });

  it('subscribes to the list over a WebSocket', async () => {
    const socket = page.waitForEvent('websocket');
    await page.getByRole('tab').getByText('siteToSiteVpnsUpdated', { exact: true }).click();
    await page.getByRole('button', { name: /^Execute/ }).click();

    expect(new URL((await socket).url()).host).toBe(url.host);
    await results().getByText('"siteToSiteVpnsUpdated"').waitFor();
    await results().getByText('"backup-site"').waitFor();
    await page.getByRole('button', { name: /^Stop/ }).click();
  });

  it('shows the documentation of the schema', async () => {
    await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
    await page.getByRole('link', { name: 'Mutation' }).click();
    await page.getByRole('link', { name: 'createSiteToSiteVpn', exact: true }).waitFor();
    await page.getByRole('button', { name: 'Hide Documentation Explorer' }).click();
  });

  it('validates the editors in its own web workers', async () => {
    const hasWorker = (name: RegExp) => page.workers().some((worker) => name.test(new URL(worker.url()).pathname));

    await waitUntil(() => hasWorker(/graphql\.worker/) && hasWorker(/json\.worker/));
  });

  it('copies typed headers to the other tabs', async () => {
    await page.locator('.graphiql-editor-tool .monaco-editor:visible').click();
    for (const key of ['Control+Home', 'ArrowDown', 'End', 'ArrowLeft']) await page.keyboard.press(key);
    await page.keyboard.insertText('-typed');

    const request = (await run('environments')).request();

    expect(request.headers()['mc-api-key']).toMatch(/-typed$/);
    await headers().getByText('-typed"').waitFor();
  });

  it('stores nothing in the browser, so a reload discards the headers', async () => {
    expect(await page.evaluate('localStorage.length + sessionStorage.length')).toBe(0);

    await page.reload();
    await headers().getByText('"MC-Api-Key"').waitFor();

    expect(await headers().getByText('-typed"').count()).toBe(0);
    expect(await page.locator('.graphiql-tab-button').allTextContents()).toEqual(TABS);
  });

  it('sends requests only to the gateway', () => {
    const foreign = requestedUrls.filter(
      (address) => !/^(data|blob):/.test(address) && new URL(address).origin !== url.origin,
    );

    expect(requestedUrls.length).toBeGreaterThan(TABS.length);
    expect(foreign).toEqual([]);
  });

  it('reports no errors', () => {
    expect(pageErrors).toEqual([]);
  });
});
