import type { Client } from '@temporalio/client';
import type { FastifyBaseLogger } from 'fastify';
import type { Hands } from '../activities/hands';
import { askRound, startRound } from '../contracts/drive-round';
import { roundWorkflowId } from '../contracts/round';
import type { GateKey } from '../db/operations';
import type { Answer } from '../domain/round/rows';
import { within } from '../lib/clock';
import type { Failpoints } from '../lib/failpoints';
import type { AnswerWatch } from './answer-watch';
import type { PlainRequest } from './routes/provider/plain-request';

type Given = Pick<PlainRequest, 'round' | 'ask'>;

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

/** Before Temporal has taken a request no answer comes; one that takes longer is looked for meanwhile. */
const TAKEN_BY_MS = 250;

/**
 * @param hands of a process that drives rounds itself
 * @param askPatienceMs in place of two seconds: tests that count are more patient than players
 */
export function createHandOver(deps: {
  client: Client;
  answers: AnswerWatch;
  failpoint: Failpoints;
  log: FastifyBaseLogger;
  hands?: Hands;
  askPatienceMs?: number;
}): HandOver {
  const { client, answers, failpoint, log, hands, askPatienceMs = PATIENCE_MS } = deps;
  const asking = new Map<string, Promise<void>>();

  /** Whether this process has the request, once it is handed over. */
  async function give({ round, ask }: Given, giveUp: () => void): Promise<boolean> {
    const taken = hands?.offer(roundWorkflowId(round.key), ask);
    if (taken) {
      void taken.then((how) => how === 'written' || giveUp());
      return true;
    }
    const isNew = typeof ask.round !== 'string';
    if (hands && isNew) return startRound(client, round, ask, HAND_OVER_MS);
    await askRound(client, round, ask, HAND_OVER_MS);
    return false;
  }

  /** Whether this process has the request, as soon as that is known. */
  async function handOver(
    { round, ask }: Given,
    patienceMs: number,
    giveUp: () => void,
  ): Promise<boolean> {
    const { kind, operationId } = ask;
    const given = give({ round, ask }, giveUp)
      .then(async (isHere) => {
        await failpoint('request_handed', kind);
        return isHere;
      })
      .catch((error: unknown) => {
        log.warn(
          { err: error, operationId },
          'Temporal did not take a request; it is written here',
        );
        giveUp();
        return false;
      });
    if (!hands) return false;
    return within(Math.min(TAKEN_BY_MS, patienceMs), given).catch(() => false);
  }

  async function askFirst(plain: PlainRequest, gone?: AbortSignal) {
    const { kind, operationId } = plain.ask;
    const sinceMs = performance.now();
    const waits = new AbortController();
    endWith(gone, waits);
    const patienceMs = Math.min(askPatienceMs, plain.answerDeadlineMs * PATIENCE_PART);
    const isHere = await handOver(plain, patienceMs, () => waits.abort());
    const leftMs = patienceMs - (performance.now() - sinceMs);
    const answer = await answers.wait(operationId, leftMs, waits.signal, isHere);
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
