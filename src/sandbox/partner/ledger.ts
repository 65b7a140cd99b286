import { assert } from '../../lib/assert';
import type { Transaction } from './open-book';

/** What a new player starts with, in whole units of the casino's currency. */
export const OPENING_BALANCE_UNITS = 1000n;

export interface PlayerAccount {
  readonly accountId: string;
  readonly balanceMinor: bigint;
  readonly turnOverMinor: bigint;
  readonly blocked: boolean;
}

export interface Movement {
  readonly kind: 'opening' | 'topup' | 'adjustment' | 'bet' | 'settle-bet';
  /** The other side: the house for play, the bank for everything that comes from outside it. */
  readonly against: 'house' | 'bank';
  /** Minor units: positive gives to the player, negative takes. */
  readonly amountMinor: bigint;
  readonly betId?: string;
  readonly at: Date;
}

interface AccountRow {
  account_id: string;
  balance_minor: string;
  turn_over_minor: string;
  blocked: boolean;
}

/** Reads a player's account and locks it until the transaction ends; undefined when there is none. */
export async function lockPlayer(
  tx: Transaction,
  userAgent: string,
): Promise<PlayerAccount | undefined> {
  const { rows } = await tx.query<AccountRow>(
    `SELECT account_id, balance_minor, turn_over_minor, blocked
       FROM account WHERE user_agent = $1 FOR NO KEY UPDATE`,
    [userAgent],
  );
  const row = rows[0];
  if (!row) return undefined;
  return {
    accountId: row.account_id,
    balanceMinor: BigInt(row.balance_minor),
    turnOverMinor: BigInt(row.turn_over_minor),
    blocked: row.blocked,
  };
}

/**
 * Locks a player's account, opening it first when it is new. The opening balance comes from the bank, so that
 * the book still sums to zero.
 */
export async function openPlayer(
  tx: Transaction,
  userAgent: string,
  openingMinor: bigint,
  at: Date,
): Promise<PlayerAccount> {
  const known = await lockPlayer(tx, userAgent);
  if (known) return known;
  const inserted = await tx.query(
    `INSERT INTO account (kind, user_agent, balance_minor, created_at)
     VALUES ('player', $1, 0, $2) ON CONFLICT DO NOTHING`,
    [userAgent, at],
  );
  const account = await lockPlayer(tx, userAgent);
  assert(account, 'an account just opened can be read');
  // Somebody else opened it between the two reads: the opening balance is theirs to post.
  if (inserted.rowCount === 0 || openingMinor === 0n) return account;
  const balanceMinor = await post(tx, account, {
    kind: 'opening',
    against: 'bank',
    amountMinor: openingMinor,
    at,
  });
  return { ...account, balanceMinor };
}

/**
 * Posts one movement as two lines that sum to zero and moves the player's balance with it. The account must
 * be locked by this transaction. A movement of nothing posts nothing.
 *
 * @returns the player's balance after it, in minor units
 * @throws AssertionError when the account row and its last line disagree: somebody wrote past the ledger
 */
export async function post(
  tx: Transaction,
  account: PlayerAccount,
  movement: Movement,
): Promise<bigint> {
  if (movement.amountMinor === 0n) return account.balanceMinor;
  const last = await tx.query<{ balance_after_minor: string }>(
    'SELECT balance_after_minor FROM posting WHERE account_id = $1 ORDER BY posting_id DESC LIMIT 1',
    [account.accountId],
  );
  // Each line carries the balance it left, so comparing with the last one compares with the sum of all;
  // GET /sandbox/book adds the lines up in full.
  assert(
    BigInt(last.rows[0]?.balance_after_minor ?? '0') === account.balanceMinor,
    `account ${account.accountId} disagrees with its lines`,
  );
  const balanceMinor = account.balanceMinor + movement.amountMinor;
  assert(balanceMinor >= 0n, 'a balance never falls below zero');
  await tx.query(
    `WITH moved AS (
       INSERT INTO movement (kind, bet_id, moved_at) VALUES ($1, $2, $3) RETURNING movement_id
     ), lines AS (
       INSERT INTO posting (movement_id, account_id, amount_minor, balance_after_minor)
       SELECT movement_id, $4::bigint, $5::bigint, $6::bigint FROM moved
       UNION ALL
       SELECT movement_id, (SELECT account_id FROM account WHERE kind = $7), -$5::bigint, NULL FROM moved
     )
     UPDATE account
        SET balance_minor = $6::bigint, turn_over_minor = turn_over_minor + $8::bigint
      WHERE account_id = $4::bigint`,
    [
      movement.kind,
      movement.betId ?? null,
      movement.at,
      account.accountId,
      movement.amountMinor.toString(),
      balanceMinor.toString(),
      movement.against,
      movement.kind === 'bet' ? (-movement.amountMinor).toString() : '0',
    ],
  );
  return balanceMinor;
}
