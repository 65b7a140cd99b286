import { assert } from '../../lib/assert';
import type { Draft } from './draft';
import type { AnswerResult, OperationRow } from './rows';

/** What the process that holds the request does next. */
export type RequestReply =
  | {
      readonly kind: 'answer';
      readonly result: AnswerResult;
      readonly balance: string | null;
      readonly operationId: number | null;
      readonly note?: string;
    }
  | {
      readonly kind: 'wait';
      readonly operationId: number;
      readonly untilMs: number;
      readonly hurry: readonly string[];
    };

/** A refusal that is not stored: the next request is decided afresh (rule 5). */
export function refuse(result: AnswerResult, note: string): RequestReply {
  return { kind: 'answer', result, balance: null, operationId: null, note };
}

export function storedReply(operation: OperationRow): RequestReply {
  assert(operation.answer, `operation ${operation.id} has no stored answer`);
  return {
    kind: 'answer',
    result: operation.answer.result,
    balance: operation.answer.balance,
    operationId: operation.id,
  };
}

/** Rule 5: same operation, other amount or game: nothing moves, one case. */
export function refuseOtherContent(
  draft: Draft,
  known: OperationRow,
  amount: bigint,
  gameId: string,
): RequestReply {
  openConflict(draft, String(known.id), known, amount, {
    reason: 'the same transaction with other content',
    first_amount: known.amount.toString(),
    first_game: known.gameId,
    request_amount: amount.toString(),
    request_game: gameId,
  });
  return refuse('failed', 'this transaction is already known with another amount or game');
}

/** SPEC §3: a new operation for another game than its round's: nothing moves, one case. */
export function refuseOtherGame(
  draft: Draft,
  request: { readonly transactionRef: string; readonly amount: bigint; readonly gameId: string },
): RequestReply {
  openConflict(draft, `transaction ${request.transactionRef}`, null, request.amount, {
    reason: 'a known round with another game',
    round_game: draft.rows.round.gameId,
    request_game: request.gameId,
  });
  return refuse('failed', 'the round belongs to another game');
}

function openConflict(
  draft: Draft,
  subject: string,
  operation: OperationRow | null,
  amount: bigint,
  evidence: Readonly<Record<string, string>>,
): void {
  draft.cases.push({
    kind: 'conflict',
    subject,
    operationId: operation?.id ?? null,
    betId: operation?.betId ?? null,
    amount,
    evidence,
  });
}
