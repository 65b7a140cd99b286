import type { Found } from './contradiction';
import type { Db } from './pool';

/** Rows that one check names at most; their number is enough to know, the rows are enough to begin with. */
const ROWS_PER_CHECK_MAX = 100;

/** Looks for rows of the book that cannot both be true (SPEC §4). */
export async function auditRows(db: Db, found: Found): Promise<void> {
  for (const { rule, sql } of CHECKS) {
    const { rows } = await db.query<{ where: string; detail: string }>(
      `${sql} LIMIT ${ROWS_PER_CHECK_MAX}`,
    );
    for (const row of rows) found({ rule, ...row });
  }
}

// A power of numeric: 10 ^ 2 is a double, and 0.29 would be 28.999999999999996 minor units.
const AMOUNT = (field: string) =>
  `(o.payload::jsonb->>'${field}')::numeric * power(10::numeric, cu.exponent)`;
const GIVEN = `CASE b.decision WHEN 'failed' THEN b.stake ELSE b.payout END`;
const CALLS = `obligations o JOIN bets b ON b.id = o.bet_id JOIN rounds r ON r.id = b.round_id
  JOIN currencies cu ON cu.code = r.currency`;
const NAME = `o.bet_id || '/' || o.verb || '/' || o.number`;

/** Each finds rows that cannot both be true. */
const CHECKS: readonly { rule: string; sql: string }[] = [
  {
    rule: 'code 0 leaves only for a stake that is done and confirmed',
    sql: `SELECT 'operation ' || op.id AS where, b.outcome || '/' || b.decision AS detail
            FROM operations op JOIN bets b ON b.id = op.bet_id
           WHERE op.kind = 'stake' AND op.answer_result = 'accepted'
             AND NOT (b.outcome = 'done' AND b.decision = 'confirmed')`,
  },
  {
    rule: 'a confirmed stake has its accepted answer, a failed one its refusal',
    sql: `SELECT 'operation ' || op.id AS where, b.decision AS detail
            FROM operations op JOIN bets b ON b.id = op.bet_id
           WHERE op.kind = 'stake' AND b.decision <> 'open'
             AND (b.decision = 'confirmed') IS DISTINCT FROM (op.answer_result = 'accepted')`,
  },
  {
    rule: 'a stake is done exactly when its call is done',
    sql: `SELECT ${NAME} AS where, o.status || ', outcome ' || b.outcome AS detail
            FROM ${CALLS} WHERE o.verb = 'take' AND (o.status = 'done') <> (b.outcome = 'done')`,
  },
  {
    rule: 'a done call has an attempt that the wallet confirmed',
    sql: `SELECT ${NAME} AS where, 'no confirmed attempt' AS detail FROM obligations o
           WHERE o.status = 'done' AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.bet_id = o.bet_id
             AND a.verb = o.verb AND a.number = o.number AND a.result = 'done')`,
  },
  {
    rule: 'the bytes sent carry the amounts of the book',
    sql: `SELECT ${NAME} AS where, o.payload AS detail FROM ${CALLS}
           WHERE (o.verb = 'take' AND o.payload IS NOT NULL AND ${AMOUNT('balance')} <> b.stake)
              OR (o.verb = 'give' AND o.payload IS NOT NULL AND ${AMOUNT('balance')} <> ${GIVEN})
              OR (o.verb = 'end' AND o.payload IS NOT NULL AND (${AMOUNT('balance')} <> b.stake
                  OR ${AMOUNT('win_balance')} <> ${GIVEN}))
              OR (o.verb = 'report' AND o.payload IS NOT NULL AND (${AMOUNT('used_balance')} <> b.stake
                  OR ${AMOUNT('receive_balance')} NOT IN (0, ${GIVEN})))`,
  },
  {
    rule: 'a paid payout was given once, on one bet',
    sql: `SELECT 'operation ' || op.id AS where, op.payout_state AS detail FROM operations op
           WHERE op.kind = 'payout' AND op.payout_state IN ('owed', 'paid')
             AND (op.payout_state = 'paid') IS DISTINCT FROM (SELECT b.paid FROM bets b
               WHERE b.payout_operation_id = op.id AND b.id = op.bet_id AND b.payout = op.amount)`,
  },
  {
    rule: 'a failed stake that was taken is given back',
    sql: `SELECT 'bet ' || b.id AS where, 'taken, failed, and nothing owed' AS detail FROM bets b
           WHERE b.outcome = 'done' AND b.decision = 'failed' AND b.stake > 0
             AND NOT EXISTS (SELECT 1 FROM obligations o WHERE o.bet_id = b.id AND o.verb = 'give')`,
  },
  {
    rule: 'a round at rest owes nothing',
    sql: `SELECT 'round ' || r.id AS where, 'closed, and the last record of bet ' || b.id || ' is not the truth' AS detail
            FROM rounds r JOIN bets b ON b.round_id = r.id JOIN partners p ON p.id = r.partner_id
            JOIN currencies cu ON cu.code = r.currency
            LEFT JOIN LATERAL (SELECT o.* FROM obligations o WHERE o.bet_id = b.id AND o.verb = 'report'
              ORDER BY o.number DESC LIMIT 1) o ON true
           WHERE r.status = 'closed' AND r.due_at IS NULL AND b.outcome = 'done'
             AND coalesce((p.settings->>'history')::boolean, true)
             AND (o.status IS DISTINCT FROM 'done' OR ${AMOUNT('used_balance')} <> b.stake
               OR ${AMOUNT('receive_balance')} <> ${GIVEN})`,
  },
  {
    rule: 'every operation is behind the gate',
    sql: `SELECT 'operation ' || op.id AS where, 'no key' AS detail FROM operations op
            JOIN rounds r ON r.id = op.round_id
            LEFT JOIN operation_keys k ON k.connection_id = r.connection_id AND k.kind = op.kind
             AND k.player_id = r.player_id AND k.round_ref = r.round_ref
             AND k.transaction_ref = op.transaction_ref AND k.operation_id = op.id
           WHERE k.operation_id IS NULL`,
  },
];
