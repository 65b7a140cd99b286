import type { FastifyBaseLogger } from 'fastify';
import { markAnswersWritten, markAnswersWrittenIn } from '../db/operations';
import type { Pool, PoolClient } from '../db/pool';
import { sleep } from '../lib/clock';

/**
 * How long a note may wait for a transaction to go with. A process that dies loses the notes it has: of each,
 * unless the provider gives another sign, a case tells two minutes later (docs/decisions/0013).
 */
const NOTE_WITHIN_MS = 2_000;
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
  let written: number[] = [];
  // The part of them that has gone with no transaction yet.
  let fresh: number[] = [];
  let flushing: Promise<void> | undefined;

  // Those that went with a decision are asked for as well: it may have been rolled back. When all are noted
  // the statement writes nothing.
  async function flush(): Promise<void> {
    await sleep(NOTE_WITHIN_MS, closing.signal);
    const numbers = written;
    written = [];
    fresh = [];
    flushing = undefined;
    const left = await markAnswersWritten(pool, numbers).catch((error: unknown) => {
      log.warn({ err: error, answers: numbers.length }, 'answers were written and not noted');
      return [];
    });
    if (!closing.signal.aborted) left.forEach(add);
  }

  function add(operationId: number): void {
    written.push(operationId);
    fresh.push(operationId);
    flushing ??= flush();
  }

  return {
    add,
    noteIn(client) {
      const numbers = fresh.splice(0, NOTES_PER_DECISION_MAX);
      if (numbers.length > 0) markAnswersWrittenIn(client, numbers);
    },
    async close() {
      closing.abort();
      await flushing;
    },
  };
}
