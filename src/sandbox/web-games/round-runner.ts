import { sleep, type Clock } from '../../lib/clock';
import type { Logger } from '../../lib/log';
import type { Book } from './book';
import type { Operation } from './operation';
import type { PartnerClient } from './partner-client';
import type { CallSettings } from './settings';
import { verdictOn, type Reply } from './verdict';

export interface RoundRunner {
  /** Plays a round on, call after call; the promise ends with the round, or with the runner. */
  run(roundId: number, first: Operation | undefined): Promise<void>;
  /** Takes up every round the last process left unfinished. */
  resume(): Promise<void>;
  /** Begins nothing new; calls in flight may still be answered and recorded. */
  stop(): Promise<void>;
  /** As if the process were killed: nothing that comes back from now on is recorded. */
  abandon(): void;
}

/** After trouble with our own database: long enough not to hammer it, short enough for a player who waits. */
const DATABASE_PAUSE_MS = 1_000;

/**
 * Carries out the calls of rounds. All state is in the book; this only drives:
 *
 *   attempt ──▶ definite answer ──▶ recorded together with the next call ──▶ attempt …
 *      ▲                │
 *      └── wait ◀── no definite answer (same row, same transaction id)
 */
export function createRoundRunner(deps: {
  readonly book: Book;
  readonly client: PartnerClient;
  readonly settings: CallSettings;
  readonly clock: Clock;
  readonly log: Logger;
}): RoundRunner {
  const { book, client, settings, clock, log } = deps;
  const ending = new AbortController();
  const running = new Map<number, Promise<void>>();
  let abandoned = false;

  async function drive(roundId: number, first: Operation | undefined): Promise<void> {
    let operation = first ?? (await book.beginAttempt(roundId, true));
    while (operation && !ending.signal.aborted) {
      const partner = await book.partner(operation.partnerId);
      if (!partner) throw new Error(`partner ${operation.partnerId} has no row`);
      const reply = await client.send(partner, operation);
      if (abandoned) return;
      const verdict = verdictOn(operation, reply, clock.nowMs(), settings);
      if (verdict.is === 'repeat') {
        await book.noteRepeat(operation, verdict, reply);
        logRepeat(log, operation, reply);
        await sleep(verdict.delayMs, ending.signal);
        if (ending.signal.aborted) return;
        operation = await book.beginAttempt(roundId, false);
      } else {
        // Only an answer can be definite: verdictOn repeats everything else.
        if (reply.is === 'none') throw new Error('a missing answer was taken for a definite one');
        operation = await book.recordAnswer(operation, verdict.is, reply);
      }
    }
  }

  async function driveToTheEnd(roundId: number, first: Operation | undefined): Promise<void> {
    let begin = first;
    while (!ending.signal.aborted) {
      try {
        await drive(roundId, begin);
        return;
      } catch (error) {
        if (ending.signal.aborted) return;
        log.error({ err: error, round: roundId }, 'a round stopped and will be taken up again');
        begin = undefined;
        await sleep(DATABASE_PAUSE_MS * settings.delayScale, ending.signal);
      }
    }
  }

  function run(roundId: number, first: Operation | undefined): Promise<void> {
    const already = running.get(roundId);
    if (already) return already;
    const promise = driveToTheEnd(roundId, first).finally(() => running.delete(roundId));
    running.set(roundId, promise);
    return promise;
  }

  return {
    run,
    async resume() {
      const rounds = await book.unfinishedRounds();
      if (rounds.length > 0) log.info({ rounds: rounds.length }, 'taking up unfinished rounds');
      for (const roundId of rounds) void run(roundId, undefined);
    },
    async stop() {
      ending.abort();
      await Promise.all(running.values());
    },
    abandon() {
      abandoned = true;
      ending.abort();
    },
  };
}

function logRepeat(log: Logger, { transactionId, attempts }: Operation, reply: Reply): void {
  const what = reply.is === 'none' ? reply.why : `code ${String(reply.code)}`;
  log.warn(
    { transaction: transactionId, attempts, what },
    'a call has no definite answer and will be repeated',
  );
}
