// Tests the web console by keyboard alone, and its dialogs.
import { describe, expect, it } from '@jest/globals';
import type { Locator } from 'playwright-core';
import { list, startConsole } from './console.js';
import { createSteps, findViolations, see, seeGone, tabTo } from './console-steps.js';

const rig = await startConsole({ apiVersion: 'v2' });
const { page, open, load } = rig;
const { focusedHeading, text, press, alertText, hasFocus, rows, row, expectRows } = createSteps(page);
const stargate = `${list}/vpns/d49b2922-0581-4587-94df-6fe719327d0f`;
const callCentre = `${list}/vpns/81ded762-de58-44bd-b8bc-156f36951923`;

/** Presses Tab as often as a dialog has controls, and some more, and expects that the focus never leaves it. */
async function expectFocusStays(dialog: Locator): Promise<void> {
  for (let count = 0; count < 8; count += 1) {
    await page.keyboard.press('Tab');
    expect(await dialog.locator(':focus').count()).toBe(1);
  }
}

describe('keyboard only', () => {
  it('signs in and finds a VPN, with a visible focus at each stop', async () => {
    await load('/', null);
    // A loaded page may not be rendered yet, and elements receive no key presses before that.
    await hasFocus(page.getByLabel('API key'));
    await page.keyboard.press('Enter');
    await focusedHeading('Environments');
    await tabTo(page, 'test_areaWhere changes are tried out firstCompute - Ontario');
    await page.keyboard.press('Enter');
    await focusedHeading('test_area');

    await tabTo(page, 'Search');
    await page.keyboard.type('stargate');
    await expectRows(['stargate']);
    await tabTo(page, 'stargate');
    await page.keyboard.press('Enter');
    await focusedHeading('stargate');
  });

  it('creates a VPN', async () => {
    await open(`${list}/create`);
    await focusedHeading('Create a VPN');
    await tabTo(page, 'Name');
    await page.keyboard.type('by-keyboard');
    await tabTo(page, 'Choose a VPC VPC');
    for (const key of ['ArrowDown', 'Enter']) await page.keyboard.press(key);
    await seeGone(page.getByRole('listbox'));
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
    await text('by-keyboard is being set up…');
    rig.advanceTime(3_000);
    await focusedHeading('by-keyboard');

    const encapsulation = page.locator('.attribute').filter({ hasText: 'Forced UDP encapsulation' });
    expect(await encapsulation.innerText()).toMatch(/On$/);
  });

  it('selects a VPN, opens it, and changes it', async () => {
    await open(list);
    await focusedHeading('test_area');
    await tabTo(page, 'Select partner-lab');
    await page.keyboard.press('Space');
    await text('1 selected');
    await tabTo(page, 'partner-lab');
    await page.keyboard.press('Enter');
    await focusedHeading('partner-lab');
    await tabTo(page, 'Edit');
    await page.keyboard.press('Enter');
    await focusedHeading('Edit partner-lab');
    await tabTo(page, 'Remote gateway');
    await page.keyboard.type('203.0.113.61');
    await tabTo(page, 'Save changes');
    await page.keyboard.press('Enter');
    await text('partner-lab is being changed…');
    rig.advanceTime(3_000);
    await text('partner-lab has been changed.');
  });
});

describe('dialog', () => {
  it('to delete a VPN takes the focus, keeps it, and returns it when Escape closes the dialog', async () => {
    await open(stargate);
    await focusedHeading('stargate');
    await tabTo(page, 'Delete');
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('alertdialog', { name: 'Delete stargate?' });
    await hasFocus(dialog.getByLabel('Name of the VPN'));
    await expectFocusStays(dialog);
    await page.keyboard.press('Escape');
    await seeGone(dialog);
    await hasFocus(page.getByRole('button', { name: 'Delete', exact: true }));
  });

  it('to change the key takes the focus, keeps it, and returns it when Escape closes the dialog', async () => {
    await open(stargate);
    await focusedHeading('stargate');
    await tabTo(page, 'Change the key');
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('alertdialog', { name: 'Change the key of stargate' });
    await hasFocus(dialog.getByLabel('New key'));
    await expectFocusStays(dialog);
    await page.keyboard.press('Escape');
    await seeGone(dialog);
    await hasFocus(page.getByRole('button', { name: 'Change the key', exact: true }));
  });

  it.each([
    ['Reset', 'Reset 1 VPN?', 'Cancel'],
    ['Delete', 'Delete 1 VPN?', 'Number of VPNs'],
  ])('of the bulk action %s takes the focus, keeps it, and returns it', async (action, title, first) => {
    await open(list);
    await focusedHeading('test_area');
    await tabTo(page, 'Select partner-lab');
    await page.keyboard.press('Space');
    await text('1 selected');
    await tabTo(page, action);
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('alertdialog', { name: title });
    await hasFocus(dialog.getByLabel(first).or(dialog.getByRole('button', { name: first, exact: true })));
    await expectFocusStays(dialog);
    await page.keyboard.press('Escape');
    await seeGone(dialog);
    await hasFocus(page.getByRole('button', { name: action, exact: true }));
    await text('1 selected');
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
    await text('call-centre is being deleted…');
    rig.advanceTime(3_000);

    await focusedHeading('test_area');
    await see(row('stargate'));
    expect(await rows()).not.toContain('call-centre');
  });

  it('shows an error for a read-only key', async () => {
    await open(stargate, 'read-only-key');
    await press('Delete');
    await see(page.getByLabel('Name of the VPN'));
    await page.getByLabel('Name of the VPN').fill('stargate');
    await page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click();

    expect(await alertText()).toMatch(/^The VPN was not deleted\n/);
    expect(await findViolations(page)).toEqual([]);
  });
});
