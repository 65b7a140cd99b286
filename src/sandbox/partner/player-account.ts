import type { Pool } from 'pg';
import type { Clock } from '../../lib/clock';
import { openPlayer } from './ledger';
import type { Money } from './money-text';
import { inTransaction } from './open-book';

export interface PlayerAccountReader {
  /** Opens the player's account when it is new; the balance in minor units. */
  open(userAgent: string): Promise<bigint>;
  /** Newest records first. */
  records(userAgent: string, page: RecordPage): Promise<PlayedBet[]>;
  hasRecord(userAgent: string, betId: string): Promise<boolean>;
}

export interface RecordPage {
  readonly offset: number;
  readonly limit: number;
}

/** A bet as the history feed told it. */
export interface PlayedBet {
  readonly betId: string;
  readonly provider: string;
  readonly game: string;
  readonly usedMinor: bigint;
  readonly receiveMinor: bigint;
  readonly winloseMinor: bigint;
  readonly createdAt: Date;
}

/** What the storefront reads of the casino's own book. */
export function createPlayerAccountReader(deps: {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly money: Money;
}): PlayerAccountReader {
  return {
    async open(userAgent) {
      // Reading first, since nearly every visit finds its account and needs no lock on it.
      const known = await deps.pool.query<{ balance_minor: string }>(
        'SELECT balance_minor FROM account WHERE user_agent = $1',
        [userAgent],
      );
      if (known.rows[0]) return BigInt(known.rows[0].balance_minor);
      const at = new Date(deps.clock.nowMs());
      const opened = await inTransaction(deps.pool, (tx) =>
        openPlayer(tx, userAgent, deps.money.openingMinor, at),
      );
      return opened.balanceMinor;
    },
    async records(userAgent, page) {
      const { rows } = await deps.pool.query<{
        bet_id: string;
        provider: string;
        game: string;
        used_minor: string;
        receive_minor: string;
        winlose_minor: string;
        created_at: Date;
      }>(
        `SELECT bet_id, provider, game, used_minor, receive_minor, winlose_minor, created_at
           FROM history_record WHERE user_agent = $1
          ORDER BY created_at DESC, bet_id DESC OFFSET $2 LIMIT $3`,
        [userAgent, page.offset, page.limit],
      );
      return rows.map((row) => ({
        betId: row.bet_id,
        provider: row.provider,
        game: row.game,
        usedMinor: BigInt(row.used_minor),
        receiveMinor: BigInt(row.receive_minor),
        winloseMinor: BigInt(row.winlose_minor),
        createdAt: row.created_at,
      }));
    },
    async hasRecord(userAgent, betId) {
      const { rowCount } = await deps.pool.query(
        'SELECT FROM history_record WHERE bet_id = $1 AND user_agent = $2',
        [betId, userAgent],
      );
      return rowCount === 1;
    },
  };
}
