// Tests the web console in Chromium on version 2 of the REST API: changes to VPNs, one by one and several at once.
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Locator, Page } from 'playwright-core';
import { type ConsoleRig, findViolations, startConsole, tabTo, takeScreenshots } from './console.js';

const list = '/compute-on/test_area';
const toronto = `${list}/vpns/ca86b14f-20db-463d-b58a-9d3fa5959af2`;
const montreal = `${list}/vpns/4bbc18ef-5f3d-451a-93e9-8d280e919a98`;

let rig: ConsoleRig;
let page: Page;

beforeAll(async () => {
  rig = await startConsole({ apiVersion: 'v2', crowd: 1_000 });
});

afterEach(async () => {
  await page.close();
});

const open = async (path: string, key?: string) => {
  page = await rig.open(path, key);
};
const heading = (name: string) => page.getByRole('heading', { level: 1, name, exact: true }).waitFor();
const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
const hasFocus = (target: Locator) => target.and(page.locator(':focus')).waitFor();
const history = () =>
  page.getByRole('region', { name: 'Since you opened this page' }).locator('li span').allInnerTexts();
const row = (name: string) => page.getByRole('row').filter({ has: page.getByRole('rowheader', { name, exact: true }) });

describe('edit page', () => {
  it('marks the changed fields, saves only them, and then shows what has happened', async () => {
    await open(toronto);
    await page.getByRole('link', { name: 'Edit' }).click();
    await heading('Edit toronto-office');
    await page.getByText('Nothing changed yet').waitFor();
    expect(await findViolations(page)).toEqual([]);

    await page.getByLabel('Remote gateway').fill('198.51.100.18');
    await page.getByText('Force UDP encapsulation').click();
    expect(await page.locator('.changed').allInnerTexts()).toEqual(['Changed from 198.51.100.17', 'Changed from off']);
    await page.getByText('Changed: Remote gateway, Forced UDP encapsulation').waitFor();
    expect(await findViolations(page)).toEqual([]);
    await takeScreenshots(page, 'edit');

    await press('Save changes');
    await heading('toronto-office');
    await page.getByText('toronto-office is being changed…').waitFor();
    rig.advanceTime(3_000);
    await page.getByText('toronto-office has been changed.').waitFor();
    await page.getByText('State: Connected').waitFor();

    expect(await page.locator('.attribute').filter({ hasText: 'Remote gateway' }).innerText()).toContain(
      '198.51.100.18',
    );
    expect((await history()).toSorted()).toEqual([
      'State: Connected',
      'State: Pending',
      'toronto-office has been changed',
      'toronto-office is being changed',
    ]);
    expect(await findViolations(page)).toEqual([]);
  });

  it('shows a rejected change at its field', async () => {
    await open(`${montreal}/edit`);
    await page.getByLabel('Name', { exact: true }).fill('stargate');
    await press('Save changes');
    await hasFocus(page.getByLabel('Name', { exact: true }));

    await page.locator('.field-error').getByText('Another VPN of this environment has this name.').waitFor();
    expect(await findViolations(page)).toEqual([]);
  });
});

describe('key of a VPN', () => {
  it('is generated, changed, and then a reset is offered', async () => {
    await open(montreal);
    await press('Change the key');
    const dialog = page.getByRole('alertdialog', { name: 'Change the key of montreal-office' });
    const key = await dialog.getByLabel('New key').inputValue();
    expect(key).toMatch(/^[A-Za-z0-9]{32}$/);
    expect(await findViolations(page)).toEqual([]);

    await dialog.getByRole('button', { name: 'Copy the new key' }).click();
    await dialog.getByText('Copied').waitFor();
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(key);

    await dialog.getByRole('button', { name: 'Change the key' }).click();
    await page.getByText('montreal-office is being changed…').waitFor();
    rig.advanceTime(3_000);
    await page.getByText('The key has been changed').waitFor();
    expect(await page.content()).not.toContain(key);
    expect(await findViolations(page)).toEqual([]);

    await press('Show the key');
    await page.getByText(key).waitFor();
    await page.locator('.notice-info').getByRole('button', { name: 'Reset' }).click();
    await page.getByText('montreal-office is being reset…').waitFor();
    rig.advanceTime(3_000);
    await page.getByText('montreal-office has been reset.').waitFor();
  });
});

describe('networks of a VPN', () => {
  it('are drawn as a map, with the overlaps', async () => {
    await open(montreal);
    await page.getByRole('img', { name: 'VPC MyVPC 10.155.24.0/22, This VPN montreal-office 10.24.0.0/16' }).waitFor();
    await page.getByText('The networks do not overlap.').waitFor();
    expect(await page.locator('.network-overlap').count()).toBe(0);

    await page.getByRole('link', { name: 'Edit' }).click();
    // The page before has copy buttons of the same name.
    await heading('Edit montreal-office');
    await page.getByLabel('Remote network').fill('10.155.25.0/24,10.20.4.0/24');
    await press('Save changes');
    await page.getByText('Traffic to overlapping networks cannot be routed').waitFor();
    rig.advanceTime(3_000);

    expect(await page.locator('.notice li').allInnerTexts()).toEqual([
      '10.155.25.0/24 overlaps 10.155.24.0/22 of the VPC',
      '10.20.4.0/24 overlaps 10.20.0.0/16 of toronto-office',
    ]);
    expect(await page.locator('.network-overlap').count()).toBe(2);
    expect(await findViolations(page)).toEqual([]);
    await takeScreenshots(page, 'networks');
  });
});

describe('several VPNs at once', () => {
  it('are reset after one confirmation that names them', async () => {
    await open('/compute-qc/cheyenne_mountain');
    await page.getByLabel('Select all').check();
    await page.getByText('2 selected').waitFor();
    expect(await findViolations(page)).toEqual([]);

    await page.getByRole('region', { name: 'Selected VPNs' }).getByRole('button', { name: 'Reset' }).click();
    const dialog = page.getByRole('alertdialog', { name: 'Reset 2 VPNs?' });
    await dialog.getByText('beta-site').waitFor();
    expect(await findViolations(page)).toEqual([]);

    await dialog.getByRole('button', { name: 'Reset 2 VPNs' }).click();
    await page.getByText('2 VPNs are being reset.').waitFor();
    await row('beta-site').getByText('Pending').waitFor();
    rig.advanceTime(3_000);
    await row('beta-site').getByText('Connected').waitFor();
  });

  it('are deleted once the user has typed how many', async () => {
    await open(list);
    for (const name of ['call-centre', 'warehouse']) await page.getByLabel(`Select ${name}`).check();
    await page.getByRole('region', { name: 'Selected VPNs' }).getByRole('button', { name: 'Delete' }).click();
    const dialog = page.getByRole('alertdialog', { name: 'Delete 2 VPNs?' });
    const confirm = dialog.getByRole('button', { name: 'Delete 2 VPNs' });
    expect(await confirm.isDisabled()).toBe(true);
    expect(await dialog.getByRole('listitem').allInnerTexts()).toEqual([
      'call-centre\nDisconnected',
      'warehouse\nError',
    ]);
    expect(await findViolations(page)).toEqual([]);

    await dialog.getByLabel('Number of VPNs').fill('2');
    await confirm.click();
    await page.getByText('2 VPNs are being deleted.').waitFor();
    rig.advanceTime(3_000);
    await row('call-centre').waitFor({ state: 'detached' });
    await row('warehouse').waitFor({ state: 'detached' });
  });

  it('show for each why it was rejected', async () => {
    await open(list, 'read-only-key');
    await page.getByLabel('Select stargate').check();
    await page.getByRole('region', { name: 'Selected VPNs' }).getByRole('button', { name: 'Reset' }).click();
    await press('Reset 1 VPN');
    await page.getByRole('alertdialog').getByRole('alert').waitFor();

    expect(await findViolations(page)).toEqual([]);
  });
});

describe('keyboard only', () => {
  it('selects a VPN, opens it, and changes it', async () => {
    await open(list);
    await heading('test_area');
    await tabTo(page, 'Select partner-lab');
    await page.keyboard.press('Space');
    await page.getByText('1 selected').waitFor();
    await tabTo(page, 'partner-lab');
    await page.keyboard.press('Enter');
    await heading('partner-lab');
    await tabTo(page, 'Edit');
    await page.keyboard.press('Enter');
    await heading('Edit partner-lab');
    await tabTo(page, 'Remote gateway');
    await page.keyboard.type('203.0.113.61');
    await tabTo(page, 'Save changes');
    await page.keyboard.press('Enter');
    await page.getByText('partner-lab is being changed…').waitFor();
    rig.advanceTime(3_000);
    await page.getByText('partner-lab has been changed.').waitFor();
  });
});

describe('VPN list', () => {
  it('measures how long a key takes in a list of 1,000 VPNs', async () => {
    await open('/compute-on/crowded');
    await row('site-999').waitFor();
    await page.evaluate(`
      window.keyTimes = [];
      addEventListener('keydown', () => {
        const pressed = performance.now();
        requestAnimationFrame(() => setTimeout(() => window.keyTimes.push(performance.now() - pressed)));
      }, true);
    `);
    await page.getByRole('searchbox').focus();
    await page.keyboard.type('site-99', { delay: 100 });
    await page.getByText('11 of 1000 VPNs shown.').waitFor();
    for (let count = 0; count < 7; count += 1) await page.keyboard.press('Backspace', { delay: 100 });
    await page.getByText('1000 of 1000 VPNs shown.').waitFor();

    const times: unknown = await page.evaluate('window.keyTimes.map(Math.round)');
    process.stderr.write(`Milliseconds from each key to its frame, with 1,000 VPNs: ${String(times)}\n`);
    expect(times).toHaveLength(14);
    expect(rig.pageErrors).toEqual([]);
  });
});
