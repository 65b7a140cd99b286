import type { Client } from '@temporalio/client';
import type { FastifyBaseLogger } from 'fastify';
import type { Hands } from '../activities/hands';
import { driveRound } from '../contracts/drive-round';
import type { Book } from '../db/book';
import { roundOfOperation, type GateKey } from '../db/operations';
import { roundToDrive } from '../db/round-view';
import { assert } from '../lib/assert';
import type { Failpoints } from '../lib/failpoints';
import type { RequestReply } from '../domain/round/request-reply';
import type { AnswerWatch } from './answer-watch';
import { createHandOver, endWith } from './hand-over';
import { answerOf, createLastWord } from './last-word';
import type { Asked, MoneyAnswer, MoneyKind } from './money-answer';
import type { PlainRequest } from './routes/provider/plain-request';
import type { WrittenAnswers } from './written-answers';

export interface MoneyDesk {
  /**
   * Has a decided request driven, and waits for its stored answer until its deadline, or until `gone` says that
   * nobody waits for it any more.
   */
  settle(asked: Asked, kind: MoneyKind, gone?: AbortSignal): Promise<MoneyAnswer>;
  /**
   * A new request: a plain one is handed over before it is written down (decision 0012). When no answer comes of
   * that in a moment, and for any other, `write` does it here.
   */
  settleNew(
    plain: PlainRequest | undefined,
    key: GateKey,
    write: () => Promise<Asked>,
    kind: MoneyKind,
    gone?: AbortSignal,
  ): Promise<MoneyAnswer>;
  /** Resolves when no request of this key is handed over and not in the book yet, as far as this process knows. */
  asked(key: GateKey): Promise<void>;
  /** The connection broke before any byte of a code 0 was written (SPEC §4 rule 4). */
  unwritten(operationId: number): Promise<void>;
  /** The last byte of a stored code 0 was handed to the connection. */
  written(operationId: number): void;
}

/** Temporal must take the round over well inside the answer deadline; the sweep takes what it did not. */
const HAND_OVER_MS = 3_000;

/**
 * Where a provider's request waits. A plain new one is handed to its round's workflow before it is written (decision
 * 0012); of any other the intent is committed before it comes here, and the workflow is signalled then. The outcome is
 * read from the book. At the deadline the book decides what is said.
 */
export function createMoneyDesk(deps: {
  book: Book;
  client: Client;
  answers: AnswerWatch;
  written: WrittenAnswers;
  failpoint: Failpoints;
  log: FastifyBaseLogger;
  /** Of a process that drives rounds itself (decision 0015). */
  hands?: Hands;
  /** Tests that count are more patient than players. */
  askPatienceMs?: number;
}): MoneyDesk {
  const { book, client, answers, written, failpoint, log } = deps;
  // Identical requests that wait at once have their round driven once.
  const driving = new Map<number, Promise<boolean>>();
  const handOver = createHandOver(deps);
  const { surely, answerOrLast } = createLastWord({ book, answers, failpoint, log, tell });

  function drive(asked: Asked, operationId: number, hurry: readonly string[]): Promise<boolean> {
    const underWay = driving.get(operationId);
    if (underWay && hurry.length === 0) return underWay;
    const work = driveRound(client, roundToDrive(asked.context, asked.view), hurry, HAND_OVER_MS)
      .then(() => true)
      .catch((error: unknown) => {
        log.error({ err: error, operationId }, 'Temporal did not take the round; the sweep will');
        return false;
      })
      .finally(() => driving.delete(operationId));
    driving.set(operationId, work);
    return work;
  }

  async function wait(
    asked: Asked,
    reply: Extract<RequestReply, { kind: 'wait' }>,
    kind: MoneyKind,
    gone?: AbortSignal,
  ): Promise<MoneyAnswer> {
    const { operationId } = reply;
    await failpoint('intent_committed', kind);
    const waits = new AbortController();
    endWith(gone, waits);
    // Without a hand nothing is to be waited for: the book is asked at once what to say.
    void drive(asked, operationId, reply.hurry).then((done) => done || waits.abort());
    const { roundId } = asked.context;
    const leftMs = reply.untilMs - asked.nowMs;
    return answerOrLast(
      { roundId, kind, operationId, untilMs: reply.untilMs, leftMs },
      waits.signal,
    );
  }

  /** A request that was handed over and has no answer yet: written by its round's hand it is waited for on. */
  async function afterHandOver(
    { ask, answerDeadlineMs }: PlainRequest,
    sinceMs: number,
    write: () => Promise<Asked>,
    gone?: AbortSignal,
  ): Promise<MoneyAnswer> {
    const { kind, operationId, untilMs } = ask;
    const roundId = await surely(operationId, () => roundOfOperation(book.pool, operationId));
    if (roundId === undefined) return settle(await surely(operationId, write), kind, gone);
    const waits = new AbortController();
    endWith(gone, waits);
    const leftMs = answerDeadlineMs - (performance.now() - sinceMs);
    return answerOrLast({ roundId, kind, operationId, untilMs, leftMs }, waits.signal);
  }

  /**
   * A decision that answers at once may still owe something new: the bet-end of a round that a payout of
   * nothing closed, the record of a stake that its repeat confirmed. Nobody waits for the hand-over.
   */
  function tell(decided: Omit<Asked, 'result'>, operationId: number | null): void {
    if (!decided.changed) return;
    const round = roundToDrive(decided.context, decided.view);
    driveRound(client, round, [], HAND_OVER_MS).catch((error: unknown) =>
      log.error({ err: error, operationId }, 'Temporal did not take the round; the sweep will'),
    );
  }

  async function settle(asked: Asked, kind: MoneyKind, gone?: AbortSignal): Promise<MoneyAnswer> {
    const reply = asked.result;
    if (reply.kind === 'wait') return wait(asked, reply, kind, gone);
    tell(asked, reply.operationId);
    return answerOf(reply);
  }

  return {
    settle,
    async settleNew(plain, key, write, kind, gone) {
      if (!plain) return settle(await write(), kind, gone);
      const sinceMs = performance.now();
      const answer = await handOver.ask(plain, key, gone);
      return answer ?? afterHandOver(plain, sinceMs, write, gone);
    },
    asked: handOver.ended,
    async unwritten(operationId) {
      const roundId = await roundOfOperation(book.pool, operationId);
      assert(roundId !== undefined, `operation ${String(operationId)} has a round`);
      const { context, view } = await book.decideOn(roundId, {
        type: 'answer_unwritten',
        operationId,
      });
      await driveRound(client, roundToDrive(context, view), [], HAND_OVER_MS);
    },
    written: written.add,
  };
}
