// Runs scripts on another version of Node, from the npm registry.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

const root = join(import.meta.dirname, '..');

/** Installs a version of Node, such as 24 or 24.22.3, into the cache folder. Returns the path of its binary. */
export function fetchNode(version) {
  if (!/^\d+(\.\d+){0,2}$/.test(version)) {
    throw new Error('--node needs a version of Node, e.g. --node 24');
  }
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const name = `node-${platform === 'darwin' ? 'bin-darwin' : platform}-${process.arch}`;
  const folder = join(root, 'node_modules/.cache/node', version);
  const binary = join(folder, 'node_modules', name, platform === 'win' ? 'bin/node.exe' : 'bin/node');
  if (!existsSync(binary)) {
    const flags = ['--prefix', folder, '--no-save', '--ignore-scripts', '--no-audit', '--no-fund'];
    execFileSync('npm', ['install', ...flags, `${name}@${version}`], { stdio: 'inherit' });
  }
  process.stderr.write(`Node ${execFileSync(binary, ['--version'], { encoding: 'utf8' })}`);
  return binary;
}

/** Runs a version of Node in this process's place: signals, output and exit code are passed on. Programs that it starts get the same Node. */
export function becomeNode(node, nodeArguments, cwd) {
  const child = spawn(node, nodeArguments, {
    cwd,
    stdio: 'inherit',
    env: { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env['PATH'] ?? ''}` },
  });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code) => process.exit(code ?? 1));
}
