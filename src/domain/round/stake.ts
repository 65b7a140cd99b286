import { type Draft, hurryBet, owe } from './draft';
import { confirm, ownBet } from './registers';
import {
  refuse,
  refuseOtherContent,
  refuseOtherGame,
  sameRequest,
  storedReply,
  stillWaits,
  type RequestReply,
} from './request-reply';
import type { OperationRow } from './rows';
import { OPERATIONS_PER_ROUND_MAX } from './terms';

export type { RequestReply };

/** A request to take a stake, decoded and checked up to the round itself. */
export interface StakeRequest {
  /** A number reserved for the operation, used only when it is new. */
  readonly operationId: number;
  /** `bet_id` made from the operation's key. */
  readonly betId: string;
  readonly transactionRef: string;
  readonly amount: bigint;
  readonly gameId: string;
  readonly isClose: boolean;
  /** When its answer is due at the latest, by the database's clock; by default a whole answer deadline from now. */
  readonly untilMs?: number;
  /** The request as it came, secrets masked: evidence, should it need a person. */
  readonly bytes?: string;
}

/** Rules 2, 4, 5, 9: records a new stake's intent, or finds the answer of a repeat. */
export function requestStake(draft: Draft, request: StakeRequest): RequestReply {
  const { rows, terms, nowMs } = draft;
  const known = rows.operations.find(
    (row) => row.kind === 'stake' && row.transactionRef === request.transactionRef,
  );
  if (known?.id === request.operationId) return sameRequest(known, request);
  if (known) return repeatStake(draft, known, request);

  if (rows.round.gameId !== request.gameId) {
    return refuseOtherGame(draft, 'stake', request);
  }
  if (rows.round.status !== 'open') return refuse('round_closed', 'the round is closed');
  if (terms.stakeMax !== null && request.amount > terms.stakeMax) {
    return refuse('failed', 'the stake is above the limit of this connection');
  }
  if (rows.operations.length >= OPERATIONS_PER_ROUND_MAX) {
    return refuse('failed', `a round holds at most ${OPERATIONS_PER_ROUND_MAX} operations`);
  }

  const deadlineMs = Math.min(nowMs + terms.answerDeadlineMs, request.untilMs ?? Infinity);
  rows.operations.push({
    id: request.operationId,
    kind: 'stake',
    transactionRef: request.transactionRef,
    amount: request.amount,
    gameId: request.gameId,
    isClose: request.isClose,
    betAmount: null,
    betId: request.betId,
    payoutState: null,
    requests: 1,
    deadlineMs,
    waiting: true,
    answer: null,
    createdMs: nowMs,
  });
  rows.bets.push({
    id: request.betId,
    form: 'stake',
    operationId: request.operationId,
    stake: request.amount,
    outcome: 'none',
    decision: 'open',
    stakeBalance: null,
    payoutOperationId: null,
    payout: 0n,
    paid: false,
    lastBalance: null,
    createdMs: nowMs,
    updatedMs: nowMs,
  });
  owe(draft, request.betId, 'take');
  rows.round.lastActivityMs = nowMs;
  draft.facts.push({
    kind: 'stake_requested',
    operation: request.operationId,
    transaction: request.transactionRef,
    bet: request.betId,
    amount: request.amount.toString(),
    is_close: request.isClose,
  });
  return { kind: 'wait', operationId: request.operationId, untilMs: deadlineMs, hurry: [] };
}

function repeatStake(draft: Draft, known: OperationRow, request: StakeRequest): RequestReply {
  if (known.amount !== request.amount || known.gameId !== request.gameId) {
    return refuseOtherContent(draft, known, request);
  }
  if (known.isClose !== request.isClose) {
    draft.facts.push({
      kind: 'warning',
      operation: known.id,
      text: 'a repeat with another is_close',
    });
  }
  // Counted before anything is answered: who is told a stored code 0 has been told it, and the process
  // of the first request may no longer take it back (`reopenUnanswered`).
  if (known.answer) {
    known.requests = Math.max(known.requests, 2);
    return storedReply(known);
  }
  known.requests += 1;

  const bet = ownBet(draft, known);
  known.deadlineMs = draft.nowMs + draft.terms.answerDeadlineMs;
  draft.facts.push({ kind: 'stake_repeated', operation: known.id, requests: known.requests });
  if (bet.outcome === 'done') {
    confirm(draft, known, bet);
    return storedReply(known);
  }
  known.waiting = true;
  return {
    kind: 'wait',
    operationId: known.id,
    untilMs: known.deadlineMs,
    hurry: hurryBet(draft, bet.id),
  };
}

/**
 * The answer deadline of the request that waits has come: what it is told now. A code 1 for an open
 * decision is written down, not stored: a repeat that finds the stake done gets 0.
 */
export function stakeDeadline(
  draft: Draft,
  operation: OperationRow,
  untilMs: number,
): RequestReply {
  if (operation.answer) return storedReply(operation);
  const bet = ownBet(draft, operation);
  // Whoever asks here holds a request and answers it now, so a stake that is done counts (rule 4), even
  // when an earlier request for it has been told code 1.
  if (bet.outcome === 'done') {
    confirm(draft, operation, bet);
    return storedReply(operation);
  }
  operation.waiting = stillWaits(operation, untilMs);
  draft.facts.push({ kind: 'answered_unknown', operation: operation.id });
  return {
    kind: 'answer',
    result: 'failed',
    balance: null,
    operationId: operation.id,
    note: 'the wallet has not answered yet; repeat the same transaction',
  };
}

/**
 * Rule 4, confirmed → open: only for a stake with one request, whose process knows that no byte of its
 * code 0 was written. The revive window then decides. Returns whether the stake was reopened.
 */
export function reopenUnanswered(draft: Draft, operation: OperationRow): boolean {
  if (operation.kind !== 'stake' || operation.requests !== 1) return false;
  const bet = ownBet(draft, operation);
  // Whatever already builds on the confirmation (a payout, a close, an end) keeps it.
  const builtUpon =
    bet.payoutOperationId !== null ||
    // A payout since then is the provider's word that the stake counts, whichever bet carries it.
    draft.rows.operations.some(
      (row) => row.kind === 'payout' && row.createdMs >= operation.createdMs,
    ) ||
    operation.isClose ||
    draft.rows.round.status !== 'open' ||
    draft.rows.obligations.some(
      (row) => row.betId === bet.id && row.verb !== 'take' && row.attempts > 0,
    );
  if (bet.decision !== 'confirmed' || builtUpon) return false;
  bet.decision = 'open';
  operation.answer = null;
  operation.waiting = false;
  draft.rows.obligations
    .filter((row) => row.betId === bet.id && row.verb === 'report')
    .forEach((row) => (row.status = 'dropped'));
  draft.facts.push({ kind: 'stake_reopened', operation: operation.id, bet: bet.id });
  return true;
}
