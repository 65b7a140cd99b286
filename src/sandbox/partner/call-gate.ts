import type { Transaction } from './open-book';
import { reportViolation } from './violation';

/** An answer as it leaves: `body` is JSON text, so that amounts keep their exact digits. */
export interface WalletReply {
  readonly status: number;
  readonly body: string;
}

/** How the gate knew a call: new, the same again, or its bet_id with other content. */
export type GateVerdict = 'first' | 'repeat' | 'conflict';

/** An answer, and whether what was written on the way to it stays. */
export interface Decision extends WalletReply {
  /** False undoes the transaction: a call that may be decided otherwise later must leave no trace. */
  readonly keep: boolean;
  /** Absent when the call is not de-duplicated, or was refused without leaving a trace. */
  readonly gate?: GateVerdict;
}

/** One money call as the gate knows it. */
export interface GatedCall {
  readonly endpoint: 'bet' | 'settle-bet' | 'bet-end';
  readonly betId: string;
  /** What a repeat must agree with: the player and the amounts by value. */
  readonly content: readonly (string | bigint)[];
}

/**
 * Takes the row of (endpoint, bet_id), waiting for whoever holds it ("always de-duplicate on bet_id").
 *
 * @returns undefined for the first call; for a repeat the stored answer, or 409 when its content differs
 */
export async function passGate(
  tx: Transaction,
  call: GatedCall,
  at: Date,
): Promise<Decision | undefined> {
  const content = call.content.join(' ');
  const taken = await tx.query(
    `INSERT INTO wallet_call (endpoint, bet_id, content, decided_at) VALUES ($1, $2, $3, $4)
     ON CONFLICT DO NOTHING`,
    [call.endpoint, call.betId, content, at],
  );
  if (taken.rowCount === 1) return undefined;
  const { rows } = await tx.query<{ content: string; reply_status: number; reply_body: string }>(
    'SELECT content, reply_status, reply_body FROM wallet_call WHERE endpoint = $1 AND bet_id = $2',
    [call.endpoint, call.betId],
  );
  const first = rows[0];
  if (!first) throw new Error('the gate lost a row');
  if (first.content !== content) {
    await reportViolation(tx, call.endpoint, call.betId, 'repeated with other content', at);
    return { ...refusal(409, 'duplicate bet_id with other content'), gate: 'conflict' };
  }
  return { status: first.reply_status, body: first.reply_body, keep: true, gate: 'repeat' };
}

/** Keeps the first call's answer for every repeat. */
export async function storeReply(
  tx: Transaction,
  call: GatedCall,
  decision: Decision,
): Promise<Decision> {
  await tx.query(
    'UPDATE wallet_call SET reply_status = $3, reply_body = $4 WHERE endpoint = $1 AND bet_id = $2',
    [call.endpoint, call.betId, decision.status, decision.body],
  );
  return { ...decision, gate: 'first' };
}

export function refusal(status: number, error: string): Decision {
  return { status, body: JSON.stringify({ error }), keep: true };
}
