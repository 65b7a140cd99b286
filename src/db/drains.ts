import type { BreakerState } from '../domain/breaker';
import type { DrainInput } from '../contracts/drain';
import { parsePartnerSettings } from '../contracts/settings';
import type { Db } from './pool';

/** What a partner's drain has before it. */
export interface DrainState {
  readonly left: number;
  /** Calls that are made, and of which their rounds' workflows have not been told. */
  readonly untold: number;
  /** Age of the oldest round's bet among those still to be made, ms. */
  readonly oldestMs: number;
  /** How long the breaker is open yet, ms; 0 when it is half open or closed. */
  readonly openForMs: number;
  readonly breaker: BreakerState;
  /** Until the next call is due, ms; 0 when one is. */
  readonly nextDueMs: number;
  readonly maxInFlight: number;
  readonly attemptMsMax: number;
}

export async function drainState(db: Db, partnerId: number): Promise<DrainState> {
  const { rows } = await db.query<{
    left: string;
    untold: string;
    oldest_ms: string | null;
    due_ms: string | null;
    open_ms: string | null;
    settings: unknown;
  }>(
    `SELECT d.left, d.due_ms, p.settings,
            (SELECT count(*) FROM obligations o
              WHERE o.drain_partner = p.id AND o.status <> 'open') AS untold,
            (SELECT ${MS('clock_timestamp() - b.created_at')}
               FROM obligations o JOIN bets b ON b.id = o.bet_id
              WHERE o.drain_partner = p.id AND o.status = 'open'
              ORDER BY o.round_id LIMIT 1) AS oldest_ms,
            (SELECT ${MS('br.open_until - clock_timestamp()')} FROM partner_breakers br
              WHERE br.partner_id = p.id) AS open_ms
       FROM partners p, LATERAL (
         SELECT count(*) AS left, ${MS('min(o.next_attempt_at) - clock_timestamp()')} AS due_ms
           FROM obligations o WHERE o.drain_partner = p.id AND o.status = 'open') d
      WHERE p.id = $1`,
    [partnerId],
  );
  const row = rows[0];
  const settings = parsePartnerSettings(row?.settings ?? {});
  const openText = row?.open_ms ?? null;
  const openMs = openText === null ? null : Number(openText);
  return {
    left: Number(row?.left ?? 0),
    untold: Number(row?.untold ?? 0),
    oldestMs: Number(row?.oldest_ms ?? 0),
    openForMs: Math.max(openMs ?? 0, 0),
    breaker: openMs === null ? 'closed' : openMs > 0 ? 'open' : 'half_open',
    nextDueMs: Math.max(Number(row?.due_ms ?? 0), 0),
    maxInFlight: settings.max_in_flight,
    attemptMsMax: settings.wallet_attempt_timeout_ms,
  };
}

const MS = (interval: string) => `(extract(epoch FROM ${interval}) * 1000)::bigint`;

export interface DrainedCall {
  readonly round: string;
  readonly call: string;
}

/**
 * Calls of a drain that are due, those of the oldest rounds first.
 *
 * @param evenIfEarly when none is due, the one that will be next: it tells whether the wallet is back
 */
export async function drainedCalls(
  db: Db,
  partnerId: number,
  limit: number,
  evenIfEarly: boolean,
): Promise<DrainedCall[]> {
  const { rows } = await db.query<DrainedCall>(
    `SELECT round_id AS round, bet_id || '/' || verb || '/' || number AS call FROM obligations
      WHERE drain_partner = $1 AND status = 'open' AND next_attempt_at <= clock_timestamp()
      ORDER BY round_id, bet_id, number LIMIT $2`,
    [partnerId, limit],
  );
  if (rows.length > 0 || !evenIfEarly) return rows;
  const { rows: soonest } = await db.query<DrainedCall>(
    `SELECT round_id AS round, bet_id || '/' || verb || '/' || number AS call FROM obligations
      WHERE drain_partner = $1 AND status = 'open' ORDER BY next_attempt_at LIMIT 1`,
    [partnerId],
  );
  return soonest;
}

/**
 * The wallet answers again: whatever waits for its next repeat is due. Rows that a decision holds right now
 * are left out; theirs is being made anyway.
 */
export async function hurryDrain(db: Db, partnerId: number): Promise<void> {
  await db.query(
    `UPDATE obligations SET next_attempt_at = clock_timestamp()
      WHERE (bet_id, verb, number) IN (
        SELECT bet_id, verb, number FROM obligations
         WHERE drain_partner = $1 AND status = 'open' AND next_attempt_at > clock_timestamp()
           FOR UPDATE SKIP LOCKED)`,
    [partnerId],
  );
}

/** Rounds of which a drained call is made, or not owed any more, and whose workflow has not been told. */
export async function untoldRounds(db: Db, partnerId: number, limit: number): Promise<string[]> {
  const { rows } = await db.query<{ round: string }>(
    `SELECT DISTINCT round_id AS round FROM obligations
      WHERE drain_partner = $1 AND status <> 'open' ORDER BY round_id LIMIT $2`,
    [partnerId, limit],
  );
  return rows.map(({ round }) => round);
}

/**
 * The round's workflow has been told of everything up to a version of its round. A call that another decision
 * has ended since is left on the list: whoever took that decision tells of both.
 */
export async function markTold(db: Db, roundId: string, version: number): Promise<void> {
  await db.query(
    `UPDATE obligations SET drain_partner = NULL
      WHERE round_id = $1 AND drain_partner IS NOT NULL AND status <> 'open'
        AND (SELECT version FROM rounds WHERE id = $1) = $2`,
    [roundId, version],
  );
}

/** Partners that have something in their drain: the sweep sees to it that each is driven. */
export async function partnersToDrain(db: Db): Promise<DrainInput[]> {
  const { rows } = await db.query<{ id: number; prefix: string; settings: unknown }>(
    `SELECT p.id, p.prefix, p.settings FROM partners p
      WHERE EXISTS (SELECT 1 FROM obligations o WHERE o.drain_partner = p.id)`,
  );
  return rows.map(({ id, prefix, settings }) => ({
    partnerId: id,
    prefix,
    attemptMsMax: parsePartnerSettings(settings).wallet_attempt_timeout_ms,
  }));
}
