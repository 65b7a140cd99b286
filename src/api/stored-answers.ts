import { storedAnswers } from '../db/operations';
import type { Pool } from '../db/pool';
import type { Answer } from '../domain/round/rows';
import { sleep } from '../lib/clock';

type Answers = ReadonlyMap<number, Answer>;

/** A statement that hangs is not waited for any longer than this by those that come after it. */
const TURN_MS_MAX = 250;

/** The stored answer of an operation; undefined while there is none. */
export type ReadAnswer = (operationId: number) => Promise<Answer | undefined>;

/**
 * Reads for all requests that wait, one statement at a time: who asks while one is under way is in the next. Each
 * waiting request looks four times a second, and hundreds that wait for one wallet must not fill the pool.
 */
export function createAnswerReader(pool: Pool): ReadAnswer {
  let underWay: Promise<unknown> = Promise.resolve();
  let next: { readonly ids: Set<number>; readonly answers: Promise<Answers> } | undefined;

  return async (operationId) => {
    if (!next) {
      const ids = new Set<number>();
      const answers = underWay.then(() => {
        next = undefined;
        return storedAnswers(pool, [...ids]);
      });
      next = { ids, answers };
      const done = answers.catch(() => undefined);
      underWay = Promise.race([done, underWay.then(() => sleep(TURN_MS_MAX))]);
    }
    const { ids, answers } = next;
    ids.add(operationId);
    return (await answers).get(operationId);
  };
}
