import type { Pool } from 'pg';
import { formatAmount } from '../../domain/money';

export interface BookFilter {
  readonly partnerId: string;
  readonly playerId?: string | undefined;
  readonly roundId?: string | undefined;
  readonly status?: string | undefined;
  /** Only operations behind this transaction id: the page before ended with it. */
  readonly after?: string | undefined;
  readonly limit: number;
}

export interface BookOperation {
  readonly kind: 'credit' | 'debit';
  readonly player_id: string;
  readonly round_id: string;
  readonly game_id: string;
  readonly transaction_id: string;
  readonly currency: string;
  readonly amount: string;
  readonly bet_amount: string | null;
  readonly is_close: boolean;
  readonly status: 'unanswered' | 'accepted' | 'refused';
  readonly code: number | null;
  readonly message: string | null;
  readonly balance: string | null;
  readonly external_session_id: string | null;
  readonly attempts: number;
}

export interface BookTotal {
  readonly currency: string;
  readonly kind: 'credit' | 'debit';
  readonly status: 'unanswered' | 'accepted' | 'refused';
  readonly count: number;
  readonly amount: string;
}

interface Row extends Omit<BookOperation, 'amount' | 'bet_amount'> {
  readonly exponent: number;
  readonly amount_minor: string;
  readonly bet_amount_minor: string | null;
}

/** One page of a partner's operations, in the order of their transaction ids. */
export async function listOperations(
  pool: Pool,
  filter: BookFilter,
): Promise<{ operations: BookOperation[]; nextAfter: string | null }> {
  const { rows } = await pool.query<Row>(
    `SELECT kind, player_id, round_id::text, game_id::text, transaction_id::text, currency, exponent,
       amount_minor, bet_amount_minor, is_close, status, code, message, balance, external_session_id,
       attempts
     FROM web_games.operations
     WHERE partner_id = $1 AND transaction_id > $2 AND ($3::text IS NULL OR player_id = $3)
       AND ($4::integer IS NULL OR round_id = $4) AND ($5::text IS NULL OR status = $5)
     ORDER BY transaction_id LIMIT $6`,
    [
      filter.partnerId,
      filter.after ?? '0',
      filter.playerId ?? null,
      filter.roundId ?? null,
      filter.status ?? null,
      filter.limit,
    ],
  );
  const operations = rows.map((row): BookOperation => {
    const { exponent, amount_minor, bet_amount_minor, ...rest } = row;
    return {
      ...rest,
      amount: formatAmount(BigInt(amount_minor), exponent),
      bet_amount:
        bet_amount_minor === null ? null : formatAmount(BigInt(bet_amount_minor), exponent),
    };
  });
  const full = operations.length === filter.limit;
  return { operations, nextAfter: full ? (operations.at(-1)?.transaction_id ?? null) : null };
}

/** Sums per currency, kind and status; `accepted` is what the partner owes an equal answer for. */
export async function totalsOf(
  pool: Pool,
  { partnerId, playerId }: Pick<BookFilter, 'partnerId' | 'playerId'>,
): Promise<BookTotal[]> {
  const { rows } = await pool.query<{
    currency: string;
    exponent: number;
    kind: BookTotal['kind'];
    status: BookTotal['status'];
    count: string;
    amount: string;
  }>(
    `SELECT currency, exponent, kind, status, count(*) AS count, sum(amount_minor) AS amount
     FROM web_games.operations
     WHERE partner_id = $1 AND ($2::text IS NULL OR player_id = $2)
     GROUP BY currency, exponent, kind, status ORDER BY currency, kind, status`,
    [partnerId, playerId ?? null],
  );
  return rows.map(({ currency, exponent, kind, status, count, amount }) => ({
    currency,
    kind,
    status,
    count: Number(count),
    amount: formatAmount(BigInt(amount), exponent),
  }));
}

/** How many calls wait for a definite answer, and the oldest of them. */
export async function countUnanswered(
  pool: Pool,
  partnerId: string | undefined,
): Promise<{ count: number; oldest_transaction_id: string | null }> {
  const { rows } = await pool.query<{ count: string; oldest: string | null }>(
    `SELECT count(*) AS count, min(transaction_id)::text AS oldest FROM web_games.operations
     WHERE status = 'unanswered' AND ($1::bigint IS NULL OR partner_id = $1)`,
    [partnerId ?? null],
  );
  return {
    count: Number(rows[0]?.count ?? 0),
    oldest_transaction_id: rows[0]?.oldest ?? null,
  };
}
