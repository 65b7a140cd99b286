import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Pool } from 'pg';
import { z } from 'zod';
import { gamesOf, productByName } from '../../../db/catalogue';
import { partnerOf } from '../../plugins/partner-auth';
import { badField } from './error-door';
import { BODY_KINDS, errorResponses, flag, text } from './fields';

const body = z.object({
  game_provider: text().max(200).describe('provider_name from the product list.'),
  mobile: flag().optional().describe('The mobile catalogue; it is the same.'),
});

const game = z.object({
  game_id: z.string(),
  game_name: z.string(),
  game_provider: z.string(),
  game_type: z.literal('slot'),
  game_image: z.string().describe('Absolute URL; empty when the game has no picture.'),
  is_active: z.boolean().describe('false: the provider no longer offers it.'),
});

/** POST /game/list (partner document, Game list). */
export function gameList({ pool }: { pool: Pool }): FastifyPluginAsyncZod {
  return async (scope) => {
    scope.post(
      '/game/list',
      {
        schema: {
          operationId: 'listGames',
          tags: ['Games'],
          summary: 'List the games of a product',
          consumes: BODY_KINDS,
          body,
          response: {
            200: z
              .object({ is_item: z.literal(true), items: z.array(game) })
              .describe('The games.'),
            ...errorResponses,
          },
        },
      },
      async (request) => {
        const name = request.body.game_provider;
        const product = await productByName(pool, partnerOf(request), name);
        if (!product) throw badField('game_provider', `unknown product "${name}"`);
        const games = await gamesOf(pool, product);
        return {
          is_item: true as const,
          items: games.map((entry) => ({
            game_id: entry.gameId,
            game_name: entry.title,
            game_provider: entry.providerName,
            game_type: 'slot' as const,
            game_image: entry.iconUrl ?? '',
            is_active: entry.isActive,
          })),
        };
      },
    );
  };
}
