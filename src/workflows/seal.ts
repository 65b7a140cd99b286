import { proxyActivities } from '@temporalio/workflow';
import type { SealActivities, SealResult } from '../contracts/seal';

const { sealJournal } = proxyActivities<SealActivities>({
  startToCloseTimeout: '25s',
  // The schedule comes again in a minute and seals what this one did not.
  retry: { maximumAttempts: 2 },
  summary: 'the journal of what changed',
});

/** Seals the journal (SPEC §7); its result names the newest seal. */
export async function sealWorkflow(): Promise<SealResult> {
  return sealJournal();
}
