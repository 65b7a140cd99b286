/**
 * A round as the book holds it. `decide` reads these rows under the round's lock and returns them
 * changed; the book writes back what changed, in the same transaction.
 *
 *     stake:    outcome   none ──▶ done | declined            never overwritten
 *               decision  open ──▶ confirmed | failed         confirmed ──▶ open only while no answer left
 *     payout:   waiting ──▶ owed ──▶ paid      held ──▶ owed | void      nothing (an amount of 0)
 *     round:    open ──▶ closing ──▶ closed
 */

export type RoundStatus = 'open' | 'closing' | 'closed';
export type ClosedBy = 'provider' | 'next_stake' | 'session_end' | 'idle';

export interface RoundRow {
  readonly id: string;
  status: RoundStatus;
  closedBy: ClosedBy | null;
  /** When the round began to close. */
  closingAtMs: number | null;
  /** The provider's id of the game; null until the first operation of the round is accepted for record. */
  gameId: string;
  lastActivityMs: number;
  /** An accepted stake here closes the earlier rounds of its session and game; `due` until that is done. */
  closesPrevious: 'no' | 'due' | 'done';
}

/** What the provider is told. Everything but `accepted` is a refusal; the adapter maps them to its codes. */
export type AnswerResult =
  | 'accepted'
  | 'failed'
  | 'insufficient_funds'
  | 'player_blocked'
  | 'player_unknown'
  | 'round_closed'
  | 'round_unknown';

export interface Answer {
  readonly result: AnswerResult;
  /** Decimal text in the currency's scale; null in refusals. */
  readonly balance: string | null;
}

export type PayoutState = 'waiting' | 'held' | 'owed' | 'paid' | 'void' | 'nothing';

export interface OperationRow {
  /** Our operation number: the provider's `external_session_id`. */
  readonly id: number;
  readonly kind: 'stake' | 'payout';
  readonly transactionRef: string;
  readonly amount: bigint;
  readonly gameId: string;
  readonly isClose: boolean;
  readonly betAmount: bigint | null;
  /** A stake's own bet; a payout's attributed bet (rule 7), null while it waits, is held, or is of 0. */
  betId: string | null;
  payoutState: PayoutState | null;
  /** How many requests for this operation have come in, repeats included. */
  requests: number;
  /** The answer deadline of the latest request. */
  deadlineMs: number;
  /** Whether that request still waits for its answer. */
  waiting: boolean;
  /** The stored answer: once set it is the answer for ever (rule 5). */
  answer: Answer | null;
  readonly createdMs: number;
}

/** `stake`: a stake's own bet. `carrier` and `direct`: made to carry a payout that found no bet (rule 7). */
export type BetForm = 'stake' | 'carrier' | 'direct';
export type Outcome = 'none' | 'done' | 'declined';
export type Decision = 'open' | 'confirmed' | 'failed';

export interface BetRow {
  readonly id: string;
  readonly form: BetForm;
  /** The stake, or the payout that the carrier carries. */
  readonly operationId: number;
  readonly stake: bigint;
  outcome: Outcome;
  decision: Decision;
  /** The wallet's reply to the take, decimal text as received. */
  stakeBalance: string | null;
  payoutOperationId: number | null;
  /** What is to be given: the payout attributed, or the stake itself when it is compensated. */
  payout: bigint;
  /** The give is done. */
  paid: boolean;
  /** The last confirmed take or give reply. */
  lastBalance: string | null;
  readonly createdMs: number;
  updatedMs: number;
}

export type Verb = 'take' | 'give' | 'end' | 'report';

export interface ObligationRow {
  readonly betId: string;
  readonly verb: Verb;
  /** 1, except for reports: 1 is the create, every later number an update. */
  readonly number: number;
  status: 'open' | 'done' | 'dropped';
  attempts: number;
  /** Attempts of which nobody can say that the wallet did not act on them, the running one included. */
  uncertain: number;
  /** The attempt under way, when there is one. */
  runningSinceMs: number | null;
  nextAttemptMs: number;
  lastFailure: string | null;
  /** Repeats of the background schedule so far; those that a waiting provider brings sooner do not count. */
  repeats: number;
  /** The partner's drain makes the next attempts, not the round's workflow (rule 14). */
  drained: boolean;
  /** A report's content, frozen when its first attempt begins; the mark of what it told. */
  reported: ReportMark | null;
  doneMs: number | null;
}

/** What a report event said of the bet's changing parts. */
export interface ReportMark {
  readonly paid: boolean;
  readonly final: boolean;
}

export interface RoundRows {
  readonly round: RoundRow;
  readonly operations: OperationRow[];
  readonly bets: BetRow[];
  readonly obligations: ObligationRow[];
}

export function obligationId(row: { betId: string; verb: Verb; number: number }): string {
  return `${row.betId}/${row.verb}/${row.number}`;
}

/** The inverse of `obligationId`; undefined for any other text. */
export function parseObligationId(
  id: string,
): { betId: string; verb: Verb; number: number } | undefined {
  const match = /^([0-9a-f]{24})\/(take|give|end|report)\/(\d{1,6})$/.exec(id);
  if (!match) return undefined;
  return { betId: match[1] ?? '', verb: match[2] as Verb, number: Number(match[3]) };
}
