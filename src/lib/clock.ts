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

/** What was waited for has not come in time; it may still come. */
export class LateError extends Error {
  override name = 'LateError';
}

/**
 * What a promise comes to, when it does so within `ms` milliseconds; whatever comes of it later is of no interest.
 *
 * @throws LateError after `ms`; else whatever the promise is rejected with
 */
export async function within<T>(ms: number, awaited: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new LateError(`no answer within ${String(ms)} ms`)), ms);
  });
  try {
    return await Promise.race([awaited, late]);
  } finally {
    clearTimeout(timer);
  }
}
