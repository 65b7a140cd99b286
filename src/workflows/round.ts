import {
  CancellationScope,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  isCancellation,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
  type ActivityOptions,
} from '@temporalio/workflow';
import {
  DRIVE_SIGNAL,
  ROUND_QUERY,
  type CallToMake,
  type DriveSignal,
  type DueCall,
  type RoundActivities,
  type RoundInput,
  type RoundLocalActivities,
  type RoundView,
} from '../contracts/round';
import { ROUND_ATTRIBUTES } from '../contracts/search-attributes';

export const driveSignal = defineSignal<[DriveSignal]>(DRIVE_SIGNAL);
export const roundQuery = defineQuery<RoundView>(ROUND_QUERY);

/** What an activity needs beside the wallet call itself: two short transactions on a busy database. */
const BOOK_MS = 5_000;
/** While calls run, only a decision this near gets a timer of its own: a call's end looks at time anyway. */
const TIMER_BESIDE_CALLS_MS_MAX = 120_000;

/** The book decides by the database's clock: a timer that fires early by a difference of clocks must not spin. */
const TIMER_MS_MIN = 500;

const ACTIVITY_OF = {
  take: 'takeStake',
  give: 'payOut',
  end: 'endBet',
  report: 'reportBet',
} as const satisfies Record<DueCall['verb'], keyof RoundActivities>;

/** The activity says itself how long to wait (the book's schedule); these bounds only catch its crashes. */
const RETRY: NonNullable<ActivityOptions['retry']> = {
  initialInterval: '1s',
  backoffCoefficient: 2,
  maximumInterval: '1m',
};

/** One try inside the workflow's task; whatever it leaves is the business of the activities above. */
const FIRST_ATTEMPTS: { readonly retry: NonNullable<ActivityOptions['retry']> } = {
  retry: { maximumAttempts: 1 },
};

/**
 * One round. It keeps no money: the book decides, and tells in each view which calls are owed. The
 * workflow makes them, waits, repeats and shows, until the book says that the round is at rest.
 *
 *     signal ──▶ view ──▶ first attempts, in this very task ──▶ newer view ──▶ … ──▶ at rest: done
 *                  ├────▶ an activity per call that was tried and is still owed ──▶ newer view
 *                  └────▶ a timer for what time decides ──▶ tick ──▶ newer view
 */
export async function roundWorkflow(input: RoundInput): Promise<readonly string[]> {
  const { round } = input;
  let view = input.view;
  let changed = true;
  const running = new Map<string, CancellationScope>();
  const tried = new Set<string>();

  function accept(newer: RoundView): void {
    if (newer.version <= view.version) return;
    if (newer.status !== view.status || newer.betIds.length !== view.betIds.length) {
      upsertSearchAttributes([
        { key: ROUND_ATTRIBUTES.roundStatus, value: newer.status },
        { key: ROUND_ATTRIBUTES.betIds, value: [...newer.betIds] },
      ]);
    }
    view = newer;
    changed = true;
  }

  setHandler(roundQuery, () => view);
  setHandler(driveSignal, (signal) => {
    accept(signal.view);
    // Ends the wait between two repeats; the call is then made anew at once. An attempt that is under
    // way is not doubled: the book lets one attempt of a call run at a time.
    for (const call of signal.hurry) running.get(call)?.cancel();
  });

  /** Runs one piece of work under its names; cancelled, it is begun anew. */
  async function run(names: readonly string[], work: () => Promise<RoundView>): Promise<void> {
    const scope = new CancellationScope();
    for (const name of names) running.set(name, scope);
    try {
      accept(await scope.run(work));
    } catch (error) {
      if (!isCancellation(error)) throw error;
    } finally {
      for (const name of names) running.delete(name);
      changed = true;
    }
  }

  /** A failure of the book or of this worker: the same calls are then made by activities that repeat. */
  async function tryFirst(calls: readonly DueCall[]): Promise<void> {
    const ids = calls.map(({ id }) => id);
    for (const id of ids) tried.add(id);
    await run(ids, async () => {
      try {
        return (await firstAttemptsOf(calls)({ round, calls: ids })) ?? view;
      } catch (error) {
        if (isCancellation(error)) throw error;
        return view;
      }
    });
  }

  const drive = (call: DueCall) => run([call.id], () => activityFor(call)(toMake(round, call)));

  const closePrevious = () =>
    run(['close previous'], () =>
      book('earlier rounds of this session').closePreviousRounds({ round }),
    );

  /**
   * A history has limits (events, signals), and a provider that repeats a stake against a dead wallet for
   * days would reach them. The new run makes the calls anew; an attempt under way tells its result to the
   * book, which lets no second one run beside it.
   */
  async function beginNewRun(): Promise<never> {
    for (const scope of running.values()) scope.cancel();
    await condition(() => running.size === 0);
    return continueAsNew<typeof roundWorkflow>({ round, view });
  }

  const failures: unknown[] = [];
  const watch = (work: Promise<void>) => void work.catch((error: unknown) => failures.push(error));

  for (;;) {
    changed = false;
    setCurrentDetails(view.statement.join('\n\n'));
    const idle = view.calls.filter(({ id }) => !running.has(id));
    const untried = idle.filter(({ id, fresh }) => fresh === true && !tried.has(id));
    if (untried.length > 0) watch(tryFirst(untried));
    for (const call of idle) if (!untried.includes(call)) watch(drive(call));
    if (view.closesPrevious && !running.has('close previous')) watch(closePrevious());
    if (view.atRest && running.size === 0) return view.statement;

    if (workflowInfo().continueAsNewSuggested) await beginNewRun();

    const waitMs = timerMs(view, running.size);
    const woken = () => changed || failures.length > 0 || workflowInfo().continueAsNewSuggested;
    if (waitMs === null) await condition(woken);
    else if (!(await condition(woken, waitMs, { summary: 'until time decides' }))) {
      accept(await book('what time decides').tickRound({ round }));
      changed = true;
    }
    if (failures.length > 0) throw failures[0];
  }
}

function timerMs(view: RoundView, callsRunning: number): number | null {
  if (view.tickAtMs === null) return null;
  const waitMs = Math.max(view.tickAtMs - Date.now(), TIMER_MS_MIN);
  return callsRunning > 0 && waitMs > TIMER_BESIDE_CALLS_MS_MAX ? null : waitMs;
}

function toMake(round: string, { id, waitMs = 0, lastFailure }: DueCall): CallToMake {
  return { round, call: id, ...(waitMs > 0 && { waitMs, lastFailure: lastFailure ?? null }) };
}

function activityFor(call: DueCall): RoundActivities['takeStake'] {
  const activities = proxyActivities<RoundActivities>({
    startToCloseTimeout: call.attemptMsMax + BOOK_MS,
    retry: RETRY,
    summary: call.label,
  });
  return activities[ACTIVITY_OF[call.verb]];
}

function firstAttemptsOf(calls: readonly DueCall[]): RoundLocalActivities['makeFirstAttempts'] {
  const msMax = Math.max(...calls.map(({ attemptMsMax }) => attemptMsMax));
  return proxyLocalActivities<RoundLocalActivities>({
    ...FIRST_ATTEMPTS,
    startToCloseTimeout: msMax + BOOK_MS,
    summary: calls.map(({ label }) => label).join(', '),
  }).makeFirstAttempts;
}

function book(summary: string): RoundActivities {
  return proxyActivities<RoundActivities>({ startToCloseTimeout: '30s', retry: RETRY, summary });
}
