import type { CatalogueActivities, SyncCatalogueResult } from '../contracts/catalogue-sync';
import { applyCatalogue } from '../db/catalogue';
import { connectionApiKeys } from '../db/connection-keys';
import { connectionByKey, listConnections, noteCatalogueFailure } from '../db/connections';
import type { Pool } from '../db/pool';
import { RefusedError } from '../db/refused';
import type { Vault } from '../db/vault';
import type { EgressGuard } from '../lib/egress';
import type { Logger } from '../lib/log';
import { fetchCatalogue } from '../protocols/web-games/client';

export interface SyncCatalogueDeps {
  readonly pool: Pool;
  readonly vault: Vault;
  readonly egress: EgressGuard;
  readonly log: Pick<Logger, 'info' | 'warn'>;
}

/** The provider's answer could not be used; the last good catalogue stays in force. */
export class CatalogueError extends Error {
  override name = 'CatalogueError';
}

/** Nobody waits for it in a game; a list of thousands from a slow provider may take its time. */
const FETCH_TIMEOUT_MS = 15_000;

/** The activities of the catalogue's workflows. */
export function createSyncCatalogue(deps: SyncCatalogueDeps): CatalogueActivities {
  return {
    syncCatalogue: ({ connectionKey }) => syncConnection(deps, connectionKey),
    async listConnectionsToSync() {
      const connections = await listConnections(deps.pool);
      return connections.filter(({ status }) => status === 'active').map(({ key }) => key);
    },
  };
}

/**
 * Fetches a connection's catalogue and takes it over whole: GetListGames of the provider document. What
 * went wrong, if anything, is kept beside the connection for `connection show`.
 *
 * @throws RefusedError for an unknown key; CatalogueError, with nothing changed, for every answer that is
 *   not a whole, well-formed list
 */
export async function syncConnection(
  { pool, vault, egress, log }: SyncCatalogueDeps,
  connectionKey: string,
): Promise<SyncCatalogueResult> {
  const connection = await connectionByKey(pool, connectionKey);
  if (!connection) throw new RefusedError('key', `there is no connection ${connectionKey}`);
  const [newest] = await connectionApiKeys(pool, vault, connection.id);
  if (newest === undefined) {
    throw new CatalogueError(`connection ${connectionKey} has no API key that is valid now`);
  }
  const catalogue = await fetchCatalogue({
    baseUrl: connection.baseUrl,
    partnerId: connection.partnerId,
    apiKey: newest.apiKey,
    egress,
    timeoutMs: FETCH_TIMEOUT_MS,
  });
  if (!catalogue.ok) {
    await noteCatalogueFailure(pool, connection.id, catalogue.text);
    log.warn({ connection: connectionKey, reason: catalogue.text }, 'catalogue not taken over');
    throw new CatalogueError(`GetListGames of ${connectionKey}: ${catalogue.text}`);
  }
  const change = await applyCatalogue(
    pool,
    connection,
    catalogue.games.map((game) => ({
      gameId: game.id,
      title: game.title,
      className: game.class,
      iconUrl: game.icon === '' ? null : game.icon,
      launchPath: game.url,
    })),
  );
  log.info({ connection: connectionKey, ...change }, 'catalogue taken over');
  return { connection: connectionKey, ...change };
}
