import { callName } from './attempt';
import { callLabel } from './describe';
import { isAtRest, nextTickAtMs } from './derive';
import type { Draft } from './draft';
import type { ObligationRow, Verb } from './rows';

/** One open obligation that the round's workflow drives, as it needs it. */
export interface NextCall {
  readonly id: string;
  readonly verb: Verb;
  readonly label: string;
  /** Nothing was ever tried of it, and it is due: who can is to try it at once. */
  readonly fresh: boolean;
  /** How long until its next repeat, ms; 0 when it is due, or under way. */
  readonly waitMs: number;
  /** What its latest attempt came to, when that was no end. */
  readonly lastFailure: string | null;
}

/** What is to be done now that a decision is taken. */
export interface Next {
  readonly calls: readonly NextCall[];
  readonly tickAtMs: number | null;
  readonly closesPrevious: boolean;
  /** Some open call is the partner's drain's to make. */
  readonly drained: boolean;
  readonly atRest: boolean;
}

export function nextOf(draft: Draft): Next {
  return {
    calls: ownCalls(draft).map((row) => ({
      id: callName(row),
      verb: row.verb,
      label: callLabel(draft, row),
      fresh: row.attempts === 0 && row.nextAttemptMs <= draft.nowMs,
      waitMs: row.runningSinceMs === null ? Math.max(row.nextAttemptMs - draft.nowMs, 0) : 0,
      lastFailure: row.lastFailure,
    })),
    tickAtMs: nextTickAtMs(draft),
    closesPrevious: draft.rows.round.closesPrevious === 'due',
    drained: draft.rows.obligations.some((row) => row.status === 'open' && row.drained),
    atRest: isAtRest(draft),
  };
}

/** When somebody must look at the round again, should the hand be dead; null when never. */
export function nextLookAtMs(draft: Draft): number | null {
  const times = ownCalls(draft).map((row) =>
    row.runningSinceMs === null
      ? row.nextAttemptMs
      : row.runningSinceMs + draft.terms.attemptTimeoutMs,
  );
  const tickAtMs = nextTickAtMs(draft);
  if (tickAtMs !== null) times.push(tickAtMs);
  if (draft.rows.round.closesPrevious === 'due') times.push(draft.nowMs);
  return times.length === 0 ? null : Math.min(...times);
}

/** Open calls that the round's own workflow makes; the drain of the partner looks after the others. */
function ownCalls(draft: Draft): ObligationRow[] {
  return draft.rows.obligations.filter((row) => row.status === 'open' && !row.drained);
}
