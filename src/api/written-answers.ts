import type { FastifyBaseLogger } from 'fastify';
import { markAnswersWritten, markAnswersWrittenIn } from '../db/operations';
import type { Pool, PoolClient } from '../db/pool';
import { whenCommitted } from '../db/transaction';
import { sleep } from '../lib/clock';

/**
 * How long a note may wait for a transaction to go with. A process that dies loses the notes it has: of each,
 * unless the provider gives another sign, a case tells two minutes later (docs/decisions/0013).
 */
const NOTE_WITHIN_MS = 5_000;
/** Notes that go with one decision: more than a process answers between two of them, and no burden on it. */
const NOTES_PER_DECISION_MAX = 50;

/** Notes in the book which stored answers were handed to their connections (SPEC §4 rule 4, *answer not seen*). */
export interface WrittenAnswers {
  add(operationId: number): void;
  /** Writes notes in a transaction that is committed anyway. Should it not be, they are written later. */
  noteIn(client: PoolClient): void;
  /** Saves what is left. */
  close(): Promise<void>;
}

export function createWrittenAnswers(deps: { pool: Pool; log: FastifyBaseLogger }): WrittenAnswers {
  const { pool, log } = deps;
  const closing = new AbortController();
  const waiting = new Set<number>();
  // The part of them that has gone with no transaction yet.
  let fresh: number[] = [];
  let flushing: Promise<void> | undefined;

  // Those that went with a decision are still here when that was rolled back, or their row was held.
  async function flush(): Promise<void> {
    await sleep(NOTE_WITHIN_MS, closing.signal);
    const numbers = [...waiting];
    waiting.clear();
    fresh = [];
    flushing = undefined;
    if (numbers.length === 0) return;
    const left = await markAnswersWritten(pool, numbers).catch((error: unknown) => {
      log.warn({ err: error, answers: numbers.length }, 'answers were written and not noted');
      return [];
    });
    if (!closing.signal.aborted) left.forEach(add);
  }

  function add(operationId: number): void {
    waiting.add(operationId);
    fresh.push(operationId);
    flushing ??= flush();
  }

  return {
    add,
    noteIn(client) {
      const numbers = fresh.splice(0, NOTES_PER_DECISION_MAX);
      if (numbers.length === 0) return;
      // A failure is the transaction's own.
      const noted = markAnswersWrittenIn(client, numbers).catch(() => []);
      whenCommitted(
        client,
        () => void noted.then((ids) => ids.forEach((id) => waiting.delete(id))),
      );
    },
    async close() {
      closing.abort();
      await flushing;
    },
  };
}
