import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Pool } from 'pg';
import { z } from 'zod';
import { gameOf, productByName, type Product } from '../../../db/catalogue';
import type { Partner } from '../../../db/partners';
import { playerByUserAgent } from '../../../db/players';
import { createSession } from '../../../db/sessions';
import { DEMO_CURRENCY } from '../../../domain/currency';
import type { Clock } from '../../../lib/clock';
import { partnerOf, refuseSuspended } from '../../plugins/partner-auth';
import { badField, PartnerApiError } from './error-door';
import { BODY_KINDS, dropped, errorResponses, flag, text } from './fields';

/** The product's own page of games instead of a game (partner document, Open game). */
const LOBBY_GAME_ID = '0';

const body = z.object({
  user_agent: text().max(80).describe('Player handle from create-user, with your prefix.'),
  game_provider: text().max(200).describe('provider_name of the game.'),
  game_id: text().max(64).describe('game_id from the game list; 0 opens the lobby of the product.'),
  redirect_url: text().max(2048).optional().describe('Where to return the player after the game.'),
  mobile: flag().optional().describe('Launch the mobile client.'),
  ip: dropped('Player IP address.'),
  language: text()
    .regex(/^[A-Za-z]{2,8}([_-][A-Za-z0-9]{2,8}){0,2}$/, 'must be a language code, such as "eng"')
    .optional()
    .describe('Language of the game, as the provider calls it.'),
  demo: flag().optional().describe('Play for fun: the wallet is never called.'),
});

export interface OpenGameDeps {
  readonly pool: Pool;
  readonly publicBaseUrl: string;
  readonly clock: Clock;
}

/** POST /game/open-game (partner document, Open game; `language` and `demo` are additions). */
export function openGame({ pool, publicBaseUrl, clock }: OpenGameDeps): FastifyPluginAsyncZod {
  return async (scope) => {
    scope.post(
      '/game/open-game',
      {
        onRequest: refuseSuspended,
        schema: {
          operationId: 'openGame',
          tags: ['Games'],
          summary: 'Make a launch URL for a player',
          description: 'Redirect the player to the URL. It opens one session, within ten minutes.',
          consumes: BODY_KINDS,
          body,
          response: {
            200: z
              .object({ is_item: z.literal(false), url: z.string() })
              .describe('Where to send the player.'),
            ...errorResponses,
          },
        },
      },
      async (request) => {
        const partner = partnerOf(request);
        const { user_agent: userAgent, game_id: gameId, demo = false } = request.body;
        const redirectUrl = checkedRedirect(partner, request.body.redirect_url);
        const player = await playerByUserAgent(pool, partner, userAgent);
        if (!player) throw badField('user_agent', `unknown player "${userAgent}"`);
        if (player.blocked) throw new PartnerApiError(403, 'Account not permitted');
        const product = await productByName(pool, partner, request.body.game_provider);
        if (!product) {
          throw badField('game_provider', `unknown product "${request.body.game_provider}"`);
        }
        await checkGame(pool, product, gameId);
        const { token } = await createSession(pool, {
          playerId: player.playerId,
          partnerId: partner.id,
          connectionId: product.connectionId,
          productId: product.id,
          gameId,
          currency: demo ? DEMO_CURRENCY : partner.currency,
          isDemo: demo,
          isMobile: request.body.mobile ?? false,
          language: request.body.language ?? null,
          redirectUrl,
          nowMs: clock.nowMs(),
        });
        return { is_item: false as const, url: `${publicBaseUrl}/launch?token=${token}` };
      },
    );
  };
}

async function checkGame(pool: Pool, product: Product, gameId: string): Promise<void> {
  if (gameId === LOBBY_GAME_ID) {
    if (product.isActive) return;
    throw badField('game_provider', `product "${product.providerName}" has no active game`);
  }
  const game = await gameOf(pool, { id: product.connectionId }, gameId);
  if (!game || game.productId !== product.id) {
    throw badField('game_id', `unknown game "${gameId}" of "${product.providerName}"`);
  }
  if (!game.isActive) throw badField('game_id', `game "${gameId}" is not active`);
}

// The launch page links to it: anything but http(s) could run as script, and an open list of hosts makes
// our domain a stepping stone. What is kept is the parser's spelling, which no browser reads differently.
function checkedRedirect(partner: Partner, text: string | undefined): string | null {
  if (text === undefined) return null;
  const url = /^https?:\/\//i.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  if (!url || url.username !== '' || url.password !== '') {
    throw badField('redirect_url', 'must be an absolute http or https URL');
  }
  const hosts = partner.settings.redirect_hosts;
  if (hosts !== null && !hosts.includes(url.hostname) && !hosts.includes(url.host)) {
    throw badField('redirect_url', `host "${url.host}" is not allowed for this account`);
  }
  return url.href;
}
