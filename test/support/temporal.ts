import { randomBytes } from 'node:crypto';
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time';
import { registerSearchAttributes } from '../../src/stack/search-attributes';
import { TEST_VARIABLES, testVariable } from './variables';

/** The namespace that is there from the start; a test that starts rounds wants one of its own. */
export const TEST_NAMESPACE = 'default';

/** host:port of the run's Temporal server. */
export function temporalAddress(): string {
  return testVariable('temporal');
}

/**
 * The file with the bundled workflows, for a worker's `workflowBundle: { codePath }`.
 *
 * @throws Error with the bundler's own message when the workflows do not bundle
 */
export function workflowBundlePath(): string {
  const fault = process.env[TEST_VARIABLES.bundleFault];
  if (fault !== undefined) throw new Error(`the workflows do not bundle: ${fault}`);
  return testVariable('bundle');
}

/**
 * A namespace of its own for one test file, with the search attributes. Workflow ids name connection,
 * player and round, which two files running at once would otherwise share.
 */
export async function createTestNamespace(): Promise<string> {
  const namespace = `test-${randomBytes(6).toString('hex')}`;
  const connection = await Connection.connect({ address: temporalAddress() });
  try {
    await connection.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: msToTs('1 day'),
    });
    await registerSearchAttributes(connection, namespace);
  } finally {
    await connection.close();
  }
  return namespace;
}
