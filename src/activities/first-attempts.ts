import type { Ask, DueCall, RoundLocalActivities, RoundView } from '../contracts/round';
import type { Book, OpenBook } from '../db/book';
import type { RoundContext } from '../db/round-rows';
import { findRound } from '../db/rounds';
import { assert } from '../lib/assert';
import { sleep } from '../lib/clock';
import type { Failpoints } from '../lib/failpoints';
import type { Logger } from '../lib/log';
import type { AttemptSteps, Begun } from './attempt-call';
import type { Hands, Taken } from './hands';
import { holdHand, type BegunWork, type Work } from './hold-hand';
import type { Wallets } from './wallets';
import { writeAsk } from './write-ask';

/**
 * How long a workflow's task is held for a wallet or a busy book. Whatever takes longer goes on beside it, and the
 * round waits in the regular queue: other requests of the round, and the worker's slots, wait no longer than this.
 */
const LOCAL_WAIT_MS = 500;

export interface FirstAttempts {
  readonly makeFirstAttempts: RoundLocalActivities['makeFirstAttempts'];
  /** Resolves when the first attempt of the call, and what followed from it, is not under way in this process. */
  join(call: string): Promise<void>;
  /** Resolves when none is under way at all: a process waits for it before it closes its pool. */
  settled(): Promise<void>;
}

/** A round as some commit left it. */
interface Known {
  readonly view: RoundView;
  readonly context: RoundContext;
}

type Note = (known: Known) => void;

type Latest = ReturnType<typeof createLatest>;

interface FirstAttemptDeps {
  readonly book: Book;
  readonly steps: AttemptSteps;
  readonly wallets: Wallets;
  readonly tellDrain: (known: Known) => Promise<void>;
  readonly failpoint: Failpoints;
  readonly hands: Hands | undefined;
  readonly localWaitMs: number | undefined;
  readonly log: Logger;
}

/**
 * The first attempts of a round's calls, made within the workflow's own task (decision 0012). They are the attempts
 * of attempt-call.ts, with two differences: the result of one and the beginnings of what follows from it are one
 * commit, and the task does not wait for a slow wallet.
 *
 *     begin take ──▶ /bet ──▶ end take, begin report ──▶ answer leaves; /history ──▶ end report
 *     begin give ──▶ /settle-bet ──▶ end give, begin end and report ──▶ answer leaves; both ──▶ end both
 */
export function createFirstAttempts(deps: FirstAttemptDeps): FirstAttempts {
  const { book, wallets, tellDrain, failpoint, hands, log, localWaitMs = LOCAL_WAIT_MS } = deps;
  const chain = createChain(deps);
  const underWay = new Map<string, Promise<void>>();
  const walks = new Set<Promise<void>>();

  /** Writes down what is asked, or begins what is due, and follows it to its end. */
  async function walk(
    work: Work,
    {
      known,
      note,
      tell,
      claim,
      letGo,
    }: {
      known: () => Known | undefined;
      note: Note;
      tell: (taken: Taken) => void;
      claim: (calls: readonly string[]) => void;
      letGo: () => void;
    },
  ): Promise<void> {
    const { entries, begun, taken } = await (work.ask
      ? chain.beginAsk(work.ask)
      : book.together((open) => chain.beginAll(open, work.round, work.calls)));
    tell(taken);
    entries.forEach(note);
    claim(begun.map(({ call }) => call));
    const [one] = begun;
    // Rule 14: without a free permit the attempt waits, and the workflow's task does not.
    if (one && !(await wallets.of(one.context.partnerId)).hasFreePermit()) letGo();
    await chain.follow(begun, note);
    const last = known();
    if (last?.view.drained) await tellDrain(last);
  }

  function begin(work: Work, latest: Latest): BegunWork {
    let end: (how: 'over' | 'let go') => void = () => undefined;
    const held = new Promise<'over' | 'let go'>((resolve) => (end = resolve));
    let tell: (taken: Taken) => void = () => undefined;
    const taken = new Promise<Taken>((resolve) => (tell = resolve));
    // Before its first commit a request has no call that the hand could follow up: it is not let go of.
    const own = createLatest();
    const hasBegun = work.ask ? own.first : Promise.resolve();
    const letGo = () => end('let go');
    const note: Note = (known) => {
      own.note(known);
      latest.note(known);
    };
    const claimed = new Set<string>();
    const claim = (calls: readonly string[]) => {
      for (const call of calls) {
        claimed.add(call);
        underWay.set(call, ended);
      }
    };
    const ended: Promise<void> = walk(work, { known: own.known, note, tell, claim, letGo })
      .catch((error: unknown) =>
        log.error({ err: error, work }, 'a first attempt was not written; it is repeated'),
      )
      .finally(() => {
        walks.delete(ended);
        for (const call of claimed) if (underWay.get(call) === ended) underWay.delete(call);
        end('over');
        // Whether a request was written that no answer came of, the book knows.
        tell('left');
      });
    walks.add(ended);
    if (!work.ask) claim(work.calls);
    void sleep(localWaitMs)
      .then(() => hasBegun)
      .then(letGo);
    return { held, taken };
  }

  return {
    async makeFirstAttempts({ asks, round, calls }) {
      const latest = createLatest();
      const works: Work[] = asks.map((ask) => ({ ask }));
      if (round !== null && calls.length > 0) works.push({ round, calls });
      await holdHand({
        works,
        hands,
        begin: (work) => begin(work, latest),
        isQuiet() {
          const view = latest.known()?.view;
          return view?.status === 'open' && view.calls.length === 0;
        },
        failpoint,
      });
      const known = latest.known();
      return known ? { round: known.context.roundId, view: known.view } : null;
    },
    async join(call) {
      await underWay.get(call);
    },
    async settled() {
      while (walks.size > 0) await Promise.all(walks);
    },
  };
}

/** Keeps the newest of what it is told. */
function createLatest() {
  let latest: Known | undefined;
  let begin: () => void = () => undefined;
  const first = new Promise<void>((resolve) => (begin = resolve));
  return {
    /** Resolves when something is known. */
    first,
    note(known: Known) {
      begin();
      if (!latest || known.view.version >= latest.view.version) latest = known;
    },
    known: () => latest,
  };
}

/** Ends a transaction that must not be committed. */
class LeftToItsHolder extends Error {}

/** What one commit has begun. */
interface Beginning {
  readonly entries: Known[];
  readonly begun: Begun[];
  readonly taken: Taken;
}

/** Attempts and what follows from them, commit by commit. */
function createChain(deps: Pick<FirstAttemptDeps, 'book' | 'steps' | 'failpoint'>) {
  const { book, steps, failpoint } = deps;

  async function beginAll(
    open: OpenBook,
    round: string,
    calls: readonly string[],
  ): Promise<Beginning> {
    const entries: Known[] = [];
    const begun: Begun[] = [];
    for (const call of calls) {
      const one = await steps.begin(open, round, call, 'round');
      entries.push(one.entry);
      if (one.begun) begun.push(one.begun);
    }
    return { entries, begun, taken: 'written' };
  }

  /** The request and the beginning of its own call are one commit; without the request there is none. */
  async function beginAsk(ask: Ask): Promise<Beginning> {
    const isOfOther = (call: DueCall) =>
      call.verb === 'take' && !call.id.startsWith(`${String(ask.betId)}/`);
    try {
      return await book.together(async (open) => {
        const entry = await writeAsk({ open, failpoint }, ask);
        if (!entry) throw new LeftToItsHolder();
        const due = entry.view.calls.filter((call) => call.fresh && !isOfOther(call));
        const next = await beginAll(
          open,
          entry.context.roundId,
          due.map(({ id }) => id),
        );
        return { ...next, entries: [entry, ...next.entries] };
      });
    } catch (error) {
      if (!(error instanceof LeftToItsHolder)) throw error;
      // Perhaps it is in the book already, with all that followed, and the worker that wrote it died before it
      // could say so: the round's hand hears how the round stands in any case.
      const round =
        typeof ask.round === 'string' ? ask.round : await findRound(book.pool, ask.round);
      const entries = round === undefined ? [] : [await book.decideOn(round, { type: 'tick' })];
      return { entries, begun: [], taken: 'left' };
    }
  }

  /** Sends what was begun together and writes what came of it, with the beginnings of what follows. */
  async function carry(batch: readonly Begun[], note: Note): Promise<void> {
    const [one] = batch;
    assert(one, 'something was begun');
    const round = one.context.roundId;
    const answers = await Promise.all(batch.map((begun) => steps.send(begun)));
    const { ended, next } = await book.together(async (open) => {
      const ends = [];
      for (const answered of answers) {
        ends.push({ answered, entry: await steps.end(open, round, answered) });
      }
      const due = ends.at(-1)?.entry.view.calls ?? [];
      // A new stake has a request of its own that brings it here.
      const fresh = due.filter((call) => call.fresh && call.verb !== 'take').map(({ id }) => id);
      return { ended: ends, next: await beginAll(open, round, fresh) };
    });
    for (const known of [...ended.map(({ entry }) => entry), ...next.entries]) note(known);
    await Promise.all([
      follow(next.begun, note),
      ...ended.map(({ answered, entry }) => steps.told(round, answered, entry)),
    ]);
  }

  /** A money call waits for no other; ends and reports, for which nobody waits, are written together. */
  async function follow(begun: readonly Begun[], note: Note): Promise<void> {
    const isMoney = ({ start }: Begun) => ['take', 'give'].includes(start.content.verb);
    const alone = begun.filter(isMoney).map((one) => [one]);
    const together = begun.filter((one) => !isMoney(one));
    const batches = together.length === 0 ? alone : [...alone, together];
    await Promise.all(batches.map((batch) => carry(batch, note)));
  }

  return { beginAll, beginAsk, follow };
}
