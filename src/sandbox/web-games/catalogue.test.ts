import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { readAssets } from './assets';
import { GAMES, gameOf, iconPath, type Game } from './catalogue';
import { machineOf, reelSymbols } from './machine';

const BY_TITLE = GAMES.map((game) => [game.title, game] as const);
const folder = path.join(__dirname, 'assets');
const names = (game: Game) => [game.bonus.name, ...game.symbols.map(({ name }) => name)].sort();

test('six games in three classes, with the ids that partners keep', () => {
  expect(GAMES.map(({ id, title, class: name }) => [id, title, name])).toEqual([
    [11, 'Aurora Nights', 'Aurora Slots'],
    [12, 'Winter Lantern', 'Aurora Slots'],
    [21, 'Copper Mine', 'Copper Works'],
    [22, 'Deep Gallery', 'Copper Works'],
    [31, 'Harbour Deluxe', 'Harbour Deluxe'],
    [32, 'Lighthouse Keeper', 'Harbour Deluxe'],
  ]);
  expect(gameOf('11')?.title).toBe('Aurora Nights');
  expect([gameOf('011'), gameOf('13'), gameOf('')]).toEqual([undefined, undefined, undefined]);
});

test.each(BY_TITLE)(
  '%s has drawings of its own: all its symbols, a scene and a theme',
  (_title, game) => {
    const drawn = readdirSync(path.join(folder, 'symbols', game.slug)).sort();
    expect(drawn).toEqual(names(game).map((name) => `${name}.svg`));
    expect(existsSync(path.join(folder, 'scenes', `${game.slug}.svg`))).toBe(true);
    const themes = readAssets().files.find(({ url }) => url.endsWith('/themes.css'));
    expect(themes?.text).toContain(`.game-${game.slug} {`);
    const others = GAMES.filter((other) => other !== game);
    const paytable = (one: Game) => one.symbols.map(({ pays }) => pays);
    for (const other of others) {
      expect(names(other)).not.toEqual(expect.arrayContaining([names(game)[0]]));
      expect(paytable(other)).not.toEqual(paytable(game));
    }
  },
);

test.each(BY_TITLE)(
  '%s has its dearest symbol first, and every symbol on every reel',
  (_title, game) => {
    const pays = game.symbols.map((symbol) => symbol.pays);
    expect(pays).toEqual([...pays].sort((a, b) => b - a));
    expect(new Set(game.strips.map((strip) => strip.length)).size).toBe(1);
    for (const reel of reelSymbols(game)) expect([...new Set(reel)].sort()).toEqual(names(game));
  },
);

test.each(BY_TITLE)(
  '%s can stop on a loss, on one to three lines, and on a bonus round',
  (_title, game) => {
    const { byLines, bonus, wins } = machineOf(game);
    for (const outcomes of [byLines[0], byLines[1], byLines[2], byLines[3], bonus]) {
      expect(outcomes?.length).toBeGreaterThan(0);
    }
    expect(wins.every((outcome) => outcome.wins.length > 0)).toBe(true);
  },
);

test('pictures are pictures only, and the icon of each is small', () => {
  const { files } = readAssets();
  const pictures = files.filter(({ type }) => type === 'image/svg+xml');
  expect(pictures.length).toBe(GAMES.length * 9);
  for (const { text } of pictures) {
    expect(text).not.toMatch(/<script|<foreignObject|\son\w+=|style=/);
    expect(text.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:/);
  }
  for (const game of GAMES) {
    const icon = files.find(({ url }) => url === iconPath(game));
    expect(icon?.text.length).toBeLessThan(8_000);
  }
});

test.each(BY_TITLE)('the page of %s and everything on it stay below 100 KB', (_title, game) => {
  const { files } = readAssets();
  const shared = /\.(css|js)$/;
  const own = new RegExp(`/(${game.slug}\\.svg|${game.slug}/.*)$`);
  const bytes = files
    .filter(({ url }) => shared.test(url) || own.test(url))
    .reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
  // The HTML itself is about 15 KB; the browser test weighs the whole.
  expect(bytes).toBeLessThan(80_000);
});
