import type { Found } from './contradiction';
import type { Db } from './pool';
import { lastSeal, sealHash, type Seal } from './seals';

/** What the audit tells of the seals. */
export interface SealsReport {
  /** The newest; write it down outside the database, and `audit --seal` proves later that it still stands. */
  readonly last: Seal | null;
  /** Rounds that changed since they were last sealed; many, and the sealer does not run. */
  readonly unsealed_rounds: number;
}

/** A seal that somebody wrote down when it was made: its number and its hash in hex. */
export interface WitnessedSeal {
  readonly number: string;
  readonly hash: string;
}

const SEALS_BATCH = 500;
const RULE = 'the seals are a chain';

interface SealRow {
  number: string;
  sealed_ms: string;
  heads: number;
  digest: Buffer;
  previous: Buffer | null;
  hash: Buffer;
  found_heads: string;
  found_digest: Buffer;
}

/**
 * Recomputes every seal from the heads it covers and from the seal before. Whether the heads are still
 * lines of the journal is `auditJournal`'s part.
 *
 * @param witnessed a seal known from outside the database: only it can prove that the newest were not cut off
 */
export async function auditSeals(
  db: Db,
  found: Found,
  witnessed: WitnessedSeal | null,
): Promise<SealsReport> {
  let before: { number: string; hash: Buffer | null } = { number: '0', hash: null };
  for (;;) {
    const { rows } = await db.query<SealRow>(SEALS, [before.number]);
    for (const row of rows) {
      auditSeal(row, before, found);
      before = row;
    }
    if (rows.length < SEALS_BATCH) break;
  }
  await auditOrphanHeads(db, found);
  if (witnessed) await auditWitness(db, witnessed, found);
  const { rows } = await db.query<{ count: string }>(
    'SELECT count(*) FROM rounds WHERE version > sealed_version',
  );
  return { last: await lastSeal(db), unsealed_rounds: Number(rows[0]?.count ?? 0) };
}

const SEALS = `
  SELECT s.number, (extract(epoch FROM s.sealed_at) * 1000)::bigint AS sealed_ms, s.heads, s.digest,
         s.previous, s.hash, sealed_heads_digest(s.number) AS found_digest,
         (SELECT count(*) FROM sealed_heads h WHERE h.seal = s.number) AS found_heads
    FROM journal_seals s WHERE s.number > $1::bigint ORDER BY s.number LIMIT ${SEALS_BATCH}`;

function auditSeal(
  row: SealRow,
  before: { number: string; hash: Buffer | null },
  found: Found,
): void {
  const tell = (detail: string) => found({ rule: RULE, where: `seal ${row.number}`, detail });
  const follows = BigInt(row.number) === BigInt(before.number) + 1n;
  const linked = before.hash === null ? row.previous === null : row.previous?.equals(before.hash);
  if (!follows) tell(`it comes after seal ${before.number}: what was between them is gone`);
  else if (!linked) tell('it does not follow from the seal before');
  if (String(row.heads) !== row.found_heads) {
    tell(`it covers ${row.heads} heads, and ${row.found_heads} are there`);
  }
  if (!row.digest.equals(row.found_digest)) tell('its heads are not those that were sealed');
  const { number, heads, digest } = row;
  const hash = sealHash(row.previous, { number, sealedAtMs: Number(row.sealed_ms), heads, digest });
  if (!hash.equals(row.hash)) tell('its hash does not follow from what it says');
}

async function auditOrphanHeads(db: Db, found: Found): Promise<void> {
  const { rows } = await db.query<{ seal: string; heads: string }>(
    `SELECT h.seal, count(*) AS heads FROM sealed_heads h
       LEFT JOIN journal_seals s ON s.number = h.seal WHERE s.number IS NULL GROUP BY h.seal
      ORDER BY h.seal LIMIT 100`,
  );
  for (const { seal, heads } of rows) {
    found({
      rule: RULE,
      where: `seal ${seal}`,
      detail: `gone, and ${heads} heads of it are there`,
    });
  }
}

async function auditWitness(db: Db, { number, hash }: WitnessedSeal, found: Found): Promise<void> {
  const { rows } = await db.query<{ hash: Buffer }>(
    'SELECT hash FROM journal_seals WHERE number = $1::bigint',
    [number],
  );
  const stored = rows[0]?.hash.toString('hex');
  if (stored === hash) return;
  const detail = stored === undefined ? 'it is gone' : `its hash is ${stored}, and was ${hash}`;
  found({ rule: 'a seal known outside still stands', where: `seal ${number}`, detail });
}
