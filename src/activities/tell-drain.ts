import type { Client } from '@temporalio/client';
import { wakeDrain } from '../contracts/drive-round';
import type { RoundView } from '../contracts/round';
import type { RoundContext } from '../db/round-rows';
import { roundToDrive } from '../db/round-view';
import type { Logger } from '../lib/log';

/** The sweep wakes a drain that this could not. */
const WAKE_MS = 5_000;

/** Wakes the partner's drain when a call of the round moved there. */
export function createTellDrain(deps: { client: Client; log: Logger }) {
  const { client, log } = deps;
  return async (known: { view: RoundView; context: RoundContext }): Promise<void> => {
    const { drain } = roundToDrive(known.context, known.view);
    if (!drain) return;
    await wakeDrain(client, drain, WAKE_MS).catch((error: unknown) =>
      log.error({ err: error, partner: drain.prefix }, 'the drain was not woken; the sweep will'),
    );
  };
}
