/** A stream of choices that a seed and a name determine: the same for every replay. */
export interface Random {
  /** In [0, 1). */
  next(): number;
  /** A whole number of `from` to `to`, both included. */
  int(from: number, to: number): number;
  /** True this often, of 1. */
  chance(rate: number): boolean;
  /** @throws Error for an empty list */
  pick<Item>(items: readonly Item[]): Item;
  /** The same items in an order of its own. */
  shuffled<Item>(items: readonly Item[]): Item[];
}

/**
 * One stream per actor, so that what one of them consumes moves nobody else's choices: the nemesis does
 * the same at every replay, however fast the provider happens to play.
 */
export function createRandom(seed: number, actor: string): Random {
  let state = (seed ^ hashOf(actor)) >>> 0;

  // mulberry32: 32 bits of state, which is plenty for choosing faults, and short enough to be read.
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  const int = (from: number, to: number) => from + Math.floor(next() * (to - from + 1));
  return {
    next,
    int,
    chance: (rate) => next() < rate,
    pick(items) {
      const item = items[int(0, items.length - 1)];
      if (item === undefined) throw new Error('nothing to pick from');
      return item;
    },
    shuffled(items) {
      const left = [...items];
      return items.map(() => left.splice(int(0, left.length - 1), 1)[0] as (typeof left)[number]);
    },
  };
}

// FNV-1a: spreads the actors' names over the seeds.
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const char of text) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193);
  return hash >>> 0;
}
