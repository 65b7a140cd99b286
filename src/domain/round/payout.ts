import { formatAmount, cutToMinor } from '../money';
import { assert } from '../../lib/assert';
import { attribute } from './attribution';
import { close } from './closing';
import { type Draft, betOf, hurryBet, latestBalance, shownBalance, storeAnswer } from './draft';
import { confirm } from './registers';
import {
  refuse,
  refuseOtherContent,
  refuseOtherGame,
  requestBytes,
  sameRequest,
  storedReply,
  stillWaits,
  type RequestReply,
} from './request-reply';
import type { OperationRow } from './rows';
import { OPERATIONS_PER_ROUND_MAX } from './terms';

/** A request to give a payout, decoded and checked up to the round itself. */
export interface PayoutRequest {
  readonly operationId: number;
  readonly transactionRef: string;
  readonly amount: bigint;
  readonly gameId: string;
  readonly betAmount: bigint | null;
  readonly isClose: boolean;
  /** When its answer is due at the latest, by the database's clock; by default a whole answer deadline from now. */
  readonly untilMs?: number;
  /** The request as it came, secrets masked: evidence, should it need a person. */
  readonly bytes?: string;
}

/** Rules 5-9: records a payout that is owed from here on, or finds the answer of a repeat. */
export function requestPayout(draft: Draft, request: PayoutRequest): RequestReply {
  const { rows, terms } = draft;
  const known = rows.operations.find(
    (row) => row.kind === 'payout' && row.transactionRef === request.transactionRef,
  );
  if (known?.id === request.operationId) return sameRequest(known, request);
  if (known) return repeatPayout(draft, known, request);

  if (rows.round.gameId !== request.gameId) {
    return refuseOtherGame(draft, 'payout', request);
  }
  if (rows.round.closedBy === 'provider') {
    if (request.amount > 0n) refusedPayoutCase(draft, 'late_payout', request);
    return refuse('round_closed', 'the round was closed by the provider');
  }
  const refusal = unpayable(draft, request);
  if (refusal) return refusal;

  const operation = recordPayout(draft, request);
  if (terms.payoutMax !== null && request.amount > terms.payoutMax) {
    operation.payoutState = 'held';
    operation.waiting = false; // it is answered now: code 1
    openPayoutCase(draft, 'held_payout', operation, request.bytes);
    return refuse('failed', 'the payout is above the limit of this connection and is held');
  }
  release(draft, operation);
  return operation.answer ? storedReply(operation) : wait(operation);
}

/** Rule 8: a payout of a round in which nothing was staked, or in which no stake counts. */
function unpayable(draft: Draft, request: PayoutRequest): RequestReply | undefined {
  const { rows, terms } = draft;
  if (rows.operations.length >= OPERATIONS_PER_ROUND_MAX + 1_000) {
    return refuse('failed', 'the round holds too many operations');
  }
  const stakes = rows.bets.filter((bet) => bet.form === 'stake');
  if (stakes.length === 0) {
    const payable =
      terms.orphanPayout === 'carrier' &&
      (terms.orphanPayoutMax === null || request.amount <= terms.orphanPayoutMax);
    if (request.amount > 0n) refusedPayoutCase(draft, 'orphan_payout', request);
    return payable ? undefined : refuse('round_unknown', 'the round has no stake');
  }
  if (hasOnlyFailedStakes(draft)) {
    if (request.amount > 0n) refusedPayoutCase(draft, 'payout_on_failed_stake', request);
    return refuse('round_unknown', 'no stake of the round was taken');
  }
  return undefined;
}

/** Writes a payout down. It waits until it is released. */
export function recordPayout(draft: Draft, request: PayoutRequest): OperationRow {
  const operation: OperationRow = {
    id: request.operationId,
    kind: 'payout',
    transactionRef: request.transactionRef,
    amount: request.amount,
    gameId: request.gameId,
    isClose: request.isClose,
    betAmount: request.betAmount,
    betId: null,
    payoutState: 'waiting',
    requests: 1,
    deadlineMs: Math.min(draft.nowMs + draft.terms.answerDeadlineMs, request.untilMs ?? Infinity),
    waiting: true,
    answer: null,
    createdMs: draft.nowMs,
  };
  draft.rows.operations.push(operation);
  draft.rows.round.lastActivityMs = draft.nowMs;
  draft.facts.push({
    kind: 'payout_requested',
    operation: operation.id,
    transaction: operation.transactionRef,
    amount: operation.amount.toString(),
    is_close: operation.isClose,
  });
  return operation;
}

function repeatPayout(draft: Draft, known: OperationRow, request: PayoutRequest): RequestReply {
  if (known.amount !== request.amount || known.gameId !== request.gameId) {
    return refuseOtherContent(draft, known, request);
  }
  if (known.isClose !== request.isClose || known.betAmount !== request.betAmount) {
    draft.facts.push({
      kind: 'warning',
      operation: known.id,
      text: 'a repeat with another is_close or bet amount',
    });
  }
  if (known.answer) return storedReply(known);
  known.requests += 1;
  if (known.payoutState === 'held') return refuse('failed', 'the payout is held');
  if (known.payoutState === 'void') return refuseVoid(draft);
  known.deadlineMs = draft.nowMs + draft.terms.answerDeadlineMs;
  if (known.payoutState === 'paid') {
    answerPaid(draft, known);
    return storedReply(known);
  }
  known.waiting = true;
  return { ...wait(known), hurry: hurryBet(draft, known.betId) };
}

/** Rule 8 where no stake counts, rule 15 where a person refused a held payout. */
function refuseVoid(draft: Draft): RequestReply {
  return hasOnlyFailedStakes(draft)
    ? refuse('round_unknown', 'no stake of the round was taken')
    : refuse('round_closed', 'the payout was refused');
}

/** Whether the round has stakes, none of which counts or can still come to count. */
export function hasOnlyFailedStakes(draft: Draft): boolean {
  const stakes = draft.rows.bets.filter((bet) => bet.form === 'stake');
  return stakes.length > 0 && stakes.every((bet) => bet.decision === 'failed');
}

function wait(operation: OperationRow): Extract<RequestReply, { kind: 'wait' }> {
  return { kind: 'wait', operationId: operation.id, untilMs: operation.deadlineMs, hurry: [] };
}

/**
 * Makes a recorded payout owed as soon as a stake of its round is confirmed; a stake that is done but
 * undecided is confirmed by it (rule 8). Until then the payout waits.
 */
export function release(draft: Draft, operation: OperationRow): void {
  const stakes = draft.rows.bets.filter((bet) => bet.form === 'stake');
  if (stakes.length > 0 && !stakes.some((bet) => bet.decision === 'confirmed')) {
    const open = stakes.filter((bet) => bet.decision === 'open' && bet.outcome === 'done');
    const stake = open.find((bet) => bet.stake === operation.betAmount) ?? open[0];
    if (!stake) return;
    const stakeOperation = draft.rows.operations.find((row) => row.id === stake.operationId);
    assert(stakeOperation, `bet ${stake.id} has no stake`);
    confirm(draft, stakeOperation, stake);
  }
  if (operation.amount === 0n) {
    operation.payoutState = 'nothing';
    draft.facts.push({ kind: 'payout_of_nothing', operation: operation.id });
    answerPaid(draft, operation);
  } else {
    attribute(draft, operation);
  }
  if (operation.isClose) close(draft, 'provider');
}

/** Rule 8: what waited for a stake of the round goes on now that one is confirmed. */
export function releaseWaitingPayouts(draft: Draft): void {
  for (const operation of draft.rows.operations) {
    if (operation.kind !== 'payout' || operation.payoutState !== 'waiting') continue;
    release(draft, operation);
  }
}

/** The wallet has paid: a request that waits is answered with the wallet's own balance. */
export function payoutPaid(draft: Draft, operation: OperationRow): void {
  operation.payoutState = 'paid';
  draft.facts.push({ kind: 'payout_paid', operation: operation.id, bet: operation.betId });
  if (operation.waiting && !operation.answer) answerPaid(draft, operation);
}

function answerPaid(draft: Draft, operation: OperationRow): void {
  const bet = operation.betId === null ? undefined : betOf(draft, operation.betId);
  const balance = bet?.lastBalance ?? latestBalance(draft);
  operation.waiting = false;
  storeAnswer(draft, operation, 'accepted', shownBalance(draft.terms, balance) ?? '0');
}

/**
 * Rule 6: the deadline of a payout's request. What is owed is accepted with the projected balance, unless
 * the connection wants payouts confirmed; what waits for its stake is refused without being forgotten.
 */
export function payoutDeadline(
  draft: Draft,
  operation: OperationRow,
  untilMs: number,
): RequestReply {
  if (operation.answer) return storedReply(operation);
  operation.waiting = stillWaits(operation, untilMs);
  if (operation.payoutState === 'paid') {
    answerPaid(draft, operation);
    return storedReply(operation);
  }
  if (operation.payoutState === 'owed' && draft.terms.payoutAck === 'durable') {
    storeAnswer(draft, operation, 'accepted', projectedBalance(draft));
    return storedReply(operation);
  }
  if (operation.payoutState === 'void') return refuseVoid(draft);
  draft.facts.push({ kind: 'answered_unknown', operation: operation.id });
  return {
    kind: 'answer',
    result: 'failed',
    balance: null,
    operationId: operation.id,
    note: 'the payout is recorded and not confirmed yet; repeat the same transaction',
  };
}

/** The last balance the wallet told, plus everything it still has to pay in this round. */
function projectedBalance(draft: Draft): string {
  const { exponent } = draft.terms;
  const last = cutToMinor(latestBalance(draft) ?? '0', exponent) ?? 0n;
  const owed = draft.rows.operations
    .filter((row) => row.payoutState === 'owed')
    .reduce((sum, row) => sum + row.amount, 0n);
  return formatAmount(last + owed, exponent);
}

function refusedPayoutCase(
  draft: Draft,
  kind: 'late_payout' | 'orphan_payout' | 'payout_on_failed_stake',
  request: PayoutRequest,
): void {
  draft.cases.push({
    kind,
    subject: request.transactionRef,
    operationId: null,
    betId: null,
    amount: request.amount,
    evidence: {
      transaction: request.transactionRef,
      game: request.gameId,
      ...requestBytes(request),
    },
  });
}

function openPayoutCase(
  draft: Draft,
  kind: 'held_payout',
  operation: OperationRow,
  bytes: string | undefined,
): void {
  draft.cases.push({
    kind,
    subject: String(operation.id),
    operationId: operation.id,
    betId: operation.betId,
    amount: operation.amount,
    evidence: {
      transaction: operation.transactionRef,
      game: operation.gameId,
      ...requestBytes({ bytes }),
    },
  });
}
