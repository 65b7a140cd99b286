import type { Pool, PoolClient } from 'pg';
import type { Logger } from '../../lib/log';
import type { GateVerdict } from './call-gate';
import type { FaultMode } from './fault-switchboard';

/** One arrival at the wallet, and what it was answered; a status of undefined means it got no answer. */
export interface Callback {
  readonly endpoint: string;
  readonly receivedAt: Date;
  readonly body: string;
  readonly signatureOk: boolean;
  /** Of whom and of which bet the body says it is; also when its signature is wrong. */
  readonly userAgent?: string;
  readonly betId?: string;
  readonly fault?: FaultMode;
  readonly gate?: GateVerdict;
  readonly replyStatus?: number;
  readonly replyBody?: string;
  /** From its arrival to its answer, or to the moment it was left without one. */
  readonly tookMs: number;
}

export interface CallbackLog {
  /** Writes one arrival down; with a transaction it is kept exactly when the decision is. */
  write(db: Pool | PoolClient, callback: Callback): Promise<void>;
  /** Removes what is older than the newest `CALLBACKS_KEPT`. */
  trim(): Promise<void>;
}

/** An evening of play fits many times over; at most some 40 MB with the longest bodies. */
export const CALLBACKS_KEPT = 10_000;
/** Trimming is one statement over rows that nobody reads any more: seldom, so that no call waits for it. */
export const TRIMMED_EVERY = 200;
/** Every body of the partner document is far shorter; what is longer was sent by somebody else. */
const BODY_KEPT_CHARACTERS = 4_096;

/** The log of arrivals behind the book page: bounded, so that a casino that runs for years does not fill its disk. */
export function createCallbackLog(deps: {
  readonly pool: Pool;
  readonly log: Logger;
}): CallbackLog {
  let written = 0;
  const trim = async () => {
    await deps.pool.query(
      `DELETE FROM callback_log
        WHERE callback_number <= (SELECT max(callback_number) - $1 FROM callback_log)`,
      [CALLBACKS_KEPT],
    );
  };
  return {
    trim,
    async write(db, callback) {
      await db.query(
        `INSERT INTO callback_log (endpoint, received_at, body, signature_ok, user_agent, bet_id, fault, gate,
                                   reply_status, reply_body, took_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
        [
          callback.endpoint,
          callback.receivedAt,
          shortened(callback.body),
          callback.signatureOk,
          callback.userAgent ?? null,
          callback.betId ?? null,
          callback.fault ?? null,
          callback.gate ?? null,
          callback.replyStatus ?? null,
          callback.replyBody ?? null,
          callback.tookMs,
        ],
      );
      written += 1;
      if (written % TRIMMED_EVERY !== 0) return;
      // Nobody waits for it, and the next one removes what a failed one left.
      trim().catch((error: unknown) => deps.log.warn({ err: error }, 'the log was not trimmed'));
    },
  };
}

function shortened(body: string): string {
  // PostgreSQL's text has no NUL; only a body that is not JSON can carry one.
  const text = body.replaceAll('\0', '\uFFFD');
  return text.length > BODY_KEPT_CHARACTERS ? `${text.slice(0, BODY_KEPT_CHARACTERS)}…` : text;
}
