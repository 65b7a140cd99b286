import { existsSync, mkdtempSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleWorkflowCode } from '@temporalio/worker';

const BUILT_BUNDLE = join(__dirname, '..', 'workflow-bundle.js');

/** Webpack tells much and warns of nothing we could change; errors still reject the promise. */
const quiet = { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error() {} };

/**
 * Bundles the workflows for Temporal's sandbox, from whichever form of the code runs: the sources under
 * a test, or the build.
 *
 * @param target the file to write; by default the build's own, or a new temporary file under a test
 * @returns the path of the bundle, for the worker's `workflowBundle: { codePath }`
 */
export async function bundleWorkflows(target: string = defaultTarget()): Promise<string> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: require.resolve('../workflows'),
    preloadModules: [require.resolve('../workflows/short-stacks')],
    logger: quiet,
  });
  // A reader sees the old bundle or the new one, never a part.
  const unfinished = `${target}.${String(process.pid)}`;
  await writeFile(unfinished, code);
  await rename(unfinished, target);
  return target;
}

/** The bundle that the build made; without a build (a test run from the sources) it is made now. */
export async function workflowBundlePath(): Promise<string> {
  return existsSync(BUILT_BUNDLE) ? BUILT_BUNDLE : bundleWorkflows();
}

function defaultTarget(): string {
  if (!__filename.endsWith('.ts')) return BUILT_BUNDLE;
  return join(mkdtempSync(join(tmpdir(), 'roundhouse-workflows-')), 'workflow-bundle.js');
}
