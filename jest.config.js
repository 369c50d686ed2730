// The tests that need nothing but Node; jest.browser.config.js has those that need a browser, jest.redis.config.js those that need Redis,
// jest.reliability.config.js those that take long.
// Sources are TypeScript with decorators, run as ES modules: swc strips the types exactly as tsc would.

/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testPathIgnorePatterns: ['/test/(browser|redis)/', '\\.long\\.test\\.ts$'],
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
  // Jest would leave a processor to others, which on two is half of the time.
  maxWorkers: '100%',
  // A guard against hanging, and no measure.
  testTimeout: 60_000,
};
