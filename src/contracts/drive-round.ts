import { WorkflowExecutionAlreadyStartedError, type Client } from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import { within } from '../lib/clock';
import { DRAIN_WORKFLOW, drainWorkflowId, WAKE_SIGNAL, type DrainInput } from './drain';
import {
  DRIVE_SIGNAL,
  ROUNDS_TASK_QUEUE,
  ROUND_WORKFLOW,
  roundWorkflowId,
  type Ask,
  type DriveSignal,
  type RoundInput,
  type RoundName,
  type RoundToDrive,
} from './round';
import { ROUND_ATTRIBUTES } from './search-attributes';

/**
 * Has a partner's drain look into the book, starting it when none runs.
 *
 * @throws LateError or the client's error when Temporal does not take it in time; the sweep then starts the drain
 */
export async function wakeDrain(
  client: Client,
  drain: DrainInput,
  deadlineMs: number,
): Promise<void> {
  await inTime(client, deadlineMs, () =>
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

/**
 * The SDK's client in Rust takes a deadline for each of its tries and goes on trying: with a server that is away, a
 * call of two seconds would take more than five.
 */
function inTime<Result>(
  client: Client,
  deadlineMs: number,
  call: () => Promise<Result>,
): Promise<Result> {
  return within(deadlineMs, client.withDeadline(Date.now() + deadlineMs, call));
}

/** Bounds recovery from a worker that dies in the middle of a workflow task. */
const WORKFLOW_TASK_TIMEOUT = '5s';

/**
 * Hands a round to Temporal: signals its workflow, starting it when none runs (a finished round that
 * owes something again gets a new run under the same id). The signal is durable once this resolves, and
 * sending it twice changes nothing: a view replaces only an older one.
 *
 * @param deadlineMs how long the call may take, retries of the client included
 * @throws LateError or the client's error when Temporal does not take it in time; the sweep then drives the round
 */
export async function driveRound(
  client: Client,
  round: RoundToDrive,
  hurry: readonly string[],
  deadlineMs: number,
): Promise<void> {
  const { known } = round;
  await signalRound(client, round, { known, shown: known.view }, { known, hurry }, deadlineMs);
  if (round.drain) await wakeDrain(client, round.drain, deadlineMs);
}

/**
 * Hands a request to its round's workflow before it is written down. Once this resolves the workflow will write it,
 * unless the answer is due by then; whoever holds the request writes it too when nobody seems to.
 *
 * @throws LateError or the client's error when Temporal does not take it in time: it may have the request all the same
 */
export async function askRound(
  client: Client,
  round: RoundName,
  ask: Ask,
  deadlineMs: number,
): Promise<void> {
  const signal: DriveSignal = { known: null, hurry: [], ask };
  await signalRound(client, round, inputOf(ask), signal, deadlineMs);
}

/**
 * The same for a request that makes its round, from a process that drives rounds itself: the server gives the
 * first task back with its answer (an eager start). When the round has a workflow already, it is signalled.
 *
 * @returns whether the request is in the hands of this very process
 * @throws as askRound
 */
export async function startRound(
  client: Client,
  round: RoundName,
  ask: Ask,
  deadlineMs: number,
): Promise<boolean> {
  const sinceMs = performance.now();
  const input: RoundInput = { ...inputOf(ask), asks: [ask] };
  try {
    const { eagerlyStarted } = await inTime(client, deadlineMs, () =>
      client.workflow.start(ROUND_WORKFLOW, {
        ...startOf(round, input),
        workflowIdConflictPolicy: 'FAIL',
        requestEagerStart: true,
      }),
    );
    return eagerlyStarted;
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    await askRound(client, round, ask, deadlineMs - (performance.now() - sinceMs));
    return false;
  }
}

function inputOf({ betId }: Ask): RoundInput {
  return { known: null, shown: { status: 'open', betIds: betId === null ? [] : [betId] } };
}

async function signalRound(
  client: Client,
  round: RoundName,
  input: RoundInput,
  signal: DriveSignal,
  deadlineMs: number,
): Promise<void> {
  await inTime(client, deadlineMs, () =>
    client.workflow.signalWithStart(ROUND_WORKFLOW, {
      ...startOf(round, input),
      signal: DRIVE_SIGNAL,
      signalArgs: [signal],
    }),
  );
}

function startOf({ key, attributes, summary }: RoundName, input: RoundInput) {
  return {
    workflowId: roundWorkflowId(key),
    taskQueue: ROUNDS_TASK_QUEUE,
    args: [input],
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
    staticSummary: summary,
    typedSearchAttributes: new TypedSearchAttributes([
      { key: ROUND_ATTRIBUTES.partner, value: attributes.partner },
      { key: ROUND_ATTRIBUTES.connection, value: key.connection },
      { key: ROUND_ATTRIBUTES.player, value: key.playerId },
      { key: ROUND_ATTRIBUTES.product, value: attributes.product },
      { key: ROUND_ATTRIBUTES.game, value: attributes.game },
      { key: ROUND_ATTRIBUTES.roundStatus, value: input.shown.status },
      { key: ROUND_ATTRIBUTES.betIds, value: [...input.shown.betIds] },
    ]),
  } as const;
}
