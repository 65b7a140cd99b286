import type { FastifyBaseLogger } from 'fastify';
import { markAnswersWritten } from '../db/operations';
import type { Pool } from '../db/pool';
import { sleep } from '../lib/clock';

/**
 * How long a note may wait for others to be written with. A process that dies loses the notes it has: of each,
 * unless the provider gives another sign, a case tells two minutes later (docs/decisions/0013).
 */
const NOTE_WITHIN_MS = 2_000;

/** Notes in the book which stored answers were handed to their connections (SPEC §4 rule 4, *answer not seen*). */
export interface WrittenAnswers {
  add(operationId: number): void;
  /** Saves what is left. */
  close(): Promise<void>;
}

export function createWrittenAnswers(deps: { pool: Pool; log: FastifyBaseLogger }): WrittenAnswers {
  const { pool, log } = deps;
  const closing = new AbortController();
  let written: number[] = [];
  let flushing: Promise<void> | undefined;

  async function flush(): Promise<void> {
    await sleep(NOTE_WITHIN_MS, closing.signal);
    const numbers = written;
    written = [];
    flushing = undefined;
    const left = await markAnswersWritten(pool, numbers).catch((error: unknown) => {
      log.warn({ err: error, answers: numbers.length }, 'answers were written and not noted');
      return [];
    });
    if (!closing.signal.aborted) left.forEach(add);
  }

  function add(operationId: number): void {
    written.push(operationId);
    flushing ??= flush();
  }

  return {
    add,
    async close() {
      closing.abort();
      await flushing;
    },
  };
}
