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
  type Ask,
  type CallToMake,
  type DriveSignal,
  type DueCall,
  type KnownRound,
  type RoundActivities,
  type RoundInput,
  type RoundLocalActivities,
  type RoundView,
} from '../contracts/round';
import { ROUND_ATTRIBUTES } from '../contracts/search-attributes';

export const driveSignal = defineSignal<[DriveSignal]>(DRIVE_SIGNAL);
export const roundQuery = defineQuery<RoundView | null>(ROUND_QUERY);

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

/** What runs beside the calls, by its name among them. */
const CLOSE_PREVIOUS = 'close previous';

/** The activity says itself how long to wait (the book's schedule); these bounds only catch its crashes. */
const RETRY: NonNullable<ActivityOptions['retry']> = {
  initialInterval: '1s',
  backoffCoefficient: 2,
  maximumInterval: '1m',
};

/** One try inside the workflow's task; whatever it leaves is the business of the activities above. */
const FIRST_ATTEMPTS = {
  // Far longer than they ever hold the task: they let go of it themselves, at the latest when the database has
  // let them write, or its own limits have ended their statements.
  startToCloseTimeout: '60s',
  retry: { maximumAttempts: 1 },
} as const;

/**
 * One round. It keeps no money: the book decides, and tells in each view which calls are owed. The
 * workflow makes them, waits, repeats and shows, until the book says that the round is at rest.
 *
 *     signal ──▶ request, or view ──▶ first attempts, in this very task ──▶ newer view ──▶ … ──▶ at rest: done
 *                             ├────▶ an activity per call that was tried and is still owed ──▶ newer view
 *                             └────▶ a timer for what time decides ──▶ tick ──▶ newer view
 *
 * Only the loop commands anything, and while first attempts are under way it waits for them alone: what
 * a task with them says must not depend on when a wallet answers, or it could not be played back
 * (decision 0012). Signals and ends of activities only leave word for the loop.
 */
export async function roundWorkflow(input: RoundInput): Promise<readonly string[]> {
  let known = input.known;
  let { shown } = input;
  let changed = true;
  const asks: Ask[] = [...(input.asks ?? [])];
  const running = new Map<string, CancellationScope>();
  const tried = new Set<string>();
  const hurried = new Set<string>();
  const failures: unknown[] = [];

  function accept(newer: KnownRound | null): void {
    if (newer === null || newer.view.version <= (known?.view.version ?? -1)) return;
    known = newer;
    changed = true;
  }

  setHandler(roundQuery, () => known?.view ?? null);
  setHandler(driveSignal, ({ known: newer, hurry, ask }) => {
    accept(newer);
    for (const call of hurry) if (running.has(call)) hurried.add(call);
    if (ask) {
      asks.push(ask);
      changed = true;
    }
  });

  function show(view: RoundView): void {
    setCurrentDetails(view.statement.join('\n\n'));
    if (view.status !== shown.status || view.betIds.length !== shown.betIds.length) {
      upsertSearchAttributes([
        { key: ROUND_ATTRIBUTES.roundStatus, value: view.status },
        { key: ROUND_ATTRIBUTES.betIds, value: [...view.betIds] },
      ]);
    }
    shown = { status: view.status, betIds: view.betIds };
  }

  /** A failure of the book or of this worker: the same calls are then made by activities that repeat. */
  async function tryFirst(requests: readonly Ask[], calls: readonly DueCall[]): Promise<void> {
    const ids = calls.map(({ id }) => id);
    for (const id of ids) tried.add(id);
    try {
      const input = { asks: requests, round: known?.round ?? null, calls: ids };
      accept(await firstAttemptsOf(requests, calls)(input));
    } catch (error) {
      if (isCancellation(error)) throw error;
    }
  }

  /** Has an activity work beside the loop; cancelled, it is begun anew. */
  function start(name: string, round: string, work: () => Promise<RoundView>): void {
    const scope = new CancellationScope();
    running.set(name, scope);
    scope
      .run(work)
      .then((view) => accept({ round, view }))
      .catch((error: unknown) => {
        if (!isCancellation(error)) failures.push(error);
      })
      .finally(() => {
        running.delete(name);
        changed = true;
      });
  }

  /**
   * A history has limits (events, signals), and a provider that repeats a stake against a dead wallet for
   * days would reach them. The new run makes the calls anew; an attempt under way tells its result to the
   * book, which lets no second one run beside it.
   */
  async function beginNewRun(): Promise<never> {
    for (const scope of running.values()) scope.cancel();
    await condition(() => running.size === 0);
    return continueAsNew<typeof roundWorkflow>({ known, shown });
  }

  await condition(() => known !== null || asks.length > 0);
  for (;;) {
    changed = false;
    // A request that nothing came of: whoever holds it writes it down, and has the round driven.
    if (!known && asks.length === 0) return [];
    if (known) show(known.view);
    // Ends the wait between two repeats; the call is then made anew at once. An attempt that is under
    // way is not doubled: the book lets one attempt of a call run at a time.
    for (const call of hurried) running.get(call)?.cancel();
    hurried.clear();
    const idle = (known?.view.calls ?? []).filter(({ id }) => !running.has(id));
    const untried = idle.filter(({ id, fresh }) => fresh && !tried.has(id));
    if (!known || asks.length + untried.length > 0) {
      await tryFirst(asks.splice(0), untried);
      continue;
    }
    const { round, view } = known;
    for (const call of idle) start(call.id, round, () => activityFor(call)(toMake(round, call)));
    if (view.closesPrevious && !running.has(CLOSE_PREVIOUS)) {
      start(CLOSE_PREVIOUS, round, () =>
        book('earlier rounds of this session').closePreviousRounds({ round }),
      );
    }
    if (view.atRest && running.size === 0) return view.statement;

    if (workflowInfo().continueAsNewSuggested) await beginNewRun();

    const waitMs = timerMs(view, running.size);
    const woken = () => changed || failures.length > 0 || workflowInfo().continueAsNewSuggested;
    if (waitMs === null) await condition(woken);
    else if (!(await condition(woken, waitMs, { summary: 'until time decides' }))) {
      accept({ round, view: await book('what time decides').tickRound({ round }) });
    }
    if (failures.length > 0) throw failures[0];
  }
}

function timerMs(view: RoundView, callsRunning: number): number | null {
  if (view.tickAtMs === null) return null;
  const waitMs = Math.max(view.tickAtMs - Date.now(), TIMER_MS_MIN);
  return callsRunning > 0 && waitMs > TIMER_BESIDE_CALLS_MS_MAX ? null : waitMs;
}

function toMake(round: string, { id, waitMs, lastFailure }: DueCall): CallToMake {
  return { round, call: id, ...(waitMs > 0 && { waitMs, lastFailure }) };
}

function activityFor(call: DueCall): RoundActivities['takeStake'] {
  const activities = proxyActivities<RoundActivities>({
    startToCloseTimeout: call.attemptMsMax + BOOK_MS,
    retry: RETRY,
    summary: call.label,
  });
  return activities[ACTIVITY_OF[call.verb]];
}

function firstAttemptsOf(
  asks: readonly Ask[],
  calls: readonly DueCall[],
): RoundLocalActivities['makeFirstAttempts'] {
  return proxyLocalActivities<RoundLocalActivities>({
    ...FIRST_ATTEMPTS,
    summary: [...asks, ...calls].map(({ label }) => label).join(', '),
  }).makeFirstAttempts;
}

function book(summary: string): RoundActivities {
  return proxyActivities<RoundActivities>({ startToCloseTimeout: '30s', retry: RETRY, summary });
}
