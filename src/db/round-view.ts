import type { RoundName, RoundToDrive, RoundView } from '../contracts/round';
import { statement } from '../domain/round/describe';
import type { Draft } from '../domain/round/draft';
import { nextOf } from '../domain/round/next';
import type { RoundContext } from './round-rows';
import { roundKey } from './rounds';

/** Lines of a statement that travel with a view: a long bonus round must not outgrow Temporal's payloads. */
const STATEMENT_LINES_MAX = 60;
/** Bet ids an operator can filter a round by; a keyword list has a size limit of its own. */
const BET_IDS_MAX = 20;

/**
 * What time decides later than this needs no timer of the round's own: a timer is three events and an activation,
 * and nearly every round is over long before. The sweep finds the round when it is due.
 */
const TIMER_MS_MAX = 120_000;

/** The round as its workflow drives and shows it. */
export function viewOf(draft: Draft, version: number): RoundView {
  const next = nextOf(draft);
  const lines = statement(draft);
  const { tickAtMs } = next;
  const isNear = tickAtMs !== null && tickAtMs - draft.nowMs <= TIMER_MS_MAX;
  const hidden = lines.length - STATEMENT_LINES_MAX;
  return {
    version,
    status: draft.rows.round.status,
    betIds: draft.rows.bets.slice(0, BET_IDS_MAX).map((bet) => bet.id),
    statement: hidden > 0 ? [`(${hidden} earlier lines)`, ...lines.slice(hidden)] : lines,
    calls: next.calls.map((call) => ({ ...call, attemptMsMax: draft.terms.attemptTimeoutMs })),
    closesPrevious: next.closesPrevious,
    tickAtMs: isNear ? tickAtMs : null,
    drained: next.drained,
    atRest: next.atRest,
  };
}

/** What an operator recognises a round by. */
export function roundName(
  of: Parameters<typeof roundKey>[0] &
    Pick<RoundContext, 'partnerPrefix' | 'gameTitle' | 'providerName'>,
): RoundName {
  const { partnerPrefix, playerId, gameTitle, roundRef, providerName } = of;
  return {
    key: roundKey(of),
    attributes: { partner: partnerPrefix, product: providerName, game: gameTitle },
    summary: `${partnerPrefix} player ${playerId}, ${gameTitle}, round ${roundRef}`,
  };
}

/** A round and its view, as Temporal is to be told of them. */
export function roundToDrive(context: RoundContext, view: RoundView): RoundToDrive {
  return {
    ...roundName(context),
    drain: view.drained
      ? {
          partnerId: context.partnerId,
          prefix: context.partnerPrefix,
          attemptMsMax: context.terms.attemptTimeoutMs,
        }
      : null,
    known: { round: context.roundId, view },
  };
}
