/** A game as the provider sells it. Ids are for ever: partners keep them. */
export interface Game {
  readonly id: number;
  readonly title: string;
  readonly class: string;
  /** Names the game's folder of drawings, its theme, and the file in the icon's path. */
  readonly slug: string;
  /** Whether its scene is a bright one: the shared tokens are then the light ones. */
  readonly bright: boolean;
  /** The side of the scene that its icon shows. */
  readonly iconFrom: 'xMin' | 'xMid' | 'xMax';
  /** What the reels show, the dearest first. */
  readonly symbols: readonly GameSymbol[];
  /** What opens a bonus round when each reel shows it; it pays nothing on a line. */
  readonly bonus: { readonly name: string; readonly label: string };
  /**
   * What is painted on the three reels, downwards, the end joined to the beginning: a digit is a place
   * in `symbols`, `B` the bonus symbol. All have the same length.
   */
  readonly strips: readonly [string, string, string];
}

export interface GameSymbol {
  /** The drawing's file name. */
  readonly name: string;
  /** For the paytable and for those who cannot see the reels: "three foxes on line 2". */
  readonly label: string;
  /** What three of them on a win line pay, in tenths of the stake. */
  readonly pays: number;
}

/** Six games in three classes. Their reels and paytables differ; the way they are played does not. */
export const GAMES: readonly Game[] = [
  {
    id: 11,
    title: 'Aurora Nights',
    class: 'Aurora Slots',
    slug: 'aurora-nights',
    bright: false,
    iconFrom: 'xMid',
    symbols: [
      symbol('fox', 'foxes', 200),
      symbol('star', 'stars', 80),
      symbol('moon', 'moons', 40),
      symbol('flake', 'snowflakes', 20),
      symbol('pine', 'pines', 12),
      symbol('fire', 'camp fires', 6),
    ],
    bonus: { name: 'aurora', label: 'Northern lights' },
    strips: ['4525B42131B552B30443', '34B31443052B14552B25', 'B2134342305B55254B41'],
  },
  {
    id: 12,
    title: 'Winter Lantern',
    class: 'Aurora Slots',
    slug: 'winter-lantern',
    bright: true,
    iconFrom: 'xMin',
    symbols: [
      symbol('lantern', 'lanterns', 500),
      symbol('bell', 'bells', 120),
      symbol('skate', 'skates', 50),
      symbol('mitten', 'mittens', 25),
      symbol('mug', 'mugs', 12),
      symbol('candle', 'candles', 6),
    ],
    bonus: { name: 'gift', label: 'Gifts' },
    strips: ['B435B5450244152B3135', '4255B34134B41B550235', '50B453541B42135B2354'],
  },
  {
    id: 21,
    title: 'Copper Mine',
    class: 'Copper Works',
    slug: 'copper-mine',
    bright: false,
    iconFrom: 'xMid',
    symbols: [
      symbol('ingot', 'ingots', 80),
      symbol('cart', 'mine carts', 50),
      symbol('lamp', 'lamps', 25),
      symbol('pick', 'picks', 20),
      symbol('gear', 'gears', 12),
      symbol('nugget', 'nuggets', 7),
    ],
    bonus: { name: 'dynamite', label: 'Dynamite' },
    strips: ['13B51B02455320424B35', 'B02303423B5515B24451', '0B2424043B5523B15513'],
  },
  {
    id: 22,
    title: 'Deep Gallery',
    class: 'Copper Works',
    slug: 'deep-gallery',
    bright: false,
    iconFrom: 'xMax',
    symbols: [
      symbol('diamond', 'diamonds', 400),
      symbol('ruby', 'rubies', 150),
      symbol('emerald', 'emeralds', 50),
      symbol('amethyst', 'amethysts', 25),
      symbol('topaz', 'topazes', 12),
      symbol('quartz', 'quartzes', 5),
    ],
    bonus: { name: 'geode', label: 'Geodes' },
    strips: ['543434B55B25125B3014', '55B5443053134B54212B', '23554B55251B30414B43'],
  },
  {
    id: 31,
    title: 'Harbour Deluxe',
    class: 'Harbour Deluxe',
    slug: 'harbour-deluxe',
    bright: true,
    iconFrom: 'xMin',
    symbols: [
      symbol('anchor', 'anchors', 120),
      symbol('ship', 'sailing boats', 60),
      symbol('wheel', 'wheels', 30),
      symbol('shell', 'shells', 20),
      symbol('fish', 'fish', 10),
      symbol('buoy', 'lifebuoys', 7),
    ],
    bonus: { name: 'chest', label: 'Treasure chests' },
    strips: ['2B3525355341B0104B24', 'B510B351443B02423255', '552413B3012B2430B554'],
  },
  {
    id: 32,
    title: 'Lighthouse Keeper',
    class: 'Harbour Deluxe',
    slug: 'lighthouse-keeper',
    bright: false,
    iconFrom: 'xMax',
    symbols: [
      symbol('compass', 'compasses', 300),
      symbol('whale', 'whales', 100),
      symbol('spyglass', 'spyglasses', 35),
      symbol('gull', 'gulls', 15),
      symbol('key', 'keys', 12),
      symbol('wave', 'waves', 6),
    ],
    bonus: { name: 'lighthouse', label: 'Lighthouses' },
    strips: ['5B2021323B45454B3514', 'B355B52445440321B123', '542B5313253B414245B0'],
  },
];

function symbol(name: string, label: string, pays: number): GameSymbol {
  return { name, label, pays };
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
