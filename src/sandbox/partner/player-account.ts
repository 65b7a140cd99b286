import type { Pool } from 'pg';

export interface PlayerAccountReader {
  /** Accounts by handle; a player who never came has none. */
  accounts(userAgents: readonly string[]): Promise<Map<string, AccountState>>;
  /** Newest records first. */
  records(userAgent: string, page: RecordPage): Promise<PlayedBet[]>;
  /** Records of these bets, as far as they are this player's; newest first. */
  recordsOf(userAgent: string, betIds: readonly string[]): Promise<PlayedBet[]>;
}

export interface AccountState {
  /** In minor units. */
  readonly balanceMinor: bigint;
  readonly blocked: boolean;
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

interface RecordRow {
  bet_id: string;
  provider: string;
  game: string;
  used_minor: string;
  receive_minor: string;
  winlose_minor: string;
  created_at: Date;
}

const RECORD = `SELECT bet_id, provider, game, used_minor, receive_minor, winlose_minor, created_at
                  FROM history_record WHERE user_agent = $1`;
const NEWEST_FIRST = 'ORDER BY created_at DESC, bet_id DESC';

/** What the storefront reads of the casino's own book. */
export function createPlayerAccountReader(pool: Pool): PlayerAccountReader {
  return {
    async accounts(userAgents) {
      const { rows } = await pool.query<{
        user_agent: string;
        balance_minor: string;
        blocked: boolean;
      }>('SELECT user_agent, balance_minor, blocked FROM account WHERE user_agent = ANY ($1)', [
        userAgents,
      ]);
      return new Map(
        rows.map((row) => [
          row.user_agent,
          { balanceMinor: BigInt(row.balance_minor), blocked: row.blocked },
        ]),
      );
    },
    async records(userAgent, page) {
      const { rows } = await pool.query<RecordRow>(`${RECORD} ${NEWEST_FIRST} OFFSET $2 LIMIT $3`, [
        userAgent,
        page.offset,
        page.limit,
      ]);
      return rows.map(betOf);
    },
    async recordsOf(userAgent, betIds) {
      const { rows } = await pool.query<RecordRow>(
        `${RECORD} AND bet_id = ANY ($2) ${NEWEST_FIRST}`,
        [userAgent, betIds],
      );
      return rows.map(betOf);
    },
  };
}

function betOf(row: RecordRow): PlayedBet {
  return {
    betId: row.bet_id,
    provider: row.provider,
    game: row.game,
    usedMinor: BigInt(row.used_minor),
    receiveMinor: BigInt(row.receive_minor),
    winloseMinor: BigInt(row.winlose_minor),
    createdAt: row.created_at,
  };
}
