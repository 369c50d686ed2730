// Runs Debian's redis-server as a child process, and sends it commands with redis-cli.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { addCleanup } from '../../helpers/cleanup.js';
import { findFreePort } from '../../helpers/free-port.js';

const [server, cli] = ['/usr/bin/redis-server', '/usr/bin/redis-cli'];

/** Whether redis-server is installed. */
export const isInstalled = existsSync(server) && existsSync(cli);

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
  let child: ReturnType<typeof spawn> | undefined;
  const isResponding = () => {
    try {
      return /^(PONG|NOAUTH.*)$/.test(command('ping'));
    } catch {
      // redis-cli fails if the server does not listen.
      return false;
    }
  };
  const kill = async () => {
    if (child === undefined) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    child = undefined;
    await exited;
  };
  addCleanup(kill);
  return {
    port,
    start: async () => {
      const defaultOptions = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', tmpdir()];
      child = spawn(server, [...defaultOptions, ...options], { stdio: 'ignore' });
      for (let checks = 0; !isResponding(); checks++) {
        if (checks > 500) throw new Error('Redis did not start within 5 s.');
        await sleep(10);
      }
    },
    kill,
    signal: (name) => child?.kill(name),
    command,
  };
}

/** Starts a Redis server. */
export async function startRedis(...options: string[]): Promise<RedisServer> {
  const redis = await prepareRedis(...options);
  await redis.start();
  return redis;
}
