import { assert } from '../../lib/assert';
import { close } from './closing';
import { type Draft, betOf, shownBalance, storeAnswer } from './draft';
import type { AnswerResult, BetRow, OperationRow } from './rows';

/** The bet that a stake's operation made. */
export function ownBet(draft: Draft, operation: OperationRow): BetRow {
  const bet = operation.betId === null ? undefined : betOf(draft, operation.betId);
  assert(bet, `stake ${operation.id} has no bet`);
  return bet;
}

/**
 * Rule 4: the stake counts. Its answer is stored, and the round closes when the request said so. Payouts
 * that waited for it are released when the decision's consequences are derived.
 */
export function confirm(draft: Draft, operation: OperationRow, bet: BetRow): void {
  assert(bet.outcome === 'done' && bet.decision === 'open', `bet ${bet.id} cannot be confirmed`);
  bet.decision = 'confirmed';
  operation.waiting = false;
  draft.facts.push({ kind: 'stake_confirmed', operation: operation.id, bet: bet.id });
  storeAnswer(draft, operation, 'accepted', shownBalance(draft.terms, bet.stakeBalance));
  if (draft.terms.closeOnNextStake && draft.rows.round.closesPrevious === 'no') {
    draft.rows.round.closesPrevious = draft.earlierRoundsOpen ? 'due' : 'done';
  }
  if (operation.isClose) close(draft, 'provider');
}

/**
 * Rule 4: the stake does not count, for ever. A take that is not definite goes on being driven; should
 * it turn out done, it is compensated.
 */
export function fail(
  draft: Draft,
  operation: OperationRow,
  bet: BetRow,
  result: Exclude<AnswerResult, 'accepted'>,
): void {
  assert(bet.decision === 'open', `bet ${bet.id} cannot fail`);
  bet.decision = 'failed';
  operation.waiting = false;
  draft.facts.push({ kind: 'stake_failed', operation: operation.id, bet: bet.id, result });
  storeAnswer(draft, operation, result, null);
}
