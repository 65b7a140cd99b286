import { randomBytes, timingSafeEqual } from 'node:crypto';
import { recordChange } from './audit-log';
import { SEALED_KEYS, type SealedKey } from './connection-keys';
import {
  CONNECTION_COLUMNS,
  connectionOfRow,
  type Connection,
  type ConnectionRow,
} from './connections';
import type { Office } from './office';
import type { Db } from './pool';
import { RefusedError } from './refused';
import { transaction } from './transaction';
import type { Vault } from './vault';

/** A value that a connection's callbacks may carry now, as its keyed digest. */
export interface CallbackSecret {
  readonly version: number;
  readonly digest: Buffer;
  /** Whether a call without it, or its other live one, is refused by now. */
  readonly required: boolean;
  /** Its use was not noted within the last minute. */
  readonly stale: boolean;
  /** Its end, when that is within the hour. */
  readonly endsSoon: Date | null;
}

/** A callback secret as it may be shown: never the value. */
export interface ShownCallbackSecret {
  readonly version: number;
  readonly createdAt: Date;
  readonly requiredFrom: Date;
  readonly expiresAt: Date | null;
  /** When the provider last sent it, to the minute; null: never. */
  readonly lastUsedAt: Date | null;
}

/** What a callback's caller has to prove: the connection, its live callback secrets and API keys. */
export interface CallbackDoor {
  readonly connection: Connection;
  readonly secrets: readonly CallbackSecret[];
  /** Opened by `openKeys` when there is a body to verify. */
  readonly sealedKeys: readonly SealedKey[];
}

interface SecretJson {
  readonly version: number;
  readonly digest: string;
  readonly required: boolean;
  readonly stale: boolean;
  readonly ends_soon: string | null;
}

const LIVE = '(s.expires_at IS NULL OR s.expires_at > now())';

/** The connection of a callback's path with its live secrets and keys, in one query: every callback asks for all. */
export async function callbackDoor(db: Db, key: string): Promise<CallbackDoor | undefined> {
  const { rows } = await db.query<
    ConnectionRow & { secrets: readonly SecretJson[]; sealed_keys: readonly SealedKey[] }
  >({
    name: 'callback-door',
    text: `SELECT ${CONNECTION_COLUMNS}, ARRAY(
             SELECT json_build_object('version', s.version, 'digest', encode(s.digest, 'hex'),
               'required', s.required_from <= now(),
               'stale', s.last_used_at IS NULL OR s.last_used_at < now() - interval '1 minute',
               'ends_soon', CASE WHEN s.expires_at < now() + interval '1 hour' THEN s.expires_at END)
             FROM connection_callback_secrets s WHERE s.connection_id = c.id AND ${LIVE}
           ) AS secrets, ${SEALED_KEYS} AS sealed_keys
           FROM connections c WHERE c.key = $1`,
    values: [key],
  });
  const [row] = rows;
  if (!row) return undefined;
  const secrets = row.secrets.map(({ digest, ends_soon, ...secret }) => ({
    ...secret,
    digest: Buffer.from(digest, 'hex'),
    endsSoon: ends_soon === null ? null : new Date(ends_soon),
  }));
  return { connection: connectionOfRow(row), secrets, sealedKeys: row.sealed_keys };
}

/** The secret whose value was sent. All are compared, in constant time, so that the time tells none of them. */
export function callbackSecretSent(
  vault: Vault,
  { connection, secrets }: CallbackDoor,
  value: string,
): CallbackSecret | undefined {
  const sent = digestOf(vault, connection.id, value);
  return secrets.filter(({ digest }) => timingSafeEqual(digest, sent))[0];
}

/** Another purpose than API keys, and another connection, make another digest of the same value. */
function digestOf(vault: Vault, connectionId: number, value: string): Buffer {
  return vault.digestOf(`callback/${connectionId}/${value}`);
}

/** Shorter ones can be guessed; longer ones do not fit every header limit. */
const SECRET = /^[\x21-\x7e]{16,256}$/;

/** A new value, which exists in this answer only when we made it, and the versions there are. */
export interface RotatedCallbackSecret {
  readonly version: number;
  readonly value: string;
  readonly secrets: readonly ShownCallbackSecret[];
}

/**
 * Makes `secret`, or 256 random bits, the newest value of the connection's callbacks; the one before is accepted
 * until the overlap is over. The first one is required only then, so that the provider has time to send it.
 *
 * @param overlapMs 0 ends every other value now, and requires this one
 * @throws RefusedError naming `key` (unknown), `secret`, or `now` when an older value has not ended yet
 */
export async function rotateCallbackSecret(
  office: Office,
  key: string,
  { secret, overlapMs }: { readonly secret: string | undefined; readonly overlapMs: number },
): Promise<RotatedCallbackSecret> {
  const value = secret ?? randomBytes(32).toString('base64url');
  if (!SECRET.test(value)) {
    throw new RefusedError('secret', 'must be 16 to 256 visible ASCII characters');
  }
  return transaction(office.pool, async (client) => {
    const door = await lockedDoor(client, key);
    const { connection, secrets: live } = door;
    if (callbackSecretSent(office.vault, door, value)) {
      throw new RefusedError('secret', 'is in use already');
    }
    if (live.length > 1 && overlapMs > 0) {
      throw new RefusedError(
        'now',
        'two values are valid already; wait until the older one has ended, or end all with --now',
      );
    }
    // Who was given time to learn the first value keeps it when that is replaced.
    const { rows } = await client.query<{ version: number }>(
      `INSERT INTO connection_callback_secrets (connection_id, version, digest, required_from)
       SELECT $1, coalesce(max(s.version), 0) + 1, $2, CASE WHEN $3::float8 = 0 THEN now()
           ELSE coalesce(min(s.required_from) FILTER (WHERE ${LIVE}),
             now() + $3 * interval '1 millisecond') END
         FROM connection_callback_secrets s WHERE s.connection_id = $1
       RETURNING version`,
      [connection.id, digestOf(office.vault, connection.id, value), overlapMs],
    );
    const version = rows[0]?.version ?? 1;
    await endSecrets(client, connection.id, version, overlapMs);
    await recordChange(client, office, {
      action: 'connection.rotate-callback-secret',
      subject: key,
      before: { callback_secrets: live.map((each) => String(each.version)) },
      after: {
        callback_secrets: [String(version)],
        overlap_seconds: Math.round(overlapMs / 1000),
      },
    });
    return { version, value, secrets: await listCallbackSecrets(client, connection.id) };
  });
}

/**
 * Ends every value now: callbacks need no header any more.
 *
 * @throws RefusedError naming `key` (unknown), or `off` when there is none
 */
export async function dropCallbackSecrets(
  office: Office,
  key: string,
): Promise<ShownCallbackSecret[]> {
  return transaction(office.pool, async (client) => {
    const { connection, secrets: live } = await lockedDoor(client, key);
    if (live.length === 0) throw new RefusedError('off', 'there is no callback secret');
    await endSecrets(client, connection.id, null, 0);
    await recordChange(client, office, {
      action: 'connection.drop-callback-secret',
      subject: key,
      before: { callback_secrets: live.map((each) => String(each.version)) },
      after: { callback_secrets: [] },
    });
    return listCallbackSecrets(client, connection.id);
  });
}

async function lockedDoor(client: Db, key: string): Promise<CallbackDoor> {
  await client.query('SELECT 1 FROM connections WHERE key = $1 FOR UPDATE', [key]);
  const door = await callbackDoor(client, key);
  if (!door) throw new RefusedError('key', `there is no connection ${key}`);
  return door;
}

async function endSecrets(
  client: Db,
  connectionId: number,
  exceptVersion: number | null,
  overlapMs: number,
): Promise<void> {
  await client.query(
    `UPDATE connection_callback_secrets s SET expires_at = now() + $3 * interval '1 millisecond'
      WHERE connection_id = $1 AND version IS DISTINCT FROM $2 AND ${LIVE}`,
    [connectionId, exceptVersion, overlapMs],
  );
}

/** Every value of a connection, the newest first; also those that have ended. */
export async function listCallbackSecrets(
  db: Db,
  connectionId: number,
): Promise<ShownCallbackSecret[]> {
  const { rows } = await db.query<{
    version: number;
    created_at: Date;
    required_from: Date;
    expires_at: Date | null;
    last_used_at: Date | null;
  }>(
    `SELECT version, created_at, required_from, expires_at, last_used_at
       FROM connection_callback_secrets WHERE connection_id = $1 ORDER BY version DESC`,
    [connectionId],
  );
  return rows.map((row) => ({
    version: row.version,
    createdAt: row.created_at,
    requiredFrom: row.required_from,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
  }));
}

/** Notes that a value was sent, at most once a minute; false when somebody else did. */
export async function noteCallbackSecretUse(
  db: Db,
  connectionId: number,
  version: number,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `UPDATE connection_callback_secrets SET last_used_at = now()
      WHERE connection_id = $1 AND version = $2
        AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')`,
    [connectionId, version],
  );
  return rowCount === 1;
}
