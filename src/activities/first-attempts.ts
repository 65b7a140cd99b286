import type { RoundLocalActivities, RoundView } from '../contracts/round';
import type { Book, DecideHere } from '../db/book';
import type { RoundContext } from '../db/round-rows';
import { sleep } from '../lib/clock';
import type { Logger } from '../lib/log';
import type { AttemptSteps, Begun } from './attempt-call';
import type { Wallets } from './wallets';

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
  const { book, wallets, tellDrain, log } = deps;
  const chain = createChain(deps);
  const underWay = new Map<string, Promise<void>>();
  const walks = new Set<Promise<void>>();

  async function walk(
    round: string,
    calls: readonly string[],
    latest: Latest,
    letGo: () => void,
  ): Promise<void> {
    const { entries, begun } = await book.together((decide) =>
      chain.beginAll(decide, round, calls),
    );
    entries.forEach(latest.note);
    const [one] = begun;
    // Rule 14: without a free permit the attempt waits, and the workflow's task does not.
    if (one && !(await wallets.of(one.context.partnerId)).hasFreePermit()) letGo();
    await chain.follow(round, begun, latest.note);
    const known = latest.known();
    if (known?.view.drained) await tellDrain(known);
  }

  return {
    async makeFirstAttempts({ round, calls }) {
      const latest = createLatest();
      await new Promise<void>((letGo) => {
        const ended = walk(round, calls, latest, letGo)
          .catch((error: unknown) =>
            log.error({ err: error, round }, 'a first attempt was not written; it is repeated'),
          )
          .finally(() => {
            walks.delete(ended);
            for (const call of calls) if (underWay.get(call) === ended) underWay.delete(call);
            letGo();
          });
        walks.add(ended);
        for (const call of calls) underWay.set(call, ended);
        void sleep(LOCAL_WAIT_MS).then(letGo);
      });
      return latest.known()?.view ?? null;
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
  return {
    note(known: Known) {
      if (!latest || known.view.version >= latest.view.version) latest = known;
    },
    known: () => latest,
  };
}

/** Attempts and what follows from them, commit by commit. */
function createChain({ book, steps }: Pick<FirstAttemptDeps, 'book' | 'steps'>) {
  async function beginAll(decide: DecideHere, round: string, calls: readonly string[]) {
    const entries: Known[] = [];
    const begun: Begun[] = [];
    for (const call of calls) {
      const one = await steps.begin(decide, round, call, 'round');
      entries.push(one.entry);
      if (one.begun) begun.push(one.begun);
    }
    return { entries, begun };
  }

  /** Sends what was begun together and writes what came of it, with the beginnings of what follows. */
  async function carry(round: string, batch: readonly Begun[], note: Note): Promise<void> {
    const answers = await Promise.all(batch.map((begun) => steps.send(begun)));
    const { ended, next } = await book.together(async (decide) => {
      const ends = [];
      for (const answered of answers) {
        ends.push({ answered, entry: await steps.end(decide, round, answered) });
      }
      const due = ends.at(-1)?.entry.view.calls ?? [];
      // A new stake has a request of its own that brings it here.
      const fresh = due.filter((call) => call.fresh && call.verb !== 'take').map(({ id }) => id);
      return { ended: ends, next: await beginAll(decide, round, fresh) };
    });
    for (const known of [...ended.map(({ entry }) => entry), ...next.entries]) note(known);
    await Promise.all([
      follow(round, next.begun, note),
      ...ended.map(({ answered, entry }) => steps.told(round, answered, entry)),
    ]);
  }

  /** A money call waits for no other; ends and reports, for which nobody waits, are written together. */
  async function follow(round: string, begun: readonly Begun[], note: Note): Promise<void> {
    const isMoney = ({ start }: Begun) => ['take', 'give'].includes(start.content.verb);
    const alone = begun.filter(isMoney).map((one) => [one]);
    const together = begun.filter((one) => !isMoney(one));
    const batches = together.length === 0 ? alone : [...alone, together];
    await Promise.all(batches.map((batch) => carry(round, batch, note)));
  }

  return { beginAll, follow };
}
