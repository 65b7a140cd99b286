import type { Client } from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import { DRAIN_WORKFLOW, drainWorkflowId, WAKE_SIGNAL, type DrainInput } from './drain';
import {
  DRIVE_SIGNAL,
  ROUNDS_TASK_QUEUE,
  ROUND_WORKFLOW,
  roundWorkflowId,
  type DriveSignal,
  type RoundToDrive,
} from './round';
import { ROUND_ATTRIBUTES } from './search-attributes';

/**
 * Has a partner's drain look into the book, starting it when none runs.
 *
 * @throws the client's error when Temporal cannot be reached in time; the sweep then starts the drain
 */
export async function wakeDrain(
  client: Client,
  drain: DrainInput,
  deadlineMs: number,
): Promise<void> {
  await client.withDeadline(Date.now() + deadlineMs, () =>
    client.workflow.signalWithStart(DRAIN_WORKFLOW, {
      workflowId: drainWorkflowId(drain.prefix),
      taskQueue: ROUNDS_TASK_QUEUE,
      args: [drain],
      signal: WAKE_SIGNAL,
      signalArgs: [],
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
      staticSummary: `calls that ${drain.prefix}'s wallet did not answer`,
      typedSearchAttributes: new TypedSearchAttributes([
        { key: ROUND_ATTRIBUTES.partner, value: drain.prefix },
      ]),
    }),
  );
}

/** Bounds recovery from a worker that dies in the middle of a workflow task. */
const WORKFLOW_TASK_TIMEOUT = '5s';

/**
 * Hands a round to Temporal: signals its workflow, starting it when none runs (a finished round that
 * owes something again gets a new run under the same id). The signal is durable once this resolves, and
 * sending it twice changes nothing: a view replaces only an older one.
 *
 * @param deadlineMs how long the call may take, retries of the client included
 * @throws the client's error when Temporal cannot be reached in time; the sweep then drives the round
 */
export async function driveRound(
  client: Client,
  round: RoundToDrive,
  hurry: readonly string[],
  deadlineMs: number,
): Promise<void> {
  const { key, attributes, input } = round;
  const signal: DriveSignal = { view: input.view, hurry };
  await client.withDeadline(Date.now() + deadlineMs, () =>
    client.workflow.signalWithStart(ROUND_WORKFLOW, {
      workflowId: roundWorkflowId(key),
      taskQueue: ROUNDS_TASK_QUEUE,
      args: [input],
      signal: DRIVE_SIGNAL,
      signalArgs: [signal],
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
      staticSummary: round.summary,
      typedSearchAttributes: new TypedSearchAttributes([
        { key: ROUND_ATTRIBUTES.partner, value: attributes.partner },
        { key: ROUND_ATTRIBUTES.connection, value: key.connection },
        { key: ROUND_ATTRIBUTES.player, value: key.playerId },
        { key: ROUND_ATTRIBUTES.product, value: attributes.product },
        { key: ROUND_ATTRIBUTES.game, value: attributes.game },
        { key: ROUND_ATTRIBUTES.roundStatus, value: input.view.status },
        { key: ROUND_ATTRIBUTES.betIds, value: [...input.view.betIds] },
      ]),
    }),
  );
  if (round.drain) await wakeDrain(client, round.drain, deadlineMs);
}
