/** A counted right to have a call in flight, handed out in the order it was asked for. */
export interface Permits {
  /** Waits up to `waitMs` for a permit; false when there was none, or after `close`. */
  take(waitMs: number): Promise<boolean>;
  giveBack(): void;
  free(): number;
  /** Refuses whoever waits and resolves when every permit is back. */
  close(): Promise<void>;
}

/** Limits what one partner's calls can occupy, so that a dead partner slows nobody else (SPEC §4 rule 14). */
export function createPermits(count: number): Permits {
  let free = count;
  let closed = false;
  let allBack: (() => void) | undefined;
  const waiting = new Set<(granted: boolean) => void>();

  return {
    take(waitMs) {
      if (closed) return Promise.resolve(false);
      if (free > 0) {
        free -= 1;
        return Promise.resolve(true);
      }
      // Whoever would stand behind a full queue is told so: a dead wallet must not collect waiting calls.
      if (waitMs <= 0 || waiting.size >= count) return Promise.resolve(false);
      return new Promise((resolve) => {
        const decide = (granted: boolean) => {
          clearTimeout(timer);
          waiting.delete(decide);
          resolve(granted);
        };
        const timer = setTimeout(() => decide(false), waitMs);
        waiting.add(decide);
      });
    },
    giveBack() {
      const [next] = waiting;
      if (next) return next(true);
      free += 1;
      if (free === count) allBack?.();
    },
    free: () => (closed ? 0 : free),
    close() {
      closed = true;
      for (const decide of waiting) decide(false);
      if (free === count) return Promise.resolve();
      return new Promise((resolve) => {
        allBack = resolve;
      });
    },
  };
}
