import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { FastifyInstance } from 'fastify';
import { ASSET_CACHE_CONTROL, assetOf, readDesign, type Asset } from '../../../lib/design/design';

/** The addresses of the files that pages link; their names change with their content. */
export interface StorefrontAssets {
  readonly design: string;
  readonly sheet: string;
  readonly icon: string;
  readonly live: string;
  readonly search: string;
}

/** Serves the storefront's files below /assets and answers where they are. */
export function serveAssets(app: FastifyInstance): StorefrontAssets {
  const read = (name: string) =>
    assetOf(name, readFileSync(path.join(__dirname, 'assets', name), 'utf8'));
  const serve = (asset: Asset): string => {
    const address = `/assets/${asset.name}`;
    app.get(address, (_request, reply) =>
      reply
        .header('content-type', asset.type)
        .header('cache-control', ASSET_CACHE_CONTROL)
        .send(asset.text),
    );
    return address;
  };
  return {
    design: serve(readDesign().sheet),
    sheet: serve(read('storefront.css')),
    icon: serve(read('casino.svg')),
    live: serve(read('live.js')),
    search: serve(read('search.js')),
  };
}
