// The test rig of the web console. Builds and serves the console with its own commands, in front of gateways on a sandbox. Tests control
// the sandbox's time and faults.
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { createSandbox, type Call, type Fault, type Sandbox } from '../../../src/sandbox/sandbox.js';
import { createDefaultSeed } from '../../../src/sandbox/default-seed.js';
import { type Seed, seedEnvironment, seedSiteToSiteVpn, seedVpc } from '../../../src/sandbox/seed.js';
import type { ApiVersion } from '../../../src/sandbox/versions.js';
import { addCleanup } from '../../helpers/cleanup.js';
import { listen } from '../../helpers/free-port.js';
import { startGateway } from '../../helpers/gateway.js';
import { runProcess, startProcess } from '../../helpers/process.js';
import { findAxeViolations } from './axe.js';
import { actionTimeoutMs, launchChromium } from './chromium.js';

const root = join(import.meta.dirname, '../../..');
const folder = join(root, 'examples/web-console');

/** Viewports that the console is tested in. */
export const viewports = { desktop: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } } as const;

/** A name of 120 characters without a break opportunity. */
export const longName = 'a'.repeat(120);

/** The console, and the controls of its backend. */
export interface ConsoleRig {
  /** Opens a page at a path and signs in with the key. With null, stays at the sign-in page. */
  readonly open: (path?: string, key?: string | null) => Promise<Page>;
  readonly sandbox: Sandbox;
  /** Base URL of the sandbox. */
  readonly upstream: string;
  /** Advances the sandbox's clock. */
  readonly advanceTime: (milliseconds: number) => void;
  /** Makes the REST API fail calls as `faults` says. Undefined: no faults. */
  readonly setFaults: (faults: ((call: Call) => Fault | undefined) | undefined) => void;
  /** Makes the REST API delay its response to calls with a matching path for 10 minutes. Undefined: no delays. */
  readonly hold: (path: RegExp | undefined) => void;
  /** Selects the gateway: `polling` polls every 100 ms, `idle` never polls again, and undefined means that none is reachable. */
  readonly selectGateway: (gateway: 'polling' | 'idle' | undefined) => void;
  /** URLs of requests to any origin other than the console's and the gateway's. */
  readonly foreignRequests: readonly string[];
  /** Errors of the pages: exceptions, console errors and Content-Security-Policy violations. */
  readonly pageErrors: string[];
}

/** Options of the rig. */
export interface ConsoleOptions {
  /** Version of the REST API. Only version 2 has updates. Default: v1. */
  readonly apiVersion?: ApiVersion;
  /** Number of VPNs in the environment `crowded`. Default: 60. */
  readonly crowd?: number;
}

/** Builds and serves the console. Everything is stopped after the test file. */
export async function startConsole({ apiVersion = 'v1', crowd = 60 }: ConsoleOptions = {}): Promise<ConsoleRig> {
  let now = Date.UTC(2026, 0, 15, 9);
  let faults: ((call: Call) => Fault | undefined) | undefined;
  let heldPath: RegExp | undefined;
  const sandbox = createSandbox({
    clock: () => now,
    seed: createSeed(crowd),
    faults: (call) => faults?.(call),
    latency: ({ path }) => (heldPath?.test(path) === true ? 600_000 : 0),
  });
  const upstream = await sandbox.listen({ host: '127.0.0.1', port: 0 });
  addCleanup(() => sandbox.close());
  const restApi = upstream.replace(/v1$/, apiVersion);
  const config = { cloudcaApiVersion: apiVersion === 'v1' ? 1 : 2 } as const;
  const gateways = {
    polling: await startGateway({ restApi, config: { ...config, watchPollMs: 100 } }),
    idle: await startGateway({ restApi, config: { ...config, watchPollMs: 600_000 } }),
  };
  const proxy = await startProxy();
  const selectGateway: ConsoleRig['selectGateway'] = (name) => {
    proxy.connectTo(name && new URL(gateways[name].url));
  };
  selectGateway('polling');

  const env = { ...process.env, NODE_ENV: 'production', NO_COLOR: '1', VITE_GATEWAY_URL: `${proxy.origin}/graphql` };
  const [origin, browser] = await Promise.all([
    buildAndServe(env, join(root, 'dist/console', apiVersion)),
    launchChromium(),
  ]);

  const foreignRequests: string[] = [];
  const pageErrors: string[] = [];
  const context = await createContext(browser, pageErrors);
  context.on('request', (request) => {
    const requested = new URL(request.url());
    if (![origin, proxy.origin].includes(requested.origin)) foreignRequests.push(requested.href);
  });
  return {
    open: async (path = '/', key = 'sandbox-key') => {
      const page = await context.newPage();
      await page.goto(origin + path);
      if (key !== null) {
        await page.getByLabel('API key').fill(key);
        await page.getByRole('button', { name: 'Sign in' }).click();
      }
      return page;
    },
    sandbox,
    upstream,
    advanceTime: (milliseconds) => {
      now += milliseconds;
    },
    setFaults: (next) => {
      faults = next;
    },
    hold: (path) => {
      heldPath = path;
    },
    selectGateway,
    foreignRequests,
    pageErrors,
  };
}

/** Returns the default seed, plus an environment `crowded` with more VPNs than a window shows. */
function createSeed(crowd: number): Seed {
  const seed = createDefaultSeed();
  const vpc = seedVpc({ id: '5a1c4f0e-8d1b-4a57-9a55-6f0b1c2d3e4f', name: longName });
  const names = [longName, ...Array.from({ length: crowd - 1 }, (_, index) => `site-${index + 1}`)];
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
        gateway: `198.18.${Math.floor(index / 250)}.${(index % 250) + 1}`,
        ipSecPsk: longName,
        ikeEncryptionAlgorithm: index === 0 ? 'chacha20' : 'aes256',
      }),
    ),
  });
  return seed;
}

/** Takes a screenshot in each viewport: for the README if SCREENSHOTS is set, else into dist/screenshots for inspection. */
export async function takeScreenshots(page: Page, name: string): Promise<void> {
  const directory = process.env['SCREENSHOTS'] ? join(folder, 'screenshots') : join(root, 'dist/screenshots');
  await page.mouse.move(0, 0);
  for (const [viewport, size] of Object.entries(viewports)) {
    await page.setViewportSize(size);
    await page.evaluate('scrollTo(0, 0)');
    await page.screenshot({ path: join(directory, `${name}-${viewport}.png`), animations: 'disabled' });
  }
  await page.setViewportSize(viewports.desktop);
}

/**
 * Returns the page's accessibility violations that axe-core finds, and reports a page that is wider than the window. Checks each viewport
 * in light and dark mode. In dark mode only the contrast rule runs, because nothing else differs.
 */
export async function findViolations(page: Page): Promise<string[]> {
  const violations: string[] = [];
  for (const [viewport, size] of Object.entries(viewports)) {
    await page.setViewportSize(size);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      const found = await findAxeViolations(page, colorScheme === 'dark' ? ['color-contrast'] : undefined);
      if ((await page.evaluate('document.documentElement.scrollWidth > innerWidth')) === true)
        found.push('wider than the window');
      violations.push(...found.map((violation) => `${viewport}, ${colorScheme}: ${violation}`));
    }
  }
  await page.setViewportSize(viewports.desktop);
  await page.emulateMedia({ colorScheme: 'light' });
  return violations;
}

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

/** Creates the context of all pages: they share the browser's cache, but no session. */
async function createContext(browser: Browser, pageErrors: string[]): Promise<BrowserContext> {
  const context = await browser.newContext({
    viewport: viewports.desktop,
    reducedMotion: 'reduce',
    colorScheme: 'light',
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  context.setDefaultTimeout(actionTimeoutMs);
  context.on('weberror', (error) => pageErrors.push(error.error().message));
  context.on('console', (message) => {
    if (message.type() === 'error') pageErrors.push(message.text());
  });
  await context.addInitScript(
    `addEventListener('securitypolicyviolation', ({ blockedURI, violatedDirective }) =>
      console.error('blocked by', violatedDirective, blockedURI))`,
  );
  return context;
}

/** Builds the console, and serves it like its `npm start`. Returns its origin. */
async function buildAndServe(env: NodeJS.ProcessEnv, outDir: string): Promise<string> {
  const buildArgs = ['run', 'build', '--', '--outDir', outDir, '--emptyOutDir'];
  const { code, stdout, stderr } = await runProcess('npm', buildArgs, { cwd: folder, env });
  if (code !== 0) throw new Error(`The build of the console failed.\n${stdout}${stderr}`);
  const vite = join(folder, 'node_modules/vite/bin/vite.js');
  const args = [vite, 'preview', '--port', '0', '--outDir', outDir];
  const [origin] = await startProcess(process.execPath, args, { cwd: folder, env }).waitForOutput(
    /http:\/\/127\.0\.0\.1:\d+/,
  );
  return origin;
}

/** Starts a TCP proxy whose target can change, or be none, because the console is built for one gateway URL. */
async function startProxy() {
  let target: URL | undefined;
  const sockets = new Set<Socket>();
  const server = createServer((downstream) => {
    if (target === undefined) {
      downstream.destroy();
      return;
    }
    const upstream = connect(Number(target.port), target.hostname);
    for (const [socket, other] of [
      [downstream, upstream],
      [upstream, downstream],
    ] as const) {
      sockets.add(socket);
      socket.pipe(other);
      // Either side may disconnect, which closes the other side too.
      socket.on('error', () => undefined);
      socket.once('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
  });
  const disconnectAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  const port = await listen(server);
  addCleanup(() => {
    disconnectAll();
    server.close();
  });
  return {
    origin: `http://127.0.0.1:${port}`,
    connectTo: (next: URL | undefined) => {
      target = next;
      disconnectAll();
    },
  };
}
