// Launches Debian's Chromium for the browser tests, with all background network requests disabled.
import { type Browser, chromium } from 'playwright-core';

/** Launches a headless Chromium. The caller must close it. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
