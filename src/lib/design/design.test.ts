import { readFileSync } from 'node:fs';
import path from 'node:path';
import { assetOf, readDesign } from './design';

const TOKENS = readFileSync(path.join(__dirname, 'tokens.css'), 'utf8');
const COMPONENTS = readFileSync(path.join(__dirname, 'components.css'), 'utf8');

/** The colours of the rule that a selector opens. */
function coloursOf(selector: string): ReadonlyMap<string, string> {
  const from = TOKENS.indexOf(`${selector} {`);
  const rule = TOKENS.slice(from, TOKENS.indexOf('}', from));
  expect(from).toBeGreaterThan(-1);
  const pairs = [...rule.matchAll(/--rh-([a-z-]+): (#[0-9a-f]{6}|rgb\([^)]*\));/g)];
  return new Map(pairs.map(([, name = '', value = '']) => [name, value]));
}

const LIGHT = coloursOf(':root');
const DARK_BY_SYSTEM = coloursOf(":root:not([data-theme='light'])");
const DARK_BY_CHOICE = coloursOf(":root[data-theme='dark']");
const THEMES = { light: LIGHT, dark: new Map([...LIGHT, ...DARK_BY_SYSTEM]) };

/** Relative luminance and contrast as WCAG 2.2 defines them. */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [low = 0, high = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

const GROUNDS = ['ground', 'surface', 'sunken'];
const TEXTS: Readonly<Record<string, readonly string[]>> = {
  ink: GROUNDS,
  soft: GROUNDS,
  link: GROUNDS,
  good: [...GROUNDS, 'good-ground'],
  bad: [...GROUNDS, 'bad-ground'],
  warn: [...GROUNDS, 'warn-ground'],
  info: [...GROUNDS, 'info-ground'],
  'on-bar': ['bar'],
  'bar-soft': ['bar'],
  'on-accent': ['accent', 'accent-hover'],
};
/** Edges of what can be used, and the ring around what has the focus; in the bar that is the accent. */
const EDGES: Readonly<Record<string, readonly string[]>> = {
  'line-strong': GROUNDS,
  focus: GROUNDS,
  accent: ['bar'],
};

function weakPairs(
  pairs: Readonly<Record<string, readonly string[]>>,
  colours: ReadonlyMap<string, string>,
  min: number,
): string[] {
  return Object.entries(pairs).flatMap(([text, grounds]) =>
    grounds.flatMap((ground) => {
      const found = contrast(colours.get(text) ?? '', colours.get(ground) ?? '');
      // Written so that a missing colour, whose contrast is no number, counts as weak.
      return found >= min ? [] : [`${text} on ${ground}: ${found.toFixed(2)}`];
    }),
  );
}

test.each(['light', 'dark'] as const)('text is read on every ground it stands on: %s', (theme) => {
  expect(weakPairs(TEXTS, THEMES[theme], 4.5)).toEqual([]);
  expect(weakPairs(EDGES, THEMES[theme], 3)).toEqual([]);
});

test('the contrast is the one that WCAG computes', () => {
  expect(contrast('#ffffff', '#000000')).toBeCloseTo(21, 5);
  expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.48, 2);
  expect(weakPairs({ none: ['ground'] }, LIGHT, 4.5)).toHaveLength(1);
});

test('dark is one theme, whether the system or the page asks for it', () => {
  expect(DARK_BY_SYSTEM.size).toBeGreaterThan(15);
  expect(DARK_BY_CHOICE).toEqual(DARK_BY_SYSTEM);
});

test('components take every colour from a token, and every token they take is there', () => {
  // Paper is white whatever the theme: its one colour is black.
  expect(COMPONENTS.match(/#[0-9a-f]{3,8}\b|rgba?\(/g)).toEqual(['#000']);
  const known = new Set([...TOKENS.matchAll(/(--rh-[a-z0-9-]+):/g)].map(([, name]) => name));
  const taken = [...COMPONENTS.matchAll(/var\((--rh-[a-z0-9-]+)\)/g)].map(([, name]) => name);
  expect(taken.filter((name) => !known.has(name))).toEqual([]);
});

test('the design is one small sheet and a mark, named after what is in them', () => {
  const { sheet, mark } = readDesign();
  expect(sheet.text).toContain('--rh-ink:');
  expect(sheet.text).toContain('.rh-button');
  expect(sheet.text.length + mark.text.length).toBeLessThan(20_000);
  expect(sheet).toMatchObject({ type: 'text/css; charset=utf-8' });
  expect(mark).toMatchObject({ type: 'image/svg+xml' });
  expect(sheet.name).toMatch(/^design\.[0-9a-f]{8}\.css$/);
  expect(sheet.name).toBe(readDesign().sheet.name);
});

test('other content has another name, and a file of another kind has none', () => {
  expect(assetOf('game.js', 'a').name).not.toBe(assetOf('game.js', 'b').name);
  expect(() => assetOf('page.html', '')).toThrow('page.html');
});

test('nothing is fetched from elsewhere', () => {
  const { sheet, mark } = readDesign();
  expect(sheet.text).not.toMatch(/url\(|@import|@font-face/);
  expect(mark.text.replace('xmlns="http://www.w3.org/2000/svg"', '')).not.toMatch(/https?:|href/);
});
