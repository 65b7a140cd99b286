import type { FastifyBaseLogger } from 'fastify';
import { markAnswersWritten } from '../db/operations';
import type { Pool } from '../db/pool';
import { sleep } from '../lib/clock';

/** Notes of written answers are saved together: nobody waits for them. */
const FLUSH_MS = 250;

/** Notes in the book which stored answers were handed to their connections (SPEC §4 rule 4, *answer not seen*). */
export interface WrittenAnswers {
  add(operationId: number): void;
  /** Saves what is left. */
  close(): Promise<void>;
}

export function createWrittenAnswers(deps: { pool: Pool; log: FastifyBaseLogger }): WrittenAnswers {
  let written: number[] = [];
  let flushing: Promise<void> | undefined;

  async function flush(): Promise<void> {
    await sleep(FLUSH_MS);
    const numbers = written;
    written = [];
    flushing = undefined;
    await markAnswersWritten(deps.pool, numbers).catch((error: unknown) =>
      deps.log.warn({ err: error }, 'answers were written and not noted'),
    );
  }

  return {
    add(operationId) {
      written.push(operationId);
      flushing ??= flush();
    },
    async close() {
      await flushing;
    },
  };
}
