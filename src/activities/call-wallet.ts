import { Context } from '@temporalio/activity';
import type { RoundActivities, RoundView } from '../contracts/round';
import type { AttemptCall, Attempted } from './attempt-call';
import { notDefinite } from './failures';

type CallWallet = RoundActivities['takeStake'];

/**
 * One attempt by the round's own workflow. Returns when there is nothing more for that workflow to do about
 * the call: it is definite, or it moved to the partner's drain.
 *
 * @param join waits for a first attempt that is still under way in this process
 * @throws a retryable failure until then, with the book's own waiting time
 */
export function createCallWallet(deps: {
  attempt: AttemptCall;
  join: (call: string) => Promise<void>;
  tellDrain: (attempted: Attempted) => Promise<void>;
}): CallWallet {
  const { attempt, join, tellDrain } = deps;
  return async ({ round, call, waitMs = 0, lastFailure }): Promise<RoundView> => {
    if (waitMs > 0 && Context.current().info.attempt === 1) {
      throw notDefinite(`the wallet: ${lastFailure ?? 'no answer'}`, waitMs);
    }
    await join(call);
    const attempted = await attempt(round, call, 'round');
    const { view } = attempted;
    const drives = view.calls.some(({ id }) => id === call);
    if (!drives) await tellDrain(attempted);
    if (drives && (attempted.kind === 'later' || attempted.kind === 'failed')) {
      throw notDefinite(attempted.text, attempted.retryInMs);
    }
    return view;
  };
}
