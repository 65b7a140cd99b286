import { newApiKey } from '../lib/api-key';
import { recordChange } from './audit-log';
import type { Office } from './office';
import type { Db } from './pool';
import { RefusedError } from './refused';
import { transaction } from './transaction';
import type { Vault } from './vault';

/** An API key as it may be shown: never the key. */
export interface PartnerKey {
  readonly keyId: string;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  /** To the minute; null: never. */
  readonly lastUsedAt: Date | null;
  /** Made before keys had a checksum and a keyed digest: valid, and better rotated. */
  readonly legacy: boolean;
}

/** A new key, which exists in this answer only, and when the others end. */
export interface RotatedKey {
  readonly keyId: string;
  readonly apiKey: string;
  readonly ending: readonly { readonly keyId: string; readonly expiresAt: Date }[];
}

/** Makes a key of a partner, in the caller's transaction. The book keeps its keyed digest only. */
export async function insertApiKey(
  client: Db,
  vault: Vault,
  partnerId: number,
): Promise<{ readonly keyId: string; readonly apiKey: string }> {
  const key = newApiKey();
  await client.query(
    `INSERT INTO partner_keys (key_id, partner_id, key_hash, scheme)
     VALUES ($1, $2, $3, 'hmac-sha256')`,
    [key.keyId, partnerId, vault.digestOf(key.apiKey)],
  );
  return key;
}

/**
 * Makes a new key; the old one stays valid for the overlap. At most two are valid at once.
 *
 * @param overlapMs 0 ends every other key now
 * @throws RefusedError naming `prefix` (unknown), or `now` when an older key has not ended yet
 */
export async function rotateApiKey(
  office: Office,
  prefix: string,
  overlapMs: number,
): Promise<RotatedKey> {
  return transaction(office.pool, async (client) => {
    const partnerId = await lockedPartner(client, prefix);
    const live = (await listApiKeys(client, partnerId)).filter(isLive);
    const onItsWay = live.find(({ expiresAt }) => expiresAt !== null);
    if (onItsWay && overlapMs > 0) {
      throw new RefusedError(
        'now',
        `the older key ${onItsWay.keyId} is valid until ${String(onItsWay.expiresAt?.toISOString())}; ` +
          'wait for that, or end every older key with --now',
      );
    }
    const { rows } = await client.query<{ key_id: string; expires_at: Date }>(
      `UPDATE partner_keys SET expires_at = now() + $2 * interval '1 millisecond'
        WHERE partner_id = $1 AND (expires_at IS NULL OR expires_at > now())
        RETURNING key_id, expires_at`,
      [partnerId, overlapMs],
    );
    const { keyId, apiKey } = await insertApiKey(client, office.vault, partnerId);
    const ending = rows.map((row) => ({ keyId: row.key_id, expiresAt: row.expires_at }));
    await recordChange(client, office, {
      action: 'partner.rotate-key',
      subject: prefix,
      before: { api_keys: live.map((key) => key.keyId) },
      after: {
        api_keys: [keyId],
        ending: ending.map((key) => `${key.keyId} at ${key.expiresAt.toISOString()}`),
      },
    });
    return { keyId, apiKey, ending };
  });
}

/** Every key of a partner, the newest first; also those that have ended. */
export async function listApiKeys(db: Db, partnerId: number): Promise<PartnerKey[]> {
  const { rows } = await db.query<{
    key_id: string;
    created_at: Date;
    expires_at: Date | null;
    last_used_at: Date | null;
    scheme: string;
  }>(
    `SELECT key_id, created_at, expires_at, last_used_at, scheme FROM partner_keys
      WHERE partner_id = $1 ORDER BY created_at DESC, key_id`,
    [partnerId],
  );
  return rows.map((row) => ({
    keyId: row.key_id,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
    legacy: row.scheme === 'sha256',
  }));
}

function isLive({ expiresAt }: PartnerKey): boolean {
  return expiresAt === null || expiresAt.getTime() > Date.now();
}

/**
 * The number of a partner whose keys or secrets change, locked so that two commands come one after the other.
 *
 * @throws RefusedError naming `prefix`
 */
export async function lockedPartner(client: Db, prefix: string): Promise<number> {
  const { rows } = await client.query<{ id: number }>(
    'SELECT id FROM partners WHERE prefix = $1 FOR UPDATE',
    [prefix],
  );
  if (!rows[0]) throw new RefusedError('prefix', `there is no partner ${prefix}`);
  return rows[0].id;
}
