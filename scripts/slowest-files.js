// A reporter for Jest: lists the ten slowest test files at the end of a run.

import { relative } from 'node:path';

/** Prints one line per file: seconds and path. */
export default class SlowestFiles {
  onRunComplete(_contexts, { testResults }) {
    const files = testResults
      .map(({ testFilePath, perfStats }) => ({ path: testFilePath, seconds: perfStats.runtime / 1000 }))
      .sort((one, other) => other.seconds - one.seconds);
    process.stderr.write('\nSlowest files:\n');
    for (const { path, seconds } of files.slice(0, 10))
      process.stderr.write(`${seconds.toFixed(1).padStart(7)} s  ${relative(process.cwd(), path)}\n`);
  }
}
