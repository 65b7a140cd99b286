import type { Answer, AnswerResult } from '../domain/round/rows';
import type { Db } from './pool';

/** An operation as the gate knows it. */
export interface KnownOperation {
  readonly operationId: number;
  readonly roundId: string;
  readonly partnerId: number;
  readonly currency: string;
  readonly exponent: number;
}

/** What makes a provider's request the same request for ever (SPEC §2, "operation"). */
export interface GateKey {
  readonly connectionId: number;
  readonly kind: 'stake' | 'payout';
  readonly playerId: string;
  readonly roundRef: string;
  readonly transactionRef: string;
}

/** Reserves the number of an operation that may come to be. Numbers are never used twice; gaps are normal. */
export async function reserveOperationId(db: Db): Promise<number> {
  const { rows } = await db.query<{ id: number }>({
    name: 'reserve_operation',
    text: `SELECT nextval(pg_get_serial_sequence('operations', 'id'))::int AS id`,
  });
  return Number(rows[0]?.id);
}

/** The round of an operation that is in the book. */
export async function roundOfOperation(db: Db, operationId: number): Promise<string | undefined> {
  const { rows } = await db.query<{ round_id: string }>({
    name: 'round_of_operation',
    text: 'SELECT round_id FROM operations WHERE id = $1',
    values: [operationId],
  });
  return rows[0]?.round_id;
}

/** The answers that are stored, by operation number; one that has none yet is missing. */
export async function storedAnswers(
  db: Db,
  operationIds: readonly number[],
): Promise<ReadonlyMap<number, Answer>> {
  const { rows } = await db.query<{
    id: number;
    answer_result: AnswerResult;
    answer_balance: string | null;
  }>({
    name: 'stored_answers',
    text: `SELECT id, answer_result, answer_balance FROM operations
            WHERE id = ANY($1) AND answer_result IS NOT NULL`,
    values: [operationIds],
  });
  return new Map(
    rows.map((row) => [row.id, { result: row.answer_result, balance: row.answer_balance }]),
  );
}

/**
 * Notes that the last bytes of stored code 0s were handed to their connections (rule 4, *answer not seen*). Of a row
 * that a decision holds nothing is waited for: the notes of several rounds are written at once, and waiting for one
 * with others in hand is how two transactions come to wait for each other.
 *
 * @returns those that could not be noted now, because a decision was being taken on their rounds
 */
export async function markAnswersWritten(
  db: Db,
  operationIds: readonly number[],
): Promise<readonly number[]> {
  const { rows } = await db.query<{ id: number }>({
    name: 'mark_answers_written',
    text: `WITH marked AS (
             UPDATE operations SET answer_written_at = clock_timestamp()
              WHERE id IN (SELECT id FROM operations WHERE id = ANY($1) AND answer_written_at IS NULL
                              FOR NO KEY UPDATE SKIP LOCKED)
             RETURNING id)
           SELECT id FROM operations WHERE id = ANY($1) AND answer_written_at IS NULL
              AND id NOT IN (SELECT id FROM marked)`,
    values: [operationIds],
  });
  return rows.map(({ id }) => id);
}
