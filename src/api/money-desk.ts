import type { Client } from '@temporalio/client';
import type { FastifyBaseLogger } from 'fastify';
import { driveRound } from '../contracts/drive-round';
import type { RoundView } from '../contracts/round';
import type { Book } from '../db/book';
import { roundOfOperation, type GateKey } from '../db/operations';
import type { RoundContext } from '../db/round-rows';
import { roundToDrive } from '../db/round-view';
import type { AnswerResult } from '../domain/round/rows';
import { assert } from '../lib/assert';
import { sleep } from '../lib/clock';
import type { Failpoints } from '../lib/failpoints';
import type { RequestReply } from '../domain/round/request-reply';
import type { AnswerWatch } from './answer-watch';
import { createHandOver } from './hand-over';
import type { PlainRequest } from './routes/provider/plain-request';
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

type Kind = 'stake' | 'payout';

export interface MoneyDesk {
  /** Has a decided request driven, and waits for its stored answer until its deadline. */
  settle(asked: Asked, kind: Kind): Promise<MoneyAnswer>;
  /**
   * A new request: a plain one is handed over before it is written down (decision 0012). When no answer comes of
   * that in a moment, and for any other, `write` does it here.
   */
  settleNew(
    plain: PlainRequest | undefined,
    key: GateKey,
    write: () => Promise<Asked>,
    kind: Kind,
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
  /** Tests that count are more patient than players. */
  askPatienceMs?: number;
}): MoneyDesk {
  const { book, client, answers, written, failpoint, log } = deps;
  // Identical requests that wait at once have their round driven once.
  const driving = new Map<number, Promise<boolean>>();
  const handOver = createHandOver(deps);

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
    kind: Kind,
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
    const { roundId } = asked.context;
    const last = await surely(operationId, () =>
      book.decideOn(roundId, { type: 'deadline', operationId, untilMs: reply.untilMs }),
    );
    await failpoint('deadline_decided', kind);
    tell(last, operationId);
    return answerOf(last.result);
  }

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

  async function settle(asked: Asked, kind: Kind): Promise<MoneyAnswer> {
    const reply = asked.result;
    if (reply.kind === 'wait') return wait(asked, reply, kind);
    tell(asked, reply.operationId);
    return answerOf(reply);
  }

  return {
    settle,
    async settleNew(plain, key, write, kind) {
      if (!plain) return settle(await write(), kind);
      const answer = await handOver.ask(plain, key);
      return answer ?? settle(await surely(plain.ask.operationId, write), kind);
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

function answerOf(reply: RequestReply): MoneyAnswer {
  if (reply.kind === 'wait') throw new Error('a request at its deadline cannot wait');
  const { result, balance, operationId, note } = reply;
  return { result, balance, operationId, ...(note === undefined ? {} : { note }) };
}
