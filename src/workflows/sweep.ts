import { proxyActivities } from '@temporalio/workflow';
import type { SweepActivities, SweepResult } from '../contracts/sweep';

const { sweepBook } = proxyActivities<SweepActivities>({
  startToCloseTimeout: '60s',
  // The schedule comes again in seconds; a sweep that fails needs no patience of its own.
  retry: { maximumAttempts: 2 },
  summary: 'rounds that nobody drives',
});

/** Nothing waits for a second request: finds what the book owes and nobody drives, and has it driven. */
export async function sweepWorkflow(): Promise<SweepResult> {
  return sweepBook();
}
