/** Gives a seat back; a second call does nothing. */
export type Release = () => void;

/** A number of seats for each holder. Whoever finds none is told so at once: nobody queues for a seat. */
export interface Seats {
  /** A seat, or undefined when the holder has all of theirs. */
  take(holder?: string): Release | undefined;
  /** A seat in any case, for what may not be refused: it counts against the next `take`. */
  hold(holder?: string): Release;
}

/** @param max seats of one holder */
export function createSeats(max: number): Seats {
  const taken = new Map<string, number>();

  function hold(holder = ''): Release {
    taken.set(holder, (taken.get(holder) ?? 0) + 1);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const left = (taken.get(holder) ?? 0) - 1;
      if (left > 0) taken.set(holder, left);
      else taken.delete(holder);
    };
  }

  return {
    take: (holder = '') => ((taken.get(holder) ?? 0) < max ? hold(holder) : undefined),
    hold,
  };
}
