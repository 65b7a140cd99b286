import { GAMES, type Game } from './catalogue';

/** What three reels show: rows from the top, in each row the symbols' names from left to right. */
export type Reels = readonly (readonly string[])[];

/** Three alike on one line. `line` counts from 1, as the paytable does; `tenths` are of the stake. */
export interface LineWin {
  readonly line: number;
  readonly symbol: string;
  readonly tenths: number;
}

/** What the reels can come to show, and what it pays. */
export interface Outcome {
  readonly reels: Reels;
  readonly wins: readonly LineWin[];
}

/** Every place where the reels of a game can stop, sorted by what it means. */
export interface Machine {
  /** By the number of lines that win; nothing else is in it, so a loss never looks like a bonus. */
  readonly byLines: readonly (readonly Outcome[])[];
  /** All of `byLines` but the losses. */
  readonly wins: readonly Outcome[];
  /** The bonus symbol on each reel, and no line that wins. */
  readonly bonus: readonly Outcome[];
}

export const ROWS = 3;

/** The win lines: for each of the three reels, from the left, the row it runs through. */
export const LINES: readonly (readonly [number, number, number])[] = [
  [1, 1, 1],
  [0, 0, 0],
  [2, 2, 2],
  [0, 1, 2],
  [2, 1, 0],
];

/**
 * What the reels pay by the game's paytable. The only place that knows: what is drawn, paid, lit and told
 * comes from here.
 */
export function winsOf(game: Game, reels: Reels): LineWin[] {
  return LINES.flatMap((rows, index) => {
    const [first, second, third] = rows.map((row, reel) => reels[row]?.[reel]);
    const symbol = game.symbols.find(({ name }) => name === first);
    if (!symbol || second !== first || third !== first) return [];
    return [{ line: index + 1, symbol: symbol.name, tenths: symbol.pays }];
  });
}

/** A reel's symbols by name, in the order of its strip. */
export function reelSymbols(game: Game): string[][] {
  return game.strips.map((strip) =>
    strip.split('').map((mark) => game.symbols[Number(mark)]?.name ?? game.bonus.name),
  );
}

/** Turns the reels through every place they can stop at. */
export function createMachine(game: Game): Machine {
  const [left = [], middle = [], right = []] = reelSymbols(game);
  const byLines: Outcome[][] = Array.from({ length: LINES.length + 1 }, () => []);
  const bonus: Outcome[] = [];
  const window = (strip: readonly string[], stop: number) =>
    Array.from({ length: ROWS }, (_, row) => strip[(stop + row) % strip.length] ?? '');
  for (let a = 0; a < left.length; a++) {
    for (let b = 0; b < middle.length; b++) {
      for (let c = 0; c < right.length; c++) {
        const columns = [window(left, a), window(middle, b), window(right, c)];
        const reels = Array.from({ length: ROWS }, (_, row) =>
          columns.map((column) => column[row] ?? ''),
        );
        const wins = winsOf(game, reels);
        const isBonus = columns.every((column) => column.includes(game.bonus.name));
        if (!isBonus) byLines[wins.length]?.push({ reels, wins });
        else if (wins.length === 0) bonus.push({ reels, wins });
      }
    }
  }
  return { byLines, wins: byLines.slice(1).flat(), bonus };
}

const MACHINES: ReadonlyMap<number, Machine> = new Map(
  GAMES.map((game) => [game.id, createMachine(game)]),
);

/** The machine of a game of the catalogue. */
export function machineOf(game: Game): Machine {
  const machine = MACHINES.get(game.id);
  if (!machine) throw new Error(`game ${String(game.id)} is not in the catalogue`);
  return machine;
}

/** What an outcome pays in all, in tenths of the stake. */
export function tenthsOf({ wins }: Outcome): number {
  return wins.reduce((sum, win) => sum + win.tenths, 0);
}
