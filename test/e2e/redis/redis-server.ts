// Debian's redis-server as a process of its own: started, stopped, killed, and asked by redis-cli.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { atEnd } from '../../helpers/at-end.js';
import { findFreePort } from '../../helpers/free-port.js';

const [server, cli] = ['/usr/bin/redis-server', '/usr/bin/redis-cli'];

/** Whether there is one to test with. */
export const isInstalled = existsSync(server) && existsSync(cli);

/** A Redis. */
export interface RedisServer {
  readonly port: number;
  /** Runs it, on the same port as before and with nothing in it; resolves once it answers. */
  readonly start: () => Promise<void>;
  /** Kills it; resolves once it is gone. */
  readonly kill: () => Promise<void>;
  /** Has it stand still, or go on: the kernel takes connections for it meanwhile. */
  readonly signal: (name: 'SIGSTOP' | 'SIGCONT') => void;
  /** Asks it by redis-cli; gives what that prints. */
  readonly ask: (...words: string[]) => string;
}

/** Finds a port for one, which does not run yet; it ends with the file's tests. */
export async function prepareRedis(...options: string[]): Promise<RedisServer> {
  const port = await findFreePort();
  const ask = (...words: string[]) =>
    execFileSync(cli, ['-p', String(port), ...words], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  let child: ReturnType<typeof spawn> | undefined;
  const isThere = () => {
    try {
      return /^(PONG|NOAUTH.*)$/.test(ask('ping'));
    } catch {
      // redis-cli fails where nobody listens.
      return false;
    }
  };
  const kill = async () => {
    if (child === undefined) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    child = undefined;
    await gone;
  };
  atEnd(kill);
  return {
    port,
    start: async () => {
      const own = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', tmpdir()];
      child = spawn(server, [...own, ...options], { stdio: 'ignore' });
      for (let looks = 0; !isThere(); looks++) {
        if (looks > 500) throw new Error('Redis does not start.');
        await sleep(10);
      }
    },
    kill,
    signal: (name) => child?.kill(name),
    ask,
  };
}

/** One that runs. */
export async function startRedis(...options: string[]): Promise<RedisServer> {
  const redis = await prepareRedis(...options);
  await redis.start();
  return redis;
}
