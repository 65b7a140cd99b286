import type { Client } from '@temporalio/client';
import { driveRound } from '../contracts/drive-round';
import type { RoundActivities } from '../contracts/round';
import type { Book } from '../db/book';
import { roundToDrive } from '../db/round-view';
import { earlierOpenRounds } from '../db/rounds';
import type { Failpoints } from '../lib/failpoints';

/** A hand-over that takes longer is repeated with the activity, or left to the sweep. */
const HAND_OVER_MS = 10_000;

/**
 * Rule 9: an accepted stake closes the earlier rounds of its session and game. Each is closed in a
 * transaction of its own (two rounds are never locked at once) and handed to its workflow.
 */
export function createClosePreviousRounds(deps: {
  book: Book;
  client: Client;
  failpoint: Failpoints;
}): RoundActivities['closePreviousRounds'] {
  const { book, client, failpoint } = deps;
  return async ({ round }) => {
    for (const earlier of await earlierOpenRounds(book.pool, round)) {
      const closed = await book.decideOn(earlier, { type: 'close', by: 'next_stake' });
      await failpoint('close_committed', 'round');
      await driveRound(client, roundToDrive(closed.context, closed.view), [], HAND_OVER_MS);
    }
    return (await book.decideOn(round, { type: 'previous_closed' })).view;
  };
}
