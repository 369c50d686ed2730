// Runs a script of the project as npm runs it.
import { fileURLToPath } from 'node:url';
import { type ProcessResult, runProcess } from './process.js';

const root = new URL('../../', import.meta.url);

/** Options of a script run. */
export interface ScriptOptions {
  /** The project folder, which becomes the working directory. */
  readonly folder: string;
  readonly args?: readonly string[];
  /** Environment variables, in addition to those of the tests. */
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs a file of scripts/ in a project folder, and waits for its end. */
export function runScript(file: string, { folder, args = [], env = {} }: ScriptOptions): Promise<ProcessResult> {
  const tsx = fileURLToPath(new URL('node_modules/tsx/dist/cli.mjs', root));
  return runProcess(process.execPath, [tsx, fileURLToPath(new URL(`scripts/${file}`, root)), ...args], {
    cwd: folder,
    env: { ...process.env, ...env },
  });
}
