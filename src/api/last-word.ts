import type { FastifyBaseLogger } from 'fastify';
import type { Book } from '../db/book';
import type { RequestReply } from '../domain/round/request-reply';
import { sleep } from '../lib/clock';
import type { Failpoints } from '../lib/failpoints';
import type { AnswerWatch } from './answer-watch';
import type { Asked, MoneyAnswer, MoneyKind } from './money-answer';

/** How often, and how far apart, the answer at the deadline is tried to be recorded: some 5 s in all. */
const LAST_DECISION_TURNS_MAX = 20;
const LAST_DECISION_WAIT_MS = 250;

/** A request that is in the book and waits for its answer. */
export interface WaitingRequest {
  readonly roundId: string;
  readonly kind: MoneyKind;
  readonly operationId: number;
  /** When its answer is due, by the database's clock, and how long that is from now. */
  readonly untilMs: number;
  readonly leftMs: number;
}

/** What a waiting request is told in the end, and that it is in the book before it is said. */
export function createLastWord(deps: {
  book: Book;
  answers: AnswerWatch;
  failpoint: Failpoints;
  log: FastifyBaseLogger;
  /** Has what a decision still owes driven. */
  tell: (decided: Omit<Asked, 'result'>, operationId: number) => void;
}) {
  const { book, answers, failpoint, log, tell } = deps;

  /**
   * What is said of a request that a hand may already have is written down before it is said (rule 4): a code 1
   * that the book does not know of could stand beside a stake that it confirms. So a book that stumbles is asked
   * again.
   */
  async function surely<Result>(operationId: number, work: () => Promise<Result>): Promise<Result> {
    for (let turn = 1; ; turn++) {
      try {
        return await work();
      } catch (error) {
        log.warn(
          { err: error, operationId, turn },
          'what a provider is to be told was not recorded',
        );
        if (turn === LAST_DECISION_TURNS_MAX) throw error;
        await sleep(LAST_DECISION_WAIT_MS);
      }
    }
  }

  /** The answer that is stored in time; else what the book decides to say. */
  async function answerOrLast(request: WaitingRequest, signal: AbortSignal): Promise<MoneyAnswer> {
    const { roundId, kind, operationId, untilMs, leftMs } = request;
    const answer = await answers.wait(operationId, leftMs, signal);
    if (answer) {
      await failpoint('answer_stored', kind);
      return { ...answer, operationId };
    }
    const last = await surely(operationId, () =>
      book.decideOn(roundId, { type: 'deadline', operationId, untilMs }),
    );
    await failpoint('deadline_decided', kind);
    tell(last, operationId);
    return answerOf(last.result);
  }

  return { surely, answerOrLast };
}

export function answerOf(reply: RequestReply): MoneyAnswer {
  if (reply.kind === 'wait') throw new Error('a request at its deadline cannot wait');
  const { result, balance, operationId, note } = reply;
  return { result, balance, operationId, ...(note === undefined ? {} : { note }) };
}
