import { parseConnectionSettings } from '../contracts/settings';
import type { Book } from './book';
import type { Db } from './pool';
import { resolveCase } from './resolve-case';

/**
 * How long after the last request's answer deadline, and the revive window behind it, a stake's answer may
 * be unaccounted for. A provider that missed its answer repeats within seconds, and a player who goes on
 * spins again within a minute; whoever is silent for longer may believe that the stake failed.
 */
const NOT_SEEN_AFTER_MS = 60_000;

/** What one sweep looks at: few in a calm hour, and the next sweep goes on where an API process died. */
const PER_SWEEP_MAX = 200;

// The answers that nobody noted as written and no later request told of. By the partial index of 0005.
const UNACCOUNTED = `
  FROM operations op
  JOIN rounds r ON r.id = op.round_id
  JOIN connections co ON co.id = r.connection_id
  JOIN bets b ON b.id = op.bet_id
 WHERE op.kind = 'stake' AND op.answer_result = 'accepted' AND op.answer_written_at IS NULL
   AND op.answer_seen_at IS NULL
   AND op.deadline_at < clock_timestamp() - make_interval(secs =>
       ($1 + coalesce((co.settings->>'revive_window_ms')::bigint, $2)) / 1000.0)`;

// A provider pays, closes or goes on only where it counts the stake as taken. A repeat is a sign too: its
// answer is the one that gets written. `updated_at`: when the stake was done, while nothing was paid on it.
const SIGN = `(
  EXISTS (SELECT 1 FROM operations later WHERE later.round_id = op.round_id AND later.kind = 'payout'
             AND later.created_at >= op.created_at)
  OR EXISTS (SELECT 1 FROM cases late WHERE late.round_id = op.round_id AND late.kind = 'late_payout')
  OR EXISTS (SELECT 1 FROM rounds other JOIN operations later ON later.round_id = other.id
              WHERE other.player_id = r.player_id AND other.id >= r.id AND other.session_id = r.session_id
                AND later.kind = 'stake' AND later.id > op.id AND later.created_at > b.updated_at))`;

const NOTE_SIGNS = `
  UPDATE operations SET answer_seen_at = clock_timestamp()
   WHERE id IN (SELECT op.id ${UNACCOUNTED} AND ${SIGN} LIMIT ${PER_SWEEP_MAX})`;

const OPEN_CASES = `
  INSERT INTO cases (kind, round_id, subject, operation_id, bet_id, amount, currency, evidence, opened_at)
  SELECT 'answer_not_seen', op.round_id, op.id::text, op.id, op.bet_id, op.amount, op.currency,
         json_build_object('transaction', op.transaction_ref, 'answer', op.answer_result,
                           'balance', op.answer_balance, 'requests', op.requests::text,
                           'deadline', op.deadline_at::text), clock_timestamp()
    ${UNACCOUNTED} AND NOT ${SIGN}
     AND NOT EXISTS (SELECT 1 FROM cases c WHERE c.kind = 'answer_not_seen' AND c.round_id = op.round_id
                      AND c.subject = op.id::text)
   LIMIT ${PER_SWEEP_MAX}
  ON CONFLICT DO NOTHING`;

const ACCOUNTED_CASES = `
  SELECT c.id FROM cases c JOIN operations op ON op.id = c.operation_id
   WHERE c.kind = 'answer_not_seen' AND c.status = 'open'
     AND (op.answer_written_at IS NOT NULL OR op.answer_seen_at IS NOT NULL)
   LIMIT ${PER_SWEEP_MAX}`;

/**
 * Rule 4, *answer not seen*: lists as a case each confirmed stake whose answer was never noted as written,
 * and closes the case when a later sign of the provider's shows that it knows of the answer. Both are read
 * from what the book holds, so a sweep that was missed loses nothing.
 *
 * @returns how many cases were opened, and how many closed
 */
export async function watchAnswers(book: Book): Promise<{ opened: number; closed: number }> {
  const { pool } = book;
  const after = [NOT_SEEN_AFTER_MS, parseConnectionSettings({}).revive_window_ms];
  await pool.query(NOTE_SIGNS, after);
  const { rowCount: opened } = await pool.query(OPEN_CASES, after);
  return { opened: opened ?? 0, closed: await closeAccounted(book, pool) };
}

async function closeAccounted(book: Book, db: Db): Promise<number> {
  const { rows } = await db.query<{ id: string }>(ACCOUNTED_CASES);
  let closed = 0;
  for (const { id } of rows) {
    const order = { id, as: 'seen', note: null, by: 'roundhouse', apply: true } as const;
    if ((await resolveCase(book, order)).outcome === 'resolved') closed += 1;
  }
  return closed;
}
