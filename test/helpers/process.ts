// Launches the built gateway as a child process, with only the given environment, and reads its output.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { addCleanup } from './cleanup.js';

const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

// Longer than the gateway's own limit of 9.7 s for a shutdown.
const defaultExitTimeoutMs = 28_000;

/** Exit code, or the signal that ended the process. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A launched process. */
export interface GatewayProcess {
  /** Returns the output to stdout so far. */
  readonly stdout: () => string;
  /** Returns the output to stderr so far. */
  readonly stderr: () => string;
  /** Returns the parsed log lines of stdout so far. */
  readonly lines: () => Record<string, unknown>[];
  /** Waits for a log line with this `msg`. Throws if the process exits before. */
  readonly waitForLog: (msg: string) => Promise<void>;
  /** Stops reading stdout, until the returned function is called or the process exits. */
  readonly pauseStdout: () => () => void;
  /** Sends a signal. */
  readonly signal: (name: NodeJS.Signals) => void;
  /** Resolves when the process has exited. Rejects after the exit timeout. */
  readonly exit: Promise<Exit>;
  /** Reports whether the process has exited. */
  readonly hasExited: () => boolean;
}

/** A gateway process that has started to listen. */
export interface ListeningProcess extends GatewayProcess {
  /** URL of its GraphQL endpoint. */
  readonly url: string;
  /** Origin of its ops listener. */
  readonly opsUrl: string;
}

/** Launches dist/main.js, by default on free ports. It is killed after the tests of the file. */
export function launch(environment: NodeJS.ProcessEnv = {}, ...args: string[]): GatewayProcess {
  return start(environment, args, defaultExitTimeoutMs);
}

function start(environment: NodeJS.ProcessEnv, args: readonly string[], exitTimeoutMs: number): GatewayProcess {
  const child: ChildProcessByStdio<null, Readable, Readable> = spawn(process.execPath, [main, ...args], {
    env: { PORT: '0', OPS_PORT: '0', SANDBOX_PORT: '0', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  let exited = false;
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const exit = new Promise<Exit>((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`The process did not exit within ${exitTimeoutMs} ms.\n${stdout}${stderr}`));
    }, exitTimeoutMs);
    // Output may still arrive after `exit`, but not after `close`.
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      exited = true;
      resolve({ code, signal });
    });
    addCleanup(() => {
      clearTimeout(timer);
    });
  });
  // Prevents an unhandled rejection in tests that do not wait for the exit.
  exit.catch(() => undefined);
  addCleanup(() => child.kill('SIGKILL'));
  return {
    stdout: () => stdout,
    stderr: () => stderr,
    lines: () => toLines(stdout),
    waitForLog: async (msg) => {
      while (!toLines(stdout).some((line) => line['msg'] === msg)) {
        if (exited) throw new Error(`The process exited without the log line "${msg}".\n${stdout}${stderr}`);
        await sleep(10);
      }
    },
    pauseStdout: () => {
      const resume = () => {
        child.stdout.resume();
      };
      child.stdout.pause();
      child.once('exit', resume);
      return resume;
    },
    signal: (name) => {
      child.kill(name);
    },
    exit,
    hasExited: () => exited,
  };
}

/** Launches the built gateway, and waits until it listens. `exitTimeoutMs` is how long it may run, in milliseconds. */
export async function launchGateway(
  environment: NodeJS.ProcessEnv = {},
  exitTimeoutMs: number = defaultExitTimeoutMs,
): Promise<ListeningProcess> {
  const gateway = start(environment, [], exitTimeoutMs);
  await gateway.waitForLog('gateway listening');
  return {
    ...gateway,
    url: getLoggedUrl(gateway, 'gateway listening'),
    opsUrl: getLoggedUrl(gateway, 'ops listening'),
  };
}

/** Returns the `url` of the log line with this `msg`. Throws if there is none. */
export function getLoggedUrl(gateway: GatewayProcess, msg: string): string {
  const url = gateway.lines().find((line) => line['msg'] === msg)?.['url'];
  if (typeof url !== 'string')
    throw new Error(`No log line "${msg}" with a url.\n${gateway.stdout()}${gateway.stderr()}`);
  return url;
}

function toLines(stdout: string): Record<string, unknown>[] {
  // The text after the last line break is an incomplete line.
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const value: unknown = JSON.parse(line);
      return typeof value === 'object' && value !== null ? { ...value } : {};
    });
}
