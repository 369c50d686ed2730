// Leaves in package.json what the built file does not hold, each in the version of the lock file: `npm prune` then removes the rest.
// For the image alone, where package.json is a copy.
import { readFileSync, writeFileSync } from 'node:fs';
import { external } from './external.js';

const read = (file) => JSON.parse(readFileSync(file, 'utf8'));
const { packages } = read('package-lock.json');
const dependencies = Object.fromEntries(external.map((name) => [name, packages[`node_modules/${name}`].version]));
const { name, type } = read('package.json');
writeFileSync('package.json', JSON.stringify({ name, type, private: true, dependencies }));
