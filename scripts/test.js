// Runs one of the test projects in jest.config.js: `node scripts/test.js PROJECT [--node VERSION] [--slow] [arguments of Jest]`.
// --node takes another version of Node from the npm registry; --slow lists the ten slowest files.
import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { becomeNode, fetchNode } from './node-versions.js';

const root = join(import.meta.dirname, '..');

const [project, ...options] = process.argv.slice(2);
const jestArguments = [];
const reporters = [];
let nodeVersion;
while (options.length > 0) {
  const option = options.shift();
  if (option === '--node') nodeVersion = options.shift() ?? '';
  else if (option === '--slow') reporters.push('--reporters=default', '--reporters=./scripts/slowest-files.js');
  else jestArguments.push(option);
}

const node = nodeVersion === undefined ? process.execPath : fetchNode(nodeVersion);
const nodeArguments = [
  // A new generation of 64 MiB: tests create many short-lived objects, and collecting them takes a tenth of the time otherwise.
  '--max-semi-space-size=64',
  ...lazyCompilation(node),
  '--experimental-vm-modules',
  '--disable-warning=ExperimentalWarning',
];
const jest = [
  join(root, 'node_modules/jest/bin/jest.js'),
  '--selectProjects',
  project,
  ...reporters,
  // Most of them wait for connections to close, rather than for a processor.
  ...(project === 'reliability' ? ['--maxWorkers', String(availableParallelism() + 3)] : []),
  // Ends the lists before it: each of those options takes every word up to the next flag.
  '--ci',
  ...jestArguments,
];
// Tests that run other programs by name get the same Node.
becomeNode(node, [...nodeArguments, ...jest], root);

/**
 * Returns flags with which V8 optimizes a function after a million bytes of bytecode instead of 66,000. Most functions of a test never pay
 * back their compilation, which takes a tenth of the time. None for a version of Node without the flag.
 */
function lazyCompilation(node) {
  const hasFlag = execFileSync(node, ['--v8-options'], { encoding: 'utf8' }).includes('--interrupt-budget ');
  return hasFlag ? ['--interrupt-budget=1000000'] : [];
}
