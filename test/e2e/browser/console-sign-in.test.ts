// Tests the sign-in page of the web console, and what all its pages share.
import { describe, expect, it } from '@jest/globals';
import { waitUntil } from '../../helpers/wait-until.js';
import { list, longName, startConsole } from './console.js';
import { createSteps, findViolations, see, tabTo, takeScreenshots } from './console-steps.js';

const rig = await startConsole();
const { page, open, load } = rig;
const { heading, press, alertText, hasFocus, signIn } = createSteps(page);

describe('sign-in page', () => {
  it('shows an error for a key that the REST API rejects', async () => {
    await load('/', null);
    await signIn('no-such-key');

    expect(await alertText()).toMatch(/^You are not signed in\n.*key/);
    expect(await findViolations(page)).toEqual([]);
  });

  it('fills in the sandbox key and opens the environments', async () => {
    await load('/', null);
    await see(page.getByLabel('API key'));

    expect(await page.getByLabel('API key').inputValue()).toBe('sandbox-key');
    expect(await findViolations(page)).toEqual([]);
    await takeScreenshots(page, 'sign-in', 'dark');

    await signIn();
    await see(page.getByRole('link', { name: 'test_area' }));

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
    await load('/', null);
    rig.setReachable(false);
    await signIn();

    expect(await alertText()).toContain('The gateway cannot be reached.');
    // The browser logs the failed request itself, which may arrive later.
    await waitUntil(() => rig.pageErrors.length > before);
    expect(rig.pageErrors.splice(before)).toEqual([expect.stringContaining('net::ERR')]);
  });

  it('keeps the key for the tab if the user asks, until the user signs out', async () => {
    await load('/compute-qc/disaster_recovery', null);
    await page.getByText('Stay signed in after a reload').click();
    await signIn();
    await heading('disaster_recovery');
    await page.reload();
    await heading('disaster_recovery');

    await press('Sign out');
    await see(page.getByLabel('API key'));
    expect(await page.evaluate('sessionStorage.length')).toBe(0);
  });

  it('stores the key nowhere in the browser, so a reload asks for it again', async () => {
    await load(list, null);
    await signIn();
    await heading('test_area');

    expect(await page.evaluate('localStorage.length + sessionStorage.length + document.cookie.length')).toBe(0);

    await press('Sign out');
    await see(page.getByLabel('API key'));
    await page.reload();
    await see(page.getByLabel('API key'));
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

    await press('Colours: dark');
    expect(await page.evaluate('localStorage.length')).toBe(0);
  });

  it('skips to the content', async () => {
    await open(list);
    await heading('test_area');
    await page.evaluate('document.activeElement.blur()');
    await tabTo(page, 'Skip to the content');
    await page.keyboard.press('Enter');

    await hasFocus(page.locator('#content'));
  });

  it('shows a not-found page', async () => {
    await open('/nowhere');
    await heading('There is no such page');

    expect(await findViolations(page)).toEqual([]);
  });
});
