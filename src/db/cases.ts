import { formatAmount } from '../domain/money';
import type { CaseKind } from '../domain/round/draft';
import { RESOLUTIONS_OF, type CaseEnd, type Resolution } from '../domain/round/resolve';
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
  /** What a person may make of it; empty once it is resolved. */
  readonly resolve_as: readonly Resolution[];
  readonly resolution: CaseEnd | null;
  readonly note: string | null;
  readonly resolved_by: string | null;
  readonly resolved_at: string | null;
}

/** Cases a list tells at once: what one person can look through. The next call goes on behind the last. */
export const CASES_LISTED_MAX = 100;

export interface CaseRow {
  id: string;
  kind: CaseKind;
  subject: string;
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
  resolution: CaseEnd | null;
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

/** @throws RefusedError naming `id` when the book has no such case */
export async function caseRow(db: Db, id: string): Promise<CaseRow> {
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
    resolve_as: row.status === 'open' ? RESOLUTIONS_OF[row.kind] : [],
    resolution: row.resolution,
    note: row.note,
    resolved_by: row.resolved_by,
    resolved_at: row.resolved_at?.toISOString() ?? null,
  };
}
