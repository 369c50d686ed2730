// Runs a script of the project as npm runs it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const root = new URL('../../', import.meta.url);

/** Options of a script run. */
export interface ScriptOptions {
  /** The project folder, which becomes the working directory. */
  readonly folder: string;
  readonly args?: readonly string[];
  /** Environment variables, in addition to those of the tests. */
  readonly env?: NodeJS.ProcessEnv;
}

/** The result of a script run. */
export interface ScriptResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a file of scripts/ in a project folder, and waits for its end. */
export async function runScript(file: string, { folder, args = [], env = {} }: ScriptOptions): Promise<ScriptResult> {
  const tsx = fileURLToPath(new URL('node_modules/tsx/dist/cli.mjs', root));
  const child = spawn(process.execPath, [tsx, fileURLToPath(new URL(`scripts/${file}`, root)), ...args], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => (stdout += String(chunk)));
  child.stderr.on('data', (chunk) => (stderr += String(chunk)));
  await once(child, 'close');
  return { code: child.exitCode, stdout, stderr };
}
