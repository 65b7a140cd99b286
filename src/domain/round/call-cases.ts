import type { CaseKind, Draft } from './draft';
import { obligationId, type BetRow, type ObligationRow } from './rows';

/**
 * A stake that the wallet has said nothing definite about for this long gets a case (SPEC §5): a fault that
 * passes by itself has passed by then, and the player's money may be missing until somebody asks the wallet.
 */
export const IN_DOUBT_AFTER_MS = 15 * 60_000;

/** Cases that only ask how a call ended: once the call is definite, there is nothing left to decide. */
export const SETTLED_BY_THE_CALL: readonly CaseKind[] = [
  'in_doubt',
  'decline_after_unknown',
  'duplicate_refused',
  'declined_payout',
];

/** Opens a case about a call, with what the wallet said. */
export function callCase(
  draft: Draft,
  kind: CaseKind,
  bet: BetRow,
  row: ObligationRow,
  text: string,
): void {
  const ofStake = bet.form === 'stake' && (row.verb === 'take' || bet.decision === 'failed');
  draft.cases.push({
    kind,
    subject: subjectOf(row),
    operationId: bet.payoutOperationId ?? bet.operationId,
    betId: bet.id,
    // Of a stake's bet the take, and what gives it back, are about the stake; all else is about the payout.
    amount: ofStake ? bet.stake : bet.payout,
    evidence: { call: obligationId(row), reply: text },
  });
}

/** Something is wrong with a wallet although the call itself is decided: a line in the journal, and a case. */
export function alarm(
  draft: Draft,
  kind: CaseKind,
  bet: BetRow,
  row: ObligationRow,
  text: string,
): void {
  draft.facts.push({ kind: 'alarm', call: obligationId(row), about: kind, text });
  callCase(draft, kind, bet, row, text);
}

/**
 * The call is definite: the cases that asked how it ends are closed by the decision that says so. A call that
 * ended at its first attempt, soon, can have none; it spares the book the look.
 */
export function settleCallCases(draft: Draft, bet: BetRow, row: ObligationRow): void {
  if (row.attempts < 2 && draft.nowMs - bet.createdMs <= IN_DOUBT_AFTER_MS) return;
  for (const kind of SETTLED_BY_THE_CALL) draft.settled.push({ kind, subject: subjectOf(row) });
}

/** From when on a stake without a definite outcome is in doubt. */
export function inDoubtFromMs(bet: BetRow): number {
  return bet.createdMs + IN_DOUBT_AFTER_MS + 1;
}

/**
 * Opens the case *in doubt* by time alone: the repeats of a stake that old come minutes apart. Left to the
 * call itself while one is due or under way, because that may settle it.
 */
export function noticeDoubt(draft: Draft, bet: BetRow, take: ObligationRow | undefined): void {
  if (bet.outcome !== 'none' || take?.status !== 'open' || take.uncertain === 0) return;
  const waits = take.runningSinceMs === null && take.nextAttemptMs > draft.nowMs;
  if (!waits || draft.nowMs < inDoubtFromMs(bet)) return;
  callCase(draft, 'in_doubt', bet, take, take.lastFailure ?? 'no answer was recorded');
}

/** A bet is the subject of its take, every later call is its own. */
function subjectOf(row: ObligationRow): string {
  return row.verb === 'take' ? row.betId : obligationId(row);
}
