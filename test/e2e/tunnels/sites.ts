// Two sites, each in its own network, mount and process namespace, joined by a virtual cable. Nothing leaves the machine.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { isObject } from '../../../src/json.js';
import { addCleanup } from '../../helpers/cleanup.js';

/** A request of the test to an agent. */
export type AgentRequest = { readonly id: number } & (
  | { readonly kind: 'run'; readonly command: readonly string[] }
  | { readonly kind: 'start'; readonly command: readonly string[]; readonly log: string }
  | { readonly kind: 'sendByte'; readonly from: string; readonly to: string }
);

/** A response of an agent. The first one, with the id 0, says that the agent is ready. */
export type AgentResponse =
  { readonly id: number; readonly output: string } | { readonly id: number; readonly error: string };

type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never;

/** One site. */
export interface Site {
  /** Runs a program in the site. Returns its output. Rejects if it fails. */
  readonly run: (...command: string[]) => Promise<string>;
  /** Starts a daemon in the site. It is killed with the site. */
  readonly start: (log: string, ...command: string[]) => Promise<void>;
  /** Sends a byte over TCP from an address of the site, and waits until it comes back. Rejects if it does not. */
  readonly sendByte: (from: string, to: string) => Promise<void>;
}

const programs = [
  '/usr/lib/ipsec/starter',
  '/usr/lib/ipsec/charon',
  '/usr/lib/ipsec/plugins/libstrongswan-kernel-libipsec.so',
  '/usr/lib/ipsec/plugins/libstrongswan-openssl.so',
  '/usr/sbin/swanctl',
];

/** Returns why this machine cannot run the tests; undefined if it can. */
export function findObstacle(): string | undefined {
  const missing = programs.filter((program) => !existsSync(program));
  if (missing.length > 0) return `strongSwan lacks ${missing.join(', ')} (the Debian packages are in .ci/run)`;
  if (process.getuid?.() !== 0) return 'the user is not root, who can make network namespaces';
  const namespaces = ['--net', '--mount', '--pid', '--fork'];
  const makeDevices =
    'mount -t tmpfs tmpfs /run && ip link add dev one type veth peer name other && ip tuntap add dev tunnel mode tun';
  try {
    execFileSync('unshare', [...namespaces, 'sh', '-c', makeDevices], { stdio: 'pipe', encoding: 'utf8' });
    return undefined;
  } catch (error) {
    const stderr = isObject(error) ? error['stderr'] : undefined;
    return `namespaces are not allowed here (${typeof stderr === 'string' ? stderr.trim() : 'unshare is missing'})`;
  }
}

/** Starts a site. Its agent ends with the test, and everything in the site with its agent. */
async function startSite(environment: NodeJS.ProcessEnv): Promise<{ site: Site; pid: number }> {
  const agent = fileURLToPath(new URL('./site-agent.ts', import.meta.url));
  const namespaces = ['--net', '--mount', '--pid', '--fork', '--kill-child'];
  const child = spawn('unshare', [...namespaces, process.execPath, '--import', 'tsx', agent], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, ...environment },
  });
  addCleanup(async () => {
    const exited = once(child, 'exit');
    child.disconnect();
    await exited;
  });
  const request = createRequests(child);
  await request.ready;
  const site: Site = {
    run: (...command) => request.send({ kind: 'run', command }),
    start: async (log, ...command) => {
      await request.send({ kind: 'start', command, log });
    },
    sendByte: async (from, to) => {
      await request.send({ kind: 'sendByte', from, to });
    },
  };
  await site.run('mount', '-t', 'tmpfs', 'tmpfs', '/run');
  if (child.pid === undefined) throw new Error('unshare could not be started.');
  return { site, pid: child.pid };
}

function createRequests(child: ChildProcess) {
  const waiting = new Map<number, (response: AgentResponse) => void>();
  let lastId = 0;
  child.on('message', (response: AgentResponse) => {
    waiting.get(response.id)?.(response);
    waiting.delete(response.id);
  });
  const responseTo = (id: number) =>
    new Promise<string>((resolve, reject) => {
      waiting.set(id, (response) => {
        if ('error' in response) reject(new Error(response.error));
        else resolve(response.output);
      });
      child.once('exit', () => {
        reject(new Error('The agent of a site has exited.'));
      });
    });
  child.setMaxListeners(0);
  return {
    ready: responseTo(0),
    send: (request: WithoutId<AgentRequest>): Promise<string> => {
      const id = ++lastId;
      const response = responseTo(id);
      child.send({ ...request, id });
      return response;
    },
  };
}

/** How a site is set up. */
export interface SiteOptions {
  /** Addresses on the cable between the sites. */
  readonly onCable: readonly string[];
  /** Addresses in the networks behind the site. */
  readonly behind: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
}

/** Starts two sites and connects them by a cable. They are killed after the tests of the file. */
export async function startSites(one: SiteOptions, other: SiteOptions): Promise<readonly [Site, Site]> {
  const [first, second] = await Promise.all([startSite(one.environment), startSite(other.environment)]);
  const cable = ['type', 'veth', 'peer', 'name', 'cable', 'netns', String(second.pid)];
  execFileSync('ip', ['link', 'add', 'dev', 'cable', 'netns', String(first.pid), ...cable]);
  await Promise.all([addAddresses(first.site, one), addAddresses(second.site, other)]);
  return [first.site, second.site];
}

async function addAddresses(site: Site, { onCable, behind }: SiteOptions): Promise<void> {
  const toLines = (addresses: readonly string[], prefix: number, device: string) =>
    addresses.map((address) => `address add ${address}/${prefix} dev ${device}`);
  const lines = ['link set lo up', 'link set cable up', ...toLines(onCable, 24, 'cable'), ...toLines(behind, 32, 'lo')];
  await site.run('sh', '-c', `printf '%s\\n' ${lines.map((line) => `'${line}'`).join(' ')} | ip -batch -`);
}
