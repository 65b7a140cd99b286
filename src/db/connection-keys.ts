import { recordChange } from './audit-log';
import type { Office } from './office';
import type { Db } from './pool';
import { RefusedError } from './refused';
import { transaction } from './transaction';
import { sealedOf, secretIdentity, type SealedRow, type Vault } from './vault';

/** A key that a connection's calls may be signed with now. */
export interface ConnectionKey {
  readonly version: number;
  readonly apiKey: string;
  /** Its use was not noted within the last minute. */
  readonly stale: boolean;
  /** Its end, when that is within the hour. */
  readonly endsSoon: Date | null;
}

/** A connection's key as it may be shown: never the key. */
export interface ShownConnectionKey {
  readonly version: number;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  /** When the provider last signed with it, to the minute; null: never. */
  readonly lastUsedAt: Date | null;
}

const API_KEY = /^[\x21-\x7e]{1,256}$/;

/** @throws RefusedError naming `api_key` */
export function checkedApiKey(text: string): string {
  if (!API_KEY.test(text)) {
    throw new RefusedError('api_key', 'must be 1 to 256 visible ASCII characters');
  }
  return text;
}

/** The connection's API keys that are valid now, newest first: sign with the first, accept any. */
export async function connectionApiKeys(
  db: Db,
  vault: Vault,
  connectionId: number,
): Promise<ConnectionKey[]> {
  const { rows } = await db.query<
    SealedRow & { version: number; stale: boolean; ends_soon: Date | null }
  >({
    name: 'connection-api-keys',
    text: `SELECT version, sealed, master_key_id,
             last_used_at IS NULL OR last_used_at < now() - interval '1 minute' AS stale,
             CASE WHEN expires_at < now() + interval '1 hour' THEN expires_at END AS ends_soon
           FROM connection_keys
           WHERE connection_id = $1 AND (expires_at IS NULL OR expires_at > now())
           ORDER BY version DESC`,
    values: [connectionId],
  });
  return rows.map((row) => ({
    version: row.version,
    apiKey: vault.open(secretIdentity('connection_keys', connectionId, row.version), sealedOf(row)),
    stale: row.stale,
    endsSoon: row.ends_soon,
  }));
}

/**
 * Makes a key the connection's newest, in the caller's transaction; the older ones end after the overlap.
 *
 * @returns its version
 */
export async function insertConnectionKey(
  client: Db,
  vault: Vault,
  connectionId: number,
  apiKey: string,
  overlapMs: number,
): Promise<number> {
  await client.query(
    `UPDATE connection_keys SET expires_at = now() + $2 * interval '1 millisecond'
      WHERE connection_id = $1 AND (expires_at IS NULL OR expires_at > now())`,
    [connectionId, overlapMs],
  );
  const { rows } = await client.query<{ version: number }>(
    'SELECT coalesce(max(version), 0) + 1 AS version FROM connection_keys WHERE connection_id = $1',
    [connectionId],
  );
  const version = rows[0]?.version ?? 1;
  const identity = secretIdentity('connection_keys', connectionId, version);
  const sealed = await vault.seal(client, identity, apiKey);
  await client.query(
    `INSERT INTO connection_keys (connection_id, version, sealed, master_key_id)
     VALUES ($1, $2, $3, $4)`,
    [connectionId, version, sealed.box, sealed.masterKeyId],
  );
  return version;
}

/**
 * Makes `apiKey` the key we sign with; the provider's calls may be signed with the one before until the
 * overlap is over. At most two are valid at once.
 *
 * @param overlapMs 0 ends every other key now
 * @throws RefusedError naming `key` (unknown), `api_key`, or `now` when an older key has not ended yet
 */
export async function rotateConnectionKey(
  office: Office,
  key: string,
  { apiKey, overlapMs }: { readonly apiKey: string; readonly overlapMs: number },
): Promise<ShownConnectionKey[]> {
  checkedApiKey(apiKey);
  return transaction(office.pool, async (client) => {
    const { rows } = await client.query<{ id: number }>(
      'SELECT id FROM connections WHERE key = $1 FOR UPDATE',
      [key],
    );
    const connectionId = rows[0]?.id;
    if (connectionId === undefined) throw new RefusedError('key', `there is no connection ${key}`);
    const live = await connectionApiKeys(client, office.vault, connectionId);
    if (live.some((each) => each.apiKey === apiKey)) {
      throw new RefusedError('api_key', 'is in use already');
    }
    if (live.length > 1 && overlapMs > 0) {
      throw new RefusedError(
        'now',
        'two keys are valid already; wait until the older one has ended, or end all with --now',
      );
    }
    const version = await insertConnectionKey(
      client,
      office.vault,
      connectionId,
      apiKey,
      overlapMs,
    );
    await recordChange(client, office, {
      action: 'connection.rotate-key',
      subject: key,
      before: { api_keys: live.map((each) => String(each.version)) },
      after: { api_keys: [String(version)], overlap_seconds: Math.round(overlapMs / 1000) },
    });
    return listConnectionKeys(client, connectionId);
  });
}

/** Every key of a connection, the newest first; also those that have ended. */
export async function listConnectionKeys(
  db: Db,
  connectionId: number,
): Promise<ShownConnectionKey[]> {
  const { rows } = await db.query<{
    version: number;
    created_at: Date;
    expires_at: Date | null;
    last_used_at: Date | null;
  }>(
    `SELECT version, created_at, expires_at, last_used_at FROM connection_keys
      WHERE connection_id = $1 ORDER BY version DESC`,
    [connectionId],
  );
  return rows.map((row) => ({
    version: row.version,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
  }));
}

/** Notes that a key was used, at most once a minute; false when somebody else did. */
export async function noteConnectionKeyUse(
  db: Db,
  connectionId: number,
  version: number,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `UPDATE connection_keys SET last_used_at = now() WHERE connection_id = $1 AND version = $2
        AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')`,
    [connectionId, version],
  );
  return rowCount === 1;
}
