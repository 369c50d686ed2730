// Runs the mutation test of one folder: `npm run test:mutate -- src/server/admission`. stryker.config.js says which tests guard it.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const [folder = ''] = process.argv.slice(2);
const root = join(import.meta.dirname, '..');
const stryker = join(root, 'node_modules/@stryker-mutator/core/bin/stryker.js');
const { status } = spawnSync(process.execPath, [stryker, 'run', 'stryker.config.js'], {
  cwd: root,
  stdio: 'inherit',
  // Few runs of the random tests of the executor: each change runs them.
  env: { EXECUTOR_RUNS: '25', ...process.env, MUTATE: folder.replace(/\/+$/, '') },
});
process.exit(status ?? 1);
