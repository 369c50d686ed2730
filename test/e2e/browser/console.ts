// The web console under test: built by its own build, served as its own command serves it, in front of gateways on a sandbox whose time
// and faults the tests say.
import { execFile, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { createSandbox, type Call, type Fault, type Sandbox } from '../../../src/sandbox/sandbox.js';
import { defaultSeed, type Seed, seedEnvironment, seedSiteToSiteVpn, seedVpc } from '../../../src/sandbox/seed.js';
import { atEnd } from '../../helpers/at-end.js';
import { startGateway } from '../../helpers/gateway.js';
import { launchChromium } from './chromium.js';

const root = join(import.meta.dirname, '../../..');
const folder = join(root, 'examples/web-console');
const outDir = join(root, 'dist/console');

/** The widths that the console is looked at in. */
export const widths = { desktop: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } } as const;

/** A name as long as they come, with no place to break. */
export const longName = 'a'.repeat(120);

/** A console that can be opened, and the world behind it. */
export interface ConsoleRig {
  /** Opens a page at a path, and signs in there with a key; with none (null) it stays at the sign-in. */
  readonly open: (path?: string, key?: string | null) => Promise<Page>;
  readonly sandbox: Sandbox;
  /** Base URL of the sandbox. */
  readonly upstream: string;
  /** Lets the sandbox's time pass, in milliseconds. */
  readonly pass: (milliseconds: number) => void;
  /** Has calls of the REST API fail from now on; undefined: none. */
  readonly fail: (faults: ((call: Call) => Fault | undefined) | undefined) => void;
  /** Has calls of the REST API wait for ever, those whose path matches; undefined: none. */
  readonly hold: (path: RegExp | undefined) => void;
  /** Which gateway answers: one that looks often at what is watched, one that never looks again, or none. */
  readonly choose: (gateway: 'quick' | 'still' | undefined) => void;
  /** Whatever the pages asked that is neither the console's nor the gateway's. */
  readonly strangers: readonly string[];
  /** Whatever the pages complained of: errors, and what their policy refused. */
  readonly complaints: string[];
}

/** Builds and serves the console; all of it ends with the file's tests. */
export async function startConsole(): Promise<ConsoleRig> {
  let now = Date.UTC(2026, 0, 15, 9);
  let faults: ((call: Call) => Fault | undefined) | undefined;
  let held: RegExp | undefined;
  const sandbox = createSandbox({
    clock: () => now,
    seed: crowd(),
    faults: (call) => faults?.(call),
    latency: ({ path }) => (held?.test(path) === true ? 600_000 : 0),
  });
  const upstream = await sandbox.listen({ host: '127.0.0.1', port: 0 });
  atEnd(() => sandbox.close());
  const gateways = {
    quick: await startGateway(upstream, { watchPollMs: 100 }),
    still: await startGateway(upstream, { watchPollMs: 600_000 }),
  };
  const door = await openDoor();
  const choose: ConsoleRig['choose'] = (name) => {
    door.leadTo(name && new URL(gateways[name].url));
  };
  choose('quick');

  const env = { ...process.env, NODE_ENV: 'production', NO_COLOR: '1', VITE_GATEWAY_URL: `${door.origin}/graphql` };
  await promisify(execFile)('npm', ['run', 'build', '--', '--outDir', outDir, '--emptyOutDir'], { cwd: folder, env });
  const origin = await serve(env);
  const browser = await launchChromium();
  atEnd(() => browser.close());

  const strangers: string[] = [];
  const complaints: string[] = [];
  const window = await openWindow(browser, complaints);
  window.on('request', (request) => {
    const asked = new URL(request.url());
    if (![origin, door.origin].includes(asked.origin)) strangers.push(asked.href);
  });
  return {
    open: async (path = '/', key = 'sandbox-key') => {
      const page = await window.newPage();
      await page.goto(origin + path);
      if (key !== null) {
        await page.getByLabel('API key').fill(key);
        await page.getByRole('button', { name: 'Sign in' }).click();
      }
      return page;
    },
    sandbox,
    upstream,
    pass: (milliseconds) => {
      now += milliseconds;
    },
    fail: (next) => {
      faults = next;
    },
    hold: (path) => {
      held = path;
    },
    choose,
    strangers,
    complaints,
  };
}

/** The sandbox's own world, and in `crowded` more than a window holds. */
function crowd(): Seed {
  const seed = defaultSeed();
  const vpc = seedVpc({ id: '5a1c4f0e-8d1b-4a57-9a55-6f0b1c2d3e4f', name: longName });
  const names = [longName, ...Array.from({ length: 59 }, (_, index) => `site-${index + 1}`)];
  seed.environments.push({
    environment: seedEnvironment({
      id: 'c0ffee00-0000-4000-8000-000000000000',
      name: 'crowded',
      description: longName,
    }),
    vpcs: [vpc],
    siteToSiteVpns: names.map((name, index) =>
      seedSiteToSiteVpn({
        id: `c0ffee00-0000-4000-8000-${String(index + 1).padStart(12, '0')}`,
        name,
        vpcId: vpc.id,
        gateway: `203.0.113.${index + 1}`,
        ipSecPsk: longName,
        ikeEncryptionAlgorithm: index === 0 ? 'chacha20' : 'aes256',
      }),
    ),
  });
  return seed;
}

/** Takes a picture in both widths: for the READMEs where SCREENSHOTS is set, else below dist/, to be looked at. */
export async function takePicture(page: Page, name: string): Promise<void> {
  const target = process.env['SCREENSHOTS'] ? join(folder, 'screenshots') : join(root, 'dist/screenshots');
  await page.mouse.move(0, 0);
  for (const [width, size] of Object.entries(widths)) {
    await page.setViewportSize(size);
    await page.evaluate('scrollTo(0, 0)');
    await page.screenshot({ path: join(target, `${name}-${width}.png`), animations: 'disabled' });
  }
  await page.setViewportSize(widths.desktop);
}

const axe = await readFile(join(folder, 'node_modules/axe-core/axe.min.js'), 'utf8');

/**
 * What axe finds against a page as it stands, and what leaves its width: in both widths, in the light and in the dark; in the dark it looks
 * at the colours alone, since nothing else is another there.
 */
export async function findFaults(page: Page): Promise<unknown[]> {
  const found: unknown[] = [];
  await page.evaluate(axe);
  for (const [width, size] of Object.entries(widths)) {
    await page.setViewportSize(size);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      const rules = colorScheme === 'dark' ? "runOnly: ['color-contrast']," : '';
      const faults: unknown =
        await page.evaluate(`axe.run({ ${rules} resultTypes: ['violations'] }).then(({ violations }) => [
        ...violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => id + ': ' + target.join(' '))),
        ...(document.documentElement.scrollWidth > innerWidth ? ['wider than the window'] : []),
      ])`);
      if (!Array.isArray(faults)) throw new TypeError('axe told nothing.');
      found.push(...faults.map((fault) => `${width}, ${colorScheme}: ${String(fault)}`));
    }
  }
  await page.setViewportSize(widths.desktop);
  await page.emulateMedia({ colorScheme: 'light' });
  return found;
}

/** Presses Tab until something of a name has the focus, which must be seen at each stop. Throws where it is not to be reached. */
export async function tabTo(page: Page, name: string): Promise<void> {
  const stops: string[] = [];
  while (stops.length < 60) {
    await page.keyboard.press('Tab');
    const stop = String(await page.evaluate(focused));
    if (stop.startsWith('unseen ')) throw new Error(`The focus is not seen: ${stop}`);
    stops.push(stop);
    if (stop === name) return;
  }
  throw new Error(`Tab does not lead to ${name}, but to ${stops.join(', ')}.`);
}

// The name of what has the focus, as far as this page's elements need it; "unseen" before it where no outline is drawn around it. A
// checkbox is drawn by what stands beside the input.
const focused = `(() => {
  const element = document.activeElement;
  if (element === document.body) return '';
  const texts = (element.getAttribute('aria-labelledby') ?? '').split(' ').map((id) => document.getElementById(id)?.textContent ?? '');
  const name = element.getAttribute('aria-label') ?? (texts.join(' ').trim() || (element.labels?.[0] ?? element).textContent);
  const drawn = [element, ...(element.closest('label')?.querySelectorAll('*') ?? [])]
    .some((each) => getComputedStyle(each).outlineStyle === 'solid' && parseFloat(getComputedStyle(each).outlineWidth) >= 2);
  return (drawn ? '' : 'unseen ') + name.trim();
})()`;

/** A window for all pages: they share what the browser has loaded, and nothing of a session. */
async function openWindow(browser: Browser, complaints: string[]): Promise<BrowserContext> {
  const context = await browser.newContext({
    viewport: widths.desktop,
    reducedMotion: 'reduce',
    colorScheme: 'light',
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  context.setDefaultTimeout(20_000);
  context.on('weberror', (error) => complaints.push(error.error().message));
  context.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  await context.addInitScript(
    `addEventListener('securitypolicyviolation', ({ blockedURI, violatedDirective }) =>
      console.error('refused by', violatedDirective, blockedURI))`,
  );
  return context;
}

/** Serves what was built, as `npm start` does; gives its origin. */
async function serve(env: NodeJS.ProcessEnv): Promise<string> {
  const vite = join(folder, 'node_modules/vite/bin/vite.js');
  const child = spawn(process.execPath, [vite, 'preview', '--port', '0', '--outDir', outDir], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  atEnd(() => child.kill());
  for await (const line of createInterface({ input: child.stdout })) {
    const address = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
    if (address === undefined) continue;
    // Who stops reading a pipe stops who writes to it.
    child.stdout.resume();
    return address;
  }
  throw new Error('The console is not served.');
}

/** One address that leads to one gateway or another, or to none: the console is built for one. */
async function openDoor() {
  let target: URL | undefined;
  const sockets = new Set<Socket>();
  const door = createServer((near) => {
    if (target === undefined) {
      near.destroy();
      return;
    }
    const far = connect(Number(target.port), target.hostname);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.pipe(other);
      // Either end may break off; the other then does as well.
      socket.on('error', () => undefined);
      socket.once('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
  });
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));
  atEnd(() => {
    cut();
    door.close();
  });
  const address = door.address();
  if (address === null || typeof address === 'string') throw new TypeError('The door has no port.');
  return {
    origin: `http://127.0.0.1:${address.port}`,
    leadTo: (next: URL | undefined) => {
      target = next;
      cut();
    },
  };
}
