import type { Connection } from '../../../db/connections';
import type { Pool } from '../../../db/pool';
import { hasSessionAt } from '../../../db/sessions';

/**
 * Whether a provider may ask about a player at all: the player was launched at its connection, or the request
 * has the player's own token. Any other number is answered like one that nobody has (code 11), so that a
 * provider cannot count the players of others.
 *
 * @param tokenOwner whose session the request's token opens, if anybody's
 */
export async function isKnownPlayer(
  pool: Pool,
  connection: Connection,
  playerId: string,
  tokenOwner: string | undefined,
): Promise<boolean> {
  return tokenOwner === playerId || (await hasSessionAt(pool, connection, playerId));
}
