// The one way to start a child process: `launchGateway` for the built gateway, `runProcess` for a program that ends by itself, and
// `startProcess` for one that does not.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { addCleanup } from './cleanup.js';
import { waitUntil } from './wait-until.js';

const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

// Set by scripts/test.js: most functions of a short-lived gateway never pay back their compilation either.
const compilerFlags = process.execArgv.filter((flag) => flag.startsWith('--interrupt-budget='));

// How long a process may run after its latest signal. Far longer than any shutdown takes, even on a busy machine.
const exitTimeoutMs = 100_000;

/** Exit code, or the signal that ended the process. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A started process. */
export interface TestProcess {
  /** Process id; undefined if the program could not be started. */
  readonly pid: number | undefined;
  /** Returns the output to stdout so far. */
  readonly stdout: () => string;
  /** Returns the output to stderr so far. */
  readonly stderr: () => string;
  /** Waits until stdout or stderr contains a match, and returns the match. Throws if the process exits before. */
  readonly waitForOutput: (pattern: RegExp) => Promise<RegExpExecArray>;
  /** Stops reading stdout, until the returned function is called or the process exits. */
  readonly pauseStdout: () => () => void;
  /** Sends a signal. */
  readonly signal: (name: NodeJS.Signals) => void;
  /** Resolves when the process has exited. Rejects if it still runs 100 s after the latest signal. */
  readonly exit: Promise<Exit>;
  /** Reports whether the process has exited. */
  readonly hasExited: () => boolean;
}

/** A launched gateway. */
export interface GatewayProcess extends TestProcess {
  /** Returns the parsed log lines of stdout so far. */
  readonly lines: () => Record<string, unknown>[];
  /** Waits for a log line with this `msg`. Throws if the process exits before. */
  readonly waitForLog: (msg: string) => Promise<void>;
}

/** A gateway process that has started to listen. */
export interface ListeningProcess extends GatewayProcess {
  /** URL of its GraphQL endpoint. */
  readonly url: string;
  /** Origin of its ops listener. */
  readonly opsUrl: string;
}

/**
 * Launches the built gateway, by default on free ports, and waits until it listens. By default, it sheds no load when its event loop is
 * slow. It is killed after the tests of the file.
 */
export async function launchGateway(environment: NodeJS.ProcessEnv = {}): Promise<ListeningProcess> {
  const gateway = launch(environment);
  await gateway.waitForLog('gateway listening');
  return {
    ...gateway,
    url: getLoggedUrl(gateway, 'gateway listening'),
    opsUrl: getLoggedUrl(gateway, 'ops listening'),
  };
}

/** Launches dist/main.js as `launchGateway` does, with only the given environment, and does not wait. */
export function launch(environment: NodeJS.ProcessEnv = {}, ...args: string[]): GatewayProcess {
  const defaults = {
    // So that the gateway serves any Host.
    HOST: '127.0.0.1',
    PORT: '0',
    OPS_PORT: '0',
    SANDBOX_PORT: '0',
    // Other processes on this machine may delay the event loop.
    MAX_EVENT_LOOP_DELAY_MS: '0',
  };
  const gateway = startProcess(process.execPath, [...compilerFlags, main, ...args], {
    env: { ...defaults, ...environment },
  });
  const lines: Record<string, unknown>[] = [];
  let parsedLength = 0;
  const parseLines = () => {
    const stdout = gateway.stdout();
    // The text after the last line break is an incomplete line.
    const end = stdout.lastIndexOf('\n') + 1;
    if (end > parsedLength) lines.push(...stdout.slice(parsedLength, end).trimEnd().split('\n').map(toLine));
    parsedLength = end;
    return lines;
  };
  return {
    ...gateway,
    lines: () => [...parseLines()],
    waitForLog: async (msg) => {
      await waitForMatch(gateway, `log line "${msg}"`, () => parseLines().find((line) => line['msg'] === msg));
    },
  };
}

/** Returns the `url` of the log line with this `msg`. Throws if there is none. */
export function getLoggedUrl(gateway: GatewayProcess, msg: string): string {
  const url = gateway.lines().find((line) => line['msg'] === msg)?.['url'];
  if (typeof url !== 'string') throw new Error(`No log line "${msg}" with a url.\n${toOutput(gateway)}`);
  return url;
}

/** Options of a program. */
export interface ProcessOptions {
  /** Default: the environment of the tests. */
  readonly env?: NodeJS.ProcessEnv;
  /** Working directory. Default: that of the tests. */
  readonly cwd?: string;
  /** Text that the program can read from stdin. Default: none. */
  readonly input?: string;
}

/** The result of a program. */
export interface ProcessResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program, and waits for its exit. */
export async function runProcess(
  command: string,
  args: readonly string[],
  options?: ProcessOptions,
): Promise<ProcessResult> {
  const started = startProcess(command, args, options);
  const { code } = await started.exit;
  return { code, stdout: started.stdout(), stderr: started.stderr() };
}

/** Starts a program. It is killed after the tests of the file. */
export function startProcess(
  command: string,
  args: readonly string[],
  { env = process.env, cwd, input = '' }: ProcessOptions = {},
): TestProcess {
  const child = spawn(command, args, { env, cwd, stdio: 'pipe' });
  // The program may exit before it has read its input.
  child.stdin.on('error', () => undefined).end(input);
  let stdout = '';
  let stderr = '';
  let exited = false;
  let timer: NodeJS.Timeout | undefined;
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  let rejectExit: (error: Error) => void = () => undefined;
  const exit = new Promise<Exit>((resolve, reject) => {
    rejectExit = reject;
    child.once('error', reject);
    // Output may still arrive after `exit`, but not after `close`.
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      exited = true;
      resolve({ code, signal });
    });
  });
  // Prevents an unhandled rejection in tests that do not wait for the exit.
  exit.catch(() => undefined);
  const started: TestProcess = {
    pid: child.pid,
    stdout: () => stdout,
    stderr: () => stderr,
    waitForOutput: (pattern) =>
      waitForMatch(
        started,
        `match of ${String(pattern)}`,
        () => pattern.exec(stdout) ?? pattern.exec(stderr) ?? undefined,
      ),
    pauseStdout: () => {
      const resume = () => {
        child.stdout.resume();
      };
      child.stdout.pause();
      child.once('exit', resume);
      return resume;
    },
    signal: (name) => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        rejectExit(new Error(`The process did not exit within ${exitTimeoutMs} ms of ${name}.\n${toOutput(started)}`));
      }, exitTimeoutMs);
      child.kill(name);
    },
    exit,
    hasExited: () => exited,
  };
  addCleanup(() => {
    clearTimeout(timer);
    child.kill('SIGKILL');
  });
  return started;
}

/** Waits until `search` finds something in the output of a process. Throws if the process exits before. */
async function waitForMatch<Match>(
  started: TestProcess,
  description: string,
  search: () => Match | undefined,
): Promise<Match> {
  let match: Match | undefined;
  const toDetails = () => `There is no ${description} in the output:\n${toOutput(started)}`;
  await waitUntil(() => {
    // Read first: the output is complete when the process has exited.
    const exited = started.hasExited();
    match = search();
    return exited || match !== undefined;
  }, toDetails);
  if (match === undefined) throw new Error(`The process has exited. ${toDetails()}`);
  return match;
}

// The end of the output, short enough for an error message.
function toOutput({ stdout, stderr }: TestProcess): string {
  return `${stdout().slice(-2_000)}${stderr().slice(-2_000)}`;
}

function toLine(text: string): Record<string, unknown> {
  const value: unknown = JSON.parse(text);
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
