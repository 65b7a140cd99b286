import type { Client } from '@temporalio/client';
import { driveRound } from '../contracts/drive-round';
import type { SweepActivities } from '../contracts/sweep';
import type { Book } from '../db/book';
import { roundToDrive } from '../db/round-view';
import { overdueRepeats, takeOverdueRounds } from '../db/rounds';
import type { Logger } from '../lib/log';

/** A hand at work looks at a round within seconds of its due time; later means that nobody drives it. */
const OVERDUE_MS = 10_000;
/** Rounds a sweep takes: what one activity can hand over well inside its time. The next sweep goes on. */
const ROUNDS_PER_SWEEP_MAX = 200;
const HAND_OVER_MS = 10_000;

/** Finds overdue rounds in the book and hands each to its workflow. Doing so twice changes nothing. */
export function createSweepBook(deps: {
  book: Book;
  client: Client;
  log: Logger;
}): SweepActivities['sweepBook'] {
  const { book, client, log } = deps;
  return async () => {
    await book.pool.query('SELECT ensure_month_partitions()');
    const rounds = await takeOverdueRounds(book.pool, OVERDUE_MS, ROUNDS_PER_SWEEP_MAX);
    let driven = 0;
    let failed = 0;
    for (const round of rounds) {
      // One round that cannot be driven keeps no other from it; it is overdue again at the next sweep.
      try {
        const { context, view } = await book.decideOn(round, { type: 'tick' });
        if (view.atRest) continue;
        const hurry = await overdueRepeats(book.pool, round, OVERDUE_MS);
        await driveRound(client, roundToDrive(context, view), hurry, HAND_OVER_MS);
        driven += 1;
      } catch (error) {
        failed += 1;
        log.error({ err: error, round }, 'a round that nobody drives could not be handed over');
      }
    }
    if (driven > 0) log.info({ driven }, 'rounds that nobody drove were handed over');
    return { driven, failed };
  };
}
