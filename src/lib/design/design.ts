import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';

/** How long browsers keep a file whose name changes with its content. */
export const ASSET_CACHE_CONTROL = 'public, max-age=31536000, immutable';

/** A file of a page, named after its content: `design.1f0c9a3b.css`. */
export interface Asset {
  readonly name: string;
  readonly type: string;
  readonly text: string;
}

/** What our pages look like: one style sheet and one mark. */
export interface Design {
  /** Tokens first, components behind them. A page links it before its own. */
  readonly sheet: Asset;
  /** The Roundhouse mark, for the icon of a page and its top bar. */
  readonly mark: Asset;
}

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Reads the design's files; once a process, before it serves its first page. */
export function readDesign(): Design {
  const read = (name: string) => readFileSync(path.join(__dirname, name), 'utf8');
  return {
    sheet: assetOf('design.css', `${read('tokens.css')}\n${read('components.css')}`),
    mark: assetOf('roundhouse.svg', read('mark.svg')),
  };
}

/**
 * A text file as it is served: under a name that no other content will ever have.
 *
 * @param name with an ending of css, js or svg
 */
export function assetOf(name: string, text: string): Asset {
  const { name: stem, ext } = path.parse(name);
  const type = TYPES[ext];
  if (type === undefined) throw new Error(`pages have no files like ${name}`);
  const sum = createHash('sha256').update(text).digest('hex').slice(0, 8);
  return { name: `${stem}.${sum}${ext}`, type, text };
}
