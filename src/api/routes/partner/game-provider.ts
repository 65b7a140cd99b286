import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Pool } from 'pg';
import { z } from 'zod';
import { productsFor } from '../../../db/catalogue';
import { partnerOf } from '../../plugins/partner-auth';
import { errorResponses } from './fields';

const product = z.object({
  provider_name: z.string().describe('Names the product in every other call.'),
  display_name: z.string(),
  image: z.string().describe('Absolute URL; empty when the product has no picture.'),
});

/** GET /game/provider (partner document, Product list). */
export function gameProvider({ pool }: { pool: Pool }): FastifyPluginAsyncZod {
  return async (scope) => {
    scope.get(
      '/game/provider',
      {
        schema: {
          operationId: 'listProducts',
          tags: ['Games'],
          summary: 'List the products',
          response: { 200: z.array(product).describe('The products.'), ...errorResponses },
        },
      },
      async (request) => {
        const products = await productsFor(pool, partnerOf(request));
        return products.map(({ providerName, image }) => ({
          provider_name: providerName,
          display_name: displayName(providerName),
          image: image ?? '',
        }));
      },
    );
  };
}

/** The document's own form: `PGSoft` is shown as `pg soft`. */
export function displayName(providerName: string): string {
  return providerName
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .toLowerCase();
}
