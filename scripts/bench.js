// Runs a script of bench/ on one version of Node: `node scripts/bench.js SCRIPT [--node VERSION] [arguments of the script]`.
// The default is the image's version, so that every figure is of what ships.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { becomeNode, fetchNode } from './node-versions.js';

const root = join(import.meta.dirname, '..');

const [script, ...options] = process.argv.slice(2);
const option = options.findIndex((item) => /^--node(=|$)/.test(item));
const version = option === -1 ? readImageVersion() : (options[option].split('=')[1] ?? options[option + 1] ?? '');
becomeNode(fetchNode(version), ['--import', 'tsx', script, ...options], join(root, 'bench'));

function readImageVersion() {
  const [, major] = /^FROM node:(\d+)/m.exec(readFileSync(join(root, 'Dockerfile'), 'utf8')) ?? [];
  if (major === undefined) throw new Error('The Dockerfile names no version of Node.');
  return major;
}
