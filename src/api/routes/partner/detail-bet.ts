import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Pool } from 'pg';
import { z } from 'zod';
import type { Db } from '../../../db/pool';
import { partnerOf } from '../../plugins/partner-auth';
import { BODY_KINDS, errorResponses, text } from './fields';

const body = z.object({
  bet_id: text().max(64).describe('The bet reference received in the Bet callback.'),
});

const answer = z.union([
  z.object({ status: z.literal(true), item: z.string().describe('URL that renders the result.') }),
  z.object({ status: z.literal(false), error: z.string() }),
]);

export interface DetailBetDeps {
  readonly pool: Pool;
  /** Whether the bet exists and is this partner's. */
  readonly findBet: (db: Db, partnerId: number, betId: string) => Promise<boolean>;
  /** Makes the signed, expiring URL of the page that shows the bet's round. */
  readonly links: { roundUrl(betId: string): string };
}

/** POST /bet-history/report/detail-bet (partner document, Bet history). */
export function detailBet({ pool, findBet, links }: DetailBetDeps): FastifyPluginAsyncZod {
  return async (scope) => {
    scope.post(
      '/bet-history/report/detail-bet',
      {
        schema: {
          operationId: 'detailBet',
          tags: ['Reports'],
          summary: 'Show a single bet',
          description:
            'The item is a URL that renders the result of the round, for a limited time.',
          consumes: BODY_KINDS,
          body,
          response: {
            200: answer.describe('The URL, or that there is no such bet.'),
            ...errorResponses,
          },
        },
      },
      async (request) => {
        const betId = request.body.bet_id;
        const found = await findBet(pool, partnerOf(request).id, betId);
        if (!found) return { status: false as const, error: 'Bet not found' };
        return { status: true as const, item: links.roundUrl(betId) };
      },
    );
  };
}
