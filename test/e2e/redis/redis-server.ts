// Runs Debian's redis-server as a child process, and sends it commands with redis-cli.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { findFreePort } from '../../helpers/free-port.js';
import { startProcess, type TestProcess } from '../../helpers/process.js';
import { waitUntil } from '../../helpers/wait-until.js';

const [serverBinary, cli] = ['/usr/bin/redis-server', '/usr/bin/redis-cli'];

/** Whether redis-server is installed. */
export const isInstalled = existsSync(serverBinary) && existsSync(cli);

/** A Redis server. */
export interface RedisServer {
  readonly port: number;
  /** Starts it, empty and always on the same port, and waits until it responds. */
  readonly start: () => Promise<void>;
  /** Kills it, and waits for its exit. */
  readonly kill: () => Promise<void>;
  /** Suspends or resumes it. While it is suspended, the kernel still accepts connections for it. */
  readonly signal: (name: 'SIGSTOP' | 'SIGCONT') => void;
  /** Runs a command with redis-cli, and returns its output. */
  readonly command: (...words: string[]) => string;
}

/** Reserves a port for a server without starting it. The server is killed after the tests of the file. */
export async function prepareRedis(...options: string[]): Promise<RedisServer> {
  const port = await findFreePort();
  const command = (...words: string[]) =>
    execFileSync(cli, ['-p', String(port), ...words], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  let server: TestProcess | undefined;
  const isResponding = () => {
    try {
      return /^(PONG|NOAUTH.*)$/.test(command('ping'));
    } catch {
      // redis-cli fails if the server does not listen.
      return false;
    }
  };
  return {
    port,
    start: async () => {
      const defaultOptions = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', tmpdir()];
      const started = startProcess(serverBinary, [...defaultOptions, ...options]);
      server = started;
      await waitUntil(isResponding, started.stdout);
    },
    kill: async () => {
      server?.signal('SIGKILL');
      await server?.exit;
    },
    signal: (name) => server?.signal(name),
    command,
  };
}

/** Starts a Redis server. */
export async function startRedis(...options: string[]): Promise<RedisServer> {
  const redis = await prepareRedis(...options);
  await redis.start();
  return redis;
}
