import type { CaseKind } from '../domain/round/draft';
import type { Db } from './pool';

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
