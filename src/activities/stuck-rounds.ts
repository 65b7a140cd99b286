import { isGrpcServiceError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import { roundWorkflowId, type RoundKey } from '../contracts/round';
import type { Logger } from '../lib/log';

const ASK_MS = 3_000;
/** The latest events of a history: enough to hold its last workflow task, with the signals that came since. */
const EVENTS_MAX = 100;
/** gRPC's NOT_FOUND. */
const NOT_FOUND = 5;

/**
 * Ends the workflow of an overdue round whose latest task failed: its history was made by workflow code that this
 * worker does not have, or there is a fault of ours in it, and every repeat fails like the first. (A task of a
 * worker that died times out, which is no failure.) The workflow keeps no money and no state (SPEC §1), so the next
 * hand-over starts a new one from the book, which also lets no second attempt of a call run beside a first.
 * Without this such a round would wait for a person, and a win with it.
 *
 * @throws the client's error when Temporal cannot be reached; the next sweep looks again
 */
export function createEndStuckRound(deps: { client: Client; log: Logger }) {
  const { client, log } = deps;
  return async (key: RoundKey): Promise<void> => {
    const workflowId = roundWorkflowId(key);
    await client.withDeadline(Date.now() + ASK_MS, async () => {
      const failure = await latestTaskFailure(client, workflowId);
      if (failure === null) return;
      await terminate(client, workflowId);
      log.error({ workflowId, failure }, "a round's workflow could not go on; it is begun anew");
    });
  };
}

async function terminate(client: Client, workflowId: string): Promise<void> {
  try {
    await client.workflow
      .getHandle(workflowId)
      .terminate('its tasks fail; begun anew by the sweep');
  } catch (error) {
    // A person, or another sweep, was faster.
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}

/** Why the latest workflow task failed; null when it did not, or there is no such workflow. */
async function latestTaskFailure(client: Client, workflowId: string): Promise<string | null> {
  const events = await latestEvents(client, workflowId);
  const latest = events.find(
    (event) =>
      event.workflowTaskCompletedEventAttributes ??
      event.workflowTaskFailedEventAttributes ??
      event.workflowTaskTimedOutEventAttributes,
  );
  const failed = latest?.workflowTaskFailedEventAttributes;
  return failed ? (failed.failure?.message ?? 'no reason was told') : null;
}

/** Newest first. */
async function latestEvents(client: Client, workflowId: string) {
  try {
    const { history } = await client.workflowService.getWorkflowExecutionHistoryReverse({
      namespace: client.options.namespace,
      execution: { workflowId },
      maximumPageSize: EVENTS_MAX,
    });
    return history?.events ?? [];
  } catch (error) {
    // Never started, or lost with its Temporal: the hand-over starts it.
    if (isGrpcServiceError(error) && Number(error.code) === NOT_FOUND) return [];
    throw error;
  }
}
