import type { RoundLocalActivities, RoundView } from '../contracts/round';
import type { Book } from '../db/book';
import type { RoundContext } from '../db/round-rows';
import { sleep } from '../lib/clock';
import type { Logger } from '../lib/log';
import type { Answered, AttemptSteps, Begun } from './attempt-call';
import type { Wallets } from './wallets';

/**
 * How long a workflow's task is held for the answer of a wallet. Whatever takes longer goes on beside it, and the
 * round waits in the regular queue: other requests of the round, and the worker's slots, wait no longer than this.
 */
const LOCAL_WAIT_MS = 250;

export interface FirstAttempts {
  readonly makeFirstAttempts: RoundLocalActivities['makeFirstAttempts'];
  /** Resolves when the first attempt of the call, and what followed from it, is not under way in this process. */
  join(call: string): Promise<void>;
  /** Resolves when none is under way at all: a process waits for it before it closes its pool. */
  settled(): Promise<void>;
}

interface Known {
  readonly view: RoundView;
  readonly context: RoundContext;
}

/**
 * The first attempts of a round's calls, made within the workflow's own task (decision 0012). They are the attempts
 * of attempt-call.ts, with two differences: the result of one and the beginnings of what follows from it are one
 * commit, and nobody waits here for a slow wallet.
 *
 *     begin take ──▶ /bet ──▶ end take, begin report ──▶ answer leaves; /history ──▶ end report
 *     begin give ──▶ /settle-bet ──▶ end give, begin end and report ──▶ answer leaves; both ──▶ end both
 */
export function createFirstAttempts(deps: {
  book: Book;
  steps: AttemptSteps;
  wallets: Wallets;
  tellDrain: (known: Known) => Promise<void>;
  log: Logger;
}): FirstAttempts {
  const { book, steps, wallets, tellDrain, log } = deps;
  const underWay = new Map<string, Promise<void>>();
  const walks = new Set<Promise<void>>();

  /** Keeps the newest view that any of a walk's commits told. */
  function createLatest() {
    let latest: Known | undefined;
    return {
      note(entry: Known) {
        if (!latest || entry.view.version >= latest.view.version) latest = entry;
      },
      get: () => latest,
    };
  }

  /** Sends what was begun together and writes what came of it, with the beginnings of what follows. */
  async function carry(
    round: string,
    batch: readonly Begun[],
    note: (entry: Known) => void,
  ): Promise<void> {
    const answers = await Promise.all(batch.map((begun) => steps.send(begun)));
    const { ended, begun } = await book.together(async (decide) => {
      const ends: { answered: Answered; entry: Awaited<ReturnType<AttemptSteps['end']>> }[] = [];
      for (const answered of answers) {
        ends.push({ answered, entry: await steps.end(decide, round, answered) });
      }
      const last = ends.at(-1)?.entry;
      // Stakes have requests of their own that bring them here.
      const fresh = last?.view.calls.filter((call) => call.fresh && call.verb !== 'take') ?? [];
      const beginnings = await beginAll(
        round,
        fresh.map(({ id }) => id),
        decide,
      );
      return { ended: ends, begun: beginnings };
    });
    for (const { entry } of ended) note(entry);
    begun.entries.forEach(note);
    await Promise.all([
      follow(round, begun.begun, note),
      ...ended.map(({ answered, entry }) => steps.told(round, answered, entry)),
    ]);
  }

  async function beginAll(
    round: string,
    calls: readonly string[],
    decide: Parameters<AttemptSteps['begin']>[0],
  ) {
    const entries: Known[] = [];
    const begun: Begun[] = [];
    for (const call of calls) {
      const one = await steps.begin(decide, round, call, 'round');
      entries.push(one.entry);
      if (one.begun) begun.push(one.begun);
    }
    return { entries, begun };
  }

  /** Money has its answer for itself; ends and reports, for which nobody waits, are written together. */
  function follow(
    round: string,
    begun: readonly Begun[],
    note: (entry: Known) => void,
  ): Promise<unknown> {
    const isMoney = ({ start }: Begun) => ['take', 'give'].includes(start.content.verb);
    const alone = begun.filter(isMoney).map((one) => [one]);
    const together = begun.filter((one) => !isMoney(one));
    const batches = together.length === 0 ? alone : [...alone, together];
    return Promise.all(batches.map((batch) => carry(round, batch, note)));
  }

  /** Rule 14: without a free permit the attempt waits, and the workflow's task does not. */
  async function hasToWait(begun: readonly Begun[]): Promise<boolean> {
    const [one] = begun;
    return one !== undefined && !(await wallets.of(one.context.partnerId)).hasFreePermit();
  }

  async function walk(
    round: string,
    calls: readonly string[],
    latest: ReturnType<typeof createLatest>,
    letGo: () => void,
  ): Promise<void> {
    const begun = await book.together((decide) => beginAll(round, calls, decide));
    begun.entries.forEach(latest.note);
    if (await hasToWait(begun.begun)) letGo();
    await follow(round, begun.begun, latest.note);
    const known = latest.get();
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
      return latest.get()?.view ?? null;
    },
    join: async (call) => {
      await underWay.get(call);
    },
    async settled() {
      while (walks.size > 0) await Promise.all(walks);
    },
  };
}
