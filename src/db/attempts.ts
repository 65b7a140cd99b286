import type { Verb } from '../domain/round/rows';
import type { StillBalance } from '../domain/round/still-balance';
import type { WalletOutcome } from '../domain/wallet-outcome';
import { assert } from '../lib/assert';
import type { Db } from './pool';

/** One attempt of one obligation, by its place in the book. */
export interface AttemptKey {
  readonly betId: string;
  readonly verb: Verb;
  readonly number: number;
  readonly attempt: number;
  readonly startedMs: number;
}

/** The most of a reply that is kept: enough to see what a wallet said, too little to fill a disk. */
const RECEIVED_CHARACTERS_MAX = 8_192;

/** The bytes that the first attempt of the call sent: every attempt sends the same. */
export async function keptPayload(db: Db, { betId, verb, number }: AttemptKey): Promise<string> {
  const { rows } = await db.query<{ payload: string | null }>({
    name: 'kept_payload',
    text: 'SELECT payload FROM obligations WHERE bet_id = $1 AND verb = $2 AND number = $3',
    values: [betId, verb, number],
  });
  const payload = rows[0]?.payload;
  assert(typeof payload === 'string', `${betId}/${verb}/${number} was tried and has no payload`);
  return payload;
}

/** What an attempt came to. */
export interface AttemptEnd {
  readonly outcome: WalletOutcome;
  readonly described: string;
  readonly received: string | undefined;
}

/**
 * What an attempt came to, as it is written (`saveRound`).
 *
 * @param nextAttemptMs when the call is tried next; null when it is not
 */
export function endedAttempt(
  key: AttemptKey,
  { outcome, described, received }: AttemptEnd,
  nextAttemptMs: number | null,
): object {
  return {
    ...key,
    received: received === undefined ? null : printable(received),
    result: outcome.kind,
    text: printable(described),
    httpStatus: outcome.httpStatus ?? null,
    balance: outcome.kind === 'done' ? (outcome.balance ?? null) : null,
    nextAttemptMs,
  };
}

// PostgreSQL's text refuses NUL, and its JSON half a surrogate, which a cut may leave; a reply that holds one must not
// lose its attempt's result.
function printable(received: string): string {
  const kept = received.slice(0, RECEIVED_CHARACTERS_MAX).replaceAll('\u0000', '\uFFFD');
  return Buffer.from(kept).toString();
}

/** Of a player's rounds, the newest: a stake that could hide a payout's move is in one of them. */
const ROUNDS_LOOKED_AT = 20;

/**
 * Whether the wallet may have dealt with another call about the player's money since the first of two calls
 * began, so that nothing follows from its balance. Asked only where a balance stood still.
 */
export async function otherCallsBetween(
  db: Db,
  playerId: string,
  { before, call }: StillBalance,
): Promise<boolean> {
  const { rows } = await db.query<{ others: boolean }>(
    `WITH since AS (SELECT min(started_at) AS at FROM attempts WHERE bet_id = $2 AND verb = $3)
     SELECT since.at IS NULL
       -- The two overlapped: the wallet may have dealt with the second before the first.
       OR (SELECT min(started_at) FROM attempts WHERE bet_id = $4 AND verb = $5)
          < (SELECT max(coalesce(ended_at, started_at)) FROM attempts WHERE bet_id = $2 AND verb = $3)
       OR EXISTS (
       SELECT 1 FROM (SELECT id FROM rounds WHERE player_id = $1 ORDER BY id DESC
                       LIMIT ${ROUNDS_LOOKED_AT}) r
         JOIN obligations o ON o.round_id = r.id AND o.verb IN ('take', 'give')
         JOIN attempts a ON a.bet_id = o.bet_id AND a.verb = o.verb AND a.number = o.number
        WHERE (o.bet_id, o.verb) NOT IN (($2, $3), ($4, $5))
          -- An attempt without an end died with its worker; its call is past within a minute.
          AND coalesce(a.ended_at, a.started_at + interval '1 minute') >= since.at) AS others
       FROM since`,
    [playerId, before.betId, before.verb, call.betId, call.verb],
  );
  return rows[0]?.others ?? true;
}
