/** How the global set-up tells the tests, which run in other processes, what it has started. */
export const TEST_VARIABLES = {
  postgres: 'ROUNDHOUSE_TEST_POSTGRES_URL',
  temporal: 'ROUNDHOUSE_TEST_TEMPORAL_ADDRESS',
  bundle: 'ROUNDHOUSE_TEST_WORKFLOW_BUNDLE',
  bundleFault: 'ROUNDHOUSE_TEST_WORKFLOW_BUNDLE_FAULT',
} as const;

/** The database every test's own database is copied from. */
export const TEMPLATE_DATABASE = 'migrated';

/** @throws Error when a test runs without the global set-up */
export function testVariable(name: keyof typeof TEST_VARIABLES): string {
  const value = process.env[TEST_VARIABLES[name]];
  if (value === undefined) throw new Error(`${TEST_VARIABLES[name]} is not set: run with npm test`);
  return value;
}
