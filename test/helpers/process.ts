// The built gateway as a process of its own: started with an environment and nothing else of ours, watched by what it writes, ended.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { atEnd } from './at-end.js';

const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

// A guard against hanging, and no measure: the last of the process's own fuses is at 9.7 s.
const usualGuard = 28_000;

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process that runs, or has run. */
export interface GatewayProcess {
  /** All that it wrote to stdout so far. */
  readonly stdout: () => string;
  /** All that it wrote to stderr so far. */
  readonly stderr: () => string;
  /** What it wrote to stdout so far, a parsed line each. */
  readonly lines: () => Record<string, unknown>[];
  /** Resolves once it has written a line of that message; throws where it ends before. */
  readonly says: (msg: string) => Promise<void>;
  /** Leaves what it writes to stdout unread, until it has ended or the function that this gives is called. */
  readonly stopReading: () => () => void;
  readonly signal: (name: NodeJS.Signals) => void;
  /** How it ended; throws where it does not. */
  readonly exit: Promise<Exit>;
  /** Whether it has ended. */
  readonly hasEnded: () => boolean;
}

/** A gateway that listens. */
export interface ListeningProcess extends GatewayProcess {
  /** Address of its GraphQL endpoint. */
  readonly url: string;
  /** Origin of the listener for operators. */
  readonly opsUrl: string;
}

/** Starts the built program on free ports, unless told others; it is killed at the end of the file's tests. */
export function launch(environment: NodeJS.ProcessEnv = {}, ...args: string[]): GatewayProcess {
  return start(environment, args, usualGuard);
}

function start(environment: NodeJS.ProcessEnv, args: readonly string[], guard: number): GatewayProcess {
  const child: ChildProcessByStdio<null, Readable, Readable> = spawn(process.execPath, [main, ...args], {
    env: { PORT: '0', OPS_PORT: '0', SANDBOX_PORT: '0', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  let ended = false;
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const exit = new Promise<Exit>((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`The process does not end.\n${stdout}${stderr}`));
    }, guard);
    // Not `exit`: what was written is only whole at `close`.
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      ended = true;
      resolve({ code, signal });
    });
    atEnd(() => {
      clearTimeout(timer);
    });
  });
  // Who waits for it is told; who does not has no use for it.
  exit.catch(() => undefined);
  atEnd(() => child.kill('SIGKILL'));
  return {
    stdout: () => stdout,
    stderr: () => stderr,
    lines: () => toLines(stdout),
    says: async (msg) => {
      while (!toLines(stdout).some((line) => line['msg'] === msg)) {
        if (ended) throw new Error(`The process has ended.\n${stdout}${stderr}`);
        await sleep(10);
      }
    },
    stopReading: () => {
      const readAgain = () => {
        child.stdout.resume();
      };
      child.stdout.pause();
      child.once('exit', readAgain);
      return readAgain;
    },
    signal: (name) => {
      child.kill(name);
    },
    exit,
    hasEnded: () => ended,
  };
}

/** Starts the built gateway, and waits until it listens; `guard` is how many milliseconds it may live, where that is long. */
export async function launchGateway(
  environment: NodeJS.ProcessEnv = {},
  guard: number = usualGuard,
): Promise<ListeningProcess> {
  const gateway = start(environment, [], guard);
  await gateway.says('gateway listening');
  return { ...gateway, url: urlOf(gateway, 'gateway listening'), opsUrl: urlOf(gateway, 'ops listening') };
}

/** The address in a listener's line. Throws where there is no such line. */
export function urlOf(of: GatewayProcess, msg: string): string {
  const url = of.lines().find((line) => line['msg'] === msg)?.['url'];
  if (typeof url !== 'string') throw new Error(`No line says "${msg}".\n${of.stdout()}${of.stderr()}`);
  return url;
}

function toLines(stdout: string): Record<string, unknown>[] {
  // What follows the last line's end is not whole yet.
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const value: unknown = JSON.parse(line);
      return typeof value === 'object' && value !== null ? { ...value } : {};
    });
}
