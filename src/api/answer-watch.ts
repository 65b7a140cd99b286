import type { FastifyBaseLogger } from 'fastify';
import { storedAnswers } from '../db/operations';
import type { Pool } from '../db/pool';
import type { Answer } from '../domain/round/rows';

/** Waits in the book for answers that a worker stores there (docs/decisions/0013). */
export interface AnswerWatch {
  /** The operation's stored answer; undefined when there was none in time, or the wait was given up. */
  wait(operationId: number, ms: number, signal?: AbortSignal): Promise<Answer | undefined>;
}

/** The shortest time between two looks: nobody sees it, and it bounds what a process asks of the database. */
const LOOK_MS_MIN = 10;
/** The longest, so that an answer that comes late, from a slow wallet, is not told much later still. */
const LOOK_MS_MAX = 250;
/** In between, a wait grows by at most this part of itself: who has waited long is asked for less often. */
const WAIT_PART = 8;
/** A look that takes longer hangs, and is not waited for any more. */
const LOOK_HANGS_MS = 250;

interface Waiter {
  readonly operationId: number;
  readonly sinceMs: number;
  readonly endsMs: number;
  /** When the book is to be asked for it again. */
  dueMs: number;
  readonly finish: (answer: Answer | undefined) => void;
}

/**
 * Reads for all requests that wait, in one statement whatever their number, as long as any does. Times are
 * those of the process's own monotonic clock.
 *
 * @param pool no stake may queue for it: payouts are waited for here as well
 */
export function createAnswerWatch(deps: { pool: Pool; log: FastifyBaseLogger }): AnswerWatch {
  const { pool, log } = deps;
  const waiters = new Set<Waiter>();
  let timer: NodeJS.Timeout | undefined;

  function turn(): void {
    timer = undefined;
    const nowMs = performance.now();
    const due: Waiter[] = [];
    for (const waiter of waiters) {
      if (waiter.endsMs <= nowMs) waiter.finish(undefined);
      else if (waiter.dueMs <= nowMs) due.push(waiter);
    }
    if (due.length > 0) void look(due, nowMs);
    keepTurning();
  }

  function keepTurning(): void {
    if (waiters.size > 0) timer ??= setTimeout(turn, LOOK_MS_MIN);
  }

  async function look(due: readonly Waiter[], nowMs: number): Promise<void> {
    for (const waiter of due) waiter.dueMs = nowMs + LOOK_HANGS_MS;
    try {
      const answers = await storedAnswers(pool, [
        ...new Set(due.map(({ operationId }) => operationId)),
      ]);
      const readMs = performance.now();
      for (const waiter of due) {
        const answer = answers.get(waiter.operationId);
        if (answer) waiter.finish(answer);
        else waiter.dueMs = readMs + pauseMs(readMs - waiter.sinceMs);
      }
    } catch (error) {
      // A database that stumbles for a moment has not decided anything: the wait goes on.
      log.warn(
        { err: error, waiting: due.length },
        'the book could not be read; it is asked again',
      );
    }
  }

  return {
    wait: (operationId, ms, signal) =>
      new Promise((resolve) => {
        const nowMs = performance.now();
        const giveUp = () => waiter.finish(undefined);
        const waiter: Waiter = {
          operationId,
          sinceMs: nowMs,
          endsMs: nowMs + ms,
          dueMs: nowMs,
          finish(answer) {
            signal?.removeEventListener('abort', giveUp);
            waiters.delete(waiter);
            resolve(answer);
          },
        };
        waiters.add(waiter);
        if (signal?.aborted) giveUp();
        signal?.addEventListener('abort', giveUp, { once: true });
        keepTurning();
      }),
  };
}

function pauseMs(waitedMs: number): number {
  return Math.min(Math.max(LOOK_MS_MIN, waitedMs / WAIT_PART), LOOK_MS_MAX);
}
