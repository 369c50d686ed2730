// Reduces package.json to the external packages, each at the version of the lock file, so that `npm prune` removes all others.
// Overwrites package.json: run it only while building the image, where package.json is a copy.
import { readFileSync, writeFileSync } from 'node:fs';
import { external } from './external.js';

const readJson = (file) => JSON.parse(readFileSync(file, 'utf8'));
const { packages } = readJson('package-lock.json');
const dependencies = Object.fromEntries(external.map((name) => [name, packages[`node_modules/${name}`].version]));
const { name, type } = readJson('package.json');
writeFileSync('package.json', JSON.stringify({ name, type, private: true, dependencies }));
