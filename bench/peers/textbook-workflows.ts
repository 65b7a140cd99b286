import {
  allHandlersFinished,
  condition,
  defineUpdate,
  proxyActivities,
  setHandler,
} from '@temporalio/workflow';
import type { MoneyReply, MoneyRequest } from './front';
import type { TextbookActivities } from './textbook-worker';

export const moneyUpdate = defineUpdate<MoneyReply, [MoneyRequest]>('money');

/** Temporal's own retry policy: for ever, one second and doubling. */
const wallet = proxyActivities<TextbookActivities>({ startToCloseTimeout: '10 seconds' });

/** Without a close: longer than any run of the bench. */
const IDLE_CLOSE = '24 hours';

/**
 * One round as Temporal's documentation would have it: each request is an update that answers when its
 * activity is done, what follows an answer is made by the main function.
 */
export async function textbookRound(): Promise<void> {
  const owed: (() => Promise<void>)[] = [];
  let isClosed = false;

  setHandler(moneyUpdate, async (request): Promise<MoneyReply> => {
    const isStake = request.kind === 'stake';
    const reply = isStake ? await wallet.takeStake(request) : await wallet.payOut(request);
    if (reply.code !== 0) {
      isClosed ||= isStake;
      return reply;
    }
    if (request.isClose) owed.push(() => wallet.endBet(request));
    owed.push(() => wallet.reportBet(request, reply.balance));
    isClosed ||= request.isClose;
    return reply;
  });

  while (!isClosed || owed.length > 0) {
    const woken = await condition(() => isClosed || owed.length > 0, IDLE_CLOSE);
    if (!woken) break;
    await Promise.all(owed.splice(0).map((call) => call()));
  }
  await condition(allHandlersFinished);
}
