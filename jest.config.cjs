// Two projects. `unit` lies beside the sources and starts nothing; `system` shares one PostgreSQL and one
// Temporal server, which its global set-up starts on free ports.
'use strict';

const transform = {
  '^.+\\.ts$': [
    '@swc/jest',
    {
      jsc: { parser: { syntax: 'typescript' }, target: 'es2023' },
      module: { type: 'commonjs' },
      sourceMaps: 'inline',
    },
  ],
};

const shared = {
  rootDir: __dirname,
  testEnvironment: 'node',
  transform,
  moduleFileExtensions: ['ts', 'js', 'cjs', 'json', 'node'],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/.roundhouse/', '<rootDir>/.cache/'],
};

/** @type {import('jest').Config} */
module.exports = {
  maxWorkers: 2,
  // Real servers on a small, busy machine: a limit that only a test that hangs reaches.
  testTimeout: 180_000,
  // The Temporal SDK's native part keeps a thread callback open that nothing can close, so that a worker
  // of jest would wait for ever after its last test.
  forceExit: true,
  projects: [
    { ...shared, displayName: 'unit', testMatch: ['<rootDir>/src/**/*.test.ts'] },
    {
      ...shared,
      displayName: 'system',
      testMatch: ['<rootDir>/test/**/*.test.ts'],
      globalSetup: '<rootDir>/test/support/global-setup.ts',
      globalTeardown: '<rootDir>/test/support/global-teardown.ts',
    },
  ],
};
