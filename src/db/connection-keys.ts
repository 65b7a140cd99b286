import { recordChange } from './audit-log';
import type { Office } from './office';
import type { Db } from './pool';
import { RefusedError } from './refused';
import { transaction } from './transaction';
import { secretIdentity, type Vault } from './vault';

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

/** The valid API keys of a connection `c`, newest first, still sealed: for queries that read one. */
export const SEALED_KEYS = `ARRAY(
  SELECT json_build_object('version', k.version, 'sealed', encode(k.sealed, 'base64'),
      'master_key_id', k.master_key_id,
      'stale', k.last_used_at IS NULL OR k.last_used_at < now() - interval '1 minute',
      'ends_soon', CASE WHEN k.expires_at < now() + interval '1 hour' THEN k.expires_at END)
    FROM connection_keys k
   WHERE k.connection_id = c.id AND (k.expires_at IS NULL OR k.expires_at > now())
   ORDER BY k.version DESC)`;

/** A row of SEALED_KEYS. */
export interface SealedKey {
  readonly version: number;
  readonly sealed: string;
  readonly master_key_id: string;
  readonly stale: boolean;
  readonly ends_soon: string | null;
}

/** The connection's API keys that are valid now, newest first: sign with the first, accept any. */
export async function connectionApiKeys(
  db: Db,
  vault: Vault,
  connectionId: number,
): Promise<ConnectionKey[]> {
  const { rows } = await db.query<{ sealed_keys: readonly SealedKey[] }>({
    name: 'connection-api-keys',
    text: `SELECT ${SEALED_KEYS} AS sealed_keys FROM connections c WHERE c.id = $1`,
    values: [connectionId],
  });
  return openKeys(vault, connectionId, rows[0]?.sealed_keys ?? []);
}

export function openKeys(
  vault: Vault,
  connectionId: number,
  sealedKeys: readonly SealedKey[],
): ConnectionKey[] {
  return sealedKeys.map(({ version, sealed, master_key_id: masterKeyId, stale, ends_soon }) => ({
    version,
    apiKey: vault.open(secretIdentity('connection_keys', connectionId, version), {
      box: Buffer.from(sealed, 'base64'),
      masterKeyId,
    }),
    stale,
    endsSoon: ends_soon === null ? null : new Date(ends_soon),
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
