import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { FastifyInstance } from 'fastify';
import { ASSET_CACHE_CONTROL, assetOf, readDesign } from '../../../lib/design/design';

const own = (name: string) =>
  assetOf(name, readFileSync(path.join(__dirname, 'public', name), 'utf8'));
const design = readDesign();

/** The files of our pages, under names that change with their content. */
export const PAGE_FILES = {
  design: design.sheet,
  mark: design.mark,
  pages: own('pages.css'),
  launch: own('launch.js'),
  lobby: own('lobby.js'),
  round: own('round.js'),
} as const;

/** Where a page finds a file. */
export function fileUrl(file: keyof typeof PAGE_FILES): string {
  return `/pages/${PAGE_FILES[file].name}`;
}

/** `GET /pages/<name>`. */
export function addPageFiles(scope: FastifyInstance): void {
  const files = new Map(Object.values(PAGE_FILES).map((file) => [plainName(file.name), file]));
  scope.get<{ Params: { name: string } }>('/pages/:name', (request, reply) => {
    const { name } = request.params;
    const file = files.get(plainName(name));
    if (!file) return reply.callNotFound();
    // While versions are exchanged, a page of the other one asks for its own: it gets ours, for this once.
    const cacheControl = name === file.name ? ASSET_CACHE_CONTROL : 'no-cache';
    return reply
      .type(file.type)
      .header('cache-control', cacheControl)
      .header('x-content-type-options', 'nosniff')
      .send(file.text);
  });
}

/** `pages.css` of `pages.1f0c9a3b.css`. */
function plainName(name: string): string {
  return name.replace(/\.[0-9a-f]{8}(?=\.[a-z]+$)/, '');
}
