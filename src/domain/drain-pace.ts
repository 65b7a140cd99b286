/** How a partner's drain goes on from one batch of calls to the next (SPEC §4 rule 14, docs/decisions/0008). */
export interface DrainPace {
  /** Calls at once. */
  readonly width: number;
  /** The last batch in which anything was made was answered by nobody. */
  readonly failing: boolean;
  readonly recovered: boolean;
  /** The widest that was seen to pay; missing until a batch was answered. */
  readonly known?: WidthThatPays;
}

interface WidthThatPays {
  readonly width: number;
  /** Calls that were answered a second, in its latest batch. */
  readonly perSecond: number;
  /** Batches until a wider one is tried again. */
  readonly rest: number;
}

/** What a batch came to. */
export interface BatchResult {
  readonly done: number;
  readonly failed: number;
  readonly widthMax: number;
  /** Calls that were answered a second; missing when the batch was too small to tell. */
  readonly perSecond?: number | undefined;
}

export const FIRST_PACE: DrainPace = { width: 1, failing: true, recovered: false };

/**
 * Twice the calls at once must do this many times as much a second: a call may become a sixth slower for it, no
 * more. What makes the drain's own calls wait, the wallet or our machine, those who play now wait for as well.
 */
const PAYS = 1.7;
/** Wallets and machines change: a wider batch is tried again after so many. */
const REST_BATCHES = 12;

/**
 * The width falls back to one call as soon as nobody answers, so that a wallet that comes back is not buried under
 * what it missed. From there it is doubled for as long as that pays.
 */
export function nextPace(pace: DrainPace, batch: BatchResult): DrainPace {
  const { done, failed, widthMax } = batch;
  if (done + failed === 0) return { ...pace, recovered: false };
  if (done === 0) return { width: 1, failing: true, recovered: false };
  const answered = { failing: false, recovered: pace.failing };
  if (failed > done) return { ...answered, width: Math.max(1, Math.floor(pace.width / 2)) };
  const { perSecond } = batch;
  // A probe, or the last few of a backlog: nothing is known that was not known before.
  if (perSecond === undefined) {
    const { known, width } = pace;
    return { ...answered, width: known?.width ?? width, ...(known && { known }) };
  }
  const known = knownAfter(pace, perSecond);
  const width = known.rest > 0 ? known.width : pace.width * 2;
  return { ...answered, width: Math.min(width, widthMax), known };
}

function knownAfter({ width, known }: DrainPace, perSecond: number): WidthThatPays {
  if (!known) return { width, perSecond, rest: 0 };
  if (width <= known.width) return { width, perSecond, rest: Math.max(known.rest - 1, 0) };
  return perSecond >= known.perSecond * PAYS
    ? { width, perSecond, rest: 0 }
    : { ...known, rest: REST_BATCHES };
}
