/**
 * What one wallet call came to (SPEC §4 rule 1). `done` and `declined` come from closed lists only;
 * whatever is on no list is `unknown` and is repeated under the same bet_id until it is definite.
 * `not_sent` is the one kind of failure that proves that the wallet saw nothing: no byte of the
 * request left. Whether a decline or a `not_sent` is definite also depends on the attempts before it
 * (rule 3): that is the round's decision, not the outcome's.
 */
export type WalletOutcome = WalletDone | WalletDeclined | WalletNotSent | WalletUnknown;

export type WalletOutcomeKind = WalletOutcome['kind'];

/** Why a wallet said a definite no. Each maps to one provider code: 2, 4, 11, 1 (SPEC §5). */
export const DECLINE_REASONS = ['funds', 'blocked', 'player_not_found', 'configuration'] as const;
export type DeclineReason = (typeof DECLINE_REASONS)[number];

/**
 * Why nothing left. `busy`: every connection to this partner was in use (SPEC §4 rule 14). `late`: the
 * answer deadline of a new stake had passed (rule 2).
 */
export const NOT_SENT_REASONS = ['connect', 'dns', 'tls', 'egress', 'busy', 'late'] as const;
export type NotSentReason = (typeof NOT_SENT_REASONS)[number];

/** Why nobody can say whether the wallet moved the balance. */
export const UNKNOWN_REASONS = [
  'timeout',
  'reset',
  'redirect',
  'http_status',
  'not_json',
  'truncated',
  'too_large',
  'no_balance',
  'negative_balance',
  'duplicate',
  'refusal_unlisted',
  'contradictory',
] as const;
export type UnknownReason = (typeof UNKNOWN_REASONS)[number];

/** What a person or a case should hear of although the kind alone decides what happens next. */
export const OUTCOME_FLAGS = ['negative_balance', 'duplicate'] as const;
export type OutcomeFlag = (typeof OUTCOME_FLAGS)[number];

interface OutcomeCommon {
  /** One printable line for operators (`HTTP 503`, `no answer within 2000 ms`); never a secret. */
  readonly text: string;
  /** The reply's status, when there was a reply. */
  readonly httpStatus?: number;
  readonly flags?: readonly OutcomeFlag[];
}

export interface WalletDone extends OutcomeCommon {
  readonly kind: 'done';
  /**
   * The balance as decimal text of any precision, exactly as received. Absent where the reply owes
   * none (`end`, `report`) and after a *duplicate* that the partner says means done.
   */
  readonly balance?: string;
}

/**
 * A listed no. It can end a stake (`take`) only; for `give`, `end` and `report` the call is still
 * owed: it is repeated and a case is opened (SPEC §5 below the table).
 */
export interface WalletDeclined extends OutcomeCommon {
  readonly kind: 'declined';
  readonly reason: DeclineReason;
}

export interface WalletNotSent extends OutcomeCommon {
  readonly kind: 'not_sent';
  readonly reason: NotSentReason;
}

export interface WalletUnknown extends OutcomeCommon {
  readonly kind: 'unknown';
  readonly reason: UnknownReason;
}

/** What Roundhouse asks of a wallet: take a stake, give a payout, end a bet, report its record (SPEC §7). */
export const WALLET_VERBS = ['take', 'give', 'end', 'report'] as const;
export type WalletVerb = (typeof WALLET_VERBS)[number];

/** One printable line for logs, summaries and Temporal's views: `declined (funds): HTTP 402`. */
export function describeOutcome(outcome: WalletOutcome): string {
  switch (outcome.kind) {
    case 'done':
      return outcome.balance === undefined ? 'done' : `done, balance ${outcome.balance}`;
    case 'declined':
      return `declined (${outcome.reason}): ${outcome.text}`;
    case 'not_sent':
      return `not sent (${outcome.reason}): ${outcome.text}`;
    case 'unknown':
      return `unknown (${outcome.reason}): ${outcome.text}`;
  }
}
