import type { Pool, PoolClient } from 'pg';
import type { FaultMode } from './fault-switchboard';

/** One arrival at the wallet, and what it was answered; a status of undefined means it got no answer. */
export interface Callback {
  readonly endpoint: string;
  readonly receivedAt: Date;
  readonly body: string;
  readonly signatureOk: boolean;
  readonly fault?: FaultMode;
  readonly replyStatus?: number;
  readonly replyBody?: string;
}

/** Writes one arrival down; with a transaction it is kept exactly when the decision is. */
export async function logCallback(db: Pool | PoolClient, callback: Callback): Promise<void> {
  await db.query(
    `INSERT INTO callback_log (endpoint, received_at, body, signature_ok, fault, reply_status, reply_body)
     VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [
      callback.endpoint,
      callback.receivedAt,
      // PostgreSQL's text has no NUL; only a body that is not JSON can carry one.
      callback.body.replaceAll('\0', '\uFFFD'),
      callback.signatureOk,
      callback.fault ?? null,
      callback.replyStatus ?? null,
      callback.replyBody ?? null,
    ],
  );
}
