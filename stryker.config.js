// The mutation test, `npm run test:mutate -- PATH`: Stryker changes the code below PATH, one place at a time, and reports the changes that
// no test notices. PATH is one of the folders below; its tests are those that a change must not get past.
import { join } from 'node:path';
import process from 'node:process';
import { common } from './jest.config.js';

// Without the tests over HTTP that take seconds for each change: those that need a whole session, application or REST API.
const testsOf = {
  'src/cloudca/http': [
    'test/cloudca/http/{circuit-states,deadline,exchange,in-flight-call}.test.ts',
    'test/cloudca/http/{network-errors,rest-response,retry,transport}.test.ts',
    'test/cloudca/response-meanings.test.ts',
  ],
  'src/graph/execution': ['test/graph/execution/*.test.ts'],
  'src/server/admission': [
    'test/server/admission/{add-load-shedding,concurrency-limiter,create-admission,origin-budget,rate-limit,shared-rate-limit}.test.ts',
  ],
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
    config: {
      ...common,
      // Replaces those of jest.config.js: Stryker merges the two, and would run each test once a project.
      projects: [],
      testMatch: testMatch.map((pattern) => `<rootDir>/${pattern}`),
      // A change that makes a test hang is killed after this time.
      testTimeout: 15_000,
      runner: join(import.meta.dirname, 'scripts/mutate-jest-runner.js'),
      testEnvironment: join(import.meta.dirname, 'scripts/mutate-jest-environment.js'),
    },
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
