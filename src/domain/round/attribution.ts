import { isEnded } from './closing';
import { type Draft, owe } from './draft';
import type { BetRow, OperationRow } from './rows';

/** Rule 7: chooses the bet that carries the payout. The choice is written with the payout and never changes. */
export function attribute(draft: Draft, operation: OperationRow): void {
  const free = draft.rows.bets.filter(
    (bet) =>
      bet.form === 'stake' &&
      bet.decision === 'confirmed' &&
      bet.payoutOperationId === null &&
      !isEnded(draft, bet),
  );
  const bet = free.find((row) => row.stake === operation.betAmount) ?? free[0];
  const chosen = bet ?? makeCarrier(draft, operation);
  chosen.payoutOperationId = operation.id;
  chosen.payout = operation.amount;
  operation.betId = chosen.id;
  operation.payoutState = 'owed';
  draft.facts.push({
    kind: 'payout_owed',
    operation: operation.id,
    bet: chosen.id,
    form: chosen.form,
    amount: operation.amount.toString(),
  });
}

function makeCarrier(draft: Draft, operation: OperationRow): BetRow {
  const direct = draft.terms.extraPayout === 'direct';
  const bet: BetRow = {
    id: draft.ownBetIdOf(operation.transactionRef),
    form: direct ? 'direct' : 'carrier',
    operationId: operation.id,
    stake: 0n,
    // A direct payout has no take before it; a carrier belongs to its payout and is never failed.
    outcome: direct ? 'done' : 'none',
    decision: 'confirmed',
    stakeBalance: null,
    payoutOperationId: null,
    payout: 0n,
    paid: false,
    lastBalance: null,
    createdMs: draft.nowMs,
    updatedMs: draft.nowMs,
  };
  draft.rows.bets.push(bet);
  if (!direct) owe(draft, bet.id, 'take');
  return bet;
}
