import { assert, assertNever } from '../../lib/assert';
import type { DeclineReason, WalletOutcome } from '../wallet-outcome';
import { describeOutcome } from '../wallet-outcome';
import { alarm, callCase, inDoubtFromMs, settleCallCases } from './call-cases';
import { isEnded } from './closing';
import { type Draft, betOf, operationOf } from './draft';
import { isNewStake, isWaitedFor, moveToDrain } from './drained';
import { payoutPaid } from './payout';
import { confirm, fail, ownBet } from './registers';
import type { AnswerResult, BetRow, ObligationRow, OperationRow, ReportMark } from './rows';
import { REPEAT_WAIT_WAITED_FOR_MS, repeatWaitMs } from './terms';

/** What one call says, in domain terms; the partner's dialect turns it into bytes. */
export type CallContent =
  | { readonly verb: 'take'; readonly betId: string; readonly amount: bigint }
  | {
      readonly verb: 'give';
      readonly betId: string;
      readonly stake: bigint;
      readonly amount: bigint;
    }
  | { readonly verb: 'end'; readonly betId: string; readonly stake: bigint; readonly win: bigint }
  | {
      readonly verb: 'report';
      readonly betId: string;
      readonly number: number;
      readonly stake: bigint;
      readonly received: bigint;
      /** The wallet's replies, decimal text; null where it told none. */
      readonly stakeBalance: string | null;
      readonly lastBalance: string | null;
      readonly createdMs: number;
      readonly updatedMs: number;
    };

/** What a call is for, as people and fault tests name it. */
export type CallPurpose = 'stake' | 'carrier' | 'payout' | 'compensation' | 'close' | 'history';

/** Who makes an attempt: the round's own workflow, or the partner's drain (rule 14). */
export type Driver = 'round' | 'drain';

export type AttemptStart =
  | {
      readonly kind: 'send';
      readonly attempt: number;
      readonly content: CallContent;
      /** An earlier attempt may have reached the wallet. */
      readonly isRepeat: boolean;
      readonly purpose: CallPurpose;
      /** A new stake's first byte must leave within this time; null: there is no hurry (rule 2). */
      readonly leavesWithinMs: number | null;
    }
  /** The obligation is definite, or another hand's: nothing to do for this one. */
  | { readonly kind: 'definite' }
  /** Another worker's attempt is under way, or the wait is not over. */
  | { readonly kind: 'later'; readonly retryInMs: number };

/** What comes after an attempt. */
export interface AttemptVerdict {
  readonly definite: boolean;
  readonly retryInMs: number;
  /** One line for the operator. */
  readonly text: string;
}

/** A stake that an open breaker keeps back looks again this soon: the breaker may let it through in time. */
const BREAKER_LOOK_MS = 500;

/** A worker that has not told its attempt's result this long after the attempt's limit is taken for dead. */
const RESULT_GRACE_MS = 2_000;

/** Rule 2: commits an attempt before its first byte leaves; without a result it counts as unknown. */
export function attemptStarts(draft: Draft, row: ObligationRow, driver: Driver): AttemptStart {
  if (row.status !== 'open') return { kind: 'definite' };
  const { nowMs, terms } = draft;
  // One hand makes the attempts of a call. The move to the drain may be decided right here.
  if (driver === 'round' && row.runningSinceMs === null) moveToDrain(draft);
  if (row.drained !== (driver === 'drain')) return { kind: 'definite' };
  if (row.runningSinceMs !== null) {
    const deadAtMs = row.runningSinceMs + terms.attemptTimeoutMs + RESULT_GRACE_MS;
    if (nowMs < deadAtMs) return { kind: 'later', retryInMs: Math.min(deadAtMs - nowMs, 500) };
    draft.facts.push({ kind: 'attempt_lost', call: callName(row), attempt: row.attempts });
  }
  const bet = betOf(draft, row.betId);
  assert(bet, `obligation ${callName(row)} has no bet`);
  const isRepeat = row.uncertain > 0;
  if (isNewStake(row, bet) && draft.breaker === 'open') {
    // Rule 14: nothing is sent. The stake fails as never sent when its deadline passes.
    const leftMs = stakeOf(draft, bet).deadlineMs - nowMs;
    return { kind: 'later', retryInMs: Math.min(Math.max(leftMs + 1, 1), BREAKER_LOOK_MS) };
  }
  const leavesWithinMs = isNewStake(row, bet) ? stakeOf(draft, bet).deadlineMs - nowMs : null;
  row.attempts += 1;
  row.uncertain += 1;
  row.runningSinceMs = nowMs;
  const content = contentOf(draft, bet, row);
  draft.facts.push({ kind: 'attempt', call: callName(row), attempt: row.attempts });
  const purpose = purposeOf(row, bet);
  return { kind: 'send', attempt: row.attempts, content, isRepeat, purpose, leavesWithinMs };
}

/** Records what an attempt came to and what follows from it (rules 1-4). */
export function attemptEnded(
  draft: Draft,
  row: ObligationRow,
  attempt: number,
  outcome: WalletOutcome,
): AttemptVerdict {
  const text = describeOutcome(outcome);
  draft.facts.push({
    kind: 'attempt_ended',
    call: callName(row),
    attempt,
    result: outcome.kind,
    text,
  });
  if (attempt === row.attempts) row.runningSinceMs = null;
  const bet = betOf(draft, row.betId);
  assert(bet, `obligation ${callName(row)} has no bet`);
  // An attempt that came back after its stake was declined for good: only a person can give it back.
  if (row.status === 'dropped' && outcome.kind === 'done' && bet.outcome === 'declined') {
    alarm(draft, 'done_after_decline', bet, row, text);
  }
  if (row.status !== 'open') return { definite: true, retryInMs: 0, text };

  if (outcome.flags?.includes('negative_balance')) {
    alarm(draft, 'negative_balance', bet, row, text);
  }
  const isStake = row.verb === 'take' && bet.form === 'stake';
  switch (outcome.kind) {
    case 'done':
      if (draft.balanceStood) alarm(draft, 'balance_did_not_move', bet, row, text);
      finish(draft, row);
      settleCallCases(draft, bet, row);
      applyDone(draft, row, bet, outcome.balance ?? null);
      return { definite: true, retryInMs: 0, text };
    case 'not_sent':
      row.uncertain -= 1;
      break;
    case 'declined':
      if (isStake) {
        const definite = row.uncertain === 1 || draft.terms.dedupBeforeFunds;
        if (definite) {
          decline(draft, row, bet, outcome.reason, text);
          return { definite: true, retryInMs: 0, text };
        }
        callCase(draft, 'decline_after_unknown', bet, row, text);
      } else {
        callCase(draft, 'declined_payout', bet, row, `${row.verb}: ${text}`);
      }
      break;
    case 'unknown':
      if (outcome.reason === 'duplicate') callCase(draft, 'duplicate_refused', bet, row, text);
      break;
    default:
      return assertNever(outcome);
  }
  const inDoubt = isStake && row.uncertain > 0 && draft.nowMs >= inDoubtFromMs(bet);
  if (inDoubt && outcome.kind !== 'declined') callCase(draft, 'in_doubt', bet, row, text);
  const retryInMs = waitAfter(draft, row, bet);
  row.nextAttemptMs = draft.nowMs + retryInMs;
  row.lastFailure = text;
  return { definite: false, retryInMs, text };
}

function finish(draft: Draft, row: ObligationRow): void {
  row.status = 'done';
  row.doneMs = draft.nowMs;
  row.lastFailure = null;
}

function applyDone(draft: Draft, row: ObligationRow, bet: BetRow, balance: string | null): void {
  if (row.verb === 'take') {
    bet.outcome = 'done';
    bet.stakeBalance = balance;
    bet.lastBalance = balance ?? bet.lastBalance;
    bet.updatedMs = draft.nowMs;
    if (bet.form === 'stake') stakeTaken(draft, bet);
  } else if (row.verb === 'give') {
    bet.paid = true;
    bet.lastBalance = balance ?? bet.lastBalance;
    bet.updatedMs = draft.nowMs;
    const payout =
      bet.payoutOperationId === null ? undefined : operationOf(draft, bet.payoutOperationId);
    if (payout) payoutPaid(draft, payout);
  }
}

function stakeTaken(draft: Draft, bet: BetRow): void {
  const operation = stakeOf(draft, bet);
  // Failed meanwhile: `derive` owes the compensation. Open and not waited for: `derive` confirms it when
  // a payout waits for it, else a repeat does.
  if (bet.decision !== 'open') return;
  if (operation.waiting && draft.nowMs <= operation.deadlineMs) confirm(draft, operation, bet);
}

function decline(
  draft: Draft,
  row: ObligationRow,
  bet: BetRow,
  reason: DeclineReason,
  text: string,
): void {
  row.status = 'dropped';
  row.doneMs = draft.nowMs;
  row.lastFailure = text;
  bet.outcome = 'declined';
  bet.updatedMs = draft.nowMs;
  settleCallCases(draft, bet, row);
  if (reason === 'configuration') callCase(draft, 'configuration_decline', bet, row, text);
  const operation = stakeOf(draft, bet);
  if (bet.decision === 'open') fail(draft, operation, bet, DECLINE_ANSWERS[reason]);
}

/** SPEC §5: what the provider sees of each kind of decline. */
const DECLINE_ANSWERS: Record<DeclineReason, Exclude<AnswerResult, 'accepted'>> = {
  funds: 'insufficient_funds',
  blocked: 'player_blocked',
  player_not_found: 'player_unknown',
  configuration: 'failed',
};

function stakeOf(draft: Draft, bet: BetRow): OperationRow {
  const operation = operationOf(draft, bet.operationId);
  assert(operation && ownBet(draft, operation) === bet, `bet ${bet.id} has no stake`);
  return operation;
}

/** Repeats come sooner while a provider waits for the answer (SPEC §5). */
function waitAfter(draft: Draft, row: ObligationRow, bet: BetRow): number {
  if (isWaitedFor(draft, bet)) return REPEAT_WAIT_WAITED_FOR_MS;
  row.repeats += 1;
  return Math.round(repeatWaitMs(row.repeats, draft.random) * draft.timeScale);
}

function purposeOf(row: ObligationRow, bet: BetRow): CallPurpose {
  switch (row.verb) {
    case 'take':
      return bet.form === 'stake' ? 'stake' : 'carrier';
    case 'give':
      return bet.decision === 'failed' ? 'compensation' : 'payout';
    case 'end':
      return 'close';
    case 'report':
      return 'history';
  }
}

/** What a report would say of the bet now. */
export function reportMark(draft: Draft, bet: BetRow): ReportMark {
  return { paid: bet.paid, final: isFinal(draft, bet) };
}

/** A bet is final when nothing can be attributed to it any more and what was, is paid. */
export function isFinal(draft: Draft, bet: BetRow): boolean {
  if (bet.decision === 'failed') return bet.paid;
  if (bet.payoutOperationId !== null) return bet.paid;
  const { closedBy, status } = draft.rows.round;
  if (isEnded(draft, bet)) return true;
  return status !== 'open' && closedBy === 'provider' && bet.decision === 'confirmed';
}

function contentOf(draft: Draft, bet: BetRow, row: ObligationRow): CallContent {
  const { verb } = row;
  switch (verb) {
    case 'take':
      return { verb, betId: bet.id, amount: bet.stake };
    case 'give':
      return { verb, betId: bet.id, stake: bet.stake, amount: givenAmount(bet) };
    case 'end':
      return { verb, betId: bet.id, stake: bet.stake, win: bet.paid ? givenAmount(bet) : 0n };
    case 'report':
      // Frozen by the first attempt: the book keeps the bytes, so later attempts repeat them.
      row.reported ??= reportMark(draft, bet);
      return {
        verb,
        betId: bet.id,
        number: row.number,
        stake: bet.stake,
        received: bet.paid ? givenAmount(bet) : 0n,
        stakeBalance: bet.stakeBalance,
        lastBalance: bet.lastBalance,
        createdMs: bet.createdMs,
        updatedMs: bet.updatedMs,
      };
    default:
      return assertNever(verb);
  }
}

/** A payout, or the stake itself where a failed stake is compensated (rule 4). */
export function givenAmount(bet: BetRow): bigint {
  return bet.decision === 'failed' ? bet.stake : bet.payout;
}

export function callName(row: ObligationRow): string {
  return `${row.betId}/${row.verb}/${row.number}`;
}
