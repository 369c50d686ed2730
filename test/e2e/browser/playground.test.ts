// The playground as a person meets it: the built gateway on its sandbox, in a real browser.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, Page, Response } from 'playwright-core';
import { launchChromium } from './chromium.js';

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
  'deleteSiteToSiteVpn',
  'siteToSiteVpnsUpdated',
  'siteToSiteVpnUpdated',
  'taskUpdated',
];

let gateway: ChildProcess;
let browser: Browser;
let page: Page;
let url: URL;
/** Every address that the page asked for. */
const requested: string[] = [];
/** Whatever the page complained of: errors, and what its policy refused. */
const complaints: string[] = [];

/** Starts the gateway on free ports and gives its address, which it tells on stdout. */
async function startGateway(): Promise<URL> {
  const child = spawn(process.execPath, ['dist/main.js'], {
    cwd: ROOT,
    env: { PORT: '0', OPS_PORT: '0', SANDBOX_PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  gateway = child;
  for await (const line of createInterface({ input: child.stdout })) {
    const address = line.includes('"gateway listening"') && /"url":"([^"]+)"/.exec(line)?.[1];
    if (!address) continue;
    // Who stops reading a pipe stops who writes to it.
    child.stdout.resume();
    return new URL(address);
  }
  throw new Error('The gateway ended without listening.');
}

/** Opens the tab of that name, runs it, and gives the answer as it came. */
async function run(tab: string): Promise<Response> {
  await page.getByRole('tab').getByText(tab, { exact: true }).click();
  const answer = page.waitForResponse((response) => response.request().method() === 'POST');
  await page.getByRole('button', { name: /^Execute/ }).click();
  return answer;
}

const headers = () => page.locator('.graphiql-editor-tool');
const results = () => page.locator('.graphiql-response');

beforeAll(async () => {
  url = await startGateway();
  browser = await launchChromium();
  page = await browser.newPage({ viewport: { width: 1600, height: 1000 } });
  page.setDefaultTimeout(20_000);
  page.on('request', (request) => requested.push(request.url()));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  await page.addInitScript(
    `addEventListener('securitypolicyviolation', ({ blockedURI, violatedDirective }) =>
      console.error('refused by', violatedDirective, blockedURI))`,
  );
  await page.goto(url.href);
  await page.getByRole('tab').first().waitFor();
}, 60_000);

afterAll(async () => {
  if (gateway.exitCode === null) {
    gateway.kill();
    await once(gateway, 'exit');
  }
  await browser.close();
});

describe('The playground', () => {
  it('opens with a tab for each operation, the list first', async () => {
    expect(await page.locator('.graphiql-tab-button').allTextContents()).toEqual(TABS);
  });

  it('shows the headers, with the key of the sandbox', async () => {
    const key = await page.locator('meta[name="api-key"]').getAttribute('content');

    expect(key).toMatch(/\S/);
    await page
      .locator('.graphiql-editor-tool')
      .getByText(`"${key ?? ''}"`)
      .waitFor();
  });

  it('runs the list', async () => {
    const answer = await run('siteToSiteVpns');

    expect(await answer.text()).toContain('"name":"stargate"');
    await results().getByText('"totalCount"').waitFor();
    await page.screenshot({ path: join(ROOT, 'dist/screenshots/playground.png') });
  });

  it('creates a VPN', async () => {
    const answer = await run('createSiteToSiteVpn');

    expect(await answer.text()).toContain('"userErrors":[]');
    await results().getByText('"playground-tunnel"').waitFor();
  });

  it('follows the list over a WebSocket', async () => {
    const socket = page.waitForEvent('websocket');
    await page.getByRole('tab').getByText('siteToSiteVpnsUpdated', { exact: true }).click();
    await page.getByRole('button', { name: /^Execute/ }).click();

    expect(new URL((await socket).url()).host).toBe(url.host);
    await results().getByText('"siteToSiteVpnsUpdated"').waitFor();
    await results().getByText('"backup-site"').waitFor();
    await page.getByRole('button', { name: /^Stop/ }).click();
  });

  it('explains the schema', async () => {
    await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
    await page.getByRole('link', { name: 'Mutation' }).click();
    await page.getByRole('link', { name: 'createSiteToSiteVpn', exact: true }).waitFor();
    await page.getByRole('button', { name: 'Hide Documentation Explorer' }).click();
  });

  it('checks what is written in workers of its own', () => {
    expect(page.workers().map((worker) => new URL(worker.url()).pathname)).toEqual(
      expect.arrayContaining([expect.stringMatching(/graphql\.worker/), expect.stringMatching(/json\.worker/)]),
    );
  });

  it('takes headers that are typed along to the other tabs', async () => {
    await page.locator('.graphiql-editor-tool .monaco-editor:visible').click();
    for (const key of ['Control+Home', 'ArrowDown', 'End', 'ArrowLeft']) await page.keyboard.press(key);
    await page.keyboard.insertText('-typed');

    const request = (await run('environments')).request();

    expect(request.headers()['mc-api-key']).toMatch(/-typed$/);
    await headers().getByText('-typed"').waitFor();
  });

  it('forgets them on a reload, as the browser is given nothing to keep', async () => {
    expect(await page.evaluate('localStorage.length + sessionStorage.length')).toBe(0);

    await page.reload();
    await headers().getByText('"MC-Api-Key"').waitFor();

    expect(await headers().getByText('-typed"').count()).toBe(0);
    expect(await page.locator('.graphiql-tab-button').allTextContents()).toEqual(TABS);
  });

  it('asks nobody but the gateway', () => {
    const foreign = requested.filter(
      (address) => !/^(data|blob):/.test(address) && new URL(address).origin !== url.origin,
    );

    expect(requested.length).toBeGreaterThan(TABS.length);
    expect(foreign).toEqual([]);
  });

  it('complains of nothing', () => {
    expect(complaints).toEqual([]);
  });
});
