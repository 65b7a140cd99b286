import { RateLimiterMemory } from 'rate-limiter-flexible';

/**
 * What one limit remembers at once. A stranger with a network of addresses makes new ones for ever: beyond
 * this the oldest is forgotten. Some 300 bytes each.
 */
const KEYS_MAX = 10_000;

/** Counts by key in windows of a fixed length; in the memory of this process only. */
export interface RateLimit {
  /**
   * Counts one call.
   *
   * @param max how many of a window are allowed
   * @returns 0, or the whole seconds to wait when this one is too many
   */
  count(key: string, max: number): Promise<number>;
  /** The same without counting: whether the next one would be too many. */
  wait(key: string, max: number): Promise<number>;
  /** Forgets what was counted. */
  clear(key: string): void;
}

/** @param windowSeconds a key's window begins with its first call */
export function createRateLimit(windowSeconds: number): RateLimit {
  // How many are allowed differs by key, so the verdict is ours: every call is a `penalty`, and `points` unused.
  const limiter = new RateLimiterMemory({ points: 1, duration: windowSeconds });
  const keys = new Set<string>();

  function remember(key: string): void {
    keys.delete(key);
    keys.add(key);
    if (keys.size > KEYS_MAX) for (const oldest of keys) return clear(oldest);
  }

  function clear(key: string): void {
    if (keys.delete(key)) void limiter.delete(key);
  }

  const secondsOf = (ms: number) => Math.max(1, Math.ceil(ms / 1000));
  return {
    async count(key, max) {
      const found = await limiter.penalty(key);
      if (found.isFirstInDuration) remember(key);
      return found.consumedPoints > max ? secondsOf(found.msBeforeNext) : 0;
    },
    async wait(key, max) {
      const found = await limiter.get(key);
      // A window that is over may be remembered a moment longer.
      if (!found || found.msBeforeNext <= 0) return 0;
      return found.consumedPoints >= max ? secondsOf(found.msBeforeNext) : 0;
    },
    clear,
  };
}
