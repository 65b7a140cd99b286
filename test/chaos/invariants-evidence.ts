import type { ProviderBook } from './provider-book';
import type { WalletLine } from './wallet-journal';

/** Our own book as rows of plain data; amounts are minor units. */
export interface OurOperation {
  readonly id: number;
  readonly kind: string;
  readonly partner: string;
  readonly playerId: string;
  readonly roundRef: string;
  readonly transaction: string;
  readonly roundId: string;
  readonly amount: bigint;
  readonly currency: string;
  readonly betId: string | null;
  readonly payoutState: string | null;
  readonly answerResult: string | null;
}

export interface OurBet {
  readonly id: string;
  readonly roundId: string;
  readonly partner: string;
  readonly playerId: string;
  readonly roundRef: string;
  readonly form: string;
  readonly operationId: number;
  readonly stake: bigint;
  readonly outcome: string;
  readonly decision: string;
  readonly payoutOperationId: number | null;
  readonly paid: boolean;
}

export interface OurObligation {
  readonly betId: string;
  readonly roundId: string;
  readonly verb: string;
  readonly number: number;
  readonly status: string;
  readonly attempts: number;
  /** SHA-256 of the payload's text; null before the first attempt. */
  readonly payloadSha: string | null;
}

export interface OurAttempt {
  readonly betId: string;
  readonly verb: string;
  readonly number: number;
  readonly attempt: number;
  readonly startedMs: number;
  readonly endedMs: number | null;
  readonly result: string | null;
}

export interface OurRound {
  readonly id: string;
  readonly workflowId: string;
  readonly partner: string;
  readonly status: string;
}

export interface OpenCase {
  readonly kind: string;
  readonly roundId: string | null;
  readonly betId: string | null;
  readonly operationId: number | null;
}

export interface OurBook {
  readonly operations: readonly OurOperation[];
  readonly bets: readonly OurBet[];
  readonly obligations: readonly OurObligation[];
  readonly attempts: readonly OurAttempt[];
  readonly rounds: readonly OurRound[];
  readonly openCases: readonly OpenCase[];
  /** Rows in partitions that should be empty, by table. */
  readonly restRows: Readonly<Record<string, number>>;
  /** What partners do not want, by prefix. */
  readonly wants: Readonly<Record<string, { readonly betEnd: boolean; readonly history: boolean }>>;
  /** What `audit` calls a contradiction. */
  readonly contradictions: readonly string[];
}

export interface OurWorkflow {
  readonly id: string;
  readonly running: boolean;
  readonly historyLength: number;
}

/** Everything the invariants are checked on. Plain data: forged as easily as read. */
export interface Evidence {
  readonly provider: ProviderBook;
  /** What asking again found; empty when everything was answered as before. */
  readonly reasked: readonly string[];
  readonly wallet: readonly WalletLine[];
  readonly ours: OurBook;
  readonly workflows: readonly OurWorkflow[];
  /** Histories that today's workflows would not have made, a sentence each. */
  readonly unreplayable: readonly string[];
  /** How long it took until nothing was owed any more; null when that never came. */
  readonly drainMs: number | null;
  readonly limits: Limits;
  /** The `bet_id` that the specification gives an operation of this key. */
  betIdOf(operation: StakeKey): string;
}

export interface StakeKey {
  readonly kind: 'stake' | 'payout';
  readonly playerId: string;
  readonly round: string;
  readonly transaction: string;
}

export interface Limits {
  readonly drainMsMax: number;
  readonly attemptsMax: number;
  readonly historyLengthMax: number;
  /** By how much the clocks of our processes and of the wallet may differ. */
  readonly clockToleranceMs: number;
}

export const LIMITS: Limits = {
  drainMsMax: 60_000,
  attemptsMax: 250,
  historyLengthMax: 10_000,
  clockToleranceMs: 250,
};

/** Evidence in the forms that several invariants look things up in. */
export interface Index {
  readonly evidence: Evidence;
  /** The wallet's lines about a bet, in their order. */
  linesOf(betId: string, endpoint?: string): readonly WalletLine[];
  moved(betId: string, endpoint: string): readonly WalletLine[];
  readonly bets: ReadonlyMap<string, OurBet>;
  readonly operations: ReadonlyMap<string, OurOperation>;
  readonly operationsById: ReadonlyMap<number, OurOperation>;
  obligationsOf(betId: string): readonly OurObligation[];
  attemptsOf(betId: string, verb: string): readonly OurAttempt[];
}

export function indexed(evidence: Evidence): Index {
  const { ours, wallet } = evidence;
  const lines = groupBy(
    wallet.filter((line) => line.signature_ok),
    (line) => line.bet_id,
  );
  const obligations = groupBy(ours.obligations, (row) => row.betId);
  const attempts = groupBy(ours.attempts, (row) => `${row.betId}/${row.verb}`);
  const linesOf = (betId: string, endpoint?: string) => {
    const all = lines.get(betId) ?? [];
    return endpoint === undefined ? all : all.filter((line) => line.endpoint === endpoint);
  };
  return {
    evidence,
    linesOf,
    moved: (betId, endpoint) => linesOf(betId, endpoint).filter(({ effect }) => effect === 'moved'),
    bets: new Map(ours.bets.map((bet) => [bet.id, bet])),
    operations: new Map(
      ours.operations.map((row) => [
        operationKey(row.kind, row.playerId, row.roundRef, row.transaction),
        row,
      ]),
    ),
    operationsById: new Map(ours.operations.map((row) => [row.id, row])),
    obligationsOf: (betId) => obligations.get(betId) ?? [],
    attemptsOf: (betId, verb) => attempts.get(`${betId}/${verb}`) ?? [],
  };
}

export function operationKey(
  kind: string,
  playerId: string,
  round: string,
  transaction: string,
): string {
  return `${kind}/${playerId}/${round}/${transaction}`;
}

export function groupBy<Row>(
  rows: readonly Row[],
  keyOf: (row: Row) => string,
): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const key = keyOf(row);
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  return groups;
}

/** The endpoint of each of our verbs. */
export const ENDPOINTS: Readonly<Record<string, string>> = {
  take: 'bet',
  give: 'settle-bet',
  end: 'bet-end',
  report: 'history',
};

/** Kinds of open cases that explain a call which is still owed. */
export const LEAVES_OPEN: ReadonlySet<string> = new Set([
  'in_doubt',
  'decline_after_unknown',
  'declined_payout',
  'duplicate_refused',
  'held_payout',
]);
