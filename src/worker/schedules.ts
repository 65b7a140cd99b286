import {
  ScheduleAlreadyRunning,
  ScheduleOverlapPolicy,
  type Client,
  type ScheduleOptions,
} from '@temporalio/client';
import { CATALOGUE_SCHEDULE_ID, SYNC_CATALOGUES_WORKFLOW } from '../contracts/catalogue-sync';
import { ROUNDS_TASK_QUEUE } from '../contracts/round';
import { SEAL_SCHEDULE_ID, SEAL_WORKFLOW } from '../contracts/seal';
import { SWEEP_SCHEDULE_ID, SWEEP_WORKFLOW } from '../contracts/sweep';

/**
 * Makes sure that the catalogues are fetched every ten minutes, and once right now. For the start of a
 * worker; any number of workers may call it at once.
 */
export async function ensureCatalogueSchedule(
  client: Client,
  taskQueue: string = ROUNDS_TASK_QUEUE,
): Promise<void> {
  await ensureSchedule(client, {
    scheduleId: CATALOGUE_SCHEDULE_ID,
    spec: { intervals: [{ every: '10 minutes' }] },
    action: {
      type: 'startWorkflow',
      workflowType: SYNC_CATALOGUES_WORKFLOW,
      workflowId: CATALOGUE_SCHEDULE_ID,
      args: [],
      taskQueue,
      // Tries of one run end before the next begins.
      workflowExecutionTimeout: '9 minutes',
    },
    // A run missed while the server was down is not made up for: the next one brings the same.
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 minute' },
  });
}

const SWEEP_EVERY_MS = 10_000;

/**
 * Makes sure that the book is swept every ten seconds: a round that lost its driver (a crash between a
 * commit and the start of its workflow, a Temporal restored from a backup) waits no longer than that
 * beyond what counts as overdue.
 */
export async function ensureSweepSchedule(client: Client, timeScale = 1): Promise<void> {
  await ensureSchedule(client, {
    scheduleId: SWEEP_SCHEDULE_ID,
    spec: { intervals: [{ every: Math.max(SWEEP_EVERY_MS * timeScale, 1_000) }] },
    action: {
      type: 'startWorkflow',
      workflowType: SWEEP_WORKFLOW,
      workflowId: SWEEP_SCHEDULE_ID,
      args: [],
      taskQueue: ROUNDS_TASK_QUEUE,
      workflowExecutionTimeout: '5 minutes',
    },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '10 seconds' },
  });
}

/** Makes sure that the journal is sealed every minute (SPEC §7). */
export async function ensureSealSchedule(client: Client): Promise<void> {
  await ensureSchedule(client, {
    scheduleId: SEAL_SCHEDULE_ID,
    spec: { intervals: [{ every: '1 minute' }] },
    action: {
      type: 'startWorkflow',
      workflowType: SEAL_WORKFLOW,
      workflowId: SEAL_SCHEDULE_ID,
      args: [],
      taskQueue: ROUNDS_TASK_QUEUE,
      workflowExecutionTimeout: '5 minutes',
    },
    // A run that was missed is not made up for: the next one seals whatever changed.
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '10 seconds' },
  });
}

/**
 * Creates a schedule, or gives an existing one of this id the same spec, action and policies; a pause by
 * an operator stays. Its action is triggered at once unless it is paused or under way.
 */
export async function ensureSchedule(client: Client, options: ScheduleOptions): Promise<void> {
  try {
    await client.schedule.create({ ...options, state: { triggerImmediately: true } });
    return;
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
  const handle = client.schedule.getHandle(options.scheduleId);
  await handle.update((previous) => ({
    spec: options.spec,
    action: options.action,
    policies: { ...options.policies },
    state: previous.state,
  }));
  const { state } = await handle.describe();
  if (!state.paused) await handle.trigger(ScheduleOverlapPolicy.SKIP);
}
