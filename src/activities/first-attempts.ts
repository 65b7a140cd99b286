import type { RoundLocalActivities } from '../contracts/round';
import type { Book, RoundMemory } from '../db/book';
import { assert, assertNever } from '../lib/assert';
import { sleep } from '../lib/clock';
import type { Failpoints } from '../lib/failpoints';
import type { Logger } from '../lib/log';
import type { AttemptSteps, FinishAttempt } from './attempt-call';
import {
  createAttemptChain,
  type AttemptChain,
  type Beginning,
  type ChainSide,
  type Known,
} from './attempt-chain';
import type { Hands, Taken } from './hands';
import { holdHand, type BegunWork, type HeldHand, type Work } from './hold-hand';
import { createLaterResults } from './later-results';
import type { Wallets } from './wallets';

/**
 * How long a workflow's task is held for a wallet or a busy book. Whatever takes longer goes on beside it, and the
 * round waits in the regular queue: other requests of the round, and the worker's slots, wait no longer than this.
 */
const LOCAL_WAIT_MS = 500;

export interface FirstAttempts {
  readonly makeFirstAttempts: RoundLocalActivities['makeFirstAttempts'];
  /** Writes the result of another hand's attempt, and makes the first attempts of what follows from it. */
  readonly finish: FinishAttempt;
  /** Resolves when the first attempt of the call, and what followed from it, is not under way in this process. */
  join(call: string): Promise<void>;
  /** Resolves when none is under way at all: a process waits for it before it closes its pool. */
  settled(): Promise<void>;
}

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
 *     begin take ──▶ /bet ──▶ end take, begin report ──▶ answer leaves; /history ──▶ end report (or with what comes next)
 *     begin give ──▶ /settle-bet ──▶ end give, begin end and report ──▶ answer leaves; both ──▶ end both
 */
export function createFirstAttempts(deps: FirstAttemptDeps): FirstAttempts {
  const { wallets, tellDrain, failpoint, hands, log, localWaitMs = LOCAL_WAIT_MS } = deps;
  const chain = createAttemptChain(deps);
  const underWay = new Map<string, Promise<void>>();
  const walks = new Set<Promise<void>>();

  /** Begins a piece of work, and follows it to its end. */
  async function walk(
    work: Work,
    {
      side,
      known,
      tell,
      claim,
      letGo,
    }: {
      side: ChainSide;
      known: () => Known | undefined;
      tell: (taken: Taken) => void;
      claim: (calls: readonly string[]) => void;
      letGo: () => void;
    },
  ): Promise<void> {
    const { entries, begun, taken, told } = await firstCommit(chain, work, side);
    tell(taken);
    entries.forEach(side.note);
    claim(begun.map(({ call }) => call));
    const [one] = begun;
    // Rule 14: without a free permit the attempt waits, and the workflow's task does not.
    if (one && !(await wallets.of(one.context.partnerId)).hasFreePermit()) letGo();
    await Promise.all([chain.follow(begun, side), told()]);
    const last = known();
    // What the drain itself has begun it looks after in its next batch.
    if (last?.view.drained && work.kind !== 'begun') await tellDrain(last);
  }

  function begin(work: Work, hand: Hand): BegunWork {
    let end: (how: 'over' | 'let go') => void = () => undefined;
    const held = new Promise<'over' | 'let go'>((resolve) => (end = resolve));
    let tell: (taken: Taken) => void = () => undefined;
    const taken = new Promise<Taken>((resolve) => (tell = resolve));
    // What has no call yet that the hand could follow up is not let go of before its first commit.
    const own = createLatest();
    const hasBegun = work.kind === 'calls' ? Promise.resolve() : own.first;
    const letGo = () => end('let go');
    const side: ChainSide = {
      note(known) {
        own.note(known);
        hand.latest.note(known);
      },
      later: hand.later,
      memory: hand.memory,
    };
    const claimed = new Set<string>();
    const claim = (calls: readonly string[]) => {
      for (const call of calls) {
        claimed.add(call);
        underWay.set(call, ended);
      }
    };
    const ended: Promise<void> = walk(work, { side, known: own.known, tell, claim, letGo })
      .catch((error: unknown) =>
        log.error(
          { err: error, work: work.kind === 'begun' ? [...claimed] : work },
          'a first attempt was not written; it is repeated',
        ),
      )
      .finally(() => {
        walks.delete(ended);
        for (const call of claimed) if (underWay.get(call) === ended) underWay.delete(call);
        end('over');
        // Whether a request was written that no answer came of, the book knows.
        tell('left');
      });
    walks.add(ended);
    if (work.kind === 'calls') claim(work.calls);
    void sleep(localWaitMs)
      .then(() => hasBegun)
      .then(letGo);
    return { held, taken };
  }

  return {
    async makeFirstAttempts({ asks, round, calls }) {
      const hand = createHand(hands !== undefined);
      const works: Work[] = asks.map((ask) => ({ kind: 'ask', ask }));
      if (round !== null && calls.length > 0) works.push({ kind: 'calls', round, calls });
      await holdHand({ works, hands, hand, begin: (work) => begin(work, hand), failpoint });
      const known = hand.latest.known();
      return known ? { round: known.context.roundId, view: known.view } : null;
    },
    async finish(round, answered) {
      const hand = createHand(false);
      const beginning = await chain.write([answered], hand);
      const [ended] = beginning.ended;
      assert(ended, 'an attempt that was written has ended');
      await begin({ kind: 'begun', beginning }, hand).held;
      const { view, context } = hand.latest.known() ?? ended;
      return { ...ended, view, context };
    },
    async join(call) {
      await underWay.get(call);
    },
    async settled() {
      while (walks.size > 0) await Promise.all(walks);
    },
  };
}

function firstCommit(chain: AttemptChain, work: Work, side: ChainSide): Promise<Beginning> {
  switch (work.kind) {
    case 'ask':
      return chain.beginAsk(work.ask, side);
    case 'calls':
      return chain.beginCalls(work.round, work.calls, side);
    case 'begun':
      return Promise.resolve(work.beginning);
    case 'later':
      return chain.writeLater(side);
    default:
      return assertNever(work);
  }
}

interface Hand extends HeldHand {
  readonly latest: ReturnType<typeof createLatest>;
  readonly memory: RoundMemory;
}

/** @param mayOffer whether requests can be offered to it */
function createHand(mayOffer: boolean): Hand {
  const latest = createLatest();
  const isOpen = () => latest.known()?.view.status === 'open';
  const later = createLaterResults(() => mayOffer && isOpen());
  const isQuiet = () =>
    isOpen() && latest.known()?.view.calls.every(({ id }) => later.has(id)) === true;
  return { latest, later, memory: new Map(), isQuiet };
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
