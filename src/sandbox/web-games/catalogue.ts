/** A game as the provider sells it. Ids are for ever: partners keep them. */
export interface Game {
  readonly id: number;
  readonly title: string;
  readonly class: string;
  /** The file's name in the icon's path. */
  readonly slug: string;
  readonly colours: { readonly sky: string; readonly ground: string; readonly accent: string };
  /** What the reels show, the dearest symbol first. */
  readonly symbols: readonly string[];
}

const AURORA = ['star', 'moon', 'comet', 'pine', 'lantern'] as const;
const COPPER = ['ingot', 'pick', 'gem', 'lantern', 'wheel'] as const;
const HARBOUR = ['anchor', 'gull', 'wheel', 'shell', 'lantern'] as const;

/** Eight games in three classes. */
export const GAMES: readonly Game[] = [
  game(11, 'Aurora Nights', 'Aurora Slots', '#12284b', '#1f6f6b', '#9ff0d0', AURORA),
  game(12, 'Winter Lantern', 'Aurora Slots', '#1b1f4a', '#3b4f8f', '#ffd98a', AURORA),
  game(13, 'Comet Trail', 'Aurora Slots', '#0d1430', '#4a2f6f', '#ff9fb2', AURORA),
  game(21, 'Copper Mine', 'Copper Works', '#3a2418', '#7a4a2b', '#f0a35e', COPPER),
  game(22, 'Deep Gallery', 'Copper Works', '#22201f', '#54483d', '#7fd1c7', COPPER),
  game(31, 'Harbour Deluxe', 'Harbour Deluxe', '#0f3d55', '#2a7f8e', '#ffe08a', HARBOUR),
  game(32, 'Lighthouse Keeper', 'Harbour Deluxe', '#2b3a67', '#496a81', '#ff8f6b', HARBOUR),
  game(33, 'Tide and Anchor', 'Harbour Deluxe', '#12343b', '#2d6a4f', '#e1f0c4', HARBOUR),
];

function game(
  id: number,
  title: string,
  gameClass: string,
  sky: string,
  ground: string,
  accent: string,
  symbols: readonly string[],
): Game {
  return {
    id,
    title,
    class: gameClass,
    slug: slugOf(title),
    colours: { sky, ground, accent },
    symbols,
  };
}

/** `Harbour Deluxe` becomes `harbour-deluxe`. */
export function slugOf(title: string): string {
  return title.toLowerCase().replace(/[^a-z0-9]+/g, '-');
}

/** The icon's path on the provider's own host, as GetListGames gives it. */
export function iconPath(game: Game): string {
  return `/icon/${slugOf(game.class)}/206x206/${game.slug}.svg`;
}

/** A game by the id of a query string or a body; undefined for everything that is not exactly one. */
export function gameOf(id: string): Game | undefined {
  return GAMES.find((game) => String(game.id) === id);
}
