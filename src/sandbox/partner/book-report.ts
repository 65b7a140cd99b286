import type { Pool } from 'pg';
import type { Money } from './money-text';
import { inTransaction, type Transaction } from './open-book';

/** Bets on one page of the report; also the most a caller may ask for. */
export const REPORT_PAGE_MAX = 1_000;
/** Violations shown; their number is always told in full. */
const VIOLATIONS_SHOWN = 100;

export interface BookPage {
  /** `bet_number` after which the page begins; 0 for the first page. */
  readonly afterBet: bigint;
  /** Handle after which the players begin; empty for the first page. */
  readonly afterPlayer: string;
  readonly limit: number;
}

/**
 * The casino's book for audits; amounts are decimal text, and `next`/`players_next` name the following page
 * (null on the last). One snapshot per page. `balanced` is false when a balance is not the sum of its lines or the
 * lines do not sum to zero.
 */
export async function reportBook(pool: Pool, money: Money, page: BookPage): Promise<object> {
  return inTransaction(pool, async (tx) => {
    await tx.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const players = await playersOf(tx, money, page);
    const bets = await betsOf(tx, money, page);
    const totals = await tx.query<{ bets: string; bet: string; settled: string }>(
      `SELECT count(*) AS bets, coalesce(sum(stake_minor), 0) AS bet,
              coalesce(sum(settled_minor), 0) AS settled FROM bet`,
    );
    const violations = await tx.query<{ endpoint: string; bet_id: string; text: string }>(
      'SELECT endpoint, bet_id, text FROM violation ORDER BY violation_number LIMIT $1',
      [VIOLATIONS_SHOWN],
    );
    const counted = await tx.query<{ n: string }>('SELECT count(*) AS n FROM violation');
    return {
      currency: money.currency,
      balanced: await isBalanced(tx),
      totals: {
        bets: Number(totals.rows[0]?.bets ?? 0),
        bet: money.text(BigInt(totals.rows[0]?.bet ?? 0)),
        settled: money.text(BigInt(totals.rows[0]?.settled ?? 0)),
      },
      violations: { count: Number(counted.rows[0]?.n ?? 0), items: violations.rows },
      ...players,
      ...bets,
    };
  });
}

async function playersOf(tx: Transaction, money: Money, page: BookPage): Promise<object> {
  const { rows } = await tx.query<{ user_agent: string; balance_minor: string; blocked: boolean }>(
    `SELECT user_agent, balance_minor, blocked FROM account
      WHERE kind = 'player' AND user_agent > $1 ORDER BY user_agent LIMIT $2`,
    [page.afterPlayer, page.limit],
  );
  return {
    players: rows.map((row) => ({
      user_agent: row.user_agent,
      balance: money.text(BigInt(row.balance_minor)),
      blocked: row.blocked,
    })),
    players_next: rows.length === page.limit ? (rows.at(-1)?.user_agent ?? null) : null,
  };
}

interface BetRow {
  bet_number: string;
  bet_id: string;
  user_agent: string;
  stake_minor: string;
  settled_minor: string | null;
  win_minor: string | null;
  ended: boolean;
  creates: string;
  updates: string;
  distinct_creates: string;
  distinct_updates: string;
  record: string | null;
}

async function betsOf(tx: Transaction, money: Money, page: BookPage): Promise<object> {
  const { rows } = await tx.query<BetRow>(
    `SELECT b.bet_number, b.bet_id, a.user_agent, b.stake_minor, b.settled_minor, b.win_minor, b.ended,
            e.creates, e.updates, e.distinct_creates, e.distinct_updates, h.body AS record
       FROM (SELECT * FROM bet WHERE bet_number > $1 ORDER BY bet_number LIMIT $2) b
       JOIN account a USING (account_id)
       LEFT JOIN history_record h USING (bet_id)
       CROSS JOIN LATERAL (
         SELECT count(*) FILTER (WHERE type = 'create') AS creates,
                count(*) FILTER (WHERE type = 'update') AS updates,
                count(DISTINCT digest) FILTER (WHERE type = 'create') AS distinct_creates,
                count(DISTINCT digest) FILTER (WHERE type = 'update') AS distinct_updates
           FROM history_event WHERE history_event.bet_id = b.bet_id
       ) e
      ORDER BY b.bet_number`,
    [page.afterBet.toString(), page.limit],
  );
  return {
    bets: rows.map((row) => ({
      bet_id: row.bet_id,
      user_agent: row.user_agent,
      bet: money.text(BigInt(row.stake_minor)),
      settled: row.settled_minor === null ? null : money.text(BigInt(row.settled_minor)),
      ended: row.ended,
      win_balance: row.win_minor === null ? null : money.text(BigInt(row.win_minor)),
      history: {
        creates: Number(row.creates),
        updates: Number(row.updates),
        distinct_creates: Number(row.distinct_creates),
        distinct_updates: Number(row.distinct_updates),
        record: row.record === null ? null : (JSON.parse(row.record) as unknown),
      },
    })),
    next: rows.length === page.limit ? (rows.at(-1)?.bet_number ?? null) : null,
  };
}

/** Whether all lines sum to zero and each balance is the sum of its lines. Adds up the whole book. */
export async function isBalanced(tx: Transaction): Promise<boolean> {
  const { rows } = await tx.query<{ balanced: boolean }>(
    `SELECT (SELECT coalesce(sum(amount_minor), 0) = 0 FROM posting)
        AND NOT EXISTS (
              SELECT FROM account a
                LEFT JOIN (SELECT account_id, sum(amount_minor) AS total FROM posting GROUP BY 1) p
                USING (account_id)
               WHERE a.kind = 'player' AND a.balance_minor <> coalesce(p.total, 0)) AS balanced`,
  );
  return rows[0]?.balanced ?? false;
}
