// The mutation test, `npm run test:mutate -- PATH`: Stryker changes the code below PATH, one place at a time, and reports the changes that
// no test notices. PATH is one of the folders below; its tests are those that a change must not get past.
import process from 'node:process';
import { common } from './jest.config.js';

const testsOf = {
  'src/cloudca/http': ['test/cloudca/**/*.test.ts'],
  'src/graph/execution': ['test/graph/**/*.test.ts'],
  'src/server/admission': ['test/server/admission/*.test.ts', 'test/server/subscriptions/endings.test.ts'],
};

const folder = process.env['MUTATE'] ?? '';
const testMatch = testsOf[folder];
if (testMatch === undefined) {
  throw new Error(
    `npm run test:mutate -- PATH: ${Object.keys(testsOf).join(', ')}. There is no list of tests for "${folder}".`,
  );
}

/** @type {import('@stryker-mutator/api/core').PartialStrykerOptions} */
export default {
  mutate: [`${folder}/**/*.ts`],
  testRunner: 'jest',
  jest: {
    projectType: 'custom',
    config: { ...common, testMatch: testMatch.map((pattern) => `<rootDir>/${pattern}`), testTimeout: 180_000 },
    enableFindRelatedTests: false,
  },
  testRunnerNodeArgs: ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'],
  coverageAnalysis: 'perTest',
  // Texts for people are not worth a test each.
  mutator: { excludedMutations: ['StringLiteral', 'Regex'] },
  concurrency: 2,
  timeoutMS: 20_000,
  reporters: ['clear-text', 'progress-append-only'],
  clearTextReporter: { allowColor: false, logTests: false },
  tempDirName: 'dist/.stryker',
  disableTypeChecks: false,
  allowConsoleColors: false,
};
