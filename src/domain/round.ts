import { assert, assertNever } from '../lib/assert';
import type { BreakerState } from './breaker';
import {
  attemptEnded,
  attemptStarts,
  type AttemptStart,
  type AttemptVerdict,
  type Driver,
} from './round/attempt';
import { close } from './round/closing';
import { derive, settleTime } from './round/derive';
import { moveToDrain } from './round/drained';
import type { CaseDraft, Draft, Fact, SettledCase } from './round/draft';
import { obligationOf, operationOf } from './round/draft';
import { payoutDeadline, requestPayout, type PayoutRequest } from './round/payout';
import type { RequestReply } from './round/request-reply';
import { resolveCase, type CaseResolution, type ResolutionVerdict } from './round/resolve';
import { parseObligationId, type RoundRows } from './round/rows';
import { reopenUnanswered, requestStake, stakeDeadline, type StakeRequest } from './round/stake';
import type { RoundTerms } from './round/terms';
import type { WalletOutcome } from './wallet-outcome';

/** Everything that can happen to a round. */
export type RoundEvent =
  | { readonly type: 'stake'; readonly request: StakeRequest }
  | { readonly type: 'payout'; readonly request: PayoutRequest }
  /** The hand is about to make one attempt of an obligation. */
  | { readonly type: 'attempt_starts'; readonly call: string; readonly driver: Driver }
  | {
      readonly type: 'attempt_ended';
      readonly call: string;
      readonly attempt: number;
      readonly outcome: WalletOutcome;
    }
  /** The process that holds a request must answer it now. */
  | { readonly type: 'deadline'; readonly operationId: number; readonly untilMs: number }
  /** That process knows that no byte of a code 0 was written. */
  | { readonly type: 'answer_unwritten'; readonly operationId: number }
  | { readonly type: 'close'; readonly by: 'next_stake' | 'session_end' }
  | { readonly type: 'previous_closed' }
  /** A person has decided what becomes of a case of this round. */
  | { readonly type: 'resolve'; readonly resolution: CaseResolution }
  /** Time has passed. */
  | { readonly type: 'tick' };

/** What the event's sender has to know. */
export type EventResult<Event extends RoundEvent> = Event extends {
  type: 'stake' | 'payout' | 'deadline';
}
  ? RequestReply
  : Event extends { type: 'attempt_starts' }
    ? AttemptStart
    : Event extends { type: 'attempt_ended' }
      ? AttemptVerdict
      : Event extends { type: 'resolve' }
        ? ResolutionVerdict
        : null;

export interface Setting {
  readonly terms: RoundTerms;
  readonly nowMs: number;
  readonly random: number;
  readonly breaker: BreakerState;
  readonly timeScale: number;
  readonly sessionEndsMs: number | null;
  readonly earlierRoundsOpen: boolean;
  readonly ownBetIdOf: (transactionRef: string) => string;
  readonly balanceStood?: boolean;
}

export interface Decision<Event extends RoundEvent> {
  readonly result: EventResult<Event>;
  readonly draft: Draft;
  readonly facts: readonly Fact[];
  readonly cases: readonly CaseDraft[];
  /** Cases whose matter is settled by this decision, where they are open. */
  readonly settled: readonly SettledCase[];
}

/**
 * The one place where a round's money is decided (SPEC §1, §4): a pure function of the round's locked
 * rows, one event, and the setting. The rows passed in are changed; the caller owns them and writes them
 * back in the transaction that read them.
 */
export function decide<Event extends RoundEvent>(
  rows: RoundRows,
  event: Event,
  setting: Setting,
): Decision<Event> {
  const draft: Draft = { rows, ...setting, facts: [], cases: [], settled: [] };
  settleTime(draft);
  const result = apply(draft, event) as EventResult<Event>;
  derive(draft);
  moveToDrain(draft);
  return { result, draft, facts: draft.facts, cases: draft.cases, settled: draft.settled };
}

function apply(draft: Draft, event: RoundEvent): EventResult<RoundEvent> {
  switch (event.type) {
    case 'stake':
      return requestStake(draft, event.request);
    case 'payout':
      return requestPayout(draft, event.request);
    case 'attempt_starts':
      return attemptStarts(draft, obligationBy(draft, event.call), event.driver);
    case 'attempt_ended':
      return attemptEnded(draft, obligationBy(draft, event.call), event.attempt, event.outcome);
    case 'deadline': {
      const operation = operationOf(draft, event.operationId);
      assert(operation, `no operation ${event.operationId} in round ${draft.rows.round.id}`);
      return operation.kind === 'stake'
        ? stakeDeadline(draft, operation, event.untilMs)
        : payoutDeadline(draft, operation, event.untilMs);
    }
    case 'answer_unwritten': {
      const operation = operationOf(draft, event.operationId);
      if (operation) reopenUnanswered(draft, operation);
      return null;
    }
    case 'close':
      close(draft, event.by);
      return null;
    case 'previous_closed':
      if (draft.rows.round.closesPrevious === 'due') draft.rows.round.closesPrevious = 'done';
      return null;
    case 'resolve':
      return resolveCase(draft, event.resolution);
    case 'tick':
      return null;
    default:
      return assertNever(event);
  }
}

function obligationBy(draft: Draft, call: string) {
  const key = parseObligationId(call);
  assert(key, `not an obligation: ${call}`);
  const row = obligationOf(draft, key.betId, key.verb, key.number);
  assert(row, `no obligation ${call} in round ${draft.rows.round.id}`);
  return row;
}
