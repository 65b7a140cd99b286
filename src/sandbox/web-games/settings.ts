/** How the provider behaves towards a partner that is slow, silent or unwell. Durations in milliseconds. */
export interface CallSettings {
  /** One call, connection and whole answer; after it the outcome is unknown. */
  readonly answerTimeoutMs: number;
  /** Repeats of a Credit before the player is told that the spin is being checked, or, on code 1, refused. */
  readonly creditRepeats: number;
  /** Waits before those repeats: a player is looking at the reels. */
  readonly creditDelaysMs: readonly number[];
  /** Waits before all other repeats; the last one goes on for ever. */
  readonly backoffMs: readonly number[];
  /** Multiplies every wait, so that tests need not last minutes. */
  readonly delayScale: number;
  /**
   * How long code 1 has to stand before it ends a Credit that an earlier attempt left in doubt: a partner
   * that is starting up answers 1 for everything, though it may have taken the stake.
   */
  readonly doubtMs: number;
  /** How long a spin's answer waits for the round before it says "being checked" instead. */
  readonly spinWaitMs: number;
  /** Calls in flight per partner; the others wait their turn before their timeout begins. */
  readonly maxInFlight: number;
}

export const CALL_DEFAULTS: CallSettings = {
  answerTimeoutMs: 6_000,
  creditRepeats: 2,
  creditDelaysMs: [500, 1_000],
  backoffMs: [1_000, 2_000, 5_000, 10_000, 30_000, 60_000],
  delayScale: 1,
  doubtMs: 20_000,
  spinWaitMs: 8_000,
  maxInFlight: 64,
};
