import type { Ask, DueCall, RoundView } from '../contracts/round';
import type { Book, OpenBook, RoundMemory } from '../db/book';
import type { RoundContext } from '../db/round-rows';
import { findRound } from '../db/rounds';
import { assert } from '../lib/assert';
import type { Failpoints } from '../lib/failpoints';
import type { Answered, AttemptSteps, Begun, Ends } from './attempt-call';
import type { Taken } from './hands';
import type { LaterResults } from './later-results';
import { writeAsk } from './write-ask';

/** A round as some commit left it. */
export interface Known {
  readonly view: RoundView;
  readonly context: RoundContext;
}

/** What a chain tells, and what it may leave to others of its round. */
export interface ChainSide {
  note(known: Known): void;
  readonly later: LaterResults;
  readonly memory: RoundMemory;
}

/** What one commit has begun. */
export interface Beginning {
  readonly entries: readonly Known[];
  readonly begun: readonly Begun[];
  readonly taken: Taken;
  /** After the commit: what others have to hear of results that it wrote. */
  readonly told: () => Promise<unknown>;
}

/** What the results of attempts were written with. */
export interface Written extends Beginning {
  /** One an attempt, in the attempts' order. */
  readonly ended: readonly Ends[];
}

export interface AttemptChain {
  /** Begins calls that are due. */
  beginCalls(round: string, calls: readonly string[], side: ChainSide): Promise<Beginning>;
  /** Writes a request down, with the beginning of its own call and the results that were kept for later. */
  beginAsk(ask: Ask, side: ChainSide): Promise<Beginning>;
  /** Writes the results of attempts of one round, with the beginnings of what follows from them. */
  write(answers: readonly Answered[], side: Pick<ChainSide, 'memory'>): Promise<Written>;
  /** Writes the results that were kept for later. */
  writeLater(side: ChainSide): Promise<Beginning>;
  /** Sends what was begun, writes what comes of it with the beginnings of what follows, and so on to the end. */
  follow(begun: readonly Begun[], side: ChainSide): Promise<void>;
}

/** Ends a transaction that must not be committed. */
class LeftToItsHolder extends Error {}

const NOTHING: Beginning = {
  entries: [],
  begun: [],
  taken: 'left',
  told: () => Promise.resolve(),
};

/** Attempts of one round and what follows from them, commit by commit (docs/decisions/0012). */
export function createAttemptChain(deps: {
  readonly book: Book;
  readonly steps: AttemptSteps;
  readonly failpoint: Failpoints;
}): AttemptChain {
  const { book, steps, failpoint } = deps;

  async function begin(open: OpenBook, round: string, calls: readonly string[]) {
    const entries: Known[] = [];
    const begun: Begun[] = [];
    for (const call of calls) {
      const one = await steps.begin(open, round, call, 'round');
      entries.push(one.entry);
      if (one.begun) begun.push(one.begun);
    }
    return { entries, begun };
  }

  async function end(open: OpenBook, round: string, answers: readonly Answered[]) {
    const ended: { answered: Answered; entry: Ends }[] = [];
    for (const answered of answers) {
      ended.push({ answered, entry: await steps.end(open, round, answered) });
    }
    const told = () =>
      Promise.all(ended.map(({ answered, entry }) => steps.told(round, answered, entry)));
    return { entries: ended.map(({ entry }) => entry), told };
  }

  function write(
    answers: readonly Answered[],
    { memory }: Pick<ChainSide, 'memory'>,
  ): Promise<Written> {
    const round = answers[0]?.begun.context.roundId;
    assert(round !== undefined, 'something was answered');
    return book.together(async (open) => {
      const { entries, told } = await end(open, round, answers);
      const due = entries.at(-1)?.view.calls ?? [];
      // A new stake has a request of its own that brings it here.
      const fresh = due.filter((call) => call.fresh && call.verb !== 'take');
      const next = await begin(open, round, idsOf(fresh));
      const all = [...entries, ...next.entries];
      return { ...next, entries: all, ended: entries, taken: 'written', told };
    }, memory);
  }

  /** Without the request nothing is committed. */
  function writeWith(ask: Ask, kept: readonly Answered[], memory: RoundMemory): Promise<Beginning> {
    const isOfOther = ({ verb, id }: DueCall) =>
      verb === 'take' && !id.startsWith(`${String(ask.betId)}/`);
    return book.together(async (open) => {
      const entry = await writeAsk({ open, failpoint }, ask);
      if (!entry) throw new LeftToItsHolder();
      const { roundId } = entry.context;
      const { entries: ends, told } = await end(open, roundId, kept);
      const { calls } = ends.at(-1)?.view ?? entry.view;
      const due = calls.filter((call) => call.fresh && !isOfOther(call));
      const next = await begin(open, roundId, idsOf(due));
      const entries = [entry, ...ends, ...next.entries];
      return { ...next, entries, taken: 'written', told };
    }, memory);
  }

  async function beginAsk(ask: Ask, { later, memory }: ChainSide): Promise<Beginning> {
    try {
      return await later.with((kept) => writeWith(ask, kept, memory));
    } catch (error) {
      if (!(error instanceof LeftToItsHolder)) throw error;
      // Perhaps it is in the book already, with all that followed, and the worker that wrote it died before it
      // could say so: the round's hand hears how the round stands in any case.
      const round =
        typeof ask.round === 'string' ? ask.round : await findRound(book.pool, ask.round);
      if (round === undefined) return NOTHING;
      return { ...NOTHING, entries: [await book.decideOn(round, { type: 'tick' })] };
    }
  }

  async function carry(batch: readonly Begun[], side: ChainSide): Promise<void> {
    const answers = await Promise.all(batch.map((begun) => steps.send(begun)));
    const nobodyWaits = batch.every((begun) => !isMoney(begun));
    const isDone = answers.every(({ outcome }) => outcome.kind === 'done');
    if (nobodyWaits && isDone && side.later.keep(answers)) return;
    // Before those of a payout: an update waits for its create.
    const { entries, begun, told } = await side.later.with((kept) =>
      write([...kept, ...answers], side),
    );
    for (const known of entries) side.note(known);
    await Promise.all([follow(begun, side), told()]);
  }

  /** A money call waits for no other; ends and reports, for which nobody waits, are written together. */
  async function follow(begun: readonly Begun[], side: ChainSide): Promise<void> {
    const alone = begun.filter(isMoney).map((one) => [one]);
    const together = begun.filter((one) => !isMoney(one));
    const batches = together.length === 0 ? alone : [...alone, together];
    await Promise.all(batches.map((batch) => carry(batch, side)));
  }

  return {
    beginCalls: (round, calls, { memory }) =>
      book.together(async (open) => {
        const { entries, begun } = await begin(open, round, calls);
        return { ...NOTHING, entries, begun, taken: 'written' };
      }, memory),
    beginAsk,
    write,
    writeLater: (side) => side.later.with((kept) => write(kept, side)),
    follow,
  };
}

const idsOf = (calls: readonly DueCall[]) => calls.map(({ id }) => id);

function isMoney({ start }: Begun): boolean {
  return start.content.verb === 'take' || start.content.verb === 'give';
}
