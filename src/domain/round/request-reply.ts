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

/**
 * A request that two hands write down (decision 0012: the round's, and the process that holds it, when that lost
 * its patience). It is one request: nothing is counted, moved or warned of twice. It waits for its own answer as long
 * as it was going to, though a repeat may have moved the operation's deadline meanwhile.
 */
export function sameRequest(
  operation: OperationRow,
  { untilMs = Infinity }: { readonly untilMs?: number },
): RequestReply {
  if (operation.answer) return storedReply(operation);
  return {
    kind: 'wait',
    operationId: operation.id,
    untilMs: Math.min(operation.deadlineMs, untilMs),
    hurry: [],
  };
}

/** What of a request a case has to show. */
interface RequestContent {
  readonly amount: bigint;
  readonly gameId: string;
  readonly bytes?: string;
}

/** The request's bytes as evidence of a case. */
export function requestBytes(request: { readonly bytes?: string | undefined }): {
  request?: string;
} {
  return request.bytes === undefined ? {} : { request: request.bytes };
}

/** Rule 5: same operation, other amount or game: nothing moves, one case. */
export function refuseOtherContent(
  draft: Draft,
  known: OperationRow,
  request: RequestContent,
): RequestReply {
  openConflict(draft, String(known.id), known, request, {
    reason: 'the same transaction with other content',
    first_amount: known.amount.toString(),
    first_game: known.gameId,
    request_amount: request.amount.toString(),
    request_game: request.gameId,
  });
  return refuse('failed', 'this transaction is already known with another amount or game');
}

/** SPEC §3: a new operation for another game than its round's: nothing moves, one case. */
export function refuseOtherGame(
  draft: Draft,
  kind: 'stake' | 'payout',
  request: RequestContent & { readonly transactionRef: string },
): RequestReply {
  openConflict(draft, `${kind} ${request.transactionRef}`, null, request, {
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
  request: RequestContent,
  evidence: Readonly<Record<string, string>>,
): void {
  draft.cases.push({
    kind: 'conflict',
    subject,
    operationId: operation?.id ?? null,
    betId: operation?.betId ?? null,
    amount: request.amount,
    evidence: { ...evidence, ...requestBytes(request) },
  });
}

/**
 * Whether another request for the operation goes on waiting when the one that waited until `untilMs` is
 * answered: a repeat that came later has moved the deadline.
 */
export function stillWaits(operation: OperationRow, untilMs: number): boolean {
  return operation.waiting && operation.deadlineMs > untilMs;
}
