import type { WalletOutcome } from './wallet-outcome';

/**
 * A partner's breaker (SPEC §4 rule 14). It stops new stakes of a wallet that does not answer; what is owed
 * goes on probing it.
 *
 *     closed ──▶ open         enough calls of the window failed
 *     open ──▶ half_open      its time is over
 *     half_open ──▶ open      a probe failed: twice the time, up to a maximum
 *     half_open ──▶ closed    probes succeeded, `PROBES_TO_CLOSE` of them
 *
 * State and times are rows of the book, so that every process sees the same; the window is each worker's own.
 */
export type BreakerState = 'closed' | 'open' | 'half_open';

/** Setting `breaker` of a partner, in milliseconds and shares. */
export interface BreakerTerms {
  readonly ratio: number;
  readonly callsMin: number;
  readonly windowMs: number;
  readonly openMsMin: number;
  readonly openMsMax: number;
}

/** One success may be luck of a wallet that flaps; three in a row of probes are an answer. */
export const PROBES_TO_CLOSE = 3;

/**
 * What an outcome says of the wallet. `good`: it answered, a refusal included. `bad`: nobody knows, or
 * nothing could be sent. `nothing`: our own limit kept the call back.
 */
export function breakerSign(outcome: WalletOutcome): 'good' | 'bad' | 'nothing' {
  switch (outcome.kind) {
    case 'done':
    case 'declined':
      return 'good';
    case 'unknown':
      return 'bad';
    case 'not_sent':
      return outcome.reason === 'busy' || outcome.reason === 'late' ? 'nothing' : 'bad';
  }
}

/** The calls one worker made to one partner within the window, and whether they are reason to open. */
export interface BreakerWindow {
  /** Counts a call that ended now; true when the breaker is to open. */
  add(isBad: boolean, nowMs: number, terms: BreakerTerms): boolean;
  /** Forgets everything: an opened or closed breaker judges by what comes after. */
  clear(): void;
}

export function createBreakerWindow(): BreakerWindow {
  let calls: { atMs: number; isBad: boolean }[] = [];
  return {
    add(isBad, nowMs, { ratio, callsMin, windowMs }) {
      calls.push({ atMs: nowMs, isBad });
      calls = calls.filter(({ atMs }) => atMs > nowMs - windowMs);
      const bad = calls.filter((call) => call.isBad).length;
      return calls.length >= callsMin && bad / calls.length >= ratio;
    },
    clear() {
      calls = [];
    },
  };
}

/** How long the breaker stays open after one more failed probe. */
export function nextOpenMs(openMs: number, terms: BreakerTerms): number {
  return Math.min(Math.max(openMs * 2, terms.openMsMin), terms.openMsMax);
}
