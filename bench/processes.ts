// Starts child processes, exchanges IPC messages with them, and stops them.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';

/** Options to start a process. */
export interface ProcessOptions {
  /** Name in error messages. */
  readonly name: string;
  /** Path of the executable. */
  readonly file: string;
  readonly args: readonly string[];
  /** Environment variables in addition to `PATH` and `NODE_ENV`. */
  readonly env?: Readonly<Record<string, string>>;
  /** File that receives standard output and standard error. */
  readonly logFile: string;
  /** Working directory. */
  readonly cwd?: string;
}

/** Resource usage that a process reports. */
export interface Usage {
  /** User plus system CPU time since the process started, in milliseconds. */
  readonly cpuMs: number;
  /** Resident memory (RSS), in bytes. */
  readonly rssBytes: number;
  /** Peak of the resident memory since the process started, in bytes. */
  readonly peakRssBytes: number;
}

const usageSchema: z.ZodType<Usage> = z.object({ cpuMs: z.number(), rssBytes: z.number(), peakRssBytes: z.number() });
const listeningSchema = z.object({ msg: z.string(), url: z.string() });

const running = new Set<Process>();

/** A child process with an IPC channel. */
export class Process {
  readonly #child: ChildProcess;
  readonly #options: ProcessOptions;
  readonly #exit: Promise<void>;
  #hasExited = false;

  /** Starts a process. It inherits only `PATH` from this process's environment. */
  constructor(options: ProcessOptions) {
    this.#options = options;
    const log = openSync(options.logFile, 'w');
    this.#child = spawn(options.file, options.args, {
      env: { PATH: process.env['PATH'], NODE_ENV: 'production', ...options.env },
      stdio: ['ignore', log, log, 'ipc'],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    closeSync(log);
    running.add(this);
    this.#exit = new Promise((resolve) => {
      const onExit = () => {
        this.#hasExited = true;
        running.delete(this);
        resolve();
      };
      this.#child.once('exit', onExit);
      this.#child.once('error', onExit);
    });
  }

  /** Waits for the log line `{"msg": message, "url": …}` and returns its URL. Rejects if the process exits first, or after 60 s. */
  async waitUntilListening(message: string): Promise<string> {
    const deadline = performance.now() + 60_000;
    for (;;) {
      const url = findUrl(readFileSync(this.#options.logFile, 'utf8'), message);
      if (url !== undefined) return url;
      if (this.#hasExited || performance.now() > deadline) throw this.#toError('did not start to listen');
      await sleep(2);
    }
  }

  /** Sends an IPC message and returns the process's next message, parsed by `schema`. Rejects if the process exits first. */
  async send<T>(message: object, schema: z.ZodType<T>): Promise<T> {
    const response = new Promise<unknown>((resolve, reject) => {
      this.#child.once('message', resolve);
      void this.#exit.then(() => {
        reject(this.#toError(`exited unexpectedly (${String(this.#child.signalCode ?? this.#child.exitCode)})`));
      });
    });
    this.#child.send(message);
    return schema.parse(await response);
  }

  /** Returns the resource usage so far. The process must answer `usage` as instrumentation.ts does. */
  usage(): Promise<Usage> {
    return this.send({ type: 'usage' }, usageSchema);
  }

  /** Sends SIGTERM, then SIGKILL if the process has not exited after two seconds. Resolves when it has exited. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    const killTimer = setTimeout(() => this.#child.kill('SIGKILL'), 2000);
    await this.#exit;
    clearTimeout(killTimer);
  }

  /** Sends SIGKILL without waiting for the exit. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #toError(problem: string): Error {
    const log = readFileSync(this.#options.logFile, 'utf8').slice(-2000);
    return new Error(`The process "${this.#options.name}" ${problem}. Its log ends with:\n${log}`);
  }
}

/** Sends SIGKILL to all processes that are still running. */
export function killAll(): void {
  for (const child of running) child.kill();
}

function findUrl(log: string, message: string): string | undefined {
  for (const line of log.split('\n')) {
    if (!line.startsWith('{') || !line.endsWith('}')) continue;
    const match = listeningSchema.safeParse(JSON.parse(line));
    if (match.success && match.data.msg === message) return match.data.url;
  }
  return undefined;
}
