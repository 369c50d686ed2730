// A script of the project, run as its commands run it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const root = new URL('../../', import.meta.url);

/** How a script is run. */
export interface ScriptOptions {
  /** The project that it is to look at. */
  readonly folder: string;
  readonly args?: readonly string[];
  /** What its environment has besides the tests' own. */
  readonly env?: NodeJS.ProcessEnv;
}

/** What came of a script. */
export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a file of scripts/ in a project; resolves once it has ended. */
export async function runScript(file: string, { folder, args = [], env = {} }: ScriptOptions): Promise<Outcome> {
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
