import type { Client } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import { workflowBundlePath } from '../../src/worker/bundle-workflows';

/** The workflows that hold somebody's money up when they cannot go on. */
const MONEY_WORKFLOWS = `WorkflowType IN ('roundWorkflow', 'drainWorkflow')`;

/**
 * Plays back every history of a run, those of workflows that still wait included. Faults make histories that no
 * scenario of ours would: tasks that last for seconds, with signals, timers and ends of calls all at once.
 *
 * @returns a sentence for each that today's workflows would not have made
 */
export async function replayHistories(client: Client): Promise<string[]> {
  const options = { workflowBundle: { codePath: await workflowBundlePath() } };
  const found: string[] = [];
  for await (const result of Worker.runReplayHistories(options, historiesOf(client))) {
    if (result.error) {
      found.push(`${result.workflowId} (run ${result.runId}): ${result.error.message}`);
    }
  }
  return found;
}

async function* historiesOf(client: Client) {
  for await (const { workflowId, runId } of client.workflow.list({ query: MONEY_WORKFLOWS })) {
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    yield { workflowId, history };
  }
}
