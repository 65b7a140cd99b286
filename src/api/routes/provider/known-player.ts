import type { Connection } from '../../../db/connections';
import type { Pool } from '../../../db/pool';
import { hasSessionAt, type SessionContext } from '../../../db/sessions';

/**
 * Whether a provider may ask about a player at all: the player was launched at its connection, or the request
 * has the player's own token. Any other number is answered like one that nobody has (code 11), so that a
 * provider cannot count the players of others.
 *
 * @param found what the request's token opens, if anything
 */
export async function isKnownPlayer(
  pool: Pool,
  connection: Connection,
  playerId: string,
  found: SessionContext | undefined,
): Promise<boolean> {
  return found?.player.playerId === playerId || (await hasSessionAt(pool, connection, playerId));
}
