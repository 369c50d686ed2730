// The test projects: `default` needs nothing but Node; the others need a browser, a Redis server, strongSwan, or minutes.
// scripts/test.js runs one of them.
import { availableParallelism } from 'node:os';
import process from 'node:process';

/** Settings of all projects. Sources are TypeScript with decorators, run as ES modules: swc strips the types exactly as tsc would. */
export const common = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  setupFiles: ['reflect-metadata'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: false, useDefineForClassFields: true },
        },
      },
    ],
  },
};

// RELIABILITY_RUNS makes the random tests long, and others complete; they then run with the long ones.
const runsRandomTestsLong = process.env['RELIABILITY_RUNS'] !== undefined;

/** @type {import('jest').Config} */
export default {
  // More workers than processors: while one test waits for a timer or a process, another uses the processor.
  maxWorkers: availableParallelism() + 1,
  // Jest cannot free the modules of a file that has run, and each file slows the promises of the next ones. From 1 GB on, a worker also
  // takes longer to exit than Jest waits. A new worker costs less than a second.
  workerIdleMemoryLimit: '300MB',
  // Guards against a test that hangs. Jest ignores a limit that stands in a project.
  testTimeout: 180_000,
  projects: [
    {
      ...common,
      displayName: 'default',
      testMatch: ['<rootDir>/test/**/*.test.ts'],
      testPathIgnorePatterns: ['/test/e2e/(browser|redis|tunnels)/', '\\.long\\.test\\.ts$'],
    },
    { ...common, displayName: 'browser', testMatch: ['<rootDir>/test/e2e/browser/**/*.test.ts'] },
    { ...common, displayName: 'tunnels', testMatch: ['<rootDir>/test/e2e/tunnels/**/*.test.ts'] },
    { ...common, displayName: 'redis', testMatch: ['<rootDir>/test/e2e/redis/**/*.test.ts'] },
    {
      ...common,
      displayName: 'reliability',
      testMatch: [
        '<rootDir>/test/e2e/reliability/**/*.long.test.ts',
        ...(runsRandomTestsLong ? ['<rootDir>/test/e2e/reliability/{fuzz-*,input,mask-schema-errors}.test.ts'] : []),
      ],
    },
  ],
};
