/** Where the time comes from. Passed in, so that tests and decisions never read a clock of their own. */
export interface Clock {
  /** Milliseconds since the epoch, UTC. */
  nowMs(): number;
}

/** @param offsetMs added to the machine's clock; only fault tests shift it */
export function createSystemClock(offsetMs = 0): Clock {
  return { nowMs: () => Date.now() + offsetMs };
}

export const systemClock: Clock = createSystemClock();

/** Resolves after `ms` milliseconds; an abort ends the wait early without an error. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
  });
}
