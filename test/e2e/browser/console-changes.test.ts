// Tests the web console in Chromium on version 2 of the REST API: changes to VPNs, one by one and several at once.
import { describe, expect, it } from '@jest/globals';
import { list, startConsole } from './console.js';
import { createSteps, findViolations, see, seeGone, takeScreenshots } from './console-steps.js';

const toronto = `${list}/vpns/ca86b14f-20db-463d-b58a-9d3fa5959af2`;
const montreal = `${list}/vpns/4bbc18ef-5f3d-451a-93e9-8d280e919a98`;

const rig = await startConsole({ apiVersion: 'v2', crowd: 1_000, pollMs: 250 });
const { page, open } = rig;
const { hasFocus, heading, press, readClipboard, row, text } = createSteps(page);

const history = () =>
  page.getByRole('region', { name: 'Since you opened this page' }).locator('li span').allInnerTexts();

describe('edit page', () => {
  it('marks the changed fields, saves only them, and then shows what has happened', async () => {
    await open(toronto);
    await page.getByRole('link', { name: 'Edit' }).click();
    await heading('Edit toronto-office');
    await text('Nothing changed yet');
    expect(await findViolations(page)).toEqual([]);

    await page.getByLabel('Remote gateway').fill('198.51.100.18');
    await page.getByText('Force UDP encapsulation').click();
    expect(await page.locator('.changed').allInnerTexts()).toEqual(['Changed from 198.51.100.17', 'Changed from off']);
    await text('Changed: Remote gateway, Forced UDP encapsulation');
    expect(await findViolations(page)).toEqual([]);
    await takeScreenshots(page, 'edit');

    await press('Save changes');
    await heading('toronto-office');
    await text('toronto-office is being changed…');
    rig.advanceTime(3_000);
    await text('toronto-office has been changed.');
    await text('State: Connected');

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

    await see(page.locator('.field-error').getByText('Another VPN of this environment has this name.'));
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
    await see(dialog.getByText('Copied'));
    expect(await readClipboard()).toBe(key);

    await dialog.getByRole('button', { name: 'Change the key' }).click();
    await text('montreal-office is being changed…');
    rig.advanceTime(3_000);
    await text('The key has been changed');
    expect(await page.content()).not.toContain(key);
    expect(await findViolations(page)).toEqual([]);

    await press('Show the key');
    await see(page.getByText(key));
    await page.locator('.notice-info').getByRole('button', { name: 'Reset' }).click();
    await text('montreal-office is being reset…');
    rig.advanceTime(3_000);
    await text('montreal-office has been reset.');
  });
});

describe('networks of a VPN', () => {
  it('are drawn as a map, with the overlaps', async () => {
    await open(montreal);
    await see(page.getByRole('img', { name: 'VPC MyVPC 10.155.24.0/22, This VPN montreal-office 10.24.0.0/16' }));
    await text('The networks do not overlap.');
    expect(await page.locator('.network-overlap').count()).toBe(0);

    await page.getByRole('link', { name: 'Edit' }).click();
    // The page before has copy buttons of the same name.
    await heading('Edit montreal-office');
    await page.getByLabel('Remote network').fill('10.155.25.0/24,10.20.4.0/24');
    await press('Save changes');
    await text('Traffic to overlapping networks cannot be routed');
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
    await text('2 selected');
    expect(await findViolations(page)).toEqual([]);

    await page.getByRole('region', { name: 'Selected VPNs' }).getByRole('button', { name: 'Reset' }).click();
    const dialog = page.getByRole('alertdialog', { name: 'Reset 2 VPNs?' });
    await see(dialog.getByText('beta-site'));
    expect(await findViolations(page)).toEqual([]);

    await dialog.getByRole('button', { name: 'Reset 2 VPNs' }).click();
    await text('2 VPNs are being reset.');
    await see(row('beta-site').getByText('Pending'));
    rig.advanceTime(3_000);
    await see(row('beta-site').getByText('Connected'));
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
    await text('2 VPNs are being deleted.');
    rig.advanceTime(3_000);
    await seeGone(row('call-centre'));
    await seeGone(row('warehouse'));
  });

  it('show for each why it was rejected', async () => {
    await open(list, 'read-only-key');
    await page.getByLabel('Select stargate').check();
    await page.getByRole('region', { name: 'Selected VPNs' }).getByRole('button', { name: 'Reset' }).click();
    await press('Reset 1 VPN');
    await see(page.getByRole('alertdialog').getByRole('alert'));

    expect(await findViolations(page)).toEqual([]);
  });
});

describe('VPN list', () => {
  it('measures how long a key takes in a list of 1,000 VPNs', async () => {
    await open('/compute-on/crowded');
    await see(row('site-999'));
    await page.evaluate(`
      window.keyTimes = [];
      addEventListener('keydown', () => {
        const pressed = performance.now();
        requestAnimationFrame(() => setTimeout(() => window.keyTimes.push(performance.now() - pressed)));
      }, true);
    `);
    await page.getByRole('searchbox').focus();
    await page.keyboard.type('site-99', { delay: 100 });
    await text('11 of 1000 VPNs shown.');
    for (let count = 0; count < 7; count += 1) await page.keyboard.press('Backspace', { delay: 100 });
    await text('1000 of 1000 VPNs shown.');

    const times: unknown = await page.evaluate('window.keyTimes.map(Math.round)');
    process.stderr.write(`Milliseconds from each key to its frame, with 1,000 VPNs: ${String(times)}\n`);
    expect(times).toHaveLength(14);
  });
});
