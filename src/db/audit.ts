import { auditChanges, type ChangesReport } from './audit-changes';
import { auditJournal } from './audit-journal';
import { auditRows } from './audit-rows';
import { auditSeals, type SealsReport, type WitnessedSeal } from './audit-seals';
import { auditSides, type DayTotals } from './audit-sides';
import type { Contradiction } from './contradiction';
import type { Db, Pool } from './pool';
import { transaction } from './transaction';

export interface AuditReport {
  readonly ok: boolean;
  readonly rounds: number;
  readonly journal_lines: number;
  readonly seals: SealsReport;
  /** The log of who changed what (`audit-log show`). */
  readonly audit_log: ChangesReport;
  readonly days: readonly DayTotals[];
  /** What is owed, undecided or open, by kind: no contradiction, but not at rest. */
  readonly open: Readonly<Record<string, number>>;
  /** How many were found; `contradictions` names the first of each rule. */
  readonly contradictions_found: number;
  readonly contradictions: readonly Contradiction[];
}

/** Contradictions of one rule that are named: enough to begin with, and no rule hides another. */
const NAMED_PER_RULE_MAX = 25;

/** `audit` on one snapshot of the book, which may be as busy as it likes meanwhile. */
export function auditSnapshot(
  pool: Pool,
  options: { readonly witnessed?: WitnessedSeal | null } = {},
): Promise<AuditReport> {
  return transaction(pool, async (client) => {
    await client.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
    // It reads the whole book; nobody waits for a lock of it.
    await client.query('SET LOCAL statement_timeout = 0');
    await client.query('SET LOCAL idle_in_transaction_session_timeout = 0');
    return audit(client, options);
  });
}

/**
 * Rule 13, recomputed: the provider's answers, our registers, the wallet's confirmed calls (from the very
 * bytes sent) and the delivered records must tell the same, operation by operation; the registers must be
 * what the journal tells; and the chains of the journal and of its seals must hold. Everything is read in
 * batches. Reads one snapshot; the caller opens it (`auditSnapshot`).
 */
export async function audit(
  db: Db,
  { witnessed = null }: { readonly witnessed?: WitnessedSeal | null } = {},
): Promise<AuditReport> {
  const contradictions: Contradiction[] = [];
  const counts = new Map<string, number>();
  const found = (contradiction: Contradiction) => {
    const count = (counts.get(contradiction.rule) ?? 0) + 1;
    counts.set(contradiction.rule, count);
    if (count <= NAMED_PER_RULE_MAX) contradictions.push(contradiction);
  };
  await auditRows(db, found);
  const days = await auditSides(db, found);
  const seals = await auditSeals(db, found, witnessed);
  const journalLines = await auditJournal(db, found);
  const auditLog = await auditChanges(db, found);
  const { rows } = await db.query<{ rounds: string }>('SELECT count(*) AS rounds FROM rounds');
  const contradictionsFound = [...counts.values()].reduce((sum, count) => sum + count, 0);
  return {
    ok: contradictionsFound === 0,
    rounds: Number(rows[0]?.rounds ?? 0),
    journal_lines: journalLines,
    seals,
    audit_log: auditLog,
    days,
    open: await openItems(db),
    contradictions_found: contradictionsFound,
    contradictions,
  };
}

async function openItems(db: Db): Promise<Record<string, number>> {
  const { rows } = await db.query<{ kind: string; count: string }>(
    `SELECT 'undecided stakes' AS kind, count(*) FROM bets WHERE decision = 'open'
     UNION ALL SELECT 'unknown stakes', count(*) FROM obligations WHERE verb = 'take' AND status = 'open'
     UNION ALL SELECT 'payouts owed', count(*) FROM operations WHERE payout_state IN ('owed', 'waiting')
     UNION ALL SELECT 'payouts held', count(*) FROM operations WHERE payout_state = 'held'
     UNION ALL SELECT 'calls owed', count(*) FROM obligations WHERE status = 'open'
     UNION ALL SELECT 'rounds open', count(*) FROM rounds r WHERE status <> 'closed'
       AND EXISTS (SELECT 1 FROM bets b WHERE b.round_id = r.id AND b.decision = 'confirmed')
     UNION ALL SELECT 'cases open', count(*) FROM cases WHERE status = 'open'
     UNION ALL SELECT 'answers not seen', count(*) FROM operations
       WHERE kind = 'stake' AND answer_result = 'accepted' AND answer_written_at IS NULL
         AND answer_seen_at IS NULL`,
  );
  return Object.fromEntries(rows.map((row) => [row.kind, Number(row.count)]));
}
