import { roundWorkflowId } from '../contracts/round';
import { formatAmount } from '../domain/money';
import { replayedTotals } from '../domain/round/replay';
import { replayRound } from './audit-journal';
import type { Db } from './pool';
import { attemptsOf, callsOf, type ShownAttempt, type ShownCall } from './show-calls';

export type { ShownAttempt, ShownCall };

/** A round told to people: the CLI's `round show` and the round's page. Amounts are decimal text. */
export interface ShownRound {
  readonly round: {
    readonly id: string;
    readonly connection: string;
    readonly player_id: string;
    readonly round: string;
    readonly partner: string;
    readonly user_agent: string;
    readonly product: string;
    readonly game: string;
    readonly game_id: string;
    readonly currency: string;
    readonly status: string;
    readonly closed_by: string | null;
    readonly closing_at: string | null;
    readonly created_at: string;
    readonly due_at: string | null;
    readonly workflow_id: string;
    readonly journal_lines: number;
  };
  /** What the round moved, told by its journal. */
  readonly totals: ShownTotals;
  readonly operations: readonly ShownOperation[];
  /** The registers: of every stake both, outcome and decision. */
  readonly bets: readonly ShownBet[];
  readonly calls: readonly ShownCall[];
  readonly attempts: readonly ShownAttempt[];
  readonly cases: readonly ShownCase[];
}

export interface ShownTotals {
  /** Stakes that count. */
  readonly staked: string;
  /** Payouts that the wallet has confirmed. */
  readonly paid: string;
  readonly owed: string;
  /** Stakes that were taken, did not count, and were given back. */
  readonly given_back: string;
}

export interface ShownOperation {
  readonly operation: number;
  readonly kind: 'stake' | 'payout';
  readonly transaction: string;
  readonly amount: string;
  readonly is_close: boolean;
  readonly bet_id: string | null;
  readonly payout_state: string | null;
  /** The stored answer; null while there is none. */
  readonly answer: string | null;
  readonly answer_balance: string | null;
  /** When the answer's last byte was handed over; null while nobody noted that. */
  readonly answer_written_at: string | null;
  readonly requests: number;
  readonly created_at: string;
}

export interface ShownBet {
  readonly bet_id: string;
  readonly form: 'stake' | 'carrier' | 'direct';
  readonly stake: string;
  readonly outcome: string;
  readonly decision: string;
  readonly payout: string;
  readonly paid: boolean;
  /** The wallet's balance after the bet's last confirmed call, as it told it. */
  readonly balance: string | null;
}

export interface ShownCase {
  readonly id: string;
  readonly kind: string;
  readonly status: string;
  readonly amount: string | null;
  readonly opened_at: string;
  readonly evidence: Readonly<Record<string, string>>;
}

/**
 * Finds a round by a bet_id, an operation number (the provider's `external_session_id`), or
 * `connection/player/round`.
 */
export async function showRound(db: Db, id: string): Promise<ShownRound | undefined> {
  if (/^[0-9a-f]{24}$/.test(id)) return roundOfBet(db, id);
  if (/^\d{1,10}$/.test(id)) {
    return tell(db, 'r.id = (SELECT round_id FROM operations WHERE id = $1::bigint)', [id]);
  }
  const match = /^(?:round\/)?([a-z0-9-]+)\/(\d{1,19})\/(-?\d{1,20})$/.exec(id);
  if (!match) return undefined;
  return tell(
    db,
    'c.key = $1 AND r.player_id = $2::bigint AND r.round_ref = $3',
    match.slice(1, 4),
  );
}

/** The round a bet belongs to. */
export async function roundOfBet(db: Db, betId: string): Promise<ShownRound | undefined> {
  return tell(db, 'r.id = (SELECT round_id FROM bets WHERE id = $1)', [betId]);
}

/** The round with a number of our book, as `round show` prints it. */
export async function roundById(db: Db, id: string): Promise<ShownRound | undefined> {
  return tell(db, 'r.id = $1::bigint', [id]);
}

interface RoundRow {
  id: string;
  key: string;
  player_id: string;
  round_ref: string;
  prefix: string;
  reference: string;
  provider_name: string | null;
  title: string | null;
  game_id: string;
  currency: string;
  exponent: number;
  status: string;
  closed_by: string | null;
  closing_at: Date | null;
  created_at: Date;
  due_at: Date | null;
  journal_lines: string;
}

async function tell(db: Db, condition: string, values: unknown[]): Promise<ShownRound | undefined> {
  const { rows } = await db.query<RoundRow>(
    `SELECT r.id, c.key, r.player_id, r.round_ref, p.prefix, pl.reference, pr.provider_name, g.title,
            r.game_id, r.currency, cu.exponent, r.status, r.closed_by, r.closing_at, r.created_at,
            r.due_at, (SELECT count(*) FROM journal j WHERE j.round_id = r.id) AS journal_lines
       FROM rounds r
       JOIN connections c ON c.id = r.connection_id
       JOIN partners p ON p.id = r.partner_id
       JOIN players pl ON pl.player_id = r.player_id
       JOIN currencies cu ON cu.code = r.currency
       LEFT JOIN games g ON g.connection_id = r.connection_id AND g.game_id = r.game_id
       LEFT JOIN products pr ON pr.id = g.product_id
      WHERE ${condition}`,
    values,
  );
  const row = rows[0];
  if (!row) return undefined;
  const key = { connection: row.key, playerId: row.player_id, roundRef: row.round_ref };
  return {
    round: {
      id: row.id,
      connection: row.key,
      player_id: row.player_id,
      round: row.round_ref,
      partner: row.prefix,
      user_agent: `${row.prefix}.${row.reference}`,
      product: row.provider_name ?? row.key,
      game: row.title ?? row.game_id,
      game_id: row.game_id,
      currency: row.currency,
      status: row.status,
      closed_by: row.closed_by,
      closing_at: iso(row.closing_at),
      created_at: iso(row.created_at) ?? '',
      due_at: iso(row.due_at),
      workflow_id: roundWorkflowId(key),
      journal_lines: Number(row.journal_lines),
    },
    totals: await totalsOf(db, row),
    operations: await operationsOf(db, row),
    bets: await betsOf(db, row),
    calls: await callsOf(db, row.id),
    attempts: await attemptsOf(db, row.id),
    cases: await casesOf(db, row),
  };
}

async function totalsOf(db: Db, round: RoundRow): Promise<ShownTotals> {
  const { staked, paid, owed, givenBack } = replayedTotals(await replayRound(db, round.id));
  const text = (minor: bigint) => formatAmount(minor, round.exponent);
  return { staked: text(staked), paid: text(paid), owed: text(owed), given_back: text(givenBack) };
}

async function operationsOf(db: Db, round: RoundRow): Promise<ShownOperation[]> {
  const { rows } = await db.query<{
    id: number;
    kind: 'stake' | 'payout';
    transaction_ref: string;
    amount: string;
    is_close: boolean;
    bet_id: string | null;
    payout_state: string | null;
    answer_result: string | null;
    answer_balance: string | null;
    answer_written_at: Date | null;
    requests: number;
    created_at: Date;
  }>('SELECT * FROM operations WHERE round_id = $1 ORDER BY id', [round.id]);
  return rows.map((row) => ({
    operation: row.id,
    kind: row.kind,
    transaction: row.transaction_ref,
    amount: formatAmount(BigInt(row.amount), round.exponent),
    is_close: row.is_close,
    bet_id: row.bet_id,
    payout_state: row.payout_state,
    answer: row.answer_result,
    answer_balance: row.answer_balance,
    answer_written_at: iso(row.answer_written_at),
    requests: row.requests,
    created_at: iso(row.created_at) ?? '',
  }));
}

async function betsOf(db: Db, round: RoundRow): Promise<ShownBet[]> {
  const { rows } = await db.query<{
    id: string;
    form: ShownBet['form'];
    stake: string;
    outcome: string;
    decision: string;
    payout: string;
    paid: boolean;
    last_balance: string | null;
  }>('SELECT * FROM bets WHERE round_id = $1 ORDER BY operation_id', [round.id]);
  return rows.map((row) => ({
    bet_id: row.id,
    form: row.form,
    stake: formatAmount(BigInt(row.stake), round.exponent),
    outcome: row.outcome,
    decision: row.decision,
    payout: formatAmount(BigInt(row.payout), round.exponent),
    paid: row.paid,
    balance: row.last_balance,
  }));
}

async function casesOf(db: Db, round: RoundRow): Promise<ShownCase[]> {
  const { rows } = await db.query<{
    id: string;
    kind: string;
    status: string;
    amount: string | null;
    opened_at: Date;
    evidence: Record<string, string>;
  }>('SELECT * FROM cases WHERE round_id = $1 ORDER BY id', [round.id]);
  return rows.map((row) => ({
    id: row.id,
    kind: row.kind,
    status: row.status,
    amount: row.amount === null ? null : formatAmount(BigInt(row.amount), round.exponent),
    opened_at: iso(row.opened_at) ?? '',
    evidence: row.evidence,
  }));
}

function iso(date: Date | null): string | null {
  return date === null ? null : date.toISOString();
}
