import { parseConnectionSettings, parsePartnerSettings } from '../contracts/settings';
import type { BreakerState, BreakerTerms } from '../domain/breaker';
import { cutToMinor } from '../domain/money';
import type {
  BetRow,
  ObligationRow,
  OperationRow,
  RoundRow,
  RoundRows,
} from '../domain/round/rows';
import type { RoundTerms } from '../domain/round/terms';
import type { PoolClient } from './pool';
import { joinWrites } from './transaction';

/** What belongs to a round beside its own rows: whose it is, and by which settings it is decided. */
export interface RoundContext {
  readonly roundId: string;
  readonly connectionId: number;
  readonly connectionKey: string;
  readonly playerId: string;
  readonly roundRef: string;
  readonly partnerId: number;
  readonly partnerPrefix: string;
  readonly userAgent: string;
  readonly sessionId: string | null;
  readonly gameId: string;
  readonly gameTitle: string;
  readonly providerName: string;
  readonly terms: RoundTerms;
  /** The partner's breaker as the round was locked, and by which settings it opens (rule 14). */
  readonly breaker: BreakerState;
  readonly breakerTerms: BreakerTerms;
  readonly sessionEndsMs: number | null;
}

export interface LockedRound {
  /** Its rows as the book has them, read under the lock. */
  readonly rows: RoundRows;
  readonly context: RoundContext;
  readonly version: number;
  readonly journalHead: Buffer | null;
  readonly nowMs: number;
  /** How long ago that was, at the least what it really is: counted since before the clock was read. */
  readonly elapsedMs: () => number;
  readonly earlierRoundsOpen: boolean;
  /** How long after its last use the round's session ends. */
  readonly sessionIdleMs: number;
}

/**
 * What of a round only decisions change, each with its version: as one leaves it the next finds it, while the version
 * is the same.
 */
export type RoundAsLeft = Pick<LockedRound, 'rows' | 'context' | 'version' | 'journalHead'> & {
  readonly sessionIdleMs: number;
};

const MS = (column: string) => `(extract(epoch FROM ${column}) * 1000)::bigint`;

/** What else a decision depends on, and what changes without one. */
const BESIDE_ROUND = `
         ${MS('s.last_used_at')} AS session_used_ms, ${MS('s.ended_at')} AS session_ended_ms,
         EXISTS (SELECT 1 FROM rounds e WHERE e.session_id = r.session_id AND e.game_id = r.game_id
                  AND e.status = 'open' AND e.id < r.id) AS earlier_open,
         CASE WHEN br.open_until IS NULL THEN 'closed' WHEN br.open_until > clock_timestamp() THEN 'open'
              ELSE 'half_open' END AS breaker,
         ${MS('clock_timestamp()')} AS now_ms`;

const LOCK_ROUND = `
  SELECT r.id, r.connection_id, r.player_id, r.round_ref, r.partner_id, r.session_id, r.game_id,
         r.currency, r.status, r.closed_by, r.closes_previous, r.version, r.journal_head,
         ${MS('r.closing_at')} AS closing_ms, ${MS('r.last_activity_at')} AS last_activity_ms,
         cu.exponent, c.key AS connection_key, c.settings AS connection_settings,
         p.prefix, p.settings AS partner_settings, pl.reference, g.title, pr.provider_name,
         ${BESIDE_ROUND}
    FROM rounds r
    JOIN connections c ON c.id = r.connection_id
    JOIN partners p ON p.id = r.partner_id
    JOIN players pl ON pl.player_id = r.player_id
    JOIN currencies cu ON cu.code = r.currency
    LEFT JOIN partner_breakers br ON br.partner_id = r.partner_id
    LEFT JOIN sessions s ON s.id = r.session_id
    LEFT JOIN games g ON g.connection_id = r.connection_id AND g.game_id = r.game_id
    LEFT JOIN products pr ON pr.id = g.product_id
   WHERE r.id = $1
     FOR UPDATE OF r`;

const LOCK_AGAIN = `
  SELECT r.version, ${BESIDE_ROUND}
    FROM rounds r
    LEFT JOIN partner_breakers br ON br.partner_id = r.partner_id
    LEFT JOIN sessions s ON s.id = r.session_id
   WHERE r.id = $1
     FOR UPDATE OF r`;

interface BesideRow {
  version: number;
  session_used_ms: string | null;
  session_ended_ms: string | null;
  now_ms: string;
  earlier_open: boolean;
  breaker: BreakerState;
}

interface LockedRow extends BesideRow {
  id: string;
  connection_id: number;
  player_id: string;
  round_ref: string;
  partner_id: number;
  session_id: string | null;
  game_id: string;
  currency: string;
  status: RoundRow['status'];
  closed_by: RoundRow['closedBy'];
  closes_previous: RoundRow['closesPrevious'];
  journal_head: Buffer | null;
  closing_ms: string | null;
  last_activity_ms: string;
  exponent: number;
  connection_key: string;
  connection_settings: unknown;
  prefix: string;
  partner_settings: unknown;
  reference: string;
  title: string | null;
  provider_name: string | null;
}

/**
 * Locks a round for the rest of the transaction and reads it whole, in one round trip. Undefined when the book
 * has no such round.
 */
export async function lockRound(
  client: PoolClient,
  roundId: string,
): Promise<LockedRound | undefined> {
  const sentAt = performance.now();
  joinWrites(client);
  const [locked, loaded] = await Promise.all([
    client.query<LockedRow>({ name: 'lock_round', text: LOCK_ROUND, values: [roundId] }),
    client.query<StoredRows>({ name: 'load_round', text: LOAD_ROUND, values: [roundId] }),
  ]);
  const row = locked.rows[0];
  if (!row) return undefined;
  const connection = parseConnectionSettings(row.connection_settings);
  const partner = parsePartnerSettings(row.partner_settings);
  // A cap finer than the currency is cut, never dropped: no setting may turn into no limit.
  const cap = (text: string | null) =>
    text === null ? null : (cutToMinor(text, row.exponent) ?? 0n);
  const idleMs = connection.session_idle_ms;
  return {
    nowMs: Number(row.now_ms),
    elapsedMs: () => performance.now() - sentAt,
    earlierRoundsOpen: row.earlier_open,
    sessionIdleMs: idleMs,
    version: row.version,
    journalHead: row.journal_head,
    rows: rowsOf(row, loaded.rows[0]),
    context: {
      roundId: row.id,
      connectionId: row.connection_id,
      connectionKey: row.connection_key,
      playerId: row.player_id,
      roundRef: row.round_ref,
      partnerId: row.partner_id,
      partnerPrefix: row.prefix,
      userAgent: `${row.prefix}.${row.reference}`,
      sessionId: row.session_id,
      gameId: row.game_id,
      gameTitle: row.title ?? row.game_id,
      providerName: row.provider_name ?? row.connection_key,
      sessionEndsMs: sessionEnd(row, idleMs),
      breaker: row.breaker,
      breakerTerms: {
        ratio: partner.breaker.ratio,
        callsMin: partner.breaker.calls_min,
        windowMs: partner.breaker.window_ms,
        openMsMin: partner.breaker.open_ms_min,
        openMsMax: partner.breaker.open_ms_max,
      },
      terms: {
        currency: row.currency,
        exponent: row.exponent,
        answerDeadlineMs: connection.answer_deadline_ms,
        reviveWindowMs: connection.revive_window_ms,
        idleCloseMs: connection.idle_close_ms,
        closeGraceMs: connection.close_grace_ms,
        attemptTimeoutMs: partner.wallet_attempt_timeout_ms,
        payoutAck: connection.payout_ack,
        closeOnNextStake: connection.close_on_next_stake,
        orphanPayout: connection.orphan_payout,
        orphanPayoutMax: cap(connection.orphan_payout_max),
        stakeMax: cap(connection.stake_max),
        payoutMax: cap(connection.payout_max),
        extraPayout: partner.extra_payout,
        dedupBeforeFunds: partner.dedup_before_funds,
        wantsBetEnd: partner.bet_end,
        wantsHistory: partner.history,
      },
    },
  };
}

/**
 * Locks a round for the rest of the transaction, of which is known how an earlier one of this process left it. What
 * changes without a decision is read anew, settings are not.
 *
 * @returns undefined when another decision has come between: the lock is held, and the round has to be read
 */
export async function lockAgain(
  client: PoolClient,
  left: RoundAsLeft,
): Promise<LockedRound | undefined> {
  const sentAt = performance.now();
  const { rows } = await client.query<BesideRow>({
    name: 'lock_again',
    text: LOCK_AGAIN,
    values: [left.context.roundId],
  });
  const row = rows[0];
  if (row?.version !== left.version) return undefined;
  return {
    ...left,
    nowMs: Number(row.now_ms),
    elapsedMs: () => performance.now() - sentAt,
    earlierRoundsOpen: row.earlier_open,
    context: {
      ...left.context,
      breaker: row.breaker,
      sessionEndsMs: sessionEnd(row, left.sessionIdleMs),
    },
  };
}

function sessionEnd(row: BesideRow, idleMs: number): number | null {
  if (row.session_ended_ms !== null) return Number(row.session_ended_ms);
  return row.session_used_ms === null ? null : Number(row.session_used_ms) + idleMs;
}

// A statement of its own behind the lock's: a statement that waited for the lock would still see these tables
// as they were before the wait.
const LOAD_ROUND = `
  SELECT
    (SELECT coalesce(json_agg(json_build_object(
        'id', id, 'kind', kind, 'transactionRef', transaction_ref, 'amount', amount::text,
        'gameId', game_id, 'isClose', is_close, 'betAmount', bet_amount::text, 'betId', bet_id,
        'payoutState', payout_state, 'requests', requests, 'deadlineMs', ${MS('deadline_at')},
        'waiting', waiting, 'answerResult', answer_result, 'answerBalance', answer_balance,
        'createdMs', ${MS('created_at')}) ORDER BY id), '[]')
       FROM operations WHERE round_id = $1) AS operations,
    (SELECT coalesce(json_agg(json_build_object(
        'id', id, 'form', form, 'operationId', operation_id, 'stake', stake::text,
        'outcome', outcome, 'decision', decision, 'stakeBalance', stake_balance,
        'payoutOperationId', payout_operation_id, 'payout', payout::text, 'paid', paid,
        'lastBalance', last_balance, 'createdMs', ${MS('created_at')},
        'updatedMs', ${MS('updated_at')}) ORDER BY operation_id), '[]')
       FROM bets WHERE round_id = $1) AS bets,
    (SELECT coalesce(json_agg(json_build_object(
        'betId', bet_id, 'verb', verb, 'number', number, 'status', status, 'attempts', attempts,
        'uncertain', uncertain, 'runningSinceMs', ${MS('running_since')},
        'nextAttemptMs', ${MS('next_attempt_at')}, 'lastFailure', last_failure, 'repeats', repeats,
        'drained', drain_partner IS NOT NULL,
        'reported', reported, 'doneMs', ${MS('done_at')}) ORDER BY bet_id, verb, number), '[]')
       FROM obligations WHERE round_id = $1) AS obligations`;

type Stored<Row, Amounts extends keyof Row> = Omit<Row, Amounts> & { [Name in Amounts]: string };
type StoredOperation = Stored<Omit<OperationRow, 'betAmount' | 'answer'>, 'amount'> & {
  betAmount: string | null;
  answerResult: NonNullable<OperationRow['answer']>['result'] | null;
  answerBalance: string | null;
};

interface StoredRows {
  readonly operations: StoredOperation[];
  readonly bets: Stored<BetRow, 'stake' | 'payout'>[];
  readonly obligations: ObligationRow[];
}

function rowsOf(row: LockedRow, stored: StoredRows | undefined): RoundRows {
  return {
    round: {
      id: row.id,
      status: row.status,
      closedBy: row.closed_by,
      closingAtMs: row.closing_ms === null ? null : Number(row.closing_ms),
      gameId: row.game_id,
      lastActivityMs: Number(row.last_activity_ms),
      closesPrevious: row.closes_previous,
    },
    operations: (stored?.operations ?? []).map(({ answerResult, answerBalance, ...operation }) => ({
      ...operation,
      amount: BigInt(operation.amount),
      betAmount: operation.betAmount === null ? null : BigInt(operation.betAmount),
      answer: answerResult === null ? null : { result: answerResult, balance: answerBalance },
    })),
    bets: (stored?.bets ?? []).map((bet) => ({
      ...bet,
      stake: BigInt(bet.stake),
      payout: BigInt(bet.payout),
    })),
    obligations: stored?.obligations ?? [],
  };
}
