import { createHash } from 'node:crypto';
import { assert } from '../lib/assert';
import type { Db } from './pool';

type Told = string | number | boolean | null | readonly string[] | object;

/** What was changed. Secrets are never in it: a key is told by its id, a secret by its version. */
export interface Change {
  /** `partner.create`, `connection.rotate-key`, `player.block`, ... */
  readonly action: string;
  /** The partner's prefix, the connection's key, the player's number, the case's number. */
  readonly subject: string;
  /** Only what differs; null for what was not there. */
  readonly before: Readonly<Record<string, Told>> | null;
  readonly after: Readonly<Record<string, Told>> | null;
}

/** An entry told to people; the hash is hex. */
export interface AuditLogEntry {
  readonly number: string;
  readonly at: string;
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly before: unknown;
  readonly after: unknown;
  readonly hash: string;
}

/** Any number that nothing else of ours locks. */
const WRITERS_LOCK = 5_009_002;

/**
 * Writes an entry in the transaction of the change itself. Call it last: until that transaction ends, every
 * other change waits here.
 */
export async function recordChange(
  client: Db,
  { actor }: { readonly actor: string },
  change: Change,
): Promise<void> {
  await client.query('SELECT pg_advisory_xact_lock($1)', [WRITERS_LOCK]);
  const { rows } = await client.query<{
    number: string;
    previous: Buffer | null;
    at_ms: string;
  }>(
    `SELECT coalesce(max(number), 0) + 1 AS number,
            (SELECT hash FROM audit_log ORDER BY number DESC LIMIT 1) AS previous,
            (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS at_ms FROM audit_log`,
  );
  const [head] = rows;
  assert(head, 'an aggregate has a row');
  const entry = {
    number: head.number,
    atMs: Number(head.at_ms),
    actor,
    action: change.action,
    subject: change.subject,
    before: change.before && JSON.stringify(change.before),
    after: change.after && JSON.stringify(change.after),
  };
  await client.query(
    `INSERT INTO audit_log (number, at, actor, action, subject, before, after, previous, hash)
     VALUES ($1, to_timestamp($2::bigint / 1000.0), $3, $4, $5, $6::json, $7::json, $8, $9)`,
    [
      entry.number,
      entry.atMs,
      entry.actor,
      entry.action,
      entry.subject,
      entry.before,
      entry.after,
      head.previous,
      entryHash(head.previous, entry),
    ],
  );
}

/** What an entry's hash is over, with `before` and `after` as the text they were written as. */
export interface HashedEntry {
  readonly number: string;
  readonly atMs: number;
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly before: string | null;
  readonly after: string | null;
}

/** SHA-256 over the hash of the entry before and the digest of what this one says. */
export function entryHash(previous: Buffer | null, entry: HashedEntry): Buffer {
  const { number, atMs, actor, action, subject, before, after } = entry;
  const text = JSON.stringify([Number(number), atMs, actor, action, subject, before, after]);
  return createHash('sha256')
    .update(previous ?? Buffer.alloc(0))
    .update(createHash('sha256').update(text).digest())
    .digest();
}

/** Entries a list tells at once. */
export const AUDIT_LOG_LISTED_MAX = 500;

/**
 * Entries in the order they were written.
 *
 * @param since only those of this moment or later
 * @returns at most AUDIT_LOG_LISTED_MAX, the newest ones when there are more
 */
export async function listAuditLog(db: Db, since: Date | null): Promise<AuditLogEntry[]> {
  const { rows } = await db.query<EntryRow>(
    `SELECT * FROM (SELECT number, at, actor, action, subject, before, after, hash FROM audit_log
        WHERE $1::timestamptz IS NULL OR at >= $1 ORDER BY number DESC LIMIT ${AUDIT_LOG_LISTED_MAX}) newest
      ORDER BY number`,
    [since],
  );
  return rows.map(entryOfRow);
}

type EntryRow = Omit<AuditLogEntry, 'at' | 'hash'> & { readonly at: Date; readonly hash: Buffer };

function entryOfRow(row: EntryRow): AuditLogEntry {
  return { ...row, at: row.at.toISOString(), hash: row.hash.toString('hex') };
}

/**
 * Entries to be told outside the book, oldest first: those after a number, or without one those of the last
 * minutes, so that a process that starts tells a few again rather than none.
 */
export async function newAuditLogEntries(db: Db, after: string | null): Promise<AuditLogEntry[]> {
  const { rows } = await db.query<EntryRow>(
    `SELECT number, at, actor, action, subject, before, after, hash FROM audit_log
      WHERE CASE WHEN $1::bigint IS NULL THEN at > now() - interval '5 minutes' ELSE number > $1 END
      ORDER BY number LIMIT ${AUDIT_LOG_LISTED_MAX}`,
    [after],
  );
  return rows.map(entryOfRow);
}

/** The fields that differ, as they were and as they are; null when none does. */
export function differenceOf(
  before: Readonly<Record<string, Told>>,
  after: Readonly<Record<string, Told>>,
): Pick<Change, 'before' | 'after'> | null {
  const names = Object.keys(after).filter(
    (name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]),
  );
  if (names.length === 0) return null;
  const of = (side: Readonly<Record<string, Told>>) =>
    Object.fromEntries(names.map((name) => [name, side[name] ?? null]));
  return { before: of(before), after: of(after) };
}
