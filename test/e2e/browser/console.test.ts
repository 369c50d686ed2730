// Tests the web console in Chromium on the gateway: by mouse, by keyboard, and by accessible roles and names.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Locator, Page } from 'playwright-core';
import { keyHeader } from '../../helpers/fixtures.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { type ConsoleRig, findViolations, longName, startConsole, tabTo, takeScreenshots } from './console.js';

const list = '/compute-on/test_area';
const vpnOf = (id: string) => `${list}/vpns/${id}`;
const stargate = vpnOf('d49b2922-0581-4587-94df-6fe719327d0f');
const toronto = vpnOf('ca86b14f-20db-463d-b58a-9d3fa5959af2');
const callCentre = vpnOf('81ded762-de58-44bd-b8bc-156f36951923');
const warehouse = vpnOf('1f97bfb7-b8d8-48e0-ac62-9714384460ce');
const lostOutpost = vpnOf('d626c4dc-f4f8-4d31-af4a-d92e17ca8dc1');

let rig: ConsoleRig;
let page: Page;

beforeAll(async () => {
  rig = await startConsole();
});

afterEach(async () => {
  rig.setFaults(undefined);
  rig.hold(undefined);
  rig.selectGateway('polling');
  await page.close();
});

const open: ConsoleRig['open'] = async (...args) => {
  page = await rig.open(...args);
  return page;
};
const heading = (name: string) => page.getByRole('heading', { level: 1, name, exact: true }).waitFor();
const alertText = async () => (await page.getByRole('alert').innerText()).replaceAll(/\n+/g, '\n');
const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
// Waits, because the focus may move one frame after the content.
const hasFocus = (target: Locator) => target.and(page.locator(':focus')).waitFor();
const rows = () => page.getByRole('rowheader').allInnerTexts();
const row = (name: string) => page.getByRole('row').filter({ has: page.getByRole('rowheader', { name, exact: true }) });

/** Returns whether the first element of a selector is inside the window, and not below the header. */
const isInView = (selector: string) =>
  page.evaluate(`(() => {
    const { top, bottom } = document.querySelector(${JSON.stringify(selector)}).getBoundingClientRect();
    return top >= 60 && bottom <= innerHeight;
  })()`);

/** Waits until the table has exactly these rows, in this order. */
async function expectRows(names: readonly string[]): Promise<void> {
  let shown: string[] = [];
  await waitUntil(
    async () => (shown = await rows()).join() === names.join(),
    () => `Rows: ${shown.join()}`,
  );
}

/** Selects an option of a select field. */
async function selectOption(label: string, option: string): Promise<void> {
  // The table's headers are buttons too.
  await page
    .locator('.select-button')
    .and(page.getByRole('button', { name: label }))
    .click();
  await page.getByRole('option', { name: option }).click();
}

/** Resets a VPN without the console. */
async function reset(environment: string, id: string): Promise<void> {
  const url = `${rig.upstream}/services/${environment}/sitetositevpns/${id}?operation=reset`;
  await fetch(url, { method: 'POST', headers: keyHeader() });
}

/** Fills in the create form with valid values, except those that the test overrides. */
async function fillForm(changes: { readonly gateway?: string; readonly key?: string; readonly name?: string } = {}) {
  await page.getByLabel('Name', { exact: true }).fill(changes.name ?? 'paris-office');
  await selectOption('VPC', 'gate-room');
  await page.getByLabel('Remote gateway', { exact: true }).fill(changes.gateway ?? '203.0.113.40');
  await page.getByLabel('Remote network').fill('10.40.0.0/16');
  await page.getByLabel('Pre-shared key').fill(changes.key ?? 'a-key-that-is-long-enough');
}

describe('sign-in page', () => {
  it('shows an error for a key that the REST API rejects', async () => {
    await open('/', 'no-such-key');

    expect(await alertText()).toMatch(/^You are not signed in\n.*key/);
    expect(await findViolations(page)).toEqual([]);
  });

  it('fills in the sandbox key and opens the environments', async () => {
    await open('/', null);

    expect(await page.getByLabel('API key').inputValue()).toBe('sandbox-key');
    expect(await findViolations(page)).toEqual([]);

    await press('Sign in');
    await page.getByRole('link', { name: 'test_area' }).waitFor();

    expect(await page.getByRole('main').getByRole('link').allInnerTexts()).toEqual([
      'test_area\nWhere changes are tried out first\nCompute - Ontario',
      'production\nWhat customers see\nCompute - Ontario',
      'staging\nNothing here yet\nCompute - Ontario',
      'cheyenne_mountain\nEnvironment for base at Cheyenne Mountain\nCompute - Québec',
      'disaster_recovery\nTakes over where production fails\nCompute - Québec',
      `crowded\n${longName}\nCompute - Ontario`,
    ]);
    expect(await findViolations(page)).toEqual([]);
  });

  it('distinguishes an unreachable gateway from a rejected key', async () => {
    const before = rig.pageErrors.length;
    rig.selectGateway(undefined);
    await open();

    expect(await alertText()).toContain('The gateway cannot be reached.');
    // The browser logs the failed request itself, which may arrive later.
    await waitUntil(() => rig.pageErrors.length > before);
    expect(rig.pageErrors.splice(before)).toEqual([expect.stringContaining('net::ERR')]);
  });

  it('keeps the key for the tab if the user asks, until the user signs out', async () => {
    await open('/compute-qc/disaster_recovery', null);
    await page.getByText('Stay signed in after a reload').click();
    await press('Sign in');
    await heading('disaster_recovery');
    await page.reload();
    await heading('disaster_recovery');

    await press('Sign out');
    await page.getByLabel('API key').waitFor();
    expect(await page.evaluate('sessionStorage.length')).toBe(0);
  });

  it('stores the key nowhere in the browser, so a reload asks for it again', async () => {
    await open(list);
    await heading('test_area');

    expect(await page.evaluate('localStorage.length + sessionStorage.length + document.cookie.length')).toBe(0);

    await press('Sign out');
    await page.getByLabel('API key').waitFor();
    await page.reload();
    await page.getByLabel('API key').waitFor();
  });
});

describe('VPN list', () => {
  it('shows the VPNs of an environment', async () => {
    await open(list);
    await heading('test_area');

    expect((await row('toronto-office').innerText()).trim().split(/\s+/)).toEqual([
      'toronto-office',
      'MyVPC',
      '198.51.100.17',
      '10.20.0.0/16',
      'Disconnected',
    ]);
    expect(await rows()).toHaveLength(9);
    expect(await findViolations(page)).toEqual([]);
    await takeScreenshots(page, 'list');
  });

  it('searches, filters and sorts the rows, and announces how many are shown', async () => {
    await open(list);
    await page.getByRole('searchbox').fill('192.168');
    await expectRows(['backup-site', 'call-centre']);
    await page.getByText('2 of 9 VPNs shown.').waitFor();

    await page.getByRole('searchbox').fill('');
    await selectOption('VPC', 'MyVPC');
    await page.getByRole('columnheader', { name: 'Gateway' }).click();
    await expectRows(['ottawa-office', 'toronto-office', 'montreal-office', 'partner-lab']);

    await page.getByRole('radio', { name: /^Disconnected/ }).click();
    await expectRows(['toronto-office']);

    await page.getByRole('searchbox').fill('nothing like it');
    await page.getByText('No VPN matches.').waitFor();
    expect(await findViolations(page)).toEqual([]);

    await press('Show all');
    await page.getByText('9 of 9 VPNs shown.').waitFor();
  });

  it('renders many rows, and long names without a break opportunity', async () => {
    await open('/compute-on/crowded');
    await row(longName).waitFor();
    expect((await rows()).slice(0, 4)).toEqual([longName, 'site-1', 'site-2', 'site-3']);
    await page.getByText('60 of 60 VPNs shown.').waitFor();
    expect(await findViolations(page)).toEqual([]);

    await page.getByRole('link', { name: longName }).click();
    await page.getByRole('button', { name: 'Show the key' }).click();
    await press('Hide the key');
    await press('Delete');
    await page.getByRole('alertdialog').waitFor();
    expect(await findViolations(page)).toEqual([]);
  });

  it('updates a row when its VPN changes', async () => {
    await open('/compute-qc/cheyenne_mountain');
    await row('beta-site').getByText('Disconnected').waitFor();

    await reset('compute-qc/cheyenne_mountain', '15253bfb-f4e9-497a-b636-e26200918ba3');
    await row('beta-site').getByText('Pending').waitFor();
    rig.advanceTime(3_000);
    await row('beta-site').getByText('Connected').waitFor();
  });

  it('marks VPNs for which the cloud offers stronger algorithms', async () => {
    await open(list);
    await row('warehouse').getByText('Weak').waitFor();

    expect(await row('montreal-office').getByText('Weak').count()).toBe(0);
  });

  it('opens a VPN in a new tab by a middle click, and stays at a double click on an address', async () => {
    await open(list);
    const opened = page.context().waitForEvent('page');
    await page.getByRole('link', { name: 'stargate' }).click({ button: 'middle' });
    await (await opened).close();
    await page.getByRole('cell', { name: '19.19.19.19' }).dblclick({ position: { x: 40, y: 24 } });

    expect(await page.evaluate('getSelection().toString().trim()')).toMatch(/^19/);
    await heading('test_area');
  });

  it('keeps its columns where they are while the user types', async () => {
    await open(list);
    const edges = async () =>
      page.evaluate(`[...document.querySelectorAll('thead th')].map((cell) => cell.getBoundingClientRect().left)`);
    await row('stargate').waitFor();
    const before = await edges();
    await page.getByRole('searchbox').fill('partner');
    await expectRows(['partner-lab']);

    expect(await edges()).toEqual(before);
  });

  it('leads back from an environment that does not exist, and offers no VPN there', async () => {
    await open('/compute-on/atlantis');
    await heading('There is no such environment');

    expect(await page.getByRole('link', { name: 'Create VPN' }).count()).toBe(0);
    expect(await findViolations(page)).toEqual([]);
    await page.getByRole('link', { name: 'Choose another one.' }).click();
    await heading('Environments');
  });

  it('shows skeleton rows while it loads', async () => {
    rig.hold(/sitetositevpns/);
    await open(list);
    await page.getByText('Loading the VPNs…').waitFor();

    expect(await page.locator('.skeleton').count()).toBe(8);
    expect(await findViolations(page)).toEqual([]);
  });

  it('links to the create form if the environment has no VPN', async () => {
    await open('/compute-on/staging');
    await page.getByRole('heading', { name: 'No VPN yet' }).waitFor();

    expect(await findViolations(page)).toEqual([]);
    await page.getByRole('link', { name: 'Create the first VPN' }).click();
    await heading('Create a VPN');
  });

  it('shows why it cannot be loaded and retries on request', async () => {
    rig.setFaults(({ path }) =>
      path.includes('sitetositevpns') ? { status: 403, body: { errors: ['No.'] } } : undefined,
    );
    await open(list);

    expect(await alertText()).toMatch(/^The VPNs cannot be shown\n.+\nRequest .+\nTry again$/s);
    expect(await findViolations(page)).toEqual([]);

    rig.setFaults(undefined);
    await press('Try again');
    await row('stargate').waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  it('shows partial data and a warning if the VPCs cannot be read', async () => {
    rig.setFaults(({ path }) => (path.includes('vpcs') ? { status: 500, body: {} } : undefined));
    await open(list);
    await page.getByText('Some data could not be loaded').waitFor();

    expect((await row('stargate').innerText()).trim()).toMatch(/^stargate\s+3fe7d82a… \(name not known\)/);
    expect(await rows()).toHaveLength(9);
    expect(await findViolations(page)).toEqual([]);
  });

  it('keeps its rows if updates stop, shows since when, and resumes by itself', async () => {
    await open(list);
    await row('stargate').waitFor();
    rig.setFaults(() => ({ status: 401, body: {} }));
    await page.getByText('The list has stopped updating. It tries again by itself').waitFor();

    expect(await rows()).toHaveLength(9);
    await page.getByText(/^Not live since \d\d:\d\d:\d\d/).waitFor();
    expect(await findViolations(page)).toEqual([]);

    rig.setFaults(undefined);
    await page.getByText('Live', { exact: true }).waitFor();
  });

  it('reconnects by itself while the gateway is unreachable, and then shows what has changed', async () => {
    const before = rig.pageErrors.length;
    await open('/compute-on/production');
    await page.getByText('Live', { exact: true }).waitFor();
    rig.selectGateway(undefined);
    await page.getByText(/^Not live since \d\d:\d\d:\d\d. Reconnecting…$/).waitFor();
    // The page retries a refused connection too.
    await waitUntil(() => rig.pageErrors.length > before + 1);
    await reset('compute-on/production', '20b360a5-e84b-4bd3-b777-a942c44e67fc');
    rig.selectGateway('polling');
    await page.getByText('Live', { exact: true }).waitFor();
    await row('toronto-office').getByText('Pending').waitFor();

    // The browser logs each failed attempt.
    for (const pageError of rig.pageErrors.splice(before))
      expect(pageError).toMatch(/WebSocket connection to .* failed/);
  });
});

describe('VPN page', () => {
  it('shows all attributes and the security advisories', async () => {
    await open(toronto);
    await heading('toronto-office');

    expect((await page.locator('dl.attributes').allInnerTexts()).join('\n').split(/\n+/)).toEqual(
      [
        ['Remote gateway', '198.51.100.17'],
        ['Remote network', '10.20.0.0/16'],
        ['VPC', 'MyVPC'],
        ['VPC’s address', '172.31.3.253'],
        ['VPC’s network', '10.155.24.0/22'],
        ['Dead peer detection', 'On'],
        ['Forced UDP encapsulation', 'Off'],
        ['Service', 'compute-on'],
        ['Id', 'ca86b14f-20db-463d-b58a-9d3fa5959af2'],
        ['Encryption', 'AES, 256 bits'],
        ['Hash', 'SHA-1'],
        ['Diffie-Hellman group', 'Group 5 (1536 bits)'],
        ['Lifetime', '1 day (86,400 s)'],
        ['Encryption', 'AES, 256 bits'],
        ['Hash', 'SHA-1'],
        ['Perfect forward secrecy', 'Group 5 (1536 bits)'],
        ['Lifetime', '1 hour (3,600 s)'],
      ].flat(),
    );
    expect(
      await page.getByRole('link', { name: 'Read the section on Group of phase 1, in a new tab' }).getAttribute('href'),
    ).toMatch(/rfc8247/);
    expect(await findViolations(page)).toEqual([]);
    await takeScreenshots(page, 'vpn');
  });

  it('loads the key only when the user shows it, and removes it when the user hides it', async () => {
    await open(stargate);
    await heading('stargate');
    const panel = page.getByRole('region', { name: 'Pre-shared key' });
    expect(await page.content()).not.toContain('WtOBS9GRux2XtJPtHY2TUvrv');

    await panel.getByRole('button', { name: 'Show the key' }).click();
    await panel.getByText('WtOBS9GRux2XtJPtHY2TUvrv').waitFor();
    expect(await findViolations(page)).toEqual([]);

    await panel.getByRole('button', { name: 'Hide the key' }).click();
    expect(await page.content()).not.toContain('WtOBS9GRux2XtJPtHY2TUvrv');
  });

  it('loads the files of the remote end only when the user shows them, and removes them when the user hides them', async () => {
    const secret = Buffer.from('WtOBS9GRux2XtJPtHY2TUvrv').toString('base64');
    await open(stargate);
    await heading('stargate');
    expect(await page.content()).not.toContain(secret);

    await press('Show ipsec.conf');
    await page.getByRole('region', { name: 'stargate.secrets' }).waitFor();
    expect(await page.getByRole('region', { name: 'stargate.conf' }).innerText()).toContain('conn stargate-1\n');
    expect(await page.content()).toContain(secret);
    await page.getByText('The source NAT address of the VPC is a private address').waitFor();
    expect(await findViolations(page)).toEqual([]);

    await press('Hide ipsec.conf');
    expect(await page.content()).not.toContain(secret);
  });

  it('copies a file of the remote end', async () => {
    await open(stargate);
    await press('Show swanctl.conf');
    // The page shows the outcome for 3 s.
    await Promise.all([page.getByText('Copied').waitFor(), press('Copy stargate.conf')]);

    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(
      await page.getByRole('region', { name: 'stargate.conf' }).textContent(),
    );
  });

  it('shows why there is no configuration file', async () => {
    await open(stargate);
    await page.getByText('Local address').waitFor();
    rig.setFaults(({ path }) => (path.includes('/vpcs/') ? { status: 403, body: {} } : undefined));
    await press('Show swanctl.conf');
    await page.getByText('There are no files for this VPN').waitFor();

    expect(await page.getByRole('region', { name: 'stargate.conf' }).count()).toBe(0);
    expect(await findViolations(page)).toEqual([]);
  });

  it('shows skeleton rows while it loads', async () => {
    rig.hold(/sitetositevpns/);
    await open(stargate);
    await page.getByText('Loading the VPN…').waitFor();

    expect(await findViolations(page)).toEqual([]);
  });

  it('says that the VPN does not exist', async () => {
    await open(vpnOf('00000000-0000-4000-8000-000000000000'));
    await page.getByText('There is no such VPN').waitFor();

    expect(await findViolations(page)).toEqual([]);
  });

  it('shows why it cannot be loaded', async () => {
    rig.setFaults(({ path }) =>
      path.includes('sitetositevpns') ? { status: 403, body: { errors: ['No.'] } } : undefined,
    );
    await open(stargate);

    expect(await alertText()).toMatch(/^The VPN cannot be shown\n/);
    expect(await findViolations(page)).toEqual([]);
  });

  it('shows partial data and a warning if its VPC cannot be read', async () => {
    rig.setFaults(({ path }) => (path.includes('vpcs') ? { status: 500, body: {} } : undefined));
    await open(stargate);
    await heading('stargate');

    await page.getByText('Some data could not be loaded').waitFor();
    expect(await findViolations(page)).toEqual([]);
  });
});

describe('create form', () => {
  it('shows each error at its field, then tracks the task and opens the page of the new VPN', async () => {
    await open(`${list}/create`);
    await heading('Create a VPN');
    expect(await findViolations(page)).toEqual([]);

    await fillForm({ gateway: 'vpn.example.com', key: 'too-short' });
    await press('Create VPN');
    await page.getByText('The VPN was not created').waitFor();

    expect(await page.locator('[data-invalid] .field-error').allInnerTexts()).toEqual([
      'Enter an IP address, e.g. 203.0.113.7. A host name does not work.',
      'Use at least 10 letters or digits, without double quotes.',
    ]);
    // The first invalid field has the focus, and the message is its accessible description.
    await hasFocus(page.getByLabel('Remote gateway'));
    expect(await isInView('.field[data-invalid]')).toBe(true);
    expect(
      await page.evaluate(
        `document.activeElement.getAttribute('aria-describedby').split(' ').map((id) => document.getElementById(id).textContent).join(' ')`,
      ),
    ).toContain('Enter an IP address, e.g. 203.0.113.7.');
    expect(await findViolations(page)).toEqual([]);
    await takeScreenshots(page, 'form');

    await page.getByLabel('Remote gateway').fill('203.0.113.40');
    await press('Generate a key');
    await page.getByRole('button', { name: 'Hide the key' }).waitFor();
    expect(await page.getByLabel('Pre-shared key').inputValue()).toMatch(/^[A-Za-z0-9]{32}$/);
    await press('Create VPN');
    await page.getByText('paris-office is being set up…').waitFor();
    expect(await findViolations(page)).toEqual([]);

    rig.advanceTime(3_000);
    await heading('paris-office');
    await page.getByText('Pending', { exact: true }).waitFor();
    rig.advanceTime(3_000);
    await page.getByText('Connected', { exact: true }).waitFor();
  });

  it('lists the strongest algorithms first', async () => {
    await open(`${list}/create`);
    await page.getByRole('group', { name: 'Phase 1 (IKE)' }).getByRole('button', { name: 'Encryption' }).click();

    expect(await page.getByRole('option').allInnerTexts()).toEqual([
      'AES, 256 bits\nRecommended.',
      'AES, 192 bits\nStrong.',
      'AES, 128 bits\nStrong.',
      '3DES\nToo weak today: only for old devices.',
    ]);
    expect(await findViolations(page)).toEqual([]);
  });

  it('shows why the task failed and keeps the input', async () => {
    await open(`${list}/create`);
    await fillForm({ name: 'far-away', gateway: '240.0.0.1' });
    await press('Create VPN');
    await page.getByText('far-away is being set up…').waitFor();
    rig.advanceTime(3_000);

    await page.getByText('far-away could not be created').waitFor();
    expect(await alertText()).toContain('The gateway 240.0.0.1 cannot be reached.');
    expect(await findViolations(page)).toEqual([]);

    await press('Dismiss');
    expect(await page.getByLabel('Remote gateway').inputValue()).toBe('240.0.0.1');
  });

  it('shows an error for a read-only key', async () => {
    await open(`${list}/create`, 'read-only-key');
    await fillForm({ name: 'forbidden' });
    await press('Create VPN');

    expect(await alertText()).toMatch(/^The VPN was not created\n/);
    await hasFocus(page.locator('.form-rejection'));
    expect(await isInView('.form-rejection')).toBe(true);
    expect(await findViolations(page)).toEqual([]);
  });

  it('says what is wrong with a field after it is left, before the form is submitted', async () => {
    await open(`${list}/create`);
    await page.getByLabel('Name', { exact: true }).fill('stargate');
    await page.getByLabel('Remote network').fill('10.40.0.0');
    await page.getByLabel('Remote gateway').fill('19.19.19.19');
    await page.getByLabel('Pre-shared key').focus();
    await page.getByText('Needs attention: Name, Remote gateway, Remote network').waitFor();

    expect(await page.locator('[data-invalid] .field-error').allInnerTexts()).toEqual([
      'Another VPN of this environment has this name. Choose another one.',
      'Another VPN of this environment uses this gateway. Enter another one, or delete the other VPN.',
      'Enter an address and a prefix length, e.g. 10.40.0.0/16. Separate several by commas.',
    ]);
    expect(await findViolations(page)).toEqual([]);
    expect(await page.getByText('The cloud offers nothing stronger than SHA-1 and group 5').count()).toBe(1);

    await page.getByLabel('Remote network').fill('10.40.0.0/16');
    await page.getByText('Needs attention: Name, Remote gateway, Pre-shared key', { exact: true }).waitFor();
  });

  it('asks before an edited form is left, by a link and by the Back button', async () => {
    await open(list);
    await page.getByRole('link', { name: 'Create VPN' }).click();
    await page.getByLabel('Name', { exact: true }).fill('half-done');
    await page.getByRole('link', { name: 'Cancel' }).click();
    const dialog = page.getByRole('alertdialog', { name: 'Leave without saving?' });
    await hasFocus(dialog.getByRole('button', { name: 'Stay' }));
    expect(await findViolations(page)).toEqual([]);
    await press('Stay');
    expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('half-done');

    await page.evaluate('history.back()');
    await dialog.waitFor();
    await press('Leave');
    await heading('test_area');
  });
});

describe('edit page', () => {
  it('shows that the REST API has no updates', async () => {
    await open(`${stargate}/edit`);
    await page.getByLabel('Remote network').fill('10.13.0.0/16');
    await press('Save changes');

    expect(await alertText()).toMatch(/^The VPN was not changed\n/);
    expect(await isInView('.form-rejection')).toBe(true);
    expect(await findViolations(page)).toEqual([]);
  });
});

describe('reset button', () => {
  it('is shown for a disconnected VPN and hidden once the VPN is connected', async () => {
    await open(toronto);
    await press('Reset');
    await page.getByText('toronto-office is being reset…').waitFor();
    await page.getByText('Pending', { exact: true }).waitFor();
    rig.advanceTime(3_000);
    await page.getByText('Connected', { exact: true }).waitFor();

    expect(await page.getByRole('button', { name: 'Reset' }).count()).toBe(0);
  });

  it('is shown for a pending VPN, which announces its success', async () => {
    await open(vpnOf('8dbed732-1c15-4578-ba17-613863f500bb'));
    await press('Reset');
    await page.getByText('ottawa-office is being reset…').waitFor();
    rig.advanceTime(3_000);
    await page.getByText('ottawa-office has been reset.').waitFor();
    await page.getByText('Connected', { exact: true }).waitFor();

    expect(await findViolations(page)).toEqual([]);
  });

  it('shows a rejection below the header', async () => {
    await open(lostOutpost, 'read-only-key');
    await press('Reset');

    expect(await alertText()).toMatch(/^The VPN was not reset\n/);
    expect(await findViolations(page)).toEqual([]);
  });

  it('shows why the reset failed', async () => {
    await open(lostOutpost);
    await press('Reset');
    await page.getByText('lost-outpost is being reset…').waitFor();
    rig.advanceTime(3_000);
    await page.getByText('lost-outpost could not be reset', { exact: true }).waitFor();

    expect(await findViolations(page)).toEqual([]);
  });
});

describe('delete dialog', () => {
  it('requires the name and returns to the list once the VPN is deleted', async () => {
    await open(callCentre);
    await press('Delete');
    const dialog = page.getByRole('alertdialog', { name: 'Delete call-centre?' });
    const confirm = dialog.getByRole('button', { name: 'Delete' });
    expect(await findViolations(page)).toEqual([]);

    await dialog.getByLabel('Name of the VPN').fill('call-center');
    expect(await confirm.isDisabled()).toBe(true);
    await dialog.getByLabel('Name of the VPN').fill('call-centre');
    await confirm.click();
    await page.getByText('call-centre is being deleted…').waitFor();
    rig.advanceTime(3_000);

    await heading('test_area');
    await row('stargate').waitFor();
    expect(await rows()).not.toContain('call-centre');
  });

  it('shows an error for a read-only key', async () => {
    await open(stargate, 'read-only-key');
    await press('Delete');
    await page.getByLabel('Name of the VPN').fill('stargate');
    await page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click();

    expect(await alertText()).toMatch(/^The VPN was not deleted\n/);
    expect(await findViolations(page)).toEqual([]);
  });
});

describe('keyboard only', () => {
  it('signs in, finds a VPN, and opens and closes its dialog, with a visible focus at each stop', async () => {
    await open('/', null);
    // A loaded page may not be rendered yet, and elements receive no key presses before that.
    await hasFocus(page.getByLabel('API key'));
    await page.keyboard.press('Enter');
    await heading('Environments');
    await tabTo(page, 'test_areaWhere changes are tried out firstCompute - Ontario');
    await page.keyboard.press('Enter');
    await heading('test_area');

    await tabTo(page, 'Search');
    await page.keyboard.type('stargate');
    await expectRows(['stargate']);
    await tabTo(page, 'stargate');
    await page.keyboard.press('Enter');
    await heading('stargate');

    await tabTo(page, 'Delete');
    await page.keyboard.press('Enter');
    await page.getByRole('alertdialog').waitFor();
    await hasFocus(page.getByLabel('Name of the VPN'));
    await page.keyboard.press('Escape');
    await page.getByRole('alertdialog').waitFor({ state: 'detached' });
    await hasFocus(page.getByRole('button', { name: 'Delete', exact: true }));
  });

  it('creates a VPN', async () => {
    await open(`${list}/create`);
    await heading('Create a VPN');
    await tabTo(page, 'Name');
    await page.keyboard.type('by-keyboard');
    await tabTo(page, 'Choose a VPC VPC');
    for (const key of ['ArrowDown', 'Enter']) await page.keyboard.press(key);
    await page.getByRole('listbox').waitFor({ state: 'detached' });
    await tabTo(page, 'Remote gateway');
    await page.keyboard.type('203.0.113.41');
    await tabTo(page, 'Remote network');
    await page.keyboard.type('10.41.0.0/16');
    await tabTo(page, 'Generate a key');
    await page.keyboard.press('Enter');
    await tabTo(page, 'Force UDP encapsulation');
    await page.keyboard.press('Space');
    await tabTo(page, 'Create VPN');
    await page.keyboard.press('Enter');
    await page.getByText('by-keyboard is being set up…').waitFor();
    rig.advanceTime(3_000);
    await heading('by-keyboard');

    const encapsulation = page.locator('.attribute').filter({ hasText: 'Forced UDP encapsulation' });
    expect(await encapsulation.innerText()).toMatch(/On$/);
  });

  it('skips to the content', async () => {
    await open(list);
    await heading('test_area');
    await page.reload();
    await press('Sign in');
    await heading('test_area');
    await page.evaluate('document.activeElement.blur()');
    await tabTo(page, 'Skip to the content');
    await page.keyboard.press('Enter');

    await hasFocus(page.locator('#content'));
  });
});

describe('REST calls of the gateway', () => {
  it('match the table of the README for each page and action', async () => {
    rig.selectGateway('idle');
    const measured: string[][] = [];
    const measure = async (name: string, act: () => Promise<unknown>): Promise<void> => {
      rig.sandbox.calls.splice(0);
      await act();
      const calls = rig.sandbox.calls.map(({ method, path }) => {
        const [, collection = '', rest = ''] = /([a-z]+)(\/[0-9a-f-]{36})?(?:\?.*)?$/.exec(path) ?? [];
        return `${method} ${collection}${rest && '/:id'}`;
      });
      // Task polls are excluded, because their number depends on timing.
      const untimed = calls.filter((call) => call !== 'GET tasks/:id');
      measured.push([
        name,
        String(untimed.length),
        untimed.sort().join(', ') + (untimed.length < calls.length ? '; the task' : ''),
      ]);
    };

    await open('/', null);
    await measure('Sign-in, environments', async () => {
      await press('Sign in');
      await page.getByRole('link', { name: 'test_area' }).waitFor();
    });
    await measure('List', async () => {
      await page.getByRole('link', { name: 'test_area' }).click();
      await row('warehouse').waitFor();
    });
    await page.close();
    await open(warehouse, null);
    await measure('VPN', async () => {
      await press('Sign in');
      await page.getByText('Local address').waitFor();
      await page.getByText('The networks do not overlap.').waitFor();
      // Removes the two calls of the sign-in, which are measured above.
      rig.sandbox.calls.splice(0, 2);
    });
    await measure('– its key', async () => {
      await page.getByRole('region', { name: 'Pre-shared key' }).getByRole('button', { name: 'Show the key' }).click();
      await page.getByText('1mOX8cDMydqDD4q30NHVuiZX').first().waitFor();
    });
    await measure('– files of the remote end', async () => {
      await press('Show swanctl.conf');
      await page.getByRole('region', { name: 'warehouse.conf' }).waitFor();
    });
    await measure('– reset', async () => {
      await press('Reset');
      await page.getByText('warehouse is being reset…').waitFor();
      rig.advanceTime(3_000);
      await page.getByText('warehouse is being reset…').waitFor({ state: 'detached' });
    });
    await measure('– delete, then the list', async () => {
      await press('Delete');
      await page.getByLabel('Name of the VPN').fill('warehouse');
      await page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click();
      await page.getByText('warehouse is being deleted…').waitFor();
      rig.advanceTime(3_000);
      await heading('test_area');
      await row('stargate').waitFor();
    });
    await measure('Form', async () => {
      await page.getByRole('link', { name: 'Create VPN' }).click();
      // Waits for the form, because the list also has a VPC select.
      await heading('Create a VPN');
      await selectOption('VPC', 'gate-room');
    });
    await measure('– a check as one types', async () => {
      await fillForm({ name: 'counted', gateway: '203.0.113.42' });
      await waitUntil(() => rig.sandbox.calls.length > 0);
    });
    await measure('– create, then its page', async () => {
      await press('Create VPN');
      await page.getByText('counted is being set up…').waitFor();
      rig.advanceTime(3_000);
      await heading('counted');
    });

    const readme = await readFile(join(import.meta.dirname, '../../../examples/web-console/README.md'), 'utf8');
    const readmeRows = readme
      .split('\n')
      .filter((line) => /^\|.*\| \d+ +\|/.test(line))
      .map((line) =>
        line
          .slice(1, -1)
          .split('|')
          .map((cell) => cell.trim()),
      );
    // The polls of the VPN and of the list may both confirm a delete by a read.
    const withoutRepeatedReads = (rows: readonly (readonly string[])[]) =>
      rows.map(([name = '', count = '', calls = '']) =>
        name.startsWith('– delete')
          ? [name, calls.replace(/(GET sitetositevpns\/:id, )+/, '$1')]
          : [name, count, calls],
      );
    expect(withoutRepeatedReads(readmeRows)).toEqual(withoutRepeatedReads(measured));
  });
});

describe('console', () => {
  it('switches between light and dark colours, and keeps the choice', async () => {
    await open(list);
    await press('Colours: as the system');
    await press('Colours: light');
    expect(await page.evaluate('getComputedStyle(document.documentElement).colorScheme')).toBe('dark');
    await page.reload();
    expect(await page.evaluate('getComputedStyle(document.documentElement).colorScheme')).toBe('dark');

    await press('Sign in');
    await press('Colours: dark');
    expect(await page.evaluate('localStorage.length')).toBe(0);
  });

  it('sends requests only to its own server and the gateway', async () => {
    await open();
    await heading('Environments');

    expect(rig.foreignRequests).toEqual([]);
  });

  it('shows a not-found page, and no test caused a page error', async () => {
    await open('/nowhere');
    await heading('There is no such page');

    expect(await findViolations(page)).toEqual([]);
    expect(rig.pageErrors).toEqual([]);
  });
});
