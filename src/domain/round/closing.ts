import { type Draft, obligationOf } from './draft';
import type { BetRow, ClosedBy } from './rows';

/**
 * Rule 9: the round takes no further stakes. It is *closing* until each stake is decided and each payout
 * paid. A provider's own close outweighs one of ours: after it, a late payout is refused.
 */
export function close(draft: Draft, by: ClosedBy): void {
  const { round } = draft.rows;
  if (round.status === 'open') {
    round.status = 'closing';
    round.closedBy = by;
    round.closingAtMs = draft.nowMs;
  } else if (by === 'provider' && round.closedBy !== 'provider') {
    round.closedBy = by;
  } else {
    return;
  }
  draft.facts.push({ kind: 'closing', by });
}

/** When the round closes by time alone: the idle timer or the end of its session, whichever is first. */
export function closesByItselfAtMs(draft: Draft): { atMs: number; by: ClosedBy } {
  const idleAtMs = draft.rows.round.lastActivityMs + draft.terms.idleCloseMs;
  if (draft.sessionEndsMs !== null && draft.sessionEndsMs < idleAtMs) {
    return { atMs: draft.sessionEndsMs, by: 'session_end' };
  }
  return { atMs: idleAtMs, by: 'idle' };
}

/** From when on bet-ends may leave: at once for the provider's close, after the grace for ours. */
export function betEndsFromMs(draft: Draft): number | null {
  const { status, closedBy, closingAtMs } = draft.rows.round;
  if (status === 'open' || closingAtMs === null) return null;
  return closedBy === 'provider' ? closingAtMs : closingAtMs + draft.terms.closeGraceMs;
}

/**
 * Whether a confirmed bet takes no further payout: its bet-end is owed or sent, or would be, did the
 * partner want one. The provider's own close leaves its bets to the payouts that came before it.
 */
export function isEnded(draft: Draft, bet: BetRow): boolean {
  if (draft.terms.wantsBetEnd) return obligationOf(draft, bet.id, 'end') !== undefined;
  const fromMs = betEndsFromMs(draft);
  return fromMs !== null && draft.nowMs >= fromMs && draft.rows.round.closedBy !== 'provider';
}
