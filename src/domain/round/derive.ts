import { reportMark } from './attempt';
import { inDoubtFromMs, noticeDoubt, settleCallCases } from './call-cases';
import { betEndsFromMs, close, closesByItselfAtMs, isEnded } from './closing';
import { type Draft, obligationOf, owe } from './draft';
import { hasOnlyFailedStakes, releaseWaitingPayouts } from './payout';
import { fail } from './registers';
import type { BetRow, ObligationRow } from './rows';

/** Decides what time alone decides. Every decision begins with it, so no timer has to be punctual. */
export function settleTime(draft: Draft): void {
  const { rows, terms, nowMs } = draft;
  for (const bet of rows.bets) {
    if (bet.form !== 'stake' || (bet.decision !== 'open' && bet.outcome !== 'none')) continue;
    const operation = rows.operations.find((row) => row.id === bet.operationId);
    if (!operation) continue;
    const take = obligationOf(draft, bet.id, 'take');
    // Rules 2 and 3: past its deadline, a stake of which surely nothing was sent fails without a call;
    // one that had failed as unknown, and was never sent after all, is not sent any more.
    if (bet.outcome === 'none' && nowMs > operation.deadlineMs && take?.uncertain === 0) {
      take.status = 'dropped';
      take.doneMs = nowMs;
      bet.outcome = 'declined';
      draft.facts.push({ kind: 'never_sent', operation: operation.id, bet: bet.id });
      settleCallCases(draft, bet, take);
      if (bet.decision === 'open') fail(draft, operation, bet, 'failed');
    } else if (
      bet.decision === 'open' &&
      nowMs > operation.deadlineMs + terms.reviveWindowMs &&
      !rows.operations.some((row) => row.payoutState === 'waiting')
    ) {
      fail(draft, operation, bet, 'failed');
    }
    noticeDoubt(draft, bet, take);
  }
  if (rows.round.status === 'open') {
    const closes = closesByItselfAtMs(draft);
    if (nowMs >= closes.atMs) close(draft, closes.by);
  }
}

/**
 * Owes what the registers say is to be done next. Derived, not scheduled: whatever order events come in,
 * the same registers owe the same calls, each once (the key is bet, verb and number).
 */
export function derive(draft: Draft): void {
  releaseWaitingPayouts(draft);
  refuseHopelessPayouts(draft);
  for (const bet of draft.rows.bets) {
    oweGive(draft, bet);
    oweEnd(draft, bet);
    oweReport(draft, bet);
  }
  const { round, bets, operations } = draft.rows;
  const decided = bets.every(
    (bet) => bet.decision !== 'open' && (bet.decision === 'failed' || bet.outcome === 'done'),
  );
  const paid = operations.every(
    (row) => row.payoutState !== 'waiting' && row.payoutState !== 'owed',
  );
  if (round.status === 'closing' && decided && paid) {
    round.status = 'closed';
    draft.facts.push({ kind: 'closed', by: round.closedBy });
  }
}

/** Rule 8: a recorded payout whose every possible stake failed is refused for ever, and a person told. */
function refuseHopelessPayouts(draft: Draft): void {
  if (!hasOnlyFailedStakes(draft)) return;
  for (const operation of draft.rows.operations) {
    if (operation.payoutState !== 'waiting') continue;
    operation.payoutState = 'void';
    operation.waiting = false;
    draft.facts.push({ kind: 'payout_void', operation: operation.id });
    if (operation.amount === 0n) continue; // nothing was won: nobody has to decide anything
    draft.cases.push({
      kind: 'payout_on_failed_stake',
      subject: operation.transactionRef,
      operationId: operation.id,
      betId: null,
      amount: operation.amount,
      evidence: { transaction: operation.transactionRef },
    });
  }
}

function oweGive(draft: Draft, bet: BetRow): void {
  if (bet.outcome !== 'done' || obligationOf(draft, bet.id, 'give')) return;
  // Rule 4: a stake that was taken although it failed is compensated.
  const compensates = bet.decision === 'failed' && bet.stake > 0n;
  if (compensates || bet.payoutOperationId !== null) owe(draft, bet.id, 'give');
  else if (bet.decision === 'failed') bet.paid = true; // a stake of 0 needs nothing given back
}

function oweEnd(draft: Draft, bet: BetRow): void {
  if (!draft.terms.wantsBetEnd || obligationOf(draft, bet.id, 'end')) return;
  if (bet.outcome !== 'done' || bet.decision === 'open') return;
  if (bet.decision === 'failed') {
    if (bet.paid) owe(draft, bet.id, 'end');
    return;
  }
  // Rule 10: after its settle-bet is confirmed.
  if (bet.payoutOperationId !== null && !bet.paid) return;
  const fromMs = betEndsFromMs(draft);
  if (fromMs !== null && draft.nowMs >= fromMs) owe(draft, bet.id, 'end');
}

function oweReport(draft: Draft, bet: BetRow): void {
  if (!draft.terms.wantsHistory || bet.outcome !== 'done' || bet.decision === 'open') return;
  // Rule 11: a compensated bet has one record, after its compensation; a carrier's own, once it paid.
  if ((bet.decision === 'failed' || bet.form !== 'stake') && !bet.paid) return;
  const last = lastReport(draft, bet);
  if (!last) return owe(draft, bet.id, 'report');
  if (last.status === 'dropped') {
    last.status = 'open'; // the stake was reopened before its record left, and is confirmed again
    return;
  }
  if (last.status !== 'done' || !last.reported) return;
  const mark = reportMark(draft, bet);
  if (mark.paid !== last.reported.paid || mark.final !== last.reported.final) {
    owe(draft, bet.id, 'report', last.number + 1);
  }
}

function lastReport(draft: Draft, bet: BetRow): ObligationRow | undefined {
  return draft.rows.obligations
    .filter((row) => row.betId === bet.id && row.verb === 'report')
    .reduce<ObligationRow | undefined>(
      (last, row) => (!last || row.number > last.number ? row : last),
      undefined,
    );
}

/** When time alone next decides something; null when it never will. */
export function nextTickAtMs(draft: Draft): number | null {
  const times: number[] = [];
  const { rows, terms, nowMs } = draft;
  for (const bet of rows.bets) {
    if (bet.form !== 'stake') continue;
    const doubtFromMs = inDoubtFromMs(bet);
    if (bet.outcome === 'none' && doubtFromMs > nowMs) times.push(doubtFromMs);
    if (bet.decision !== 'open') continue;
    const operation = rows.operations.find((row) => row.id === bet.operationId);
    // An undecided stake that is not done is decided by its own next attempt, or by the next request.
    if (operation && bet.outcome === 'done') {
      times.push(operation.deadlineMs + terms.reviveWindowMs + 1);
    }
  }
  if (rows.round.status === 'open') times.push(closesByItselfAtMs(draft).atMs);
  const endsFromMs = betEndsFromMs(draft);
  if (endsFromMs !== null && endsFromMs > nowMs) {
    const waits = rows.bets.some((bet) => bet.decision === 'confirmed' && !isEnded(draft, bet));
    if (waits) times.push(endsFromMs);
  }
  return times.length === 0 ? null : Math.min(...times);
}

/** Whether the hand may let go of the round: nothing is owed, undecided or waited for. */
export function isAtRest(draft: Draft): boolean {
  const { round, bets, operations, obligations } = draft.rows;
  if (round.closesPrevious === 'due') return false;
  if (obligations.some((row) => row.status === 'open')) return false;
  if (bets.some((bet) => bet.decision === 'open')) return false;
  if (operations.some((row) => row.payoutState === 'waiting' || row.payoutState === 'owed'))
    return false;
  const closedForGood = !draft.terms.wantsBetEnd && round.closedBy === 'provider';
  const ended = (bet: BetRow) =>
    bet.decision !== 'confirmed' || closedForGood || isEnded(draft, bet);
  if (round.status === 'closed') return bets.every(ended);
  // An open round in which nothing counts has nothing to wait for; the sweep closes it when it is idle.
  return !bets.some((bet) => bet.decision === 'confirmed');
}
