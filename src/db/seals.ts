import { createHash } from 'node:crypto';
import type { Db, Pool } from './pool';
import { transaction } from './transaction';

/** A seal told to people and logs; the hash is hex. */
export interface Seal {
  readonly number: string;
  readonly sealed_at: string;
  readonly heads: number;
  readonly hash: string;
}

/** Heads one seal covers: its transaction holds these rounds' rows for some tens of milliseconds. */
const HEADS_PER_SEAL_MAX = 1_000;

/** Any number that nothing else of ours locks. */
const SEALERS_LOCK = 4_007_001;

/**
 * Writes one seal over the last journal lines of rounds that changed since they were last sealed, a
 * thousand at most. A round's version is compared with the one sealed, both read in one statement, so a
 * decision that commits while this runs, however long it has been under way, is sealed by the next.
 *
 * @returns the seal, when any head was new; `more` when there may be rounds left
 */
export async function sealChangedHeads(pool: Pool): Promise<{ seal: Seal | null; more: boolean }> {
  return transaction(pool, async (client) => {
    // One sealer at a time; were this lock lost, the unique `previous` would still refuse a second.
    await client.query('SELECT pg_advisory_xact_lock($1)', [SEALERS_LOCK]);
    const { rows: changed } = await client.query<ChangedHead>(CHANGED_HEADS);
    if (changed.length === 0) return { seal: null, more: false };
    const heads = changed.filter((row) => row.is_new);
    const seal = heads.length === 0 ? null : await writeSeal(client, heads);
    // Last, because it locks the rounds. Should one have changed meanwhile, it stays ahead of this mark.
    await client.query(
      `UPDATE rounds r SET sealed_version = seen.version
         FROM unnest($1::bigint[], $2::int[]) AS seen (id, version) WHERE r.id = seen.id`,
      [changed.map((row) => row.id), changed.map((row) => row.seen)],
    );
    return { seal, more: changed.length === HEADS_PER_SEAL_MAX };
  });
}

interface ChangedHead {
  id: string;
  /** The round's version; its last line's may be lower, because not every change is a line. */
  seen: number;
  version: number | null;
  hash: Buffer | null;
  is_new: boolean;
}

const CHANGED_HEADS = `
  SELECT r.id, r.seen, j.version, j.hash,
         j.version IS NOT NULL AND s.round_id IS NULL AS is_new
    FROM (SELECT id, version AS seen FROM rounds WHERE version > sealed_version
           ORDER BY id LIMIT ${HEADS_PER_SEAL_MAX}) r
    LEFT JOIN LATERAL (SELECT version, hash FROM journal WHERE round_id = r.id
      ORDER BY version DESC LIMIT 1) j ON true
    LEFT JOIN sealed_heads s ON s.round_id = r.id AND s.version = j.version
   ORDER BY r.id`;

async function writeSeal(db: Db, heads: readonly ChangedHead[]): Promise<Seal> {
  const last = await lastSeal(db);
  const number = String(BigInt(last?.number ?? '0') + 1n);
  const { rows } = await db.query<{ now_ms: string }>(
    `WITH added AS (
       INSERT INTO sealed_heads (seal, round_id, version, head)
       SELECT $1, * FROM unnest($2::bigint[], $3::int[], $4::bytea[]))
     SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now_ms`,
    [
      number,
      heads.map((row) => row.id),
      heads.map((row) => row.version),
      heads.map((row) => row.hash),
    ],
  );
  const sealedAtMs = Number(rows[0]?.now_ms);
  const digested = await db.query<{ digest: Buffer }>('SELECT sealed_heads_digest($1) AS digest', [
    number,
  ]);
  const digest = digested.rows[0]?.digest ?? Buffer.alloc(0);
  const previous = last === null ? null : Buffer.from(last.hash, 'hex');
  const hash = sealHash(previous, { number, sealedAtMs, heads: heads.length, digest });
  await db.query(
    `INSERT INTO journal_seals (number, sealed_at, heads, digest, previous, hash)
     VALUES ($1, to_timestamp($2::bigint / 1000.0), $3, $4, $5, $6)`,
    [number, sealedAtMs, heads.length, digest, previous, hash],
  );
  return {
    number,
    sealed_at: new Date(sealedAtMs).toISOString(),
    heads: heads.length,
    hash: hash.toString('hex'),
  };
}

/** The newest seal; null before the first. */
export async function lastSeal(db: Db): Promise<Seal | null> {
  const { rows } = await db.query<{ number: string; sealed_at: Date; heads: number; hash: Buffer }>(
    'SELECT number, sealed_at, heads, hash FROM journal_seals ORDER BY number DESC LIMIT 1',
  );
  const row = rows[0];
  if (!row) return null;
  return { ...row, sealed_at: row.sealed_at.toISOString(), hash: row.hash.toString('hex') };
}

/** SHA-256 over the seal before and the digest of what this one says: the chain of seals (SPEC §7). */
export function sealHash(
  previous: Buffer | null,
  seal: { number: string; sealedAtMs: number; heads: number; digest: Buffer },
): Buffer {
  const { number, sealedAtMs, heads, digest } = seal;
  const text = `[${number},${sealedAtMs},${heads},"${digest.toString('hex')}"]`;
  return createHash('sha256')
    .update(previous ?? Buffer.alloc(0))
    .update(createHash('sha256').update(text).digest())
    .digest();
}
