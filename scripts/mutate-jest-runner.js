// The Jest runner of the mutation test. Stops after the first file with a failed test, and loads only files that have a selected test.
import process from 'node:process';
import TestRunner from 'jest-runner';

// By test file, from earlier runs of this process: the names of its tests, and its duration in milliseconds.
const cachedFiles = new Map();

export default class MutateJestRunner extends TestRunner {
  async runTests(tests, watcher, options) {
    const { testNamePattern } = this._globalConfig;
    const pattern = testNamePattern ? new RegExp(testNamePattern, 'i') : undefined;
    const isSelected = ({ path }) => {
      const names = cachedFiles.get(path)?.names;
      return pattern === undefined || names === undefined || names.some((name) => pattern.test(name));
    };
    const toDuration = ({ path }) => cachedFiles.get(path)?.duration ?? 0;
    let hasFailed = false;
    const unsubscribe = [
      this.on('test-file-success', ([{ path }, { numFailingTests, perfStats, testResults }]) => {
        hasFailed ||= numFailingTests > 0;
        const names = testResults.map(({ fullName }) => fullName);
        if (!cachedFiles.has(path)) cachedFiles.set(path, { names, duration: perfStats.end - perfStats.start });
      }),
      this.on('test-file-failure', () => {
        hasFailed = true;
      }),
    ];
    for (const test of tests.filter(isSelected).toSorted((one, other) => toDuration(one) - toDuration(other))) {
      if (hasFailed && process.env['__STRYKER_ACTIVE_MUTANT__'] !== undefined) break;
      await super.runTests([test], watcher, { ...options, serial: true });
    }
    for (const end of unsubscribe) end();
  }
}
