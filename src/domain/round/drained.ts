import { type Draft, betOf } from './draft';
import type { BetRow, ObligationRow } from './rows';
import { REPEATS_BEFORE_DRAIN } from './terms';

/**
 * Rule 14: a call that is owed to a wallet which does not answer leaves its round's workflow for the
 * partner's drain, which asks that wallet with a few calls at a time, oldest first. It moves when the
 * partner's breaker is not closed, or when its fifth background repeat is due.
 *
 * A call under way is left where it is; so is one that a provider waits for, unless the breaker says that
 * there is nothing to hope for, and the first attempt of a stake, which is not owed to anybody.
 */
export function moveToDrain(draft: Draft): void {
  for (const row of draft.rows.obligations) {
    if (row.status !== 'open' || row.drained || row.runningSinceMs !== null) continue;
    const bet = betOf(draft, row.betId);
    if (!bet || isNewStake(row, bet)) continue;
    const hopeless = draft.breaker !== 'closed';
    const tired = row.repeats >= REPEATS_BEFORE_DRAIN && !isWaitedFor(draft, bet);
    if (!hopeless && !tired) continue;
    row.drained = true;
    draft.facts.push({ kind: 'drained', call: `${row.betId}/${row.verb}/${row.number}` });
  }
}

/** A stake of which the wallet has surely heard nothing yet. */
export function isNewStake(row: ObligationRow, bet: BetRow): boolean {
  return row.verb === 'take' && bet.form === 'stake' && row.uncertain === 0;
}

/** Whether a provider's request waits for the bet's money calls right now. */
export function isWaitedFor(draft: Draft, bet: BetRow): boolean {
  return draft.rows.operations.some(
    (operation) =>
      operation.waiting &&
      operation.deadlineMs > draft.nowMs &&
      (operation.id === bet.operationId || operation.id === bet.payoutOperationId),
  );
}
