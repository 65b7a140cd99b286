import type { Pool } from 'pg';
import type { Clock } from '../../lib/clock';
import type { Bell } from './bell';
import { openPlayer, post } from './ledger';
import type { Money } from './money-text';
import { inTransaction } from './open-book';

export interface PlayerChange {
  /** What the balance is to be, in minor units; also what a new player starts with. */
  readonly balanceMinor?: bigint;
  readonly blocked?: boolean;
}

export interface Cashier {
  /** Opens the player's account when it is new; the balance in minor units. */
  open(userAgent: string, opening?: PlayerChange): Promise<bigint>;
  /** Gives from the bank; the balance after it, in minor units. */
  topUp(userAgent: string, amountMinor: bigint): Promise<bigint>;
  /** Opens or changes a player; what they are after it. */
  change(userAgent: string, change: PlayerChange): Promise<Required<PlayerChange>>;
}

/** Money that moves without a game: opening balances, top-ups, and what tests and audits set right. */
export function createCashier(deps: {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly money: Money;
  readonly bell: Bell;
}): Cashier {
  const { pool, clock, money, bell } = deps;

  async function change(userAgent: string, wanted: PlayerChange): Promise<Required<PlayerChange>> {
    const at = new Date(clock.nowMs());
    const changed = await inTransaction(pool, async (tx) => {
      const opening = wanted.balanceMinor ?? money.openingMinor;
      const player = await openPlayer(tx, userAgent, opening, at);
      const amountMinor = (wanted.balanceMinor ?? player.balanceMinor) - player.balanceMinor;
      const movement = { kind: 'adjustment', against: 'bank', amountMinor, at } as const;
      const balanceMinor = await post(tx, player, movement);
      if (wanted.blocked !== undefined) {
        await tx.query('UPDATE account SET blocked = $2 WHERE account_id = $1', [
          player.accountId,
          wanted.blocked,
        ]);
      }
      return { balanceMinor, blocked: wanted.blocked ?? player.blocked };
    });
    bell.ring(userAgent);
    return changed;
  }

  return {
    change,
    async open(userAgent, opening = {}) {
      // Reading first, since nearly every visit finds its account and needs no lock on it.
      const known = await pool.query<{ balance_minor: string }>(
        'SELECT balance_minor FROM account WHERE user_agent = $1',
        [userAgent],
      );
      if (known.rows[0]) return BigInt(known.rows[0].balance_minor);
      return (await change(userAgent, opening)).balanceMinor;
    },
    async topUp(userAgent, amountMinor) {
      const at = new Date(clock.nowMs());
      const balanceMinor = await inTransaction(pool, async (tx) => {
        const player = await openPlayer(tx, userAgent, money.openingMinor, at);
        return post(tx, player, { kind: 'topup', against: 'bank', amountMinor, at });
      });
      bell.ring(userAgent);
      return balanceMinor;
    },
  };
}
