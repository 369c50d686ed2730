// Child processes: how they are started, asked over IPC and ended. It does not know what they do.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';

/** How a process is started. */
export interface Command {
  /** What it is called in messages. */
  readonly name: string;
  /** An executable. */
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Where its standard output and standard error go. */
  readonly logFile: string;
  /** Its working directory. */
  readonly cwd?: string;
}

/** What a process has used: its own accounting. */
export interface Usage {
  /** CPU time in all, user and system, in milliseconds. */
  readonly cpuMs: number;
  /** Resident memory, in bytes. */
  readonly rssBytes: number;
}

const usage: z.ZodType<Usage> = z.object({ cpuMs: z.number(), rssBytes: z.number() });
const line = z.object({ msg: z.string(), url: z.string() });

const running = new Set<Process>();

/** A child process. */
export class Process {
  readonly #child: ChildProcess;
  readonly #command: Command;
  readonly #ended: Promise<void>;
  #over = false;

  /** Starts a process. Nothing of our own environment is passed on but the search path. */
  constructor(command: Command) {
    this.#command = command;
    const log = openSync(command.logFile, 'w');
    this.#child = spawn(command.file, command.args, {
      env: { PATH: process.env['PATH'], NODE_ENV: 'production', ...command.env },
      stdio: ['ignore', log, log, 'ipc'],
      ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
    });
    closeSync(log);
    running.add(this);
    this.#ended = new Promise((resolve) => {
      const over = () => {
        this.#over = true;
        running.delete(this);
        resolve();
      };
      this.#child.once('exit', over);
      this.#child.once('error', over);
    });
  }

  /** Waits for the log line that tells an address: `{"msg": message, "url": …}`. Throws where the process ends before. */
  async whenListening(message: string): Promise<string> {
    const deadline = performance.now() + 60_000;
    for (;;) {
      const url = findUrl(readFileSync(this.#command.logFile, 'utf8'), message);
      if (url !== undefined) return url;
      if (this.#over || performance.now() > deadline) throw this.#failure('did not begin to listen');
      await sleep(2);
    }
  }

  /** Sends a message and gives the next one that comes back, read by `schema`. Throws where the process ends before. */
  async ask<T>(message: object, schema: z.ZodType<T>): Promise<T> {
    const answer = new Promise<unknown>((resolve, reject) => {
      this.#child.once('message', resolve);
      void this.#ended.then(() => {
        reject(this.#failure(`ended unasked (${String(this.#child.signalCode ?? this.#child.exitCode)})`));
      });
    });
    this.#child.send(message);
    return schema.parse(await answer);
  }

  /** What the process has used so far; only of one that runs the reporter. */
  usage(): Promise<Usage> {
    return this.ask({ ask: 'usage' }, usage);
  }

  /** Ends the process, by force where it does not within two seconds. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    const force = setTimeout(() => this.#child.kill('SIGKILL'), 2000);
    await this.#ended;
    clearTimeout(force);
  }

  /** Ends the process at once; for when there is no time left to wait. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #failure(what: string): Error {
    const log = readFileSync(this.#command.logFile, 'utf8').slice(-2000);
    return new Error(`The process "${this.#command.name}" ${what}. The end of its log:\n${log}`);
  }
}

/** Ends at once whatever still runs. */
export function killAll(): void {
  for (const one of running) one.kill();
}

function findUrl(log: string, message: string): string | undefined {
  for (const text of log.split('\n')) {
    if (!text.startsWith('{') || !text.endsWith('}')) continue;
    const found = line.safeParse(JSON.parse(text));
    if (found.success && found.data.msg === message) return found.data.url;
  }
  return undefined;
}
