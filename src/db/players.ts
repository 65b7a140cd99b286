import { recordChange } from './audit-log';
import type { Office } from './office';
import type { Partner } from './partners';
import type { Db } from './pool';
import { transaction } from './transaction';

/** A partner's player. Nothing personal is kept: the reference is the partner's own. */
export interface Player {
  /** Nine digits, as text: how providers know the player. */
  readonly playerId: string;
  readonly partnerId: number;
  readonly reference: string;
  readonly blocked: boolean;
  readonly createdAt: Date;
}

interface PlayerRow {
  readonly player_id: string;
  readonly partner_id: number;
  readonly reference: string;
  readonly blocked: boolean;
  readonly created_at: Date;
}

const COLUMNS = 'player_id, partner_id, reference, blocked, created_at';

/** What a player reference consists of, on the way in and inside a `user_agent`. */
export const PLAYER_REFERENCE = /^[A-Za-z0-9._-]{1,64}$/;

/** `<PREFIX>.<reference>`: the player's handle towards the partner and in wallet calls. */
export function userAgentOf(prefix: string, reference: string): string {
  return `${prefix}.${reference}`;
}

/**
 * The player with this reference, made now if it is new. The reference is always taken raw, even when it
 * looks like a handle: two references are never one player.
 *
 * @param reference checked by the caller against PLAYER_REFERENCE
 */
export async function findOrCreatePlayer(
  db: Db,
  partner: Pick<Partner, 'id'>,
  reference: string,
): Promise<{ readonly player: Player; readonly created: boolean }> {
  // Looked for first: an insert that meets a conflict would still use up one of the nine-digit numbers.
  const existing = await playerByReference(db, partner.id, reference);
  if (existing) return { player: existing, created: false };
  const { rows } = await db.query<PlayerRow>(
    `INSERT INTO players (partner_id, reference) VALUES ($1, $2)
     ON CONFLICT (partner_id, reference) DO NOTHING RETURNING ${COLUMNS}`,
    [partner.id, reference],
  );
  if (rows[0]) return { player: playerOfRow(rows[0]), created: true };
  const winner = await playerByReference(db, partner.id, reference);
  if (!winner) throw new Error('a player that exists could not be read');
  return { player: winner, created: false };
}

/** The player behind a handle; undefined when it has another partner's prefix or is unknown. */
export async function playerByUserAgent(
  db: Db,
  partner: Pick<Partner, 'id' | 'prefix'>,
  userAgent: string,
): Promise<Player | undefined> {
  if (!userAgent.startsWith(`${partner.prefix}.`)) return undefined;
  return playerByReference(db, partner.id, userAgent.slice(partner.prefix.length + 1));
}

/** The player a provider names; the caller checks whose it is. */
export async function playerById(db: Db, playerId: string): Promise<Player | undefined> {
  if (!/^\d{9}$/.test(playerId)) return undefined;
  const { rows } = await db.query<PlayerRow>({
    name: 'player-by-id',
    text: `SELECT ${COLUMNS} FROM players WHERE player_id = $1`,
    values: [playerId],
  });
  return rows[0] && playerOfRow(rows[0]);
}

/** Blocks or unblocks a player: no further stake, while wins are still paid. */
export async function setPlayerBlocked(
  { pool, actor }: Pick<Office, 'pool' | 'actor'>,
  playerId: string,
  blocked: boolean,
): Promise<Player | undefined> {
  return transaction(pool, async (client) => {
    const { rows } = await client.query<PlayerRow>(
      `UPDATE players SET blocked = $2 WHERE player_id = $1 AND blocked <> $2 RETURNING ${COLUMNS}`,
      [playerId, blocked],
    );
    if (!rows[0]) return playerById(client, playerId);
    // By number: the partner's own reference may be a telephone number, and the log is for ever.
    await recordChange(
      client,
      { actor },
      {
        action: blocked ? 'player.block' : 'player.unblock',
        subject: playerId,
        before: { blocked: !blocked },
        after: { blocked },
      },
    );
    return playerOfRow(rows[0]);
  });
}

async function playerByReference(
  db: Db,
  partnerId: number,
  reference: string,
): Promise<Player | undefined> {
  const { rows } = await db.query<PlayerRow>({
    name: 'player-by-reference',
    text: `SELECT ${COLUMNS} FROM players WHERE partner_id = $1 AND reference = $2`,
    values: [partnerId, reference],
  });
  return rows[0] && playerOfRow(rows[0]);
}

function playerOfRow(row: PlayerRow): Player {
  return {
    playerId: row.player_id,
    partnerId: row.partner_id,
    reference: row.reference,
    blocked: row.blocked,
    createdAt: row.created_at,
  };
}
