import type { RoundActivities } from '../contracts/round';
import type { Book } from '../db/book';

/** Lets the book decide what time alone decides: an idle round, a revive window, a close grace. */
export function createTickRound(deps: { book: Book }): RoundActivities['tickRound'] {
  return async ({ round }) => (await deps.book.decideOn(round, { type: 'tick' })).view;
}
