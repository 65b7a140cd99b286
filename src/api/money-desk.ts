import type { Client } from '@temporalio/client';
import type { FastifyBaseLogger } from 'fastify';
import { driveRound } from '../contracts/drive-round';
import type { RoundView } from '../contracts/round';
import type { Book } from '../db/book';
import type { PoolClient } from '../db/pool';
import type { RoundContext } from '../db/round-rows';
import { roundToDrive } from '../db/round-view';
import type { AnswerResult } from '../domain/round/rows';
import { sleep } from '../lib/clock';
import type { Failpoints } from '../lib/failpoints';
import type { RequestReply } from '../domain/round/request-reply';
import type { AnswerWatch } from './answer-watch';
import type { WrittenAnswers } from './written-answers';

/** What a provider is to be told of one money request. */
export interface MoneyAnswer {
  readonly result: AnswerResult;
  /** Decimal text; null in refusals. */
  readonly balance: string | null;
  /** Our operation's number; null when the request made none. */
  readonly operationId: number | null;
  readonly note?: string;
}

/** A request the book has decided on: answered, or to be driven and waited for. */
export interface Asked {
  readonly result: RequestReply;
  readonly view: RoundView;
  readonly context: RoundContext;
  readonly nowMs: number;
  readonly changed: boolean;
}

export interface MoneyDesk {
  /** Has a decided request driven, and waits for its stored answer until its deadline. */
  settle(asked: Asked, kind: 'stake' | 'payout'): Promise<MoneyAnswer>;
  /** The connection broke before any byte of a code 0 was written (SPEC §4 rule 4). */
  unwritten(roundId: string, operationId: number): Promise<void>;
  /** The last byte of a stored code 0 was handed to the connection. */
  written(operationId: number): void;
  /** What belongs into each transaction of an intent, as the last of it. */
  besideIntent(client: PoolClient, kind: 'stake' | 'payout'): Promise<void>;
}

/** Temporal must take the round over well inside the answer deadline; the sweep takes what it did not. */
const HAND_OVER_MS = 3_000;
/** How often, and how far apart, the answer at the deadline is tried to be recorded: some 5 s in all. */
const LAST_DECISION_TURNS_MAX = 20;
const LAST_DECISION_WAIT_MS = 250;

/**
 * Where a provider's request waits: the intent is committed before it comes here, the round's workflow
 * is signalled, the outcome is read from the book. At the deadline the book decides what is said.
 */
export function createMoneyDesk(deps: {
  book: Book;
  client: Client;
  answers: AnswerWatch;
  written: WrittenAnswers;
  failpoint: Failpoints;
  log: FastifyBaseLogger;
}): MoneyDesk {
  const { book, client, answers, written, failpoint, log } = deps;
  // Identical requests that wait at once have their round driven once.
  const driving = new Map<number, Promise<boolean>>();

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
    kind: 'stake' | 'payout',
  ): Promise<MoneyAnswer> {
    const { operationId } = reply;
    await failpoint('intent_committed', kind);
    const waits = new AbortController();
    // Without a hand nothing is to be waited for: the book is asked at once what to say.
    void drive(asked, operationId, reply.hurry).then((done) => done || waits.abort());
    const answer = await answers.wait(operationId, reply.untilMs - asked.nowMs, waits.signal);
    if (answer) {
      await failpoint('answer_stored', kind);
      return { ...answer, operationId };
    }
    const last = await decideLast(asked.context.roundId, reply);
    await failpoint('deadline_decided', kind);
    tell(last, operationId);
    return answerOf(last.result);
  }

  /**
   * What is said at the deadline is written down before it is said (rule 4): a code 1 that the book does
   * not know of could stand beside a stake that it confirms. So a book that stumbles is asked again.
   */
  async function decideLast(
    roundId: string,
    { operationId, untilMs }: Extract<RequestReply, { kind: 'wait' }>,
  ) {
    for (let turn = 1; ; turn++) {
      try {
        return await book.decideOn(roundId, { type: 'deadline', operationId, untilMs });
      } catch (error) {
        log.warn({ err: error, operationId, turn }, 'the answer at the deadline was not recorded');
        if (turn === LAST_DECISION_TURNS_MAX) throw error;
        await sleep(LAST_DECISION_WAIT_MS);
      }
    }
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

  return {
    settle(asked, kind) {
      const reply = asked.result;
      if (reply.kind === 'wait') return wait(asked, reply, kind);
      tell(asked, reply.operationId);
      return Promise.resolve(answerOf(reply));
    },
    async unwritten(roundId, operationId) {
      const { context, view } = await book.decideOn(roundId, {
        type: 'answer_unwritten',
        operationId,
      });
      await driveRound(client, roundToDrive(context, view), [], HAND_OVER_MS);
    },
    written: written.add,
    besideIntent(client, kind) {
      written.noteIn(client);
      return failpoint('intent_uncommitted', kind);
    },
  };
}

function answerOf(reply: RequestReply): MoneyAnswer {
  if (reply.kind === 'wait') throw new Error('a request at its deadline cannot wait');
  const { result, balance, operationId, note } = reply;
  return { result, balance, operationId, ...(note === undefined ? {} : { note }) };
}
