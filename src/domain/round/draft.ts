import { cutToMinor, formatAmount } from '../money';
import { obligationId } from './rows';
import type {
  Answer,
  AnswerResult,
  BetRow,
  ObligationRow,
  OperationRow,
  RoundRows,
  Verb,
} from './rows';
import type { BreakerState } from '../breaker';
import type { RoundTerms } from './terms';

/** Something a person must decide. Opened once per kind and subject; the book ignores the second. */
export interface CaseDraft {
  readonly kind: CaseKind;
  /** What the case is about: an operation number, a bet id, or a provider's transaction. */
  readonly subject: string;
  readonly operationId: number | null;
  readonly betId: string | null;
  readonly amount: bigint | null;
  readonly evidence: Readonly<Record<string, string>>;
}

/** A case by its name in the round. */
export interface SettledCase {
  readonly kind: CaseKind;
  readonly subject: string;
}

export const CASE_KINDS = [
  'conflict',
  'declined_payout',
  'late_payout',
  'orphan_payout',
  'payout_on_failed_stake',
  'payout_precision',
  'held_payout',
  'decline_after_unknown',
  'duplicate_refused',
  'negative_balance',
  'configuration_decline',
  'ownership_mismatch',
  'in_doubt',
  'done_after_decline',
  'answer_not_seen',
  'balance_did_not_move',
] as const;
export type CaseKind = (typeof CASE_KINDS)[number];

/** One line of the journal: what was decided or seen, without personal data. */
export interface Fact {
  readonly kind: string;
  readonly [detail: string]: string | number | boolean | null;
}

/** The rows under decision, with what a decision leaves behind beside them. */
export interface Draft {
  readonly rows: RoundRows;
  readonly terms: RoundTerms;
  readonly nowMs: number;
  readonly random: number;
  /** The partner's breaker (rule 14). */
  readonly breaker: BreakerState;
  /** Multiplies the waits of the background schedule; 1 but in fault tests. */
  readonly timeScale: number;
  /** When the session ends by itself, ms; null when nothing is known of a session. */
  readonly sessionEndsMs: number | null;
  /** Whether an earlier round of the same session and game is still open (rule 9). */
  readonly earlierRoundsOpen: boolean;
  /** The id of a bet made for one payout alone, from the payout's own key (rule 7). */
  readonly ownBetIdOf: (transactionRef: string) => string;
  /** Whether the reply that is told tells an unmoved balance, with no other call of the player between (§5). */
  readonly balanceStood?: boolean;
  readonly facts: Fact[];
  readonly cases: CaseDraft[];
  /** Cases whose matter this decision settles; the book closes those that are open. */
  readonly settled: SettledCase[];
}

export function betOf(draft: Draft, betId: string): BetRow | undefined {
  return draft.rows.bets.find((bet) => bet.id === betId);
}

export function operationOf(draft: Draft, operationId: number): OperationRow | undefined {
  return draft.rows.operations.find((operation) => operation.id === operationId);
}

export function obligationOf(
  draft: Draft,
  betId: string,
  verb: Verb,
  number = 1,
): ObligationRow | undefined {
  return draft.rows.obligations.find(
    (row) => row.betId === betId && row.verb === verb && row.number === number,
  );
}

/** Owes a call. It is due at once, or at `fromMs`. */
export function owe(draft: Draft, betId: string, verb: Verb, number = 1): void {
  draft.rows.obligations.push({
    betId,
    verb,
    number,
    status: 'open',
    attempts: 0,
    uncertain: 0,
    runningSinceMs: null,
    nextAttemptMs: draft.nowMs,
    lastFailure: null,
    repeats: 0,
    drained: false,
    reported: null,
    doneMs: null,
  });
}

/**
 * Cuts the background wait of a bet's money calls short, because a provider waits for them again.
 *
 * @returns the calls whose wait was cut
 */
export function hurryBet(draft: Draft, betId: string | null): string[] {
  const waits = draft.rows.obligations.filter(
    (row) =>
      row.betId === betId &&
      (row.verb === 'take' || row.verb === 'give') &&
      row.status === 'open' &&
      row.nextAttemptMs > draft.nowMs,
  );
  for (const row of waits) {
    row.nextAttemptMs = draft.nowMs;
    // Somebody waits: the round makes this attempt itself, unless the wallet is known not to answer.
    if (draft.breaker === 'closed') row.drained = false;
  }
  return waits.map(obligationId);
}

/** A wallet's balance as the provider may see it: cut to the currency's scale, never rounded up (SPEC §3). */
export function shownBalance(terms: RoundTerms, balance: string | null): string | null {
  if (balance === null) return null;
  const minor = cutToMinor(balance, terms.exponent);
  return minor === undefined ? null : formatAmount(minor, terms.exponent);
}

/** Stores the answer of an operation; from here on it is the answer for ever (rule 5). */
export function storeAnswer(
  draft: Draft,
  operation: OperationRow,
  result: AnswerResult,
  balance: string | null,
): void {
  operation.answer = { result, balance };
  draft.facts.push({ kind: 'answer', operation: operation.id, result, balance });
}

/** The inverse: the answer that a line of the journal says was stored. */
export function answerIn(fact: Fact): Answer {
  const balance = fact.balance === null ? null : String(fact.balance);
  return { result: String(fact.result) as AnswerResult, balance };
}

/** The balance the wallet last told in this round, by when the bet was last touched; null before the first. */
export function latestBalance(draft: Draft): string | null {
  let latest: BetRow | undefined;
  for (const bet of draft.rows.bets) {
    if (bet.lastBalance !== null && (!latest || bet.updatedMs >= latest.updatedMs)) latest = bet;
  }
  return latest?.lastBalance ?? null;
}
