import type { Answered } from './attempt-call';

/**
 * Results that nobody waits for, in a round of which more may come in a moment (docs/decisions/0015): they are written in
 * the commit of what comes next, or when the round's hand closes. Until then the book takes the attempts for running,
 * and after a death it repeats them, with the same bytes.
 */
export interface LaterResults {
  /** False when they are not kept: whoever has them writes them now. */
  keep(answered: readonly Answered[]): boolean;
  /**
   * Has all that are kept written by `write`. When that fails they are kept on; or, when the hand has closed
   * meanwhile, forgotten: their attempts count as unknown then, and are repeated.
   */
  with<Result>(write: (kept: readonly Answered[]) => Promise<Result>): Promise<Result>;
  has(call: string): boolean;
  isEmpty(): boolean;
  /** Nothing is kept from now on. */
  close(): void;
}

/** @param mayCome whether more may come of the round, as far as one knows */
export function createLaterResults(mayCome: () => boolean): LaterResults {
  let kept: readonly Answered[] = [];
  let isOpen = true;
  return {
    keep(answered) {
      const keeps = isOpen && mayCome();
      if (keeps) kept = [...kept, ...answered];
      return keeps;
    },
    async with(write) {
      const taken = kept;
      kept = [];
      try {
        return await write(taken);
      } catch (error) {
        if (isOpen) kept = [...taken, ...kept];
        throw error;
      }
    },
    has: (call) => kept.some(({ begun }) => begun.call === call),
    isEmpty: () => kept.length === 0,
    close() {
      isOpen = false;
    },
  };
}
