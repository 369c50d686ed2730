// Launches Debian's Chromium for the browser tests, with all background network requests disabled.
import { type Browser, chromium } from 'playwright-core';
import { addCleanup } from '../../helpers/cleanup.js';

/** How long a page may take until it shows what a test waits for, in milliseconds. */
export const actionTimeoutMs = 60_000;

/** Launches a headless Chromium, with further arguments. It is closed after the tests of the file. */
export async function launchChromium(...args: readonly string[]): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    timeout: actionTimeoutMs,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...args,
    ],
  });
  addCleanup(() => browser.close());
  return browser;
}
