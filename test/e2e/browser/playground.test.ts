// Tests the playground in Chromium, on the built gateway with its sandbox.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { buildSchema, lexicographicSortSchema, printSchema } from 'graphql';
import type { Page, Response } from 'playwright-core';
import { findFreePort } from '../../helpers/free-port.js';
import { launchGateway, type ListeningProcess, runProcess } from '../../helpers/process.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { findAxeViolations } from './axe.js';
import { actionTimeoutMs, launchChromium } from './chromium.js';
import { queryEditor, results, run, selectOperation, typeQuery } from './playground.js';

const root = join(import.meta.dirname, '../../..');
const preparedOperations = [
  ['Read', 'siteToSiteVpns', 'siteToSiteVpn', 'vpcs', 'vpc', 'environments', 'task'],
  ['Subscribe', 'siteToSiteVpnsUpdated', 'siteToSiteVpnUpdated', 'taskUpdated'],
  ['Change', 'createSiteToSiteVpn', 'resetSiteToSiteVpn', 'updateSiteToSiteVpn', 'deleteSiteToSiteVpn'],
];

let page: Page;
let url: URL;
let gateway: ListeningProcess;
let port: string;
/** URLs of all requests of the page. */
const requestedUrls: string[] = [];
/** Errors of the page: exceptions, console errors and Content-Security-Policy violations. */
const pageErrors: string[] = [];

const tabs = () => page.locator('.graphiql-tab-button');
const editorTool = () => page.locator('.graphiql-editor-tool');
const screenshot = (name: string) => page.screenshot({ path: join(root, `dist/screenshots/${name}.png`) });

/** Runs the operation of the active tab, and waits for its HTTP response. */
async function execute(): Promise<Response> {
  const response = page.waitForResponse((received) => {
    const request = received.request();
    // The page reads the schema by itself.
    return request.method() === 'POST' && request.postData()?.includes('IntrospectionQuery') === false;
  });
  await run(page);
  return response;
}

/** Opens a prepared operation, and runs it. */
async function runOperation(name: string): Promise<Response> {
  await selectOperation(page, name);
  return execute();
}

beforeAll(async () => {
  port = String(await findFreePort());
  gateway = await launchGateway({ PORT: port });
  url = new URL(gateway.url);
  const browser = await launchChromium();
  page = await browser.newPage({ viewport: { width: 1600, height: 1000 } });
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
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
});

describe('The playground', () => {
  it('runs an operation that is opened as soon as the list is visible', async () => {
    const response = await runOperation('vpcs');

    expect(await response.text()).toContain('"name":"gate-room"');
    expect(await tabs().allTextContents()).toEqual(['siteToSiteVpns', 'vpcs']);
  });

  it('lists the prepared operations in groups', async () => {
    const groups = await page.locator('.operations > section').all();
    const texts = groups.map(async (group) => group.locator('h3, code').allTextContents());

    expect(await Promise.all(texts)).toEqual(preparedOperations);
  });

  it('runs the query for the list, in its open tab', async () => {
    const response = await runOperation('siteToSiteVpns');

    expect(await response.text()).toContain('"name":"stargate"');
    expect(await tabs().count()).toBe(2);
    await results(page).getByText('"totalCount"').waitFor();
    await screenshot('playground');
  });

  it('shows the variables first, and the sandbox key among the headers', async () => {
    const key = await page.locator('meta[name="api-key"]').getAttribute('content');
    await editorTool().getByText('"test_area"').waitFor();
    await page.getByRole('button', { name: 'Headers' }).click();

    expect(key).toMatch(/\S/);
    await editorTool()
      .getByText(`"${key ?? ''}"`)
      .waitFor();
  });

  it('shows the REST calls of the last run while the switch is on, and asks for none otherwise', async () => {
    await page.getByRole('button', { name: 'Show REST calls' }).click();
    const response = await runOperation('vpcs');

    expect(response.request().headers()['x-explain']).toBe('true');
    await page.getByRole('row', { name: 'GET …/vpcs' }).waitFor();
    await page.getByRole('row', { name: 'GET …/sitetositevpns' }).waitFor();
    await screenshot('playground-rest-calls');
    await page.getByRole('button', { name: 'Hide REST calls' }).click();
    expect((await execute()).request().headers()['x-explain']).toBeUndefined();
    expect(await page.getByText('REST calls of the last run').count()).toBe(0);
  });

  it('creates a VPN, and deletes the same VPN', async () => {
    const created = await runOperation('createSiteToSiteVpn');
    expect(await created.text()).toContain('"userErrors":[]');
    await results(page).getByText('"playground-tunnel"').waitFor();
    const id = /"siteToSiteVpn":\{"id":"([^"]+)"/.exec(await created.text())?.[1] ?? 'no id';

    const deleted = await runOperation('deleteSiteToSiteVpn');

    expect(await deleted.text()).toContain(`"deletedSiteToSiteVpnId":"${id}"`);
  });

  it('shows the message of the gateway for a syntax error, without a stack', async () => {
    await typeQuery(page, 'query broken {');
    const response = await execute();

    expect(await response.text()).toContain('syntax error at line 1');
    await results(page).getByText('syntax error at line 1').waitFor();
    expect(await results(page).textContent()).not.toContain('stack');
  });

  it('subscribes to the list over a WebSocket', async () => {
    const socket = page.waitForEvent('websocket');
    await selectOperation(page, 'siteToSiteVpnsUpdated');
    await run(page);

    expect(new URL((await socket).url()).host).toBe(url.host);
    await results(page).getByText('"siteToSiteVpnsUpdated"').waitFor();
    await results(page).getByText('"backup-site"').waitFor();
    await page.getByRole('button', { name: /^Stop/ }).click();
    await page.getByRole('button', { name: /^Execute/ }).waitFor();
    expect(await page.getByRole('status').textContent()).toBe('');
  });

  it('copies the operation as a curl command, which a shell can run with the key in a variable', async () => {
    await selectOperation(page, 'siteToSiteVpn');
    const response = await execute();
    await page.getByRole('button', { name: 'Copy as curl' }).click();
    await page.getByRole('status').getByText('$MC_API_KEY').waitFor();
    const command = String(await page.evaluate('navigator.clipboard.readText()'));
    const key = response.request().headers()['mc-api-key'] ?? '';

    const { code, stdout } = await runProcess('sh', ['-c', `${command} --silent`], {
      env: { PATH: process.env['PATH'], MC_API_KEY: key },
    });

    expect(command).not.toContain(key);
    expect({ code, stdout }).toEqual({ code: 0, stdout: await response.text() });
  });

  it('downloads the schema', async () => {
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download the schema' }).click();
    const file = await download;
    const toSortedText = async (path: string) =>
      printSchema(lexicographicSortSchema(buildSchema(await readFile(path, 'utf8'))));

    expect(file.suggestedFilename()).toBe('schema.graphql');
    expect(await toSortedText(await file.path())).toBe(await toSortedText(join(root, 'schema.graphql')));
  });

  it('validates the editors in its own web workers', async () => {
    const hasWorker = (name: RegExp) => page.workers().some((worker) => name.test(new URL(worker.url()).pathname));

    await waitUntil(() => hasWorker(/graphql\.worker/) && hasWorker(/json\.worker/));
  });

  it('copies typed headers to the other tabs', async () => {
    await page.getByRole('button', { name: 'Headers' }).click();
    await page.locator('.graphiql-editor-tool .monaco-editor:visible').click();
    for (const key of ['Control+Home', 'ArrowDown', 'End', 'ArrowLeft']) await page.keyboard.press(key);
    await page.keyboard.insertText('-typed');

    const request = (await runOperation('environments')).request();

    expect(request.headers()['mc-api-key']).toMatch(/-typed$/);
  });

  it('keeps tabs, query texts and theme on reload, but no headers, variables or pre-shared keys', async () => {
    const names = await tabs().allTextContents();
    await typeQuery(page, 'mutation kept { a(ipSecPsk: "secret0Psk", name: "kept-name") { id } }');
    await page.getByRole('button', { name: 'Open settings dialog' }).click();
    await page.getByRole('button', { name: 'Dark' }).click();
    await page.keyboard.press('Escape');
    const readStored = async () => String(await page.evaluate('JSON.stringify([localStorage, sessionStorage])'));
    // GraphiQL stores with a delay.
    await waitUntil(async () => /kept-name.*mutation kept|mutation kept.*kept-name/.test(await readStored()));
    const stored = await readStored();

    await page.reload();
    await page.locator('.graphiql-query-editor').getByText('kept-name').waitFor();

    for (const secret of ['sandbox-key', '-typed', 'secret0Psk', 'playground0PreSharedKey', 'MC-Api-Key', 'test_area'])
      expect(stored).not.toContain(secret);
    expect(await tabs().allTextContents()).toEqual([...names.slice(0, -1), 'kept']);
    expect(await page.locator('body').getAttribute('class')).toContain('graphiql-dark');
    // The key is the sandbox's again. The prepared operations have their variables.
    const response = await runOperation('siteToSiteVpn');
    expect(response.request().headers()['mc-api-key']).not.toMatch(/-typed$/);
    expect(await response.text()).toContain('"name":"stargate"');
  });

  it('shows the documentation, and has no accessibility violations, in dark and light', async () => {
    const openSettings = () => page.getByRole('button', { name: 'Open settings dialog' }).click();
    await screenshot('playground-dark');
    expect(await findAxeViolations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
    await page.getByRole('link', { name: 'Mutation' }).click();
    await page.getByRole('link', { name: 'createSiteToSiteVpn', exact: true }).waitFor();
    expect(await findAxeViolations(page)).toEqual([]);
    await openSettings();
    await page.getByRole('button', { name: 'Light' }).click();
    expect(await findAxeViolations(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await findAxeViolations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Show Operations' }).click();
    expect(await findAxeViolations(page)).toEqual([]);
  });

  it('shows one pane at a time on a phone, without horizontal overflow', async () => {
    const widths = () => page.evaluate('[document.documentElement.scrollWidth, innerWidth]');
    const panes = page.getByRole('navigation', { name: 'Panes' });
    await page.setViewportSize({ width: 390, height: 844 });
    await panes.getByText('Variables').click();
    await editorTool().getByText('"test_area"').waitFor();
    expect(await queryEditor(page).isVisible()).toBe(false);
    expect(await findAxeViolations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Show Operations' }).click();
    await selectOperation(page, 'siteToSiteVpns');
    await page.locator('.graphiql-query-editor').getByText('totalCount').waitFor();
    expect(await editorTool().isVisible()).toBe(false);
    expect(await widths()).toEqual([390, 390]);
    const [editorBox, switchBox] = await Promise.all([queryEditor(page).boundingBox(), panes.boundingBox()]);
    expect((editorBox?.y ?? 0) + (editorBox?.height ?? 0)).toBeLessThanOrEqual(switchBox?.y ?? 0);
    await execute();
    await results(page).getByText('"totalCount"').waitFor();
    expect(await queryEditor(page).isVisible()).toBe(false);
    expect(await widths()).toEqual([390, 390]);
    expect(await findAxeViolations(page)).toEqual([]);
    await screenshot('playground-phone');
    await page.setViewportSize({ width: 1600, height: 1000 });
  });

  it('sends requests only to the gateway, and reports no errors', () => {
    const foreign = requestedUrls.filter(
      (address) => !/^(data|blob):/.test(address) && new URL(address).origin !== url.origin,
    );

    expect(requestedUrls.length).toBeGreaterThan(preparedOperations.flat().length);
    expect(foreign).toEqual([]);
    // Chromium reports the status of the syntax error.
    expect(pageErrors).toEqual([expect.stringContaining('status of 400')]);
  });

  it('reports a restart of the gateway in words, and works afterwards', async () => {
    await page.getByRole('button', { name: 'Show Operations' }).click();
    await selectOperation(page, 'siteToSiteVpnsUpdated');
    await run(page);
    await results(page).getByText('"backup-site"').waitFor();
    gateway.signal('SIGTERM');
    await page.getByRole('status').getByText('The subscription has ended').waitFor();
    await gateway.exit;

    await run(page);
    await results(page).getByText('The subscription has not started').waitFor();
    await selectOperation(page, 'siteToSiteVpns');
    await run(page);
    await results(page).getByText('The gateway did not respond.').waitFor();
    expect(await results(page).textContent()).not.toContain('stack');

    await page.route(url.href, (route) => route.fulfill({ status: 502, body: '<h1>Bad Gateway</h1>' }), { times: 1 });
    await run(page);
    await results(page).getByText('its status is 502').waitFor();

    await launchGateway({ PORT: port });
    expect(await (await execute()).text()).toContain('"name":"stargate"');
  });
});
