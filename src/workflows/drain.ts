import {
  condition,
  continueAsNew,
  defineSignal,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import { WAKE_SIGNAL, type DrainActivities, type DrainInput } from '../contracts/drain';
import { FIRST_PACE, nextPace } from '../domain/drain-pace';

export const wakeSignal = defineSignal(WAKE_SIGNAL);

/** Beside the attempts themselves: the batch's own limit, and transactions on a busy database. */
const BATCH_AND_BOOK_MS = 15_000;
/** Calls that move here one by one must not make a batch each. */
const BETWEEN_BATCHES_MS_MIN = 500;

/**
 * A partner's drain (rule 14): makes the calls its wallet did not answer, batch after batch, until the book
 * knows of none.
 */
export async function drainWorkflow(input: DrainInput, pace = FIRST_PACE): Promise<void> {
  let { attemptMsMax } = input;
  let woken = false;
  setHandler(wakeSignal, () => {
    woken = true;
  });

  for (;;) {
    woken = false;
    const { drainCalls } = proxyActivities<DrainActivities>({
      startToCloseTimeout: attemptMsMax + BATCH_AND_BOOK_MS,
      retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' },
      summary: pace.width === 1 ? 'one call' : `${pace.width} calls at once`,
    });
    const report = await drainCalls({ ...input, attemptMsMax, ...pace });
    setCurrentDetails(report.statement.join('\n\n'));
    ({ attemptMsMax } = report);
    pace = nextPace(pace, report);
    if (report.left === 0 && !woken) return;
    if (workflowInfo().continueAsNewSuggested) {
      await continueAsNew<typeof drainWorkflow>({ ...input, attemptMsMax }, pace);
    }
    const idle = report.done + report.failed === 0;
    if (idle) await sleep(BETWEEN_BATCHES_MS_MIN);
    if (report.nextInMs > 0 && !pace.recovered) await condition(() => woken, report.nextInMs);
  }
}
