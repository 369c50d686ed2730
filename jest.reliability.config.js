// The promises that take long to hold: waits as long as the gateway's own, crowds of callers. RELIABILITY_RUNS makes the
// random ones long, and has them run here; without, they are among all the others.
import process from 'node:process';
import config from './jest.config.js';

/** @type {import('jest').Config} */
export default {
  ...config,
  testMatch: [
    '<rootDir>/test/reliability/**/*.long.test.ts',
    ...(process.env['RELIABILITY_RUNS'] === undefined ? [] : ['<rootDir>/test/reliability/fuzz*.test.ts']),
  ],
  testPathIgnorePatterns: [],
  testTimeout: 180_000,
};
