import { callName } from './attempt';
import { callLabel } from './describe';
import { isAtRest, nextTickAtMs } from './derive';
import type { Draft } from './draft';
import type { ObligationRow, Verb } from './rows';

/** One open obligation, as the hand needs it. */
export interface NextCall {
  readonly id: string;
  readonly verb: Verb;
  readonly label: string;
}

/** What is to be done now that a decision is taken. */
export interface Next {
  readonly calls: readonly NextCall[];
  readonly tickAtMs: number | null;
  readonly closesPrevious: boolean;
  readonly atRest: boolean;
}

export function nextOf(draft: Draft): Next {
  return {
    calls: openCalls(draft).map((row) => ({
      id: callName(row),
      verb: row.verb,
      label: callLabel(draft, row),
    })),
    tickAtMs: nextTickAtMs(draft),
    closesPrevious: draft.rows.round.closesPrevious === 'due',
    atRest: isAtRest(draft),
  };
}

/** When somebody must look at the round again, should the hand be dead; null when never. */
export function nextLookAtMs(draft: Draft): number | null {
  const times = openCalls(draft).map((row) =>
    row.runningSinceMs === null
      ? row.nextAttemptMs
      : row.runningSinceMs + draft.terms.attemptTimeoutMs,
  );
  const tickAtMs = nextTickAtMs(draft);
  if (tickAtMs !== null) times.push(tickAtMs);
  if (draft.rows.round.closesPrevious === 'due') times.push(draft.nowMs);
  return times.length === 0 ? null : Math.min(...times);
}

function openCalls(draft: Draft): ObligationRow[] {
  return draft.rows.obligations.filter((row) => row.status === 'open');
}
