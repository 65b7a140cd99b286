import { formatAmount } from '../domain/money';
import type { CaseKind } from '../domain/round/draft';
import { resolutionWithoutRound, type Resolution } from '../domain/round/resolve';
import type { Book } from './book';
import type { Db } from './pool';
import { RefusedError } from './refused';

/** A case that no round's decision opened: the request never reached one. */
export interface StrayCase {
  readonly kind: CaseKind;
  /** Names the request for ever: connection, player, round and transaction. */
  readonly subject: string;
  readonly roundId: string | null;
  readonly amount: bigint | null;
  readonly currency: string | null;
  readonly evidence: Readonly<Record<string, string>>;
}

/** Opens a case once per kind and subject; a second time changes nothing. */
export async function openStrayCase(db: Db, stray: StrayCase): Promise<void> {
  await db.query(
    `INSERT INTO cases (kind, round_id, subject, amount, currency, evidence, opened_at)
     VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp()) ON CONFLICT DO NOTHING`,
    [
      stray.kind,
      stray.roundId,
      stray.subject,
      stray.amount,
      stray.currency,
      JSON.stringify(stray.evidence),
    ],
  );
}

/** A case told to people. Amounts are decimal text. */
export interface CaseView {
  readonly id: string;
  readonly kind: CaseKind;
  readonly status: 'open' | 'resolved';
  /** How long it was open, or has been up to now. */
  readonly age_seconds: number;
  readonly partner: string | null;
  /** The player's `user_agent`. */
  readonly player: string | null;
  /** The provider's own id of the round. */
  readonly round: string | null;
  /** What `round show` takes; null when the request never reached a round. */
  readonly round_key: string | null;
  readonly operation: number | null;
  readonly bet_id: string | null;
  readonly amount: string | null;
  readonly currency: string | null;
  readonly evidence: Readonly<Record<string, string>>;
  readonly opened_at: string;
  readonly resolution: Resolution | null;
  readonly note: string | null;
  readonly resolved_by: string | null;
  readonly resolved_at: string | null;
}

/** Cases a list tells at once: what one person can look through. The next call goes on behind the last. */
export const CASES_LISTED_MAX = 100;

interface CaseRow {
  id: string;
  kind: CaseKind;
  status: CaseView['status'];
  age_seconds: string;
  prefix: string | null;
  reference: string | null;
  round_id: string | null;
  round_ref: string | null;
  connection_key: string | null;
  player_id: string | null;
  operation_id: number | null;
  bet_id: string | null;
  amount: string | null;
  currency: string | null;
  exponent: number | null;
  evidence: Record<string, string>;
  opened_at: Date;
  resolution: Resolution | null;
  note: string | null;
  resolved_by: string | null;
  resolved_at: Date | null;
}

// A request that reached no round names its connection, player, round and transaction in the subject.
const CASES = `
  SELECT c.*, extract(epoch FROM coalesce(c.resolved_at, clock_timestamp()) - c.opened_at)::bigint AS age_seconds,
         p.prefix, pl.reference, pl.player_id, co.key AS connection_key, cu.exponent,
         coalesce(r.round_ref, split_part(stray.subject, '/', 3)) AS round_ref
    FROM cases c
    LEFT JOIN rounds r ON r.id = c.round_id
    LEFT JOIN connections co ON co.id = r.connection_id
    LEFT JOIN LATERAL (SELECT c.subject
      WHERE c.round_id IS NULL AND c.subject ~ '^[a-z0-9-]+/[0-9]{1,18}/') stray ON true
    LEFT JOIN players pl
      ON pl.player_id = coalesce(r.player_id, split_part(stray.subject, '/', 2)::bigint)
    LEFT JOIN partners p ON p.id = pl.partner_id
    LEFT JOIN currencies cu ON cu.code = c.currency`;

/**
 * Cases in the order they were opened, the newest last.
 *
 * @param filter `after`: the case behind which to begin, from an earlier list's `next_after`
 * @returns at most `CASES_LISTED_MAX`; `next_after` is null when there are no more
 */
export async function listCases(
  db: Db,
  filter: {
    readonly status: 'open' | 'resolved' | 'all';
    readonly kind?: CaseKind;
    readonly partner?: string;
    readonly after?: string;
  },
): Promise<{ cases: CaseView[]; next_after: string | null }> {
  const { rows } = await db.query<CaseRow>(
    `${CASES} WHERE c.id > $1::bigint AND ($2 = 'all' OR c.status = $2)
        AND ($3::text IS NULL OR c.kind = $3) AND ($4::text IS NULL OR p.prefix = $4)
      ORDER BY c.id LIMIT ${CASES_LISTED_MAX + 1}`,
    [filter.after ?? '0', filter.status, filter.kind ?? null, filter.partner ?? null],
  );
  const cases = rows.slice(0, CASES_LISTED_MAX).map(viewOfCase);
  return { cases, next_after: rows.length > cases.length ? (cases.at(-1)?.id ?? null) : null };
}

/** @throws RefusedError naming `id` when the book has no such case */
export async function showCase(db: Db, id: string): Promise<CaseView> {
  return viewOfCase(await caseRow(db, id));
}

async function caseRow(db: Db, id: string): Promise<CaseRow> {
  const { rows } = /^\d{1,18}$/.test(id)
    ? await db.query<CaseRow>(`${CASES} WHERE c.id = $1::bigint`, [id])
    : { rows: [] };
  if (!rows[0]) throw new RefusedError('id', `there is no case ${id}`);
  return rows[0];
}

function viewOfCase(row: CaseRow): CaseView {
  const { amount, exponent } = row;
  const inBook = row.round_id !== null;
  return {
    id: row.id,
    kind: row.kind,
    status: row.status,
    age_seconds: Number(row.age_seconds),
    partner: row.prefix,
    player: row.prefix === null ? null : `${row.prefix}.${row.reference}`,
    round: row.round_ref,
    round_key: inBook ? `${row.connection_key}/${row.player_id}/${row.round_ref}` : null,
    operation: row.operation_id,
    bet_id: row.bet_id,
    amount: amount === null || exponent === null ? null : formatAmount(BigInt(amount), exponent),
    currency: row.currency,
    evidence: row.evidence,
    opened_at: row.opened_at.toISOString(),
    resolution: row.resolution,
    note: row.note,
    resolved_by: row.resolved_by,
    resolved_at: row.resolved_at?.toISOString() ?? null,
  };
}

export interface ResolveOrder {
  readonly id: string;
  readonly as: Resolution;
  readonly note: string | null;
  /** The person, as the machine knows them. */
  readonly by: string;
  /** False: everything is tried and nothing is written. */
  readonly apply: boolean;
}

export interface ResolveResult {
  /** `would`: a dry run of what `resolved` does. `already`: somebody resolved the case before. */
  readonly outcome: 'resolved' | 'would' | 'already' | 'refused';
  readonly text: string;
}

/** Ends a decision's transaction without a trace, and says how it went. */
class NothingWritten extends Error {
  override name = 'NothingWritten';
  constructor(readonly result: ResolveResult) {
    super(result.text);
  }
}

/**
 * Carries out what a person decided about a case: one decision on its round, and the case's row with it in
 * one transaction. A case that is resolved is left alone.
 *
 * @throws RefusedError naming `id` when the book has no such case
 */
export async function resolveCase(book: Book, order: ResolveOrder): Promise<ResolveResult> {
  const row = await caseRow(book.pool, order.id);
  if (row.status === 'resolved') return already(row);
  if (row.round_id === null) return resolveStray(book.pool, row, order);
  const { id: caseId, kind, operation_id: operationId } = row;
  const resolution = { caseId, kind, operationId, as: order.as };
  try {
    const entry = await book.decideOn(
      row.round_id,
      { type: 'resolve', resolution },
      async (client, { result }) => {
        // Before the verdict: of two who resolve at once, the second finds the payout not held any more.
        if (!(await markResolved(client, order))) throw new NothingWritten(already(row));
        if (result.kind === 'refused') throw new NothingWritten({ ...result, outcome: 'refused' });
        if (!order.apply) throw new NothingWritten({ ...result, outcome: 'would' });
      },
    );
    return { outcome: 'resolved', text: entry.result.text };
  } catch (error) {
    if (!(error instanceof NothingWritten)) throw error;
    if (error.result.outcome !== 'already') return error.result;
    return already(await caseRow(book.pool, order.id));
  }
}

async function resolveStray(db: Db, row: CaseRow, order: ResolveOrder): Promise<ResolveResult> {
  const { kind, text } = resolutionWithoutRound({ kind: row.kind, as: order.as });
  if (kind === 'refused') return { outcome: 'refused', text };
  if (!order.apply) return { outcome: 'would', text };
  if (await markResolved(db, order)) return { outcome: 'resolved', text };
  return already(await caseRow(db, order.id));
}

async function markResolved(db: Db, order: ResolveOrder): Promise<boolean> {
  const { rowCount } = await db.query(
    `UPDATE cases SET status = 'resolved', resolution = $2, note = $3, resolved_by = $4,
        resolved_at = clock_timestamp() WHERE id = $1::bigint AND status = 'open'`,
    [order.id, order.as, order.note, order.by],
  );
  return rowCount === 1;
}

function already(row: CaseRow): ResolveResult {
  const how = `${row.resolution ?? 'resolved'} by ${row.resolved_by ?? 'nobody known'}`;
  const at = row.resolved_at?.toISOString() ?? 'a time not kept';
  return { outcome: 'already', text: `it is resolved already: ${how} at ${at}` };
}
