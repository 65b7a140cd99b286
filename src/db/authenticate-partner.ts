import { createHash, timingSafeEqual } from 'node:crypto';
import { keyIdOf } from '../lib/api-key';
import { PARTNER_COLUMNS, partnerOfRow, type Partner, type PartnerRow } from './partners';
import type { Db } from './pool';
import type { Vault } from './vault';

export interface Authenticated {
  readonly partner: Partner;
  readonly keyId: string;
  /** The key's end, when that is within the hour: told once a minute, so that a log can warn. */
  readonly endsSoon: Date | null;
}

interface KeyRow extends PartnerRow {
  readonly key_hash: Buffer;
  readonly scheme: 'sha256' | 'hmac-sha256';
  readonly stale: boolean;
  readonly ends_soon: Date | null;
}

/** What an unknown key is compared with, so that it takes the time a known one takes. */
const NO_DIGEST = Buffer.alloc(32);

/**
 * The partner an `x-api-key` belongs to. The key is found by its public part and proven by comparing digests of
 * one length in constant time; an expired key is none.
 */
export async function authenticatePartner(
  db: Db,
  vault: Vault,
  apiKey: string,
): Promise<Authenticated | undefined> {
  const keyId = keyIdOf(apiKey);
  if (keyId === undefined) return undefined;
  const { rows } = await db.query<KeyRow>({
    name: 'authenticate-partner',
    text: `SELECT k.key_hash, k.scheme, ${PARTNER_COLUMNS},
             k.last_used_at IS NULL OR k.last_used_at < now() - interval '1 minute' AS stale,
             CASE WHEN k.expires_at < now() + interval '1 hour' THEN k.expires_at END AS ends_soon
           FROM partner_keys k JOIN partners p ON p.id = k.partner_id
             JOIN currencies cur ON cur.code = p.currency
           WHERE k.key_id = $1 AND (k.expires_at IS NULL OR k.expires_at > now())`,
    values: [keyId],
  });
  const [row] = rows;
  const digest = row?.scheme === 'sha256' ? plainDigestOf(apiKey) : vault.digestOf(apiKey);
  const proven = timingSafeEqual(row?.key_hash ?? NO_DIGEST, digest);
  if (!row || !proven) return undefined;
  const noted = row.stale && (await noteUse(db, keyId));
  return { partner: partnerOfRow(row), keyId, endsSoon: noted ? row.ends_soon : null };
}

// Once a minute is enough to tell an unused key from one in use, and spares a write a request; of many
// requests at once, one writes.
async function noteUse(db: Db, keyId: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `UPDATE partner_keys SET last_used_at = now() WHERE key_id = $1
        AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')`,
    [keyId],
  );
  return rowCount === 1;
}

function plainDigestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
