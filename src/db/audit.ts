import { formatAmount } from '../domain/money';
import type { Db } from './pool';
import { chainHash } from './save-round';

/** One row that contradicts another. */
export interface Contradiction {
  readonly rule: string;
  readonly where: string;
  readonly detail: string;
}

/** One partner's money on one day, from four sides of our book. */
export interface DayTotals {
  readonly partner: string;
  readonly currency: string;
  readonly day: string;
  /** What our code-0 answers told the provider. */
  readonly provider: Sides;
  /** What our registers say. */
  readonly book: Sides;
  /** What the wallet confirmed, from the bytes it was sent. */
  readonly wallet: Sides;
  /** What the delivered records say; null where the partner wants none. */
  readonly history: Sides | null;
  /** Operations of that day which are not settled yet: they explain a difference. */
  readonly open: number;
}

export interface Sides {
  readonly staked: string;
  readonly paid: string;
}

export interface AuditReport {
  readonly ok: boolean;
  readonly rounds: number;
  readonly journal_lines: number;
  readonly days: readonly DayTotals[];
  /** What is owed, undecided or open, by kind: no contradiction, but not at rest. */
  readonly open: Readonly<Record<string, number>>;
  readonly contradictions: readonly Contradiction[];
}

/** Contradictions shown; their number is enough to know, the rows are enough to begin with. */
const CONTRADICTIONS_MAX = 100;
const JOURNAL_BATCH = 2_000;

/**
 * Rule 13, recomputed: the provider's answers, our registers, the wallet's confirmed calls (from the very
 * bytes sent) and the delivered records must tell the same, and the journal's chain must hold. Reads one
 * snapshot; the caller opens it (REPEATABLE READ).
 */
export async function audit(db: Db): Promise<AuditReport> {
  const contradictions: Contradiction[] = [];
  for (const check of CHECKS) {
    const { rows } = await db.query<{ where: string; detail: string }>(
      `${check.sql} LIMIT ${CONTRADICTIONS_MAX}`,
    );
    contradictions.push(...rows.map((row) => ({ rule: check.rule, ...row })));
  }
  const days = await dayTotals(db);
  for (const day of days) {
    const truth = JSON.stringify(day.book);
    const sides = [day.provider, day.wallet, ...(day.history ? [day.history] : [])];
    if (day.open === 0 && sides.some((side) => JSON.stringify(side) !== truth)) {
      contradictions.push({
        rule: 'the four books agree at rest',
        where: `${day.partner} ${day.currency} ${day.day}`,
        detail: JSON.stringify({ ...day }),
      });
    }
  }
  const journal = await checkJournal(db, contradictions);
  const { rows } = await db.query<{ rounds: string }>('SELECT count(*) AS rounds FROM rounds');
  return {
    ok: contradictions.length === 0,
    rounds: Number(rows[0]?.rounds ?? 0),
    journal_lines: journal,
    days,
    open: await openItems(db),
    contradictions: contradictions.slice(0, CONTRADICTIONS_MAX),
  };
}

const AMOUNT = (field: string) => `(o.payload::jsonb->>'${field}')::numeric * 10 ^ cu.exponent`;
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
              OR (o.verb = 'give' AND o.payload IS NOT NULL AND ${AMOUNT('balance')} <>
                  CASE b.decision WHEN 'failed' THEN b.stake ELSE b.payout END)
              OR (o.verb = 'end' AND o.payload IS NOT NULL AND (${AMOUNT('balance')} <> b.stake
                  OR ${AMOUNT('win_balance')} <> CASE b.decision WHEN 'failed' THEN b.stake ELSE b.payout END))`,
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
               OR ${AMOUNT('receive_balance')} <> CASE b.decision WHEN 'failed' THEN b.stake ELSE b.payout END)`,
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

interface DayRow {
  prefix: string;
  currency: string;
  exponent: number;
  day: string;
  history: boolean;
  open: string;
  provider_staked: string;
  provider_paid: string;
  book_staked: string;
  book_paid: string;
  wallet_staked: string;
  wallet_paid: string;
  history_staked: string;
  history_paid: string;
}

// A compensated stake counts on neither side: it was taken and given back (rule 4).
const DAY_TOTALS = `
  WITH reports AS (
    SELECT DISTINCT ON (bet_id) bet_id, payload::jsonb AS record FROM obligations
     WHERE verb = 'report' AND status = 'done' ORDER BY bet_id, number DESC
  ), taken AS (
    SELECT bet_id, payload::jsonb AS call FROM obligations WHERE verb = 'take' AND status = 'done'
  ), given AS (
    SELECT bet_id, payload::jsonb AS call FROM obligations WHERE verb = 'give' AND status = 'done'
  ), sides AS (
    SELECT r.partner_id, op.currency, op.business_date,
      CASE WHEN op.kind = 'stake' AND op.answer_result = 'accepted' THEN op.amount ELSE 0 END AS provider_staked,
      CASE WHEN op.kind = 'payout' AND op.answer_result = 'accepted' THEN op.amount ELSE 0 END AS provider_paid,
      CASE WHEN op.kind = 'stake' AND b.decision = 'confirmed' THEN op.amount ELSE 0 END AS book_staked,
      CASE WHEN op.payout_state IN ('owed', 'paid') THEN op.amount ELSE 0 END AS book_paid,
      CASE WHEN op.kind = 'stake' AND b.decision = 'confirmed' THEN (taken.call->>'balance')::numeric
        ELSE 0 END AS wallet_staked,
      CASE WHEN op.payout_state IN ('owed', 'paid') THEN (given.call->>'balance')::numeric
        ELSE 0 END AS wallet_paid,
      CASE WHEN op.kind = 'stake' AND b.decision = 'confirmed' THEN (reports.record->>'used_balance')::numeric
        ELSE 0 END AS history_staked,
      CASE WHEN op.payout_state IN ('owed', 'paid') THEN (reports.record->>'receive_balance')::numeric
        ELSE 0 END AS history_paid,
      (b.decision = 'open' OR op.payout_state IN ('owed', 'waiting')
        OR (op.kind = 'payout' AND op.payout_state = 'paid' AND op.answer_result IS NULL)
        OR EXISTS (SELECT 1 FROM obligations o WHERE o.bet_id = b.id AND o.status = 'open')) AS is_open
      FROM operations op JOIN rounds r ON r.id = op.round_id
      LEFT JOIN bets b ON b.id = op.bet_id
      LEFT JOIN taken ON taken.bet_id = b.id
      LEFT JOIN given ON given.bet_id = b.id
      LEFT JOIN reports ON reports.bet_id = b.id
  )
  SELECT p.prefix, s.currency, cu.exponent, s.business_date AS day,
    coalesce((p.settings->>'history')::boolean, true) AS history,
    count(*) FILTER (WHERE is_open) AS open,
    sum(provider_staked) AS provider_staked, sum(provider_paid) AS provider_paid,
    sum(book_staked) AS book_staked, sum(book_paid) AS book_paid,
    round(coalesce(sum(wallet_staked), 0) * 10 ^ cu.exponent) AS wallet_staked,
    round(coalesce(sum(wallet_paid), 0) * 10 ^ cu.exponent) AS wallet_paid,
    round(coalesce(sum(history_staked), 0) * 10 ^ cu.exponent) AS history_staked,
    round(coalesce(sum(history_paid), 0) * 10 ^ cu.exponent) AS history_paid
    FROM sides s JOIN partners p ON p.id = s.partner_id JOIN currencies cu ON cu.code = s.currency
   GROUP BY p.prefix, p.settings, s.currency, cu.exponent, s.business_date
   ORDER BY p.prefix, s.business_date`;

async function dayTotals(db: Db): Promise<DayTotals[]> {
  const { rows } = await db.query<DayRow>(DAY_TOTALS);
  return rows.map((row) => {
    const sides = (staked: string, paid: string): Sides => ({
      staked: formatAmount(BigInt(staked), row.exponent),
      paid: formatAmount(BigInt(paid), row.exponent),
    });
    return {
      partner: row.prefix,
      currency: row.currency,
      day: row.day,
      provider: sides(row.provider_staked, row.provider_paid),
      book: sides(row.book_staked, row.book_paid),
      wallet: sides(row.wallet_staked, row.wallet_paid),
      history: row.history ? sides(row.history_staked, row.history_paid) : null,
      open: Number(row.open),
    };
  });
}

/** Recomputes every round's chain, in batches. Returns how many lines hold. */
async function checkJournal(db: Db, contradictions: Contradiction[]): Promise<number> {
  let lines = 0;
  let after: [string, number] = ['0', 0];
  let round = '';
  let hash: Buffer | null = null;
  const heads = new Map<string, Buffer>();
  for (;;) {
    const { rows } = await db.query<{
      round_id: string;
      version: number;
      facts: string;
      hash: Buffer;
    }>(
      `SELECT round_id, version, facts, hash FROM journal WHERE (round_id, version) > ($1::bigint, $2)
        ORDER BY round_id, version LIMIT ${JOURNAL_BATCH}`,
      after,
    );
    for (const row of rows) {
      if (row.round_id !== round) hash = null;
      round = row.round_id;
      hash = chainHash(hash, row.facts);
      if (!hash.equals(row.hash)) {
        contradictions.push({
          rule: 'the journal is a chain',
          where: `round ${row.round_id}, line ${row.version}`,
          detail: 'the hash does not follow from the line before',
        });
        hash = row.hash;
      }
      heads.set(round, hash);
      lines += 1;
    }
    const last = rows.at(-1);
    if (!last || rows.length < JOURNAL_BATCH) break;
    after = [last.round_id, last.version];
  }
  const { rows } = await db.query<{ id: string; journal_head: Buffer | null }>(
    'SELECT id, journal_head FROM rounds WHERE journal_head IS NOT NULL',
  );
  for (const { id, journal_head } of rows) {
    if (journal_head && !heads.get(id)?.equals(journal_head)) {
      contradictions.push({
        rule: 'the journal is a chain',
        where: `round ${id}`,
        detail: 'its last line is not the one the round remembers',
      });
    }
  }
  return lines;
}

async function openItems(db: Db): Promise<Record<string, number>> {
  const { rows } = await db.query<{ kind: string; count: string }>(
    `SELECT 'undecided stakes' AS kind, count(*) FROM bets WHERE decision = 'open'
     UNION ALL SELECT 'unknown stakes', count(*) FROM obligations WHERE verb = 'take' AND status = 'open'
     UNION ALL SELECT 'payouts owed', count(*) FROM operations WHERE payout_state IN ('owed', 'waiting')
     UNION ALL SELECT 'payouts held', count(*) FROM operations WHERE payout_state = 'held'
     UNION ALL SELECT 'calls owed', count(*) FROM obligations WHERE status = 'open'
     UNION ALL SELECT 'rounds open', count(*) FROM rounds r WHERE status <> 'closed'
       AND EXISTS (SELECT 1 FROM bets b WHERE b.round_id = r.id AND b.decision = 'confirmed')
     UNION ALL SELECT 'cases open', count(*) FROM cases WHERE status = 'open'
     UNION ALL SELECT 'answers not seen', count(*) FROM operations
       WHERE kind = 'stake' AND answer_result = 'accepted' AND answer_written_at IS NULL`,
  );
  return Object.fromEntries(rows.map((row) => [row.kind, Number(row.count)]));
}
