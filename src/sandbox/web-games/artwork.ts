import type { Game } from './catalogue';

/** Every symbol as an outline in a 100 by 100 field; `bonus` is the one that opens a bonus round. */
const SHAPES: Record<string, { readonly path: string; readonly fill: string }> = {
  star: { fill: '#ffd76a', path: 'M50 10 61 38 91 40 68 59 76 89 50 72 24 89 32 59 9 40 39 38Z' },
  moon: { fill: '#cfd8ff', path: 'M62 10A42 42 0 1 0 90 66 34 34 0 0 1 62 10Z' },
  comet: {
    fill: '#ff9fb2',
    path: 'M88 12 56 30 44 44A24 24 0 1 0 66 60L72 46ZM36 58a12 12 0 1 1 0 .1Z',
  },
  pine: {
    fill: '#6fd39b',
    path: 'M50 6 72 36H62L80 60H66L86 82H56V94H44V82H14L34 60H20L38 36H28Z',
  },
  lantern: {
    fill: '#ffb35c',
    path: 'M44 6H56V16H66L72 28H28L34 16H44ZM30 32H70L66 82H34ZM26 86H74V94H26Z',
  },
  ingot: { fill: '#f0a35e', path: 'M28 30H72L92 76H8ZM34 38 24 66H76L66 38Z' },
  pick: {
    fill: '#c9d1d9',
    path: 'M12 34C34 8 66 8 88 34 70 24 62 22 56 22V92H44V22C38 22 30 24 12 34Z',
  },
  gem: { fill: '#7fd1c7', path: 'M28 18H72L92 42 50 90 8 42ZM36 26 24 40H76L64 26Z' },
  wheel: {
    fill: '#d9b38c',
    path: 'M50 8A42 42 0 1 0 50 92 42 42 0 1 0 50 8ZM50 22A28 28 0 1 1 50 78 28 28 0 1 1 50 22ZM46 24H54V46H76V54H54V76H46V54H24V46H46Z',
  },
  anchor: {
    fill: '#9fd3ff',
    path: 'M50 6A12 12 0 0 1 55 29V38H70V48H55V80C68 78 78 70 80 58L70 62 84 42 96 64 88 60C84 80 68 92 50 94 32 92 16 80 12 60L4 64 16 42 30 62 20 58C22 70 32 78 45 80V48H30V38H45V29A12 12 0 0 1 50 6Z',
  },
  gull: {
    fill: '#f2f5f7',
    path: 'M4 44C22 24 38 28 50 48 62 28 78 24 96 44 80 38 66 44 56 66L50 76 44 66C34 44 20 38 4 44Z',
  },
  shell: {
    fill: '#ffc7b0',
    path: 'M50 12C78 12 94 40 88 66L60 80 62 92H38L40 80 12 66C6 40 22 12 50 12ZM50 22 47 74H53Z',
  },
  bonus: {
    fill: '#ff6fae',
    path: 'M50 4 62 22 84 16 78 38 96 50 78 62 84 84 62 78 50 96 38 78 16 84 22 62 4 50 22 38 16 16 38 22ZM50 34A16 16 0 1 0 50 66 16 16 0 1 0 50 34Z',
  },
};

export const SYMBOL_NAMES: readonly string[] = Object.keys(SHAPES);

/** One reel symbol as an SVG picture; undefined for a name that is not drawn. */
export function symbolSvg(name: string): string | undefined {
  const shape = Object.hasOwn(SHAPES, name) ? SHAPES[name] : undefined;
  if (!shape) return undefined;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100" role="img"><path fill="${shape.fill}" fill-rule="evenodd" stroke="#0006" stroke-width="2" stroke-linejoin="round" d="${shape.path}"/></svg>`;
}

/** A game's tile, 206 by 206: its colours, its dearest symbol. The title is the casino's to print. */
export function iconSvg(game: Game): string {
  const { sky, ground, accent } = game.colours;
  const shape = SHAPES[game.symbols[0] ?? 'star'];
  return `<svg xmlns="http://www.w3.org/2000/svg" width="206" height="206" viewBox="0 0 206 206">
<defs><linearGradient id="g" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="${sky}"/><stop offset="1" stop-color="${ground}"/></linearGradient></defs>
<rect width="206" height="206" rx="22" fill="url(#g)"/>
<circle cx="${String(60 + (game.id % 7) * 14)}" cy="62" r="26" fill="${accent}" opacity=".35"/>
<path d="M0 160C50 130 90 182 140 154S196 150 206 140V206H0Z" fill="${accent}" opacity=".25"/>
<g transform="translate(43 46) scale(1.2)"><path fill="${accent}" fill-rule="evenodd" d="${shape?.path ?? ''}"/></g>
</svg>
`;
}
