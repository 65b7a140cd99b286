import type { Client } from '@temporalio/client';
import { wakeDrain } from '../contracts/drive-round';
import type { RoundActivities, RoundView } from '../contracts/round';
import { roundToDrive } from '../db/round-view';
import type { Logger } from '../lib/log';
import type { AttemptCall, Attempted } from './attempt-call';
import { notDefinite } from './failures';

type CallWallet = RoundActivities['takeStake'];

/** The sweep wakes a drain that this could not. */
const WAKE_MS = 5_000;

/**
 * One attempt by the round's own workflow. Returns when there is nothing more for that workflow to do about
 * the call: it is definite, or it moved to the partner's drain.
 *
 * @throws a retryable failure until then, with the book's own waiting time
 */
export function createCallWallet(deps: {
  attempt: AttemptCall;
  client: Client;
  log: Logger;
}): CallWallet {
  const { attempt, client, log } = deps;

  async function tellDrain({ context, view }: Attempted): Promise<void> {
    const { drain } = roundToDrive(context, view);
    if (!drain) return;
    await wakeDrain(client, drain, WAKE_MS).catch((error: unknown) =>
      log.error({ err: error, partner: drain.prefix }, 'the drain was not woken; the sweep will'),
    );
  }

  return async ({ round, call }): Promise<RoundView> => {
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
