import type { Client } from '@temporalio/client';
import type { FastifyBaseLogger } from 'fastify';
import { askRound } from '../contracts/drive-round';
import type { GateKey } from '../db/operations';
import type { Answer } from '../domain/round/rows';
import type { Failpoints } from '../lib/failpoints';
import type { AnswerWatch } from './answer-watch';
import type { PlainRequest } from './routes/provider/plain-request';

/** New requests that go to their round's hand before they are in the book (decision 0012). */
export interface HandOver {
  /** The request's answer; undefined when none came soon: it is then to be written down by who holds it. */
  ask(
    plain: PlainRequest,
    key: GateKey,
    gone?: AbortSignal,
  ): Promise<(Answer & { operationId: number }) | undefined>;
  /** Resolves when no request of this key is handed over and perhaps not in the book, as far as this process knows. */
  ended(key: GateKey): Promise<void>;
}

/** Temporal must take the request well inside the answer deadline. */
const HAND_OVER_MS = 3_000;
/**
 * How long a request that was handed over is left to the round's hand before it is written here as well: longer than a
 * busy system takes, which would otherwise have more to do by it, and early enough in the answer deadline that
 * nothing is refused for it.
 */
const PATIENCE_MS = 2_000;
/** Of a short answer deadline, the part that may pass so. */
const PATIENCE_PART = 0.5;

/** @param askPatienceMs in place of two seconds: tests that count are more patient than players */
export function createHandOver(deps: {
  client: Client;
  answers: AnswerWatch;
  failpoint: Failpoints;
  log: FastifyBaseLogger;
  askPatienceMs?: number;
}): HandOver {
  const { client, answers, failpoint, log, askPatienceMs = PATIENCE_MS } = deps;
  const asking = new Map<string, Promise<void>>();

  async function askFirst({ round, ask, answerDeadlineMs }: PlainRequest, gone?: AbortSignal) {
    const { kind, operationId } = ask;
    const waits = new AbortController();
    endWith(gone, waits);
    void askRound(client, round, ask, HAND_OVER_MS)
      .then(() => failpoint('request_handed', kind))
      .catch((error: unknown) => {
        log.warn(
          { err: error, operationId },
          'Temporal did not take a request; it is written here',
        );
        waits.abort();
      });
    const patienceMs = Math.min(askPatienceMs, answerDeadlineMs * PATIENCE_PART);
    const answer = await answers.wait(operationId, patienceMs, waits.signal);
    if (!answer) return undefined;
    await failpoint('answer_stored', kind);
    return { ...answer, operationId };
  }

  return {
    async ask(plain, key, gone) {
      const name = nameOf(key);
      const answer = askFirst(plain, gone);
      const ended = answer.then(
        () => undefined,
        () => undefined,
      );
      asking.set(name, ended);
      return answer.finally(() => {
        if (asking.get(name) === ended) asking.delete(name);
      });
    },
    async ended(key) {
      await asking.get(nameOf(key));
    },
  };
}

/** Ends a wait when the request is gone that it is for. */
export function endWith(gone: AbortSignal | undefined, waits: AbortController): void {
  if (gone?.aborted) waits.abort();
  gone?.addEventListener('abort', () => waits.abort(), { once: true });
}

function nameOf({ connectionId, kind, playerId, roundRef, transactionRef }: GateKey): string {
  return JSON.stringify([connectionId, kind, playerId, roundRef, transactionRef]);
}
