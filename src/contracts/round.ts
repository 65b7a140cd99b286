import type { DrainInput } from './drain';

/**
 * What the API, the round's workflow and the activities agree on. Amounts cross Temporal as text inside
 * labels only; no secret and no personal data is in any of these shapes.
 */

export const ROUNDS_TASK_QUEUE = 'rounds';
export const ROUND_WORKFLOW = 'roundWorkflow';
export const DRIVE_SIGNAL = 'drive';
export const ROUND_QUERY = 'round';

/** A round as the provider names it. */
export interface RoundKey {
  readonly connection: string;
  readonly playerId: string;
  readonly roundRef: string;
}

/** `round/<connection>/<player>/<round>`: one workflow id for a round, for ever. */
export function roundWorkflowId(key: RoundKey): string {
  return `round/${key.connection}/${key.playerId}/${key.roundRef}`;
}

/** The inverse of `roundWorkflowId`; undefined for any other workflow's id. */
export function roundKeyOf(workflowId: string): RoundKey | undefined {
  const match = /^round\/([a-z0-9-]+)\/(\d+)\/(-?\d+)$/.exec(workflowId);
  if (!match) return undefined;
  const [, connection = '', playerId = '', roundRef = ''] = match;
  return { connection, playerId, roundRef };
}

/** The four kinds of wallet call, whatever dialect carries them (SPEC §7). */
export type CallVerb = 'take' | 'give' | 'end' | 'report';

/** One open obligation, ready to be driven. */
export interface DueCall {
  /** `<bet id>/<verb>/<number>`: the obligation's key in the book. */
  readonly id: string;
  readonly verb: CallVerb;
  /** What an operator reads beside the activity: `stake 42.60 EUR`. */
  readonly label: string;
  /** How long one attempt may take before the worker that made it is taken for dead. */
  readonly attemptMsMax: number;
  /** No attempt of it was begun yet, and it is due. */
  readonly fresh: boolean;
  /** What the wait until its next repeat is, ms, and what it waits for. */
  readonly waitMs: number;
  readonly lastFailure: string | null;
}

/** What an activity is told of a call. */
export interface CallToMake {
  /** The book's own number of the round, as text. */
  readonly round: string;
  readonly call: string;
  /** The wait that a first attempt left behind: the pace of repeats is the book's. */
  readonly waitMs?: number;
  readonly lastFailure?: string | null;
}

/**
 * The round as the book last told it. Version is the number of decisions the book has taken on the round:
 * of two views, the one with the higher version is the truth.
 */
export interface RoundView {
  readonly version: number;
  readonly status: 'open' | 'closing' | 'closed';
  readonly betIds: readonly string[];
  /** The round as a statement, a line an operation: what current details show. */
  readonly statement: readonly string[];
  readonly calls: readonly DueCall[];
  /** Stakes of other rounds of this session are to be looked for and those rounds closed (rule 9). */
  readonly closesPrevious: boolean;
  /** When the book next has something to decide by time alone, ms since the epoch. */
  readonly tickAtMs: number | null;
  /** Some owed call is made by the partner's drain (rule 14); the workflow idles until that reports. */
  readonly drained: boolean;
  /** Nothing is owed, undecided or waited for: the workflow may end. */
  readonly atRest: boolean;
}

/** A round as the book last told it, with the book's own number of it, as text. */
export interface KnownRound {
  readonly round: string;
  readonly view: RoundView;
}

/** What a round is made from when its first request is handed over before it is written down. */
export interface NewRound {
  readonly connectionId: number;
  readonly playerId: string;
  readonly roundRef: string;
  readonly partnerId: number;
  readonly sessionId: string | null;
  readonly gameId: string;
  readonly currency: string;
}

/**
 * A provider's request that is not in the book yet: the round's hand writes it down with the beginning of its first
 * call (decision 0012). It says all that the book will say of it; amounts are minor units as decimal text.
 */
export interface Ask {
  readonly kind: 'stake' | 'payout';
  /** What an operator reads: `stake 42.60 EUR`. */
  readonly label: string;
  /** Reserved for it: whoever else writes the request down writes it under the same number. */
  readonly operationId: number;
  /** The book's number of a round that is there, as text; or what to make it from. */
  readonly round: string | NewRound;
  readonly gameId: string;
  /** Of a stake; null of a payout, whose bet the book finds. */
  readonly betId: string | null;
  readonly transactionRef: string;
  readonly amount: string;
  readonly betAmount: string | null;
  readonly isClose: boolean;
  /** When its answer is due, ms since the epoch by the database's clock. From then on it is not written any more. */
  readonly untilMs: number;
}

/**
 * The workflow's arguments: what an operator recognises the round by is in its attributes. `known` is null for a
 * round whose first request comes with the signal, or here.
 */
export interface RoundInput {
  readonly known: KnownRound | null;
  /** What the search attributes said at the start. */
  readonly shown: ShownAttributes;
  /** Requests that a round is started with (decision 0015). */
  readonly asks?: readonly Ask[];
}

/** What of a round's view is in its search attributes. */
export type ShownAttributes = Pick<RoundView, 'status' | 'betIds'>;

/** Sent with every start and again for each later operation. */
export interface DriveSignal {
  /** Null when it only brings a request. */
  readonly known: KnownRound | null;
  /** Calls whose wait between repeats is to be cut short: somebody is waiting for them now. */
  readonly hurry: readonly string[];
  readonly ask?: Ask;
}

/** A round and its latest view: what the sweep and the closing of earlier rounds hand to Temporal. */
export interface RoundToDrive extends RoundName {
  /** The partner whose drain has a call of this round to make; null when none has. */
  readonly drain: DrainInput | null;
  readonly known: KnownRound;
}

/** What an operator recognises a round by. */
export interface RoundName {
  readonly key: RoundKey;
  readonly attributes: RoundAttributes;
  readonly summary: string;
}

/** The typed search attributes a round is started with. */
export interface RoundAttributes {
  readonly partner: string;
  readonly product: string;
  readonly game: string;
}

export interface FirstAttemptsInput {
  readonly asks: readonly Ask[];
  /** The calls' round; null when there are only requests. */
  readonly round: string | null;
  readonly calls: readonly string[];
}

/** Run inside the workflow's task: nothing of it is scheduled before, and it never waits long. */
export interface RoundLocalActivities {
  /**
   * Writes the requests down, and makes the first attempt of each call and of what follows from them. What is not
   * definite at once is left to the activities below; null when nothing is known yet.
   */
  makeFirstAttempts(input: FirstAttemptsInput): Promise<KnownRound | null>;
}

export interface RoundActivities {
  /** One attempt of one obligation. Fails (and is repeated) until the obligation is definite. */
  takeStake(call: CallToMake): Promise<RoundView>;
  payOut(call: CallToMake): Promise<RoundView>;
  endBet(call: CallToMake): Promise<RoundView>;
  reportBet(call: CallToMake): Promise<RoundView>;
  /** Decides what time alone decides: idle rounds, revive windows, close grace. */
  tickRound(input: { round: string }): Promise<RoundView>;
  /** Closes the earlier open rounds of the same session and game, and has them driven. */
  closePreviousRounds(input: { round: string }): Promise<RoundView>;
}
