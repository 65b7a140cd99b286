import type { PoolClient } from 'pg';
import { scriptFromJson, scriptToJson, stakeOf, withoutRefusedStake, type Script } from './engine';

export type RoundState = 'playing' | 'finished' | 'refused';

export interface Round {
  readonly roundId: number;
  readonly script: Script;
  readonly state: RoundState;
}

/** A Credit or a Debit of the book; `transactionId` is the text of a 64-bit integer. */
export interface Operation {
  readonly transactionId: string;
  readonly roundId: number;
  readonly step: number;
  readonly sessionId: string;
  readonly partnerId: string;
  readonly playerId: string;
  readonly gameId: number;
  readonly token: string;
  readonly currency: string;
  readonly exponent: number;
  readonly kind: 'credit' | 'debit';
  readonly amount: bigint;
  readonly betAmount: bigint | null;
  readonly isClose: boolean;
  readonly status: 'unanswered' | 'accepted' | 'refused';
  readonly code: number | null;
  readonly attempts: number;
  readonly doubtful: boolean;
  readonly internalErrors: number;
  readonly internalSinceMs: number | undefined;
}

/** The columns `operationFrom` reads. */
export const OPERATION_COLUMNS = `transaction_id, round_id, step, session_id, partner_id, player_id, game_id, token,
  currency, exponent, kind, amount_minor, bet_amount_minor, is_close, status, code, attempts, doubtful,
  internal_errors, internal_since`;

/**
 * Goes on with a round after a definite answer: writes its next call, or ends the round.
 *
 * @returns the next call, already counted as attempted once; undefined when the round is over
 */
export async function nextStep(
  client: PoolClient,
  operation: Operation,
  status: 'accepted' | 'refused',
): Promise<Operation | undefined> {
  const { rows } = await client.query<{ script: unknown }>(
    'SELECT script FROM web_games.rounds WHERE round_id = $1 FOR UPDATE',
    [operation.roundId],
  );
  let script = scriptFromJson(rows[0]?.script);
  const stakeRefused = status === 'refused' && operation.kind === 'credit';
  if (stakeRefused) {
    script = { ...script, steps: withoutRefusedStake(script.steps, operation.step) };
  }
  const next = operation.step + 1;
  const over = next >= script.steps.length;
  const state: RoundState = !over
    ? 'playing'
    : stakeRefused && operation.step === 0
      ? 'refused'
      : 'finished';
  if (over || stakeRefused) {
    await client.query('UPDATE web_games.rounds SET script = $2, state = $3 WHERE round_id = $1', [
      operation.roundId,
      scriptToJson(script),
      state,
    ]);
  }
  if (over) return undefined;
  return addStep(client, operation, { roundId: operation.roundId, script, state }, next);
}

/** Whose round it is: a session, or the call before. */
type Owner = Pick<
  Operation,
  'sessionId' | 'partnerId' | 'playerId' | 'gameId' | 'token' | 'currency' | 'exponent'
>;

/** Puts one call of the script on paper; its first attempt counts from here. */
export async function addStep(
  client: PoolClient,
  owner: Owner,
  round: Round,
  index: number,
): Promise<Operation | undefined> {
  const step = round.script.steps[index];
  if (!step) return undefined;
  const { rows } = await client.query<OperationRow>(
    `INSERT INTO web_games.operations (transaction_id, round_id, step, session_id, partner_id,
       player_id, game_id, token, currency, exponent, kind, amount_minor, bet_amount_minor, is_close)
     VALUES (nextval('web_games.transaction_ids'), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
     RETURNING ${OPERATION_COLUMNS}`,
    [
      round.roundId,
      index,
      owner.sessionId,
      owner.partnerId,
      owner.playerId,
      owner.gameId,
      owner.token,
      owner.currency,
      owner.exponent,
      step.kind,
      step.amount.toString(),
      step.kind === 'debit' ? stakeOf(round.script.steps, step.of).toString() : null,
      step.isClose,
    ],
  );
  return operationFrom(rows[0] as OperationRow);
}

export interface OperationRow {
  readonly transaction_id: string;
  readonly round_id: number;
  readonly step: number;
  readonly session_id: string;
  readonly partner_id: string;
  readonly player_id: string;
  readonly game_id: number;
  readonly token: string;
  readonly currency: string;
  readonly exponent: number;
  readonly kind: 'credit' | 'debit';
  readonly amount_minor: string;
  readonly bet_amount_minor: string | null;
  readonly is_close: boolean;
  readonly status: Operation['status'];
  readonly code: number | null;
  readonly attempts: number;
  readonly doubtful: boolean;
  readonly internal_errors: number;
  readonly internal_since: Date | null;
}

export function operationFrom(row: OperationRow): Operation {
  return {
    transactionId: row.transaction_id,
    roundId: row.round_id,
    step: row.step,
    sessionId: row.session_id,
    partnerId: row.partner_id,
    playerId: row.player_id,
    gameId: row.game_id,
    token: row.token,
    currency: row.currency,
    exponent: row.exponent,
    kind: row.kind,
    amount: BigInt(row.amount_minor),
    betAmount: row.bet_amount_minor === null ? null : BigInt(row.bet_amount_minor),
    isClose: row.is_close,
    status: row.status,
    code: row.code,
    attempts: row.attempts,
    doubtful: row.doubtful,
    internalErrors: row.internal_errors,
    internalSinceMs: row.internal_since?.getTime(),
  };
}
