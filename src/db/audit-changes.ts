import { entryHash } from './audit-log';
import type { Found } from './contradiction';
import type { Db } from './pool';

/** What the audit tells of the log of changes. */
export interface ChangesReport {
  readonly entries: number;
  /** The newest; note it outside the database, so that a cut end can be proven. */
  readonly last: { readonly number: string; readonly hash: string } | null;
}

const BATCH = 1_000;
const RULE = 'the audit log is a chain';

interface EntryRow {
  number: string;
  at_ms: string;
  actor: string;
  action: string;
  subject: string;
  before: string | null;
  after: string | null;
  previous: Buffer | null;
  hash: Buffer;
}

const ENTRIES = `
  SELECT number, (extract(epoch FROM at) * 1000)::bigint AS at_ms, actor, action, subject,
         before::text, after::text, previous, hash
    FROM audit_log WHERE number > $1::bigint ORDER BY number LIMIT ${BATCH}`;

/** Recomputes the chain of the audit log: each entry says what was hashed, and follows from the one before. */
export async function auditChanges(db: Db, found: Found): Promise<ChangesReport> {
  let entries = 0;
  let last: { number: string; hash: Buffer } | null = null as EntryRow | null;
  for (;;) {
    const { rows }: { rows: EntryRow[] } = await db.query<EntryRow>(ENTRIES, [last?.number ?? '0']);
    for (const row of rows) {
      const where = `audit log entry ${row.number}`;
      const tell = (detail: string) => found({ rule: RULE, where, detail });
      if (BigInt(row.number) !== BigInt(last?.number ?? '0') + 1n) {
        tell(`it comes after entry ${last?.number ?? '0'}: what was between them is gone`);
      } else if (last !== null && row.previous?.equals(last.hash) !== true) {
        tell('it does not follow from the entry before');
      }
      const hash = entryHash(row.previous, { ...row, atMs: Number(row.at_ms) });
      if (!hash.equals(row.hash)) tell('its hash does not follow from what it says');
      last = row;
      entries += 1;
    }
    if (rows.length < BATCH) break;
  }
  return { entries, last: last && { number: last.number, hash: last.hash.toString('hex') } };
}
