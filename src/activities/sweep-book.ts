import type { Client } from '@temporalio/client';
import { driveRound, wakeDrain } from '../contracts/drive-round';
import type { SweepActivities } from '../contracts/sweep';
import type { Book } from '../db/book';
import { partnersToDrain } from '../db/drains';
import { roundToDrive } from '../db/round-view';
import { overdueRepeats, takeOverdueRounds } from '../db/rounds';
import { watchAnswers } from '../db/unseen-answers';
import type { Logger } from '../lib/log';
import { createEndStuckRound } from './stuck-rounds';

/** A hand at work looks at a round within seconds of its due time; later means that nobody drives it. */
const OVERDUE_MS = 10_000;
/** Rounds a sweep takes: what one activity can hand over well inside its time. The next sweep goes on. */
const ROUNDS_PER_SWEEP_MAX = 200;
const HAND_OVER_MS = 3_000;
/** No further round is begun after this long: a sweep ends well inside its activity's 20 s. */
const SWEEP_MS = 8_000;

/** Finds overdue rounds in the book and hands each to its workflow. Doing so twice changes nothing. */
export function createSweepBook(deps: {
  book: Book;
  client: Client;
  timeScale: number;
  log: Logger;
}): SweepActivities['sweepBook'] {
  const { book, client, timeScale, log } = deps;
  const endStuckRound = createEndStuckRound({ client, log });
  const overdueMs = Math.max(OVERDUE_MS * timeScale, 1_000);

  /** A drain whose workflow was never started, or was lost with its Temporal, is started here. */
  async function wakeDrains(): Promise<void> {
    const endsAt = performance.now() + SWEEP_MS / 2;
    for (const drain of await partnersToDrain(book.pool)) {
      if (performance.now() > endsAt) break;
      await wakeDrain(client, drain, HAND_OVER_MS).catch((error: unknown) =>
        log.error({ err: error, partner: drain.prefix }, 'a drain could not be woken'),
      );
    }
  }

  /** Cases about answers that nobody may have seen (rule 4). */
  async function lookForAnswers(): Promise<void> {
    try {
      const { opened, closed } = await watchAnswers(book);
      if (opened > 0) log.warn({ opened }, 'answers of which nobody knows whether they were seen');
      if (closed > 0) log.info({ closed }, 'answers turned out to have been seen');
    } catch (error) {
      log.error({ err: error }, 'unseen answers could not be looked for');
    }
  }

  return async () => {
    await book.pool.query('SELECT ensure_month_partitions()');
    const rounds = await takeOverdueRounds(book.pool, overdueMs, ROUNDS_PER_SWEEP_MAX);
    let driven = 0;
    let failed = 0;
    const endsAt = performance.now() + SWEEP_MS;
    for (const round of rounds) {
      if (performance.now() > endsAt) break;
      // One round that cannot be driven keeps no other from it; it is overdue again at the next sweep.
      try {
        const { context, view } = await book.decideOn(round, { type: 'tick' });
        if (view.atRest) continue;
        const hurry = await overdueRepeats(book.pool, round, overdueMs);
        const toDrive = roundToDrive(context, view);
        await endStuckRound(toDrive.key);
        await driveRound(client, toDrive, hurry, HAND_OVER_MS);
        driven += 1;
      } catch (error) {
        failed += 1;
        log.error({ err: error, round }, 'a round that nobody drives could not be handed over');
      }
    }
    await wakeDrains();
    await lookForAnswers();
    if (driven > 0) log.info({ driven }, 'rounds that nobody drove were handed over');
    return { driven, failed };
  };
}
