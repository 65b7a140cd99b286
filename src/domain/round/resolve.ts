import { formatFixed } from '../money';
import { assert, assertNever } from '../../lib/assert';
import { settleCallCases, SETTLED_BY_THE_CALL } from './call-cases';
import { type CaseKind, type Draft, betOf, obligationOf, operationOf } from './draft';
import { hasOnlyFailedStakes, recordPayout, release, type PayoutRequest } from './payout';
import { fail, ownBet } from './registers';
import { obligationId, parseObligationId, type ObligationRow, type OperationRow } from './rows';

/** What a person may make of a case. Which of them a case takes depends on its kind. */
export const RESOLUTIONS = ['pay', 'void', 'accept-decline', 'resend', 'dismiss'] as const;
export type Resolution = (typeof RESOLUTIONS)[number];

/** How a case ended: a person's resolution, or by itself. */
export type CaseEnd = Resolution | 'settled' | 'seen';

const LOOKED_AT = ['dismiss'] as const;
const OF_A_STAKE = ['accept-decline', 'resend', 'dismiss'] as const;
const OF_A_REFUSED_PAYOUT = ['pay', 'dismiss'] as const;

/** What each kind of case can be resolved as; nothing is offered that could only be refused. */
export const RESOLUTIONS_OF: Readonly<Record<CaseKind, readonly Resolution[]>> = {
  held_payout: ['pay', 'void'],
  late_payout: OF_A_REFUSED_PAYOUT,
  orphan_payout: OF_A_REFUSED_PAYOUT,
  in_doubt: OF_A_STAKE,
  decline_after_unknown: OF_A_STAKE,
  duplicate_refused: OF_A_STAKE,
  declined_payout: ['resend', 'dismiss'],
  negative_balance: ['resend', 'dismiss'],
  conflict: LOOKED_AT,
  payout_on_failed_stake: LOOKED_AT,
  payout_precision: LOOKED_AT,
  configuration_decline: LOOKED_AT,
  ownership_mismatch: LOOKED_AT,
  done_after_decline: LOOKED_AT,
  answer_not_seen: LOOKED_AT,
  balance_did_not_move: LOOKED_AT,
};

/** A case of this round, and what was decided about it. */
export interface CaseResolution {
  readonly caseId: string;
  readonly kind: CaseKind;
  /** A bet id, or a call's name, where the case is about a call. */
  readonly subject: string;
  /** The operation the case is about; null for a request that was never recorded. */
  readonly operationId: number | null;
  readonly betId: string | null;
  /** `seen`: the provider itself showed that it knows of its answer. */
  readonly as: Resolution | 'seen';
  /** A payout that was refused without being recorded, for `pay`: what the case kept of it. */
  readonly payout: PayoutRequest | null;
}

export type ResolutionVerdict =
  | { readonly kind: 'resolved'; readonly text: string }
  /** Nothing was changed; the text says why, for the person. */
  | { readonly kind: 'refused'; readonly text: string };

/**
 * Carries out what a person decided about a case (SPEC §4 rules 3, 8, 9, 15). Who it was and why stays with
 * the case: the journal holds no personal data.
 */
export function resolveCase(draft: Draft, resolution: CaseResolution): ResolutionVerdict {
  const verdict = carryOut(draft, resolution);
  if (verdict.kind === 'resolved') {
    draft.facts.push({
      kind: 'case_resolved',
      case: resolution.caseId,
      case_kind: resolution.kind,
      as: resolution.as,
    });
  }
  return verdict;
}

/** What can be made of a case that belongs to no round: nobody can pay in it, send or void anything. */
export function resolutionWithoutRound(resolution: {
  readonly kind: CaseKind;
  readonly as: Resolution;
}): ResolutionVerdict {
  const { kind, as } = resolution;
  if (!RESOLUTIONS_OF[kind].includes(as)) return notOffered(kind, as);
  if (as !== 'dismiss') return refused('the case has no round, and too little to make one');
  return LOOKED;
}

function carryOut(draft: Draft, resolution: CaseResolution): ResolutionVerdict {
  const { kind, as } = resolution;
  if (as === 'seen') {
    assert(kind === 'answer_not_seen', `a case ${kind} is not seen`);
    return { kind: 'resolved', text: 'the provider knows of the answer' };
  }
  if (!RESOLUTIONS_OF[kind].includes(as)) return notOffered(kind, as);
  switch (as) {
    case 'pay':
      return kind === 'held_payout' ? payHeld(draft, resolution) : payRefused(draft, resolution);
    case 'void':
      return voidHeld(draft, resolution);
    case 'accept-decline':
      return acceptDecline(draft, resolution);
    case 'resend':
      return resend(draft, resolution);
    case 'dismiss':
      return dismiss(draft, resolution);
    default:
      return assertNever(as);
  }
}

function heldPayout(draft: Draft, { operationId }: CaseResolution): OperationRow | string {
  const operation = operationId === null ? undefined : operationOf(draft, operationId);
  if (!operation) return 'the book has no such payout';
  if (operation.payoutState === 'held') return operation;
  return `payout ${operation.id} is not held any more: it is ${operation.payoutState}`;
}

/**
 * Releases a held payout as if it had come in now. It is not answered by that: the provider was told
 * that it failed, and is told otherwise when it repeats the transaction.
 */
function payHeld(draft: Draft, resolution: CaseResolution): ResolutionVerdict {
  const operation = heldPayout(draft, resolution);
  if (typeof operation === 'string') return refused(operation);
  if (hasOnlyFailedStakes(draft)) {
    return refused('no stake of the round was taken, so nothing can be won in it; void it');
  }
  return releaseFor(draft, operation);
}

function voidHeld(draft: Draft, resolution: CaseResolution): ResolutionVerdict {
  const operation = heldPayout(draft, resolution);
  if (typeof operation === 'string') return refused(operation);
  // Nobody waits for a held payout: its request was answered at once.
  operation.waiting = false;
  operation.payoutState = 'void';
  draft.facts.push({ kind: 'payout_void', operation: operation.id });
  return {
    kind: 'resolved',
    text: `${named(draft, operation)} is refused for ever, and so is every repeat of it`,
  };
}

/**
 * Pays what was refused without being recorded: it becomes an operation behind the gate's own key, as if
 * its request had been accepted. Whoever repeats the transaction afterwards meets that operation and is
 * paid nothing more. Where no stake of the round counts, nothing is paid (rule 8).
 */
function payRefused(draft: Draft, { payout }: CaseResolution): ResolutionVerdict {
  if (!payout) return refused('the case does not hold the amount and the transaction to pay');
  const known = draft.rows.operations.find(
    (row) => row.kind === 'payout' && row.transactionRef === payout.transactionRef,
  );
  if (known) {
    return refused(
      `the transaction is recorded as payout ${known.id} already: it is ${known.payoutState}`,
    );
  }
  if (draft.rows.round.gameId !== payout.gameId) {
    return refused(`the round belongs to game ${draft.rows.round.gameId} by now`);
  }
  if (hasOnlyFailedStakes(draft)) {
    return refused('no stake of the round was taken, so nothing can be won in it');
  }
  return releaseFor(draft, recordPayout(draft, payout));
}

function releaseFor(draft: Draft, operation: OperationRow): ResolutionVerdict {
  operation.waiting = false;
  operation.payoutState = 'waiting';
  draft.facts.push({ kind: 'payout_released', operation: operation.id });
  release(draft, operation);
  const what = named(draft, operation);
  const { betId } = operation;
  return {
    kind: 'resolved',
    text:
      betId === null
        ? `${what} is owed as soon as a stake of its round is confirmed; a repeat is accepted then`
        : `${what} is owed on bet ${betId}; the next repeat is accepted`,
  };
}

/**
 * A person has looked into the wallet's own book: the stake was not taken. That makes the outcome definite
 * where no reply could (rule 3). A stake that is done stays done; and while an attempt is under way, what
 * the person saw may already be past.
 */
function acceptDecline(draft: Draft, resolution: CaseResolution): ResolutionVerdict {
  const bet = resolution.betId === null ? undefined : betOf(draft, resolution.betId);
  const take = bet && obligationOf(draft, bet.id, 'take');
  if (!bet || !take) return refused('the case is about no stake');
  if (bet.form !== 'stake' || callOf(draft, resolution)?.verb !== 'take') {
    return refused('only a stake can be declined: what is owed to a player stays owed');
  }
  if (bet.outcome === 'done') return refused(`the wallet has taken stake ${bet.id} meanwhile`);
  if (bet.outcome === 'declined') return refused(`stake ${bet.id} is declined already`);
  if (take.runningSinceMs !== null) return refused(UNDER_WAY);
  const operation = operationOf(draft, bet.operationId);
  assert(operation && ownBet(draft, operation) === bet, `bet ${bet.id} has no stake`);
  take.status = 'dropped';
  take.doneMs = draft.nowMs;
  bet.outcome = 'declined';
  bet.updatedMs = draft.nowMs;
  draft.facts.push({ kind: 'decline_accepted', operation: operation.id, bet: bet.id });
  if (bet.decision === 'open') fail(draft, operation, bet, 'failed');
  settleOthers(draft, resolution, () => settleCallCases(draft, bet, take));
  const { exponent, currency } = draft.terms;
  const amount = `${formatFixed(bet.stake, exponent)} ${currency}`;
  return {
    kind: 'resolved',
    text: `stake ${bet.id} of ${amount} counts as not taken: it is asked for no more, and nothing is given back`,
  };
}

/** The case under resolution is closed by its resolution, its neighbours about the same call by themselves. */
function settleOthers(draft: Draft, { kind }: CaseResolution, settle: () => void): void {
  const before = draft.settled.length;
  settle();
  const others = draft.settled.splice(before).filter((row) => row.kind !== kind);
  draft.settled.push(...others);
}

const UNDER_WAY = 'an attempt of its call is under way right now; try again when it has ended';

/** Makes the open call due now, without waiting for its next repeat. */
function resend(draft: Draft, resolution: CaseResolution): ResolutionVerdict {
  const row = callOf(draft, resolution);
  if (row?.status !== 'open')
    return refused('its call is not open any more: nothing is to be sent');
  if (row.runningSinceMs !== null) return refused(UNDER_WAY);
  row.nextAttemptMs = draft.nowMs;
  draft.facts.push({ kind: 'call_hurried', call: obligationId(row) });
  return { kind: 'resolved', text: `call ${obligationId(row)} is due at once` };
}

function dismiss(draft: Draft, resolution: CaseResolution): ResolutionVerdict {
  const asksForTheCall = SETTLED_BY_THE_CALL.includes(resolution.kind);
  // Rule 13: what is unknown or owed has an open case that names it.
  if (asksForTheCall && callOf(draft, resolution)?.status === 'open') {
    return refused(
      'its call is still open; the case closes by itself when the wallet has answered',
    );
  }
  return LOOKED;
}

/** The call that the case is about. */
function callOf(draft: Draft, resolution: CaseResolution): ObligationRow | undefined {
  const call = parseObligationId(resolution.subject);
  if (call) return obligationOf(draft, call.betId, call.verb, call.number);
  return resolution.betId === null ? undefined : obligationOf(draft, resolution.betId, 'take');
}

function named(draft: Draft, operation: OperationRow): string {
  const { exponent, currency } = draft.terms;
  return `payout ${operation.id} of ${formatFixed(operation.amount, exponent)} ${currency}`;
}

const LOOKED: ResolutionVerdict = {
  kind: 'resolved',
  text: 'a person has looked; no money is moved by it',
};

function notOffered(kind: CaseKind, as: Resolution): ResolutionVerdict {
  return refused(
    `a case ${kind} is resolved as ${RESOLUTIONS_OF[kind].join(' or ')}, not as ${as}`,
  );
}

function refused(text: string): ResolutionVerdict {
  return { kind: 'refused', text };
}
