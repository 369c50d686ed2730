// Steps and checks that the tests of the web console share.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@jest/globals';
import type { Locator, Page } from 'playwright-core';
import { waitUntil } from '../../helpers/wait-until.js';
import { findAxeViolations } from './axe.js';
import { viewports } from './console.js';

const root = join(import.meta.dirname, '../../..');

/** Waits until an element is visible. Playwright's own wait looks every 500 ms only, after the first four looks. */
export async function see(target: Locator): Promise<void> {
  await poll(target, () => target.isVisible());
}

/** Waits until an element is no longer there. */
export async function seeGone(target: Locator): Promise<void> {
  await poll(target, async () => (await target.count()) === 0);
}

async function poll(target: Locator, isTrue: () => Promise<boolean>): Promise<void> {
  try {
    await waitUntil(
      async () => (await isTrue()) || sleep(30, false),
      () => String(target),
    );
  } catch (error) {
    throw new Error(`The page shows:\n${await target.page().locator('body').innerText()}`, { cause: error });
  }
}

/** Returns the steps on a page. */
export function createSteps(page: Page) {
  const button = (name: string) => page.getByRole('button', { name, exact: true });
  const rows = () => page.getByRole('rowheader').allInnerTexts();
  /** Selects an option of a select field. The table's headers are buttons of the same names. */
  const selectOption = async (label: string, option: string): Promise<void> => {
    const field = page.locator('.select-button').and(page.getByRole('button', { name: label }));
    await see(field);
    await field.click();
    await page.getByRole('option', { name: option }).click();
  };
  return {
    /** Signs in with the sign-in form. */
    signIn: async (key?: string): Promise<void> => {
      await see(page.getByLabel('API key'));
      if (key !== undefined) await page.getByLabel('API key').fill(key);
      await button('Sign in').click();
    },
    /** Waits until the heading of a page has the focus, which it takes a moment after it is visible. A Tab before that would be undone. */
    focusedHeading: (name: string) =>
      see(page.getByRole('heading', { level: 1, name, exact: true }).and(page.locator(':focus'))),
    /** Waits for the heading of a page. */
    heading: (name: string) => see(page.getByRole('heading', { level: 1, name, exact: true })),
    /** Waits for a text. */
    text: (text: string | RegExp, options?: { readonly exact: boolean }) => see(page.getByText(text, options)),
    /** Clicks a button, once it is there. */
    press: async (name: string): Promise<void> => {
      await see(button(name));
      await button(name).click();
    },
    /** Returns the text of the alert, once there is one. */
    alertText: async (): Promise<string> => {
      await see(page.getByRole('alert'));
      return (await page.getByRole('alert').innerText()).replaceAll(/\n+/g, '\n');
    },
    /** Waits until an element has the focus, which may move one frame after the content. */
    hasFocus: (target: Locator) => see(target.and(page.locator(':focus'))),
    /** Returns the names in the table of VPNs. */
    rows,
    /** Finds a row of the table by its name. */
    row: (name: string) => page.getByRole('row').filter({ has: page.getByRole('rowheader', { name, exact: true }) }),
    /** Waits until the table has exactly these rows, in this order. */
    expectRows: async (names: readonly string[]): Promise<void> => {
      let shown: string[] = [];
      await waitUntil(
        async () => (shown = await rows()).join() === names.join(),
        () => `Rows: ${shown.join()}`,
      );
    },
    selectOption,
    /** Fills in the create form with valid values, except those that the test overrides. */
    fillForm: async (changes: { readonly gateway?: string; readonly key?: string; readonly name?: string } = {}) => {
      await page.getByLabel('Name', { exact: true }).fill(changes.name ?? 'paris-office');
      await selectOption('VPC', 'gate-room');
      await page.getByLabel('Remote gateway', { exact: true }).fill(changes.gateway ?? '203.0.113.40');
      await page.getByLabel('Remote network').fill('10.40.0.0/16');
      await page.getByLabel('Pre-shared key').fill(changes.key ?? 'a-key-that-is-long-enough');
    },
    /** Returns whether the first element of a selector is inside the window, and not below the header. */
    isInView: (selector: string) =>
      page.evaluate(`(() => {
        const { top, bottom } = document.querySelector(${JSON.stringify(selector)}).getBoundingClientRect();
        return top >= 60 && bottom <= innerHeight;
      })()`),
    /** Returns the text in the clipboard. */
    readClipboard: async (): Promise<string> => String(await page.evaluate('navigator.clipboard.readText()')),
  };
}

// Unset: no picture. `all`: one of each state that is checked, in dist/screenshots. Any other value: those of the README.
const screenshots = process.env['SCREENSHOTS'];

/** Takes a picture for the README in each viewport. */
export async function takeScreenshots(page: Page, name: string, colorScheme: 'light' | 'dark' = 'light') {
  if (screenshots === undefined || screenshots === 'all') return;
  await page.mouse.move(0, 0);
  await page.emulateMedia({ colorScheme });
  for (const [viewport, size] of Object.entries(viewports)) {
    await page.setViewportSize(size);
    await page.evaluate('scrollTo(0, 0)');
    await page.screenshot({
      path: join(root, `examples/web-console/screenshots/${name}-${viewport}.png`),
      animations: 'disabled',
    });
  }
  await page.setViewportSize(viewports.desktop);
  await page.emulateMedia({ colorScheme: 'light' });
}

let stateCount = 0;

/**
 * Returns the page's accessibility violations that axe-core finds, and reports a page that is wider than the window. Checks each viewport
 * in light and dark mode. In dark mode only the contrast rule runs, because nothing else differs.
 */
export async function findViolations(page: Page): Promise<string[]> {
  const violations: string[] = [];
  const state = `${(expect.getState().currentTestName ?? '').replaceAll(/\W+/g, '-').slice(0, 90)}-${(stateCount += 1)}`;
  for (const [viewport, size] of Object.entries(viewports)) {
    await page.setViewportSize(size);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      const found = await findAxeViolations(page, colorScheme === 'dark' ? ['color-contrast'] : undefined);
      if ((await page.evaluate(isWiderThanWindow)) === true) found.push('wider than the window');
      violations.push(...found.map((violation) => `${viewport}, ${colorScheme}: ${violation}`));
      if (screenshots === 'all')
        await page.screenshot({
          path: join(root, `dist/screenshots/states/${state}-${viewport}-${colorScheme}.png`),
          fullPage: true,
        });
    }
  }
  await page.setViewportSize(viewports.desktop);
  await page.emulateMedia({ colorScheme: 'light' });
  return violations;
}

// An open popover follows the size of the window some frames later.
const isWiderThanWindow = `new Promise((resolve) => {
  let frames = 0;
  const look = () => {
    const isWider = document.documentElement.scrollWidth > innerWidth;
    if (!isWider || (frames += 1) > 60) resolve(isWider);
    else requestAnimationFrame(look);
  };
  look();
})`;

/**
 * Presses Tab until the element of this name has the focus. Throws if the focus is not visible at a stop, or if 60 presses do not reach
 * the element.
 */
export async function tabTo(page: Page, name: string): Promise<void> {
  const stops: string[] = [];
  while (stops.length < 60) {
    await page.keyboard.press('Tab');
    const stop = String(await page.evaluate(focusedName));
    if (stop.startsWith('invisible ')) throw new Error(`The focus is not visible: ${stop}`);
    stops.push(stop);
    if (stop === name) return;
  }
  throw new Error(`Tab did not reach ${name}. Stops: ${stops.join(', ')}.`);
}

// Returns the accessible name of the focused element, computed as far as the console's elements need it. Prefixes it with "invisible" if
// no outline is drawn. A checkbox draws its outline on an element beside the input.
const focusedName = `(() => {
  const element = document.activeElement;
  if (element === document.body) return '';
  const texts = (element.getAttribute('aria-labelledby') ?? '').split(' ').map((id) => document.getElementById(id)?.textContent ?? '');
  const name = element.getAttribute('aria-label') ?? (texts.join(' ').trim() || (element.labels?.[0] ?? element).textContent);
  const hasOutline = [element, ...(element.closest('label')?.querySelectorAll('*') ?? [])]
    .some((candidate) => getComputedStyle(candidate).outlineStyle === 'solid' && parseFloat(getComputedStyle(candidate).outlineWidth) >= 2);
  return (hasOutline ? '' : 'invisible ') + name.trim();
})()`;

/**
 * Makes the retries of pages come soon, or never: shortens all timers of 500 ms or more, or drops them. Applies to pages that load before
 * it is disposed of. Other timers of the page change too, e.g. those that hide messages, so `open` loads the next page anew.
 */
export async function setRetries(page: Page, when: 'soon' | 'never') {
  return page.addInitScript(`
    const { setTimeout: start } = window;
    window.hasChangedTimers = true;
    window.setTimeout = (act, delayMs = 0, ...args) =>
      delayMs < 500 ? start(act, delayMs, ...args) : ${when === 'never' ? '0' : 'start(act, 200, ...args)'};
  `);
}
