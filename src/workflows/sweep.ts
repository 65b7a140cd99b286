import { proxyActivities } from '@temporalio/workflow';
import type { SweepActivities, SweepResult } from '../contracts/sweep';

const { sweepBook } = proxyActivities<SweepActivities>({
  // A worker that dies in the middle keeps the next sweep waiting this long: no overlap is allowed.
  startToCloseTimeout: '20s',
  // The schedule comes again in seconds; a sweep that fails needs no patience of its own.
  retry: { maximumAttempts: 2 },
  summary: 'rounds that nobody drives',
});

/** Nothing waits for a second request: finds what the book owes and nobody drives, and has it driven. */
export async function sweepWorkflow(): Promise<SweepResult> {
  return sweepBook();
}
