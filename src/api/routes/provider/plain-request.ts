import type { Ask, NewRound, RoundName } from '../../../contracts/round';
import type { Connection } from '../../../db/connections';
import type { MoneyRequestFacts } from '../../../db/money-request';
import type { Partner } from '../../../db/partners';
import { roundName } from '../../../db/round-view';
import { cutToMinor, formatFixed } from '../../../domain/money';
import type { PayoutRequest } from '../../../domain/round/payout';
import type { StakeRequest } from '../../../domain/round/stake';

type MoneyEvent =
  | { readonly type: 'stake'; readonly request: StakeRequest }
  | { readonly type: 'payout'; readonly request: PayoutRequest };

/** A new request as the round's workflow is handed it, and what an operator is to recognise the round by. */
export interface PlainRequest {
  readonly round: RoundName;
  readonly ask: Ask;
  readonly answerDeadlineMs: number;
}

/**
 * The request in the form in which it can be handed over before it is written down (decision 0012); undefined when
 * the book would say something else of it than "recorded, wait", as far as one can tell without its lock. That the
 * guess may be wrong costs a moment, and nothing else: the round's hand writes no other outcome.
 */
export function plainRequest(about: {
  connection: Connection;
  partner: Partner;
  playerId: string;
  roundRef: string;
  facts: MoneyRequestFacts;
  round: string | NewRound;
  event: MoneyEvent;
}): PlainRequest | undefined {
  const { connection, partner, playerId, roundRef, facts, round, event } = about;
  const { type: kind, request } = event;
  const { amount, gameId, untilMs } = request;
  const { payout_max: payoutMax, stake_max: stakeMax } = connection.settings;
  const isOpen = facts.round?.status === 'open' && facts.round.gameId === gameId;
  const isPlain =
    kind === 'stake'
      ? (isOpen || facts.round === undefined) && isWithin(amount, stakeMax, partner.exponent)
      : isOpen && amount > 0n && isWithin(amount, payoutMax, partner.exponent);
  if (!isPlain || untilMs === undefined) return undefined;
  return {
    answerDeadlineMs: connection.settings.answer_deadline_ms,
    round: roundName({
      connectionKey: connection.key,
      playerId,
      roundRef,
      partnerPrefix: partner.prefix,
      gameTitle: facts.game?.title ?? gameId,
      providerName: facts.game?.providerName ?? connection.key,
    }),
    ask: {
      kind,
      label: `${kind} ${formatFixed(amount, partner.exponent)} ${partner.currency}`,
      operationId: request.operationId,
      round,
      gameId,
      betId: 'betId' in request ? request.betId : null,
      transactionRef: request.transactionRef,
      amount: amount.toString(),
      betAmount: 'betAmount' in request ? (request.betAmount?.toString() ?? null) : null,
      isClose: request.isClose,
      untilMs,
    },
  };
}

function isWithin(amount: bigint, cap: string | null, exponent: number): boolean {
  return cap === null || amount <= (cutToMinor(cap, exponent) ?? 0n);
}
