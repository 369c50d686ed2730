// The code of docs/clients*.md: the snippets, which run in processes of their own, and the options of the setup.
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { RetryLink } from '@apollo/client/link/retry';
import type { ClientOptions as EventStreamOptions } from 'graphql-sse';
import type { ClientOptions as WebSocketOptions } from 'graphql-ws';
import { addCleanup } from '../../helpers/cleanup.js';
import { startProcess, type TestProcess } from '../../helpers/process.js';

/** Root folder of the repository. */
export const root = fileURLToPath(new URL('../../../', import.meta.url));

const readPage = (name: string) => readFile(join(root, 'docs', name), 'utf8');

/** Text of docs/clients-mobile.md, whose code no test runs. */
export const mobileText = await readPage('clients-mobile.md');

/** Text of the pages whose code is run. */
export const text = (await readPage('clients.md')) + (await readPage('clients-web.md'));

/** Marked code blocks of these pages, in order. */
export const blocks = [...text.matchAll(/<!-- (run|file|before|shared): (.+) -->\n\n```(\w+)\n([\s\S]*?)```/g)].map(
  ([, kind = '', name = '', language = '', code = '']) => ({ kind, name, language, code }),
);

const [, setup = ''] = /<!-- setup -->\n\n```js\n([\s\S]*?)```/.exec(text) ?? [];

/** Options of the setup, with which clients reconnect. */
export interface RetryOptions {
  /** For graphql-ws. */
  readonly reconnect: Pick<WebSocketOptions, 'shouldRetry' | 'retryAttempts' | 'retryWait'>;
  /** For graphql-sse. */
  readonly resubscribe: Pick<EventStreamOptions, 'retryAttempts'> & {
    readonly retry: (retries: number) => Promise<void>;
    readonly fetchFn: typeof fetch;
  };
  /** For Apollo's RetryLink. */
  readonly retrySubscriptions: RetryLink.Options;
}

/** Returns the options of the setup. Throws if it lacks some. */
export async function importRetryOptions(): Promise<RetryOptions> {
  const code = `${setup}\nexport { reconnect, resubscribe, retrySubscriptions };`;
  const options: unknown = await import(`data:text/javascript,${encodeURIComponent(code)}`);
  if (!hasRetryOptions(options))
    throw new TypeError('The setup lacks options for graphql-ws, graphql-sse or Apollo Client.');
  return options;
}

function hasRetryOptions(value: unknown): value is RetryOptions {
  const names = ['reconnect', 'resubscribe', 'retrySubscriptions'];
  return typeof value === 'object' && value !== null && names.every((name) => name in value);
}

/** Creates the folder of an app that has the packages of this repository, and the files of the pages. */
export async function createAppFolder(): Promise<string> {
  const app = await mkdtemp(join(tmpdir(), 'clients-'));
  addCleanup(() => rm(app, { recursive: true }));
  await symlink(join(root, 'node_modules'), join(app, 'node_modules'));
  await writeFile(join(app, 'package.json'), '{ "type": "module" }');
  for (const { name, code } of blocks.filter(({ kind }) => kind === 'file')) {
    await mkdir(dirname(join(app, name)), { recursive: true });
    await writeFile(join(app, name), code);
  }
  return app;
}

/** Replaces the gateway of a snippet by the one at `url`. */
export function replaceGateway(code: string, url: string): string {
  return code.replaceAll(/(http|ws)s:\/\/gateway\.example\.com/g, `$1://${new URL(url).host}`);
}

/** Compiles a snippet in JavaScript, because it may import TypeScript. Returns the arguments with which Node runs it. */
export async function compileScript(app: string, name: string, code: string): Promise<readonly string[]> {
  const shared = blocks.filter((block) => block.kind === 'shared' && name.startsWith(block.name));
  const contents = code.replace(/(^(?:import .*\n)*)/, `$1${[setup, ...shared.map((block) => block.code)].join('\n')}`);
  const outfile = join(app, `${name}.js`);
  await build({
    stdin: { contents, resolveDir: app },
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    jsx: 'automatic',
  });
  // Node 20 has WebSocket only behind a flag.
  return ['--experimental-websocket', '--disable-warning=ExperimentalWarning', outfile];
}

/** A running snippet that subscribes to a VPN. */
export interface SubscribingSnippet extends TestProcess {
  /** Name of the snippet. */
  readonly snippet: string;
}

/**
 * Starts each snippet that subscribes to a VPN, with a gateway. Removes only the line that unsubscribes after the first event. Each process
 * prints the states of the VPN. It exits when its subscription has ended.
 */
export async function startSubscribingSnippets(url: string): Promise<SubscribingSnippet[]> {
  const app = await createAppFolder();
  return Promise.all(
    blocks
      .filter(({ kind, code }) => kind === 'run' && code.includes('siteToSiteVpnUpdated'))
      .map(async ({ name, code }) => {
        const endless = code.replace(/^ *(watching\.)?unsubscribe\(\);\n/m, '');
        const args = await compileScript(app, name, replaceGateway(endless, url));
        return { snippet: name, ...startProcess(process.execPath, args, { cwd: app }) };
      }),
  );
}
