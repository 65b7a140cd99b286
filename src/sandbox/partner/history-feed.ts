import { createHash } from 'node:crypto';
import type { Money } from './money-text';
import type { Transaction } from './open-book';
import { reportViolation } from './violation';
import type { HistoryRequest } from './wallet-request';

/**
 * Records one event of the history feed: every arrival is counted, the record of its `_id` is what the newest
 * event says. Events out of order, and a second create that says something else, are answered 200 like any
 * other (the sender would otherwise repeat them for ever) and noted as violations.
 *
 * @returns whether the same event has been here before
 */
export async function recordHistory(
  tx: Transaction,
  event: HistoryRequest,
  money: Money,
  at: Date,
): Promise<'first' | 'repeat'> {
  const body = recordText(event, money);
  const digest = createHash('sha256').update(body).digest('hex');
  // Events of one bet are taken one at a time; there may be no row yet that could be locked.
  await tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [event.betId]);
  const seen = await tx.query<{ type: string; digest: string }>(
    'SELECT DISTINCT type, digest FROM history_event WHERE bet_id = $1',
    [event.betId],
  );
  await tx.query(
    'INSERT INTO history_event (bet_id, type, digest, received_at) VALUES ($1, $2, $3, $4)',
    [event.betId, event.type, digest, at],
  );
  if (seen.rows.some((row) => row.digest === digest)) return 'repeat';
  for (const fault of await faultsOf(tx, event, seen.rows)) {
    await reportViolation(tx, 'history', event.betId, fault, at);
  }
  // A create that comes after an update is older news, whatever its clock says.
  if (event.type === 'create' && seen.rows.length > 0) return 'first';
  await tx.query(
    `INSERT INTO history_record (bet_id, user_agent, provider, game, game_id, last_type, used_minor,
                                 receive_minor, winlose_minor, created_at, updated_at, body)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
     ON CONFLICT (bet_id) DO UPDATE
       SET user_agent = $2, provider = $3, game = $4, game_id = $5, last_type = $6, used_minor = $7,
           receive_minor = $8, winlose_minor = $9, created_at = $10, updated_at = $11, body = $12
       WHERE history_record.updated_at <= $11`,
    [
      event.betId,
      event.userAgent,
      event.provider,
      event.game,
      event.gameId,
      event.type,
      event.usedMinor.toString(),
      event.receiveMinor.toString(),
      event.winloseMinor.toString(),
      event.createdAt,
      event.updatedAt,
      body,
    ],
  );
  return 'first';
}

async function faultsOf(
  tx: Transaction,
  event: HistoryRequest,
  seen: readonly { type: string }[],
): Promise<string[]> {
  const faults: string[] = [];
  const created = seen.some((row) => row.type === 'create');
  if (event.type === 'update' && !created) faults.push('update before create');
  if (event.type === 'create' && created) faults.push('two creates with different content');
  if (event.type === 'create' && !created && seen.length > 0) faults.push('create after update');
  if (event.winloseMinor !== event.receiveMinor - event.usedMinor) {
    faults.push('winlose is not receive_balance - used_balance');
  }
  const bet = await tx.query<{ user_agent: string }>(
    'SELECT a.user_agent FROM bet JOIN account a USING (account_id) WHERE bet_id = $1',
    [event.betId],
  );
  if (bet.rows[0] === undefined) faults.push('record of a bet never taken');
  else if (bet.rows[0].user_agent !== event.userAgent) faults.push('record of another player');
  const newest = await tx.query<{ updated_at: Date }>(
    'SELECT updated_at FROM history_record WHERE bet_id = $1',
    [event.betId],
  );
  if (event.type === 'update' && newest.rows[0] && newest.rows[0].updated_at > event.updatedAt) {
    faults.push('update older than the record');
  }
  return faults;
}

// Amounts by value and times as instants: two spellings of one event are one event.
function recordText(event: HistoryRequest, money: Money): string {
  return JSON.stringify({
    _id: event.betId,
    type: event.type,
    provider: event.provider,
    game: event.game,
    game_id: event.gameId,
    user_agent: event.userAgent,
    before_balance: money.text(event.beforeMinor),
    after_balance: money.text(event.afterMinor),
    used_balance: money.text(event.usedMinor),
    receive_balance: money.text(event.receiveMinor),
    winlose: money.text(event.winloseMinor),
    createdAt: event.createdAt.toISOString(),
    updatedAt: event.updatedAt.toISOString(),
  });
}
