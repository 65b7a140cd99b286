import type { Transaction } from './open-book';

/** Notes something the caller did that its document does not allow; the call itself was answered. */
export async function reportViolation(
  tx: Transaction,
  endpoint: string,
  betId: string,
  text: string,
  at: Date,
): Promise<void> {
  await tx.query(
    'INSERT INTO violation (endpoint, bet_id, text, seen_at) VALUES ($1, $2, $3, $4)',
    [endpoint, betId, text, at],
  );
}
