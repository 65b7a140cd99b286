import { activityInfo } from '@temporalio/activity';
import type { Ask } from '../contracts/round';
import type { Failpoints } from '../lib/failpoints';
import type { Beginning } from './attempt-chain';
import type { Hands, Taken } from './hands';
import type { LaterResults } from './later-results';

export type Work =
  /** A request to be written down. */
  | { readonly kind: 'ask'; readonly ask: Ask }
  /** Calls that are due. */
  | { readonly kind: 'calls'; readonly round: string; readonly calls: readonly string[] }
  /** What another hand's attempt has begun. */
  | { readonly kind: 'begun'; readonly beginning: Beginning }
  /** Results that were kept for later. */
  | { readonly kind: 'later' };

export interface HeldHand {
  readonly later: LaterResults;
  /** Whether the round is open and owes nothing but what is kept for later: only then more is waited for. */
  isQuiet(): boolean;
}

/** Work that was begun. None of its promises is ever rejected. */
export interface BegunWork {
  /** Resolves when it is over, or when it goes on beside the workflow's task. */
  readonly held: Promise<'over' | 'let go'>;
  readonly taken: Promise<Taken>;
}

/**
 * A provider sends its Debit as soon as it has the answer to its Credit, and looks nobody in the eye meanwhile: what
 * has not come by then comes after the reels have stopped.
 */
const WAIT_MS = 250;
/** Far from the five seconds after which Temporal gives the task to another process. */
const HELD_MS_MAX = 1_000;
/** Half of a worker's slots for tasks: hands that wait must not keep others from theirs. */
const OPEN_MAX = 50;

/**
 * Holds a workflow's task while work of its round is under way, and the round's hand open for what is offered to it
 * in this process; for a moment more when nothing is left to do (docs/decisions/0015).
 *
 *     works ──▶ under way ──▶ quiet ──▶ open a moment ──▶ closed ──▶ what was kept for later is written
 *                   ▲                        │ offered
 *                   └────────────────────────┘
 */
export async function holdHand(deps: {
  readonly works: readonly Work[];
  readonly hands: Hands | undefined;
  readonly hand: HeldHand;
  readonly begin: (work: Work) => BegunWork;
  readonly failpoint: Failpoints;
}): Promise<void> {
  const { works, hands, hand, begin, failpoint } = deps;
  const underWay = new Set<Promise<void>>();
  const sinceMs = performance.now();
  let isLetGo = false;
  let wake: () => void = () => undefined;

  function add(work: Work): Promise<Taken> {
    const { held, taken } = begin(work);
    const one = held.then((how) => {
      isLetGo ||= how === 'let go';
      underWay.delete(one);
    });
    underWay.add(one);
    wake();
    return taken;
  }

  async function settled(): Promise<void> {
    while (underWay.size > 0) await Promise.all(underWay);
  }

  function mayWait({ count }: Hands): boolean {
    const isSoon = performance.now() - sinceMs < HELD_MS_MAX;
    return isSoon && !isLetGo && hand.isQuiet() && count() <= OPEN_MAX;
  }

  /** Whether something is offered within a moment. */
  async function isOffered(): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const offered = await new Promise<boolean>((resolve) => {
      wake = () => resolve(true);
      timer = setTimeout(() => resolve(false), WAIT_MS);
    });
    clearTimeout(timer);
    return offered;
  }

  for (const work of works) void add(work);
  if (!hands) return settled();
  const { workflowId = '' } = activityInfo().workflowExecution ?? {};
  const open = hands.open(workflowId, (ask) => add({ kind: 'ask', ask }));
  try {
    await settled();
    while (mayWait(hands)) {
      await failpoint('hand_open', 'round');
      if (underWay.size === 0 && !(await isOffered())) break;
      await settled();
    }
  } finally {
    open.close();
  }
  await settled();
  hand.later.close();
  if (!hand.later.isEmpty()) void add({ kind: 'later' });
  await settled();
}
