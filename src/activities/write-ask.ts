import type { Ask } from '../contracts/round';
import type { Entry, OpenBook } from '../db/book';
import { findOrCreateRound } from '../db/rounds';
import type { PayoutRequest } from '../domain/round/payout';
import type { StakeRequest } from '../domain/round/stake';
import { assert } from '../lib/assert';
import type { Failpoints } from '../lib/failpoints';

type AskEvent =
  | { readonly type: 'stake'; readonly request: StakeRequest }
  | { readonly type: 'payout'; readonly request: PayoutRequest };

/**
 * Writes a request down that was handed over before it was in the book (decision 0012), by the same decision that
 * the process which holds it would take. Whatever is not simply "recorded, wait for its answer" is left to that
 * process, which can say it and keeps the bytes as evidence: a refusal, another request's repeat, a case.
 *
 * @returns undefined when nothing may be written: the transaction must not be committed then
 */
export async function writeAsk(
  { open, failpoint }: { open: OpenBook; failpoint: Failpoints },
  ask: Ask,
): Promise<Entry<AskEvent> | undefined> {
  const round =
    typeof ask.round === 'string' ? ask.round : await findOrCreateRound(open.client, ask.round);
  const entry = await open.decide(round, eventOf(ask));
  await failpoint('intent_uncommitted', ask.kind);
  const { result, nowMs } = entry;
  const isMine = result.kind === 'wait' && result.operationId === ask.operationId;
  return isMine && nowMs < ask.untilMs ? entry : undefined;
}

function eventOf(ask: Ask): AskEvent {
  const { operationId, betId, transactionRef, gameId, isClose, untilMs } = ask;
  const amount = BigInt(ask.amount);
  const same = { operationId, transactionRef, amount, gameId, isClose, untilMs };
  if (ask.kind === 'payout') {
    const betAmount = ask.betAmount === null ? null : BigInt(ask.betAmount);
    return { type: 'payout', request: { ...same, betAmount } };
  }
  assert(betId !== null, 'a stake has a bet of its own');
  return { type: 'stake', request: { ...same, betId } };
}
