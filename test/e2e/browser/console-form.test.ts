// Tests the forms of the web console on version 1 of the REST API, which has no updates.
import { describe, expect, it } from '@jest/globals';
import { list, startConsole } from './console.js';
import { createSteps, findViolations, see, takeScreenshots } from './console-steps.js';

const rig = await startConsole();
const { page, open } = rig;
const { heading, text, press, alertText, hasFocus, isInView, fillForm } = createSteps(page);
const stargate = `${list}/vpns/d49b2922-0581-4587-94df-6fe719327d0f`;

describe('create form', () => {
  it('shows each error at its field, then tracks the task and opens the page of the new VPN', async () => {
    await open(`${list}/create`);
    await heading('Create a VPN');
    expect(await findViolations(page)).toEqual([]);

    await fillForm({ gateway: 'vpn.example.com', key: 'too-short' });
    await press('Create VPN');
    await text('The VPN was not created');

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
    await see(page.getByRole('button', { name: 'Hide the key' }));
    expect(await page.getByLabel('Pre-shared key').inputValue()).toMatch(/^[A-Za-z0-9]{32}$/);
    await press('Create VPN');
    await text('paris-office is being set up…');
    expect(await findViolations(page)).toEqual([]);

    rig.advanceTime(3_000);
    await heading('paris-office');
    await text('Pending', { exact: true });
    rig.advanceTime(3_000);
    await text('Connected', { exact: true });
  });

  it('lists the strongest algorithms first', async () => {
    await open(`${list}/create`);
    await heading('Create a VPN');
    await page.getByRole('group', { name: 'Phase 1 (IKE)' }).getByRole('button', { name: 'Encryption' }).click();

    await see(page.getByRole('option').first());
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
    await text('far-away is being set up…');
    rig.advanceTime(3_000);

    await text('far-away could not be created');
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
    await heading('Create a VPN');
    await page.getByLabel('Name', { exact: true }).fill('stargate');
    await page.getByLabel('Remote network').fill('10.40.0.0');
    await page.getByLabel('Remote gateway').fill('19.19.19.19');
    await page.getByLabel('Pre-shared key').focus();
    await text('Needs attention: Name, Remote gateway, Remote network');

    expect(await page.locator('[data-invalid] .field-error').allInnerTexts()).toEqual([
      'Another VPN of this environment has this name. Choose another one.',
      'Another VPN of this environment uses this gateway. Enter another one, or delete the other VPN.',
      'Enter an address and a prefix length, e.g. 10.40.0.0/16. Separate several by commas.',
    ]);
    expect(await findViolations(page)).toEqual([]);
    expect(await page.getByText('The cloud offers nothing stronger than SHA-1 and group 5').count()).toBe(1);

    await page.getByLabel('Remote network').fill('10.40.0.0/16');
    await text('Needs attention: Name, Remote gateway, Pre-shared key', { exact: true });
  });
});

describe('edited form', () => {
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
    await see(dialog);
    await press('Leave');
    await heading('test_area');
  });

  it('is asked about before a sign-out', async () => {
    await open(`${list}/create`);
    await see(page.getByLabel('Name', { exact: true }));
    await page.getByLabel('Name', { exact: true }).fill('half-done');
    await press('Sign out');
    await see(page.getByRole('alertdialog', { name: 'Leave without saving?' }));
    await press('Stay');
    expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('half-done');

    await press('Sign out');
    await press('Leave');
    await see(page.getByLabel('API key'));
    expect(await page.evaluate('sessionStorage.length')).toBe(0);
  });

  it('is asked about by the browser before a reload, but not once it is as it was', async () => {
    const name = page.getByLabel('Name', { exact: true });
    const reload = async () => page.evaluate('setTimeout(() => location.reload())');
    await open(`${list}/create`);
    await see(name);
    // The browser asks only if the user has used the page, which a typed key is.
    await name.press('a');
    const [dialog] = await Promise.all([page.waitForEvent('dialog'), reload()]);
    expect(dialog.type()).toBe('beforeunload');
    await dialog.dismiss();
    expect(await name.inputValue()).toBe('a');

    await name.press('Backspace');
    await Promise.all([page.waitForEvent('load'), reload()]);
    await see(name);
  });
});

describe('version 1 of the REST API', () => {
  it('says what to do if the REST API has no updates', async () => {
    await open(`${stargate}/edit`);
    await heading('Edit stargate');
    await page.getByLabel('Remote network').fill('10.13.0.0/16');
    await press('Save changes');

    expect(await alertText()).toMatch(/^The VPN was not changed\n.*Delete the VPN, and create it again/);
    await hasFocus(page.locator('.form-rejection'));
    expect(await isInView('.form-rejection')).toBe(true);
    expect(await findViolations(page)).toEqual([]);
  });

  it('says so too if the key is changed', async () => {
    await open(stargate);
    await press('Change the key');
    await page.getByRole('alertdialog').getByRole('button', { name: 'Change the key' }).click();

    expect(await alertText()).toMatch(/^The key was not changed\n.*Delete the VPN, and create it again/);
    expect(await findViolations(page)).toEqual([]);
  });
});
