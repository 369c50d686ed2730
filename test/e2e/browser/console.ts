// The test rig of the web console. Serves the built console with its own command, in front of gateways on a sandbox. Tests control the
// sandbox's time and faults. `npm run test:browser` builds the console before the tests.
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, expect } from '@jest/globals';
import type { BrowserContext, Page } from 'playwright-core';
import { createSandbox, type Call, type Fault, type Sandbox } from '../../../src/sandbox/sandbox.js';
import { createDefaultSeed } from '../../../src/sandbox/default-seed.js';
import { type Seed, seedEnvironment, seedSiteToSiteVpn, seedVpc } from '../../../src/sandbox/seed.js';
import type { ApiVersion } from '../../../src/sandbox/versions.js';
import { addCleanup } from '../../helpers/cleanup.js';
import { listen } from '../../helpers/free-port.js';
import { startGateway } from '../../helpers/gateway.js';
import { startProcess } from '../../helpers/process.js';
import { actionTimeoutMs, launchChromium } from './chromium.js';

const root = join(import.meta.dirname, '../../..');

// The console is built once, for a gateway of this name. Each file's Chromium resolves it to the file's own gateway.
const gatewayHost = 'gateway.test';

/** Viewports that the console is tested in. */
export const viewports = { desktop: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } } as const;

/** A name of 120 characters without a break opportunity. */
export const longName = 'a'.repeat(120);

/** Path of the environment that most tests use. */
export const list = '/compute-on/test_area';

/** The console, and the controls of its backend. */
export interface ConsoleRig {
  /** The page of all tests of the file. */
  readonly page: Page;
  /**
   * Opens a path of the console. A load takes half a second, so the page stays if it is signed in with this key and has its own timers.
   */
  readonly open: (path?: string, key?: string) => Promise<void>;
  /**
   * Loads the console at a path. It is signed in with the key, as after a reload of a user who has asked to stay signed in. With null, it
   * asks for a key.
   */
  readonly load: (path: string, key: string | null) => Promise<void>;
  readonly sandbox: Sandbox;
  /** Base URL of the sandbox. */
  readonly upstream: string;
  /** Advances the sandbox's clock. */
  readonly advanceTime: (milliseconds: number) => void;
  /** Makes the REST API fail calls as `faults` says, until the end of the test. Undefined: no faults. */
  readonly setFaults: (faults: ((call: Call) => Fault | undefined) | undefined) => void;
  /** Makes the REST API delay its response to calls with a matching path for 10 minutes, until the end of the test. */
  readonly hold: (path: RegExp) => void;
  /** Connects and disconnects the gateway. It is connected again at the end of the test. */
  readonly setReachable: (isReachable: boolean) => void;
  /** Errors of the pages: exceptions, console errors and Content-Security-Policy violations. Any that is left fails the file. */
  readonly pageErrors: string[];
}

/** Options of the rig. */
export interface ConsoleOptions {
  /** Version of the REST API. Only version 2 has updates. Default: v1. */
  readonly apiVersion?: ApiVersion;
  /** Number of VPNs in the environment `crowded`. Default: 30. */
  readonly crowd?: number;
  /** Milliseconds between polls of the gateway. Default: 100. */
  readonly pollMs?: number;
}

/**
 * Serves the console. Everything is stopped after the test file. The file fails if a page reports an error, or sends a request to an origin
 * other than its own and the gateway's.
 */
export async function startConsole(options: ConsoleOptions = {}): Promise<ConsoleRig> {
  const { apiVersion = 'v1', crowd = 30, pollMs = 100 } = options;
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
  const config = { cloudcaApiVersion: apiVersion === 'v1' ? 1 : 2, watchPollMs: pollMs } as const;
  const gateway = await startGateway({ restApi, config });
  const proxy = await startProxy(new URL(gateway.url));
  const [origin, browser] = await Promise.all([
    serve(),
    launchChromium(`--host-resolver-rules=MAP ${gatewayHost} 127.0.0.1:${proxy.port}`),
  ]);
  const context = await browser.newContext({
    viewport: viewports.desktop,
    reducedMotion: 'reduce',
    colorScheme: 'light',
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  context.setDefaultTimeout(actionTimeoutMs);
  const { foreignRequests, pageErrors } = await recordErrors(context, [origin, `http://${gatewayHost}`]);
  const page = await context.newPage();
  // The storage belongs to an origin, so the page must be there before `open` writes to it.
  await page.goto(origin);

  afterEach(() => {
    faults = undefined;
    heldPath = undefined;
    proxy.setConnected(true);
  });
  afterAll(() => {
    expect({ pageErrors, foreignRequests }).toEqual({ pageErrors: [], foreignRequests: [] });
  });
  const load: ConsoleRig['load'] = async (path, key) => {
    const entries = JSON.stringify(key === null ? {} : { 'api-key': key });
    await page.evaluate(`localStorage.clear(); sessionStorage.clear(); Object.assign(sessionStorage, ${entries})`);
    await page.goto(origin + path);
  };
  return {
    page,
    load,
    open: async (path = '/', key = 'sandbox-key') => {
      const isSignedIn = await page.evaluate(
        `document.querySelector('header.top') !== null && sessionStorage['api-key'] === '${key}' && localStorage.length === 0
          && window.hasChangedTimers === undefined`,
      );
      if (isSignedIn !== true) {
        await load(path, key);
        return;
      }
      // Messages outlive a page.
      await page.evaluate(`for (const button of document.querySelectorAll('.toast button')) button.click()`);
      // Leaves the page first, so that it starts anew even if it has the same path.
      await navigate(page, '/nowhere');
      await page.getByText('The address may be incomplete.').waitFor();
      await navigate(page, path);
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
    setReachable: proxy.setConnected,
    pageErrors,
  };
}

/** Changes the URL as the Back button does, which the console follows without a load. */
async function navigate(page: Page, path: string): Promise<void> {
  await page.evaluate(`history.pushState(null, '', '${path}'); dispatchEvent(new PopStateEvent('popstate'))`);
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

/** Records the errors of all pages of a context, and the URLs that they request from any other origin than the given ones. */
async function recordErrors(context: BrowserContext, origins: readonly string[]) {
  const foreignRequests: string[] = [];
  const pageErrors: string[] = [];
  context.on('request', (request) => {
    if (!origins.includes(new URL(request.url()).origin)) foreignRequests.push(request.url());
  });
  context.on('weberror', (error) => pageErrors.push(error.error().message));
  context.on('console', (message) => {
    if (message.type() === 'error') pageErrors.push(message.text());
  });
  await context.addInitScript(
    `addEventListener('securitypolicyviolation', ({ blockedURI, violatedDirective }) =>
      console.error('blocked by', violatedDirective, blockedURI))`,
  );
  return { foreignRequests, pageErrors };
}

/** Serves the built console like its `npm start`. Returns its origin. */
async function serve(): Promise<string> {
  const folder = join(root, 'examples/web-console');
  const vite = join(folder, 'node_modules/vite/bin/vite.js');
  const args = [vite, 'preview', '--port', '0', '--outDir', join(root, 'dist/console')];
  const env = {
    ...process.env,
    NODE_ENV: 'production',
    NO_COLOR: '1',
    VITE_GATEWAY_URL: `http://${gatewayHost}/graphql`,
  };
  const [origin] = await startProcess(process.execPath, args, { cwd: folder, env }).waitForOutput(
    /http:\/\/127\.0\.0\.1:\d+/,
  );
  return origin;
}

/** Starts a TCP proxy before the gateway, which can disconnect all clients and accept none. */
async function startProxy(target: URL) {
  let isConnected = true;
  const sockets = new Set<Socket>();
  const server = createServer((downstream) => {
    if (!isConnected) {
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
    port,
    setConnected: (next: boolean) => {
      isConnected = next;
      if (!next) disconnectAll();
    },
  };
}
