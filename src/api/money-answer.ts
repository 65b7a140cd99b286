import type { RoundView } from '../contracts/round';
import type { RoundContext } from '../db/round-rows';
import type { RequestReply } from '../domain/round/request-reply';
import type { AnswerResult } from '../domain/round/rows';

export type MoneyKind = 'stake' | 'payout';

/** What a provider is to be told of one money request. */
export interface MoneyAnswer {
  readonly result: AnswerResult;
  /** Decimal text; null in refusals. */
  readonly balance: string | null;
  /** Our operation's number; null when the request made none. */
  readonly operationId: number | null;
  readonly note?: string;
}

/** A request the book has decided on: answered, or to be driven and waited for. */
export interface Asked {
  readonly result: RequestReply;
  readonly view: RoundView;
  readonly context: RoundContext;
  readonly nowMs: number;
  readonly changed: boolean;
}
