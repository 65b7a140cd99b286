/** Settings that a round's decisions need, already in the round's units. Defaults and meaning: SPEC §5, §6. */
export interface RoundTerms {
  readonly currency: string;
  readonly exponent: number;
  readonly answerDeadlineMs: number;
  readonly reviveWindowMs: number;
  readonly idleCloseMs: number;
  readonly closeGraceMs: number;
  readonly attemptTimeoutMs: number;
  readonly payoutAck: 'durable' | 'confirmed';
  readonly closeOnNextStake: boolean;
  readonly orphanPayout: 'reject' | 'carrier';
  readonly orphanPayoutMax: bigint | null;
  readonly stakeMax: bigint | null;
  readonly payoutMax: bigint | null;
  readonly extraPayout: 'carrier' | 'direct';
  readonly dedupBeforeFunds: boolean;
  readonly wantsBetEnd: boolean;
  readonly wantsHistory: boolean;
}

/**
 * Waits between background repeats, in milliseconds (SPEC §5), the last one without end: most faults
 * pass in seconds, the rest deserve patience, and money owed is never given up.
 */
export const REPEAT_WAITS_MS = [
  1_000,
  2_000,
  5_000,
  10_000,
  30_000,
  60_000,
  2 * 60_000,
  5 * 60_000,
  15 * 60_000,
  30 * 60_000,
  60 * 60_000,
] as const;

/** Jitter of ±20 %, so that calls that failed together do not come back together. */
const JITTER_SHARE = 0.2;

/** While a provider waits for the answer, a repeat follows this soon after a failure. */
export const REPEAT_WAIT_WAITED_FOR_MS = 250;

/** After this many background repeats, some 48 s, a call moves to the partner's drain (rule 14). */
export const REPEATS_BEFORE_DRAIN = 5;

/**
 * How long to wait before background repeat number `repeat`, the first being 1.
 *
 * @param random between 0 and 1, from the caller, so that a decision stays a function of its inputs
 */
export function repeatWaitMs(repeat: number, random: number): number {
  const index = Math.min(Math.max(repeat, 1), REPEAT_WAITS_MS.length) - 1;
  const wait = REPEAT_WAITS_MS[index] ?? 0;
  return Math.round(wait * (1 - JITTER_SHARE + 2 * JITTER_SHARE * random));
}

/**
 * Operations a round may hold. Every decision reads the whole round under its lock, so the limit keeps a
 * decision short; the longest bonus rounds known have a few hundred. Beyond it stakes get code 1.
 */
export const OPERATIONS_PER_ROUND_MAX = 2_000;
