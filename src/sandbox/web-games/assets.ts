import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { FastifyInstance } from 'fastify';
import { ASSET_CACHE_CONTROL, readDesign } from '../../lib/design/design';
import { GAMES, iconPath, type Game } from './catalogue';

/** What the game page is made of besides its HTML. */
export interface GameAssets {
  /** The shared design's style sheet, as an address. */
  readonly design: string;
  /** Our own files lie below it; it changes with their content, so that browsers may keep them for ever. */
  readonly base: string;
  readonly files: readonly AssetFile[];
}

interface AssetFile {
  readonly url: string;
  readonly type: string;
  readonly text: string;
  readonly cacheControl: string;
}

/** Icons have a fixed address in the catalogue: they are asked for again after a while. */
const ICON_CACHE_CONTROL = 'public, max-age=300';
const FOLDER = path.join(__dirname, 'assets');
const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Reads every file once; scripts name each other relatively, hence one folder for all of a version. */
export function readAssets(): GameAssets {
  const names = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
    .filter((name) => path.extname(name) in TYPES)
    .sort();
  const texts = names.map((name) => readFileSync(path.join(FOLDER, name), 'utf8'));
  const version = createHash('sha256')
    .update(JSON.stringify([names, texts]))
    .digest('hex');
  const base = `/assets/${version.slice(0, 8)}`;
  const { sheet } = readDesign();
  const design = `/assets/${sheet.name}`;
  const textOf = (name: string) => texts[names.indexOf(name)] ?? '';
  return {
    design,
    base,
    files: [
      { url: design, type: sheet.type, text: sheet.text, cacheControl: ASSET_CACHE_CONTROL },
      ...names.map((name, index) => ({
        url: `${base}/${name.split(path.sep).join('/')}`,
        type: TYPES[path.extname(name)] ?? '',
        text: texts[index] ?? '',
        cacheControl: ASSET_CACHE_CONTROL,
      })),
      ...GAMES.map((game) => ({
        url: iconPath(game),
        type: 'image/svg+xml',
        text: iconSvg(
          game,
          textOf(path.join('scenes', `${game.slug}.svg`)),
          textOf(path.join('symbols', game.slug, `${game.symbols[0]?.name ?? ''}.svg`)),
        ),
        cacheControl: ICON_CACHE_CONTROL,
      })),
    ],
  };
}

/** Serves style sheets, scripts and pictures. */
export function addAssets(app: FastifyInstance, assets: GameAssets): void {
  for (const { url, type, text, cacheControl } of assets.files) {
    app.get(url, (_request, reply) =>
      reply.type(type).header('cache-control', cacheControl).send(text),
    );
  }
}

/** Where a game's drawings lie. */
export function symbolsPath(assets: GameAssets, game: Game): string {
  return `${assets.base}/symbols/${game.slug}`;
}

/** A game's tile, 206 by 206: its scene and its dearest symbol. The title is the casino's to print. */
function iconSvg(game: Game, scene: string, symbol: string): string {
  const placed = (svg: string, attributes: string) => svg.replace(/^<svg /, `<svg ${attributes} `);
  const backdrop = placed(scene, 'width="206" height="206"').replace('xMid', game.iconFrom);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="206" height="206" viewBox="0 0 206 206">
${backdrop}<circle cx="103" cy="103" r="78" fill="#fff" opacity=".22"/>
${placed(symbol, 'x="43" y="43" width="120" height="120"')}</svg>
`;
}
