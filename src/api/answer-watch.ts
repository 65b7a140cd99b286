import type { FastifyBaseLogger } from 'fastify';
import { storedAnswers } from '../db/operations';
import type { Pool } from '../db/pool';
import type { Answer } from '../domain/round/rows';

/** Waits in the book for answers that a worker stores there (docs/decisions/0013). */
export interface AnswerWatch {
  /**
   * The operation's stored answer; undefined when there was none in time, or the wait was given up.
   *
   * @param isTold the answer is expected to be told: the book is asked late
   */
  wait(
    operationId: number,
    ms: number,
    signal?: AbortSignal,
    isTold?: boolean,
  ): Promise<Answer | undefined>;
  /** Tells an answer that this process itself has stored (decision 0015). */
  tell(operationId: number, answer: Answer): void;
}

/** The shortest time between two looks: nobody sees it, and it bounds what a process asks of the database. */
const LOOK_MS_MIN = 10;
/** The longest, so that an answer that comes late, from a slow wallet, is not told much later still. */
const LOOK_MS_MAX = 250;
/** In between, a wait grows by at most this part of itself: who has waited long is asked for less often. */
const WAIT_PART = 8;
/** Before this part of what all but the quickest answers take nobody looks: it would nearly always be in vain. */
const FIRST_PART = 0.8;
/** Where even the quick answers take longer than this, one that does not is still told soon. */
const USUAL_MS_MAX = 400;
/** Four times as large a step down as up: what is learned so is what four of five answers exceed. */
const USUAL_UP = 1.03;
const USUAL_DOWN = 0.88;
/** An answer that was to be told and was not may have been stored by another process. */
const TOLD_BY_MS = 500;
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
  let usualMs = LOOK_MS_MIN;

  function turn(): void {
    timer = undefined;
    const nowMs = performance.now();
    const due: Waiter[] = [];
    // Who is due before the middle of the next turn goes along: one look for many costs what one for one does.
    const dueMs = nowMs + pauseMs(0) / 2;
    for (const waiter of waiters) {
      if (waiter.endsMs <= nowMs) waiter.finish(undefined);
      else if (waiter.dueMs <= dueMs) due.push(waiter);
    }
    if (due.length > 0) void look(due, nowMs);
    keepTurning();
  }

  function keepTurning(): void {
    if (waiters.size > 0) timer ??= setTimeout(turn, pauseMs(0));
  }

  function pauseMs(waitedMs: number): number {
    return Math.min(Math.max(LOOK_MS_MIN, Math.max(waitedMs, usualMs) / WAIT_PART), LOOK_MS_MAX);
  }

  function learn(waitedMs: number): void {
    const nextMs = usualMs * (waitedMs < usualMs ? USUAL_DOWN : USUAL_UP);
    usualMs = Math.min(Math.max(LOOK_MS_MIN, nextMs), USUAL_MS_MAX);
  }

  async function look(due: readonly Waiter[], nowMs: number): Promise<void> {
    for (const waiter of due) waiter.dueMs = nowMs + LOOK_HANGS_MS;
    try {
      const answers = await storedAnswers(pool, [
        ...new Set(due.map(({ operationId }) => operationId)),
      ]);
      for (const waiter of due) {
        const waitedMs = nowMs - waiter.sinceMs;
        const answer = answers.get(waiter.operationId);
        waiter.dueMs = nowMs + pauseMs(waitedMs);
        if (!answer) continue;
        learn(waitedMs);
        waiter.finish(answer);
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
    tell(operationId, answer) {
      for (const waiter of waiters) if (waiter.operationId === operationId) waiter.finish(answer);
    },
    wait: (operationId, ms, signal, isTold = false) =>
      new Promise((resolve) => {
        const nowMs = performance.now();
        const giveUp = () => waiter.finish(undefined);
        const waiter: Waiter = {
          operationId,
          sinceMs: nowMs,
          endsMs: nowMs + ms,
          dueMs: nowMs + (isTold ? TOLD_BY_MS : usualMs * FIRST_PART),
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
