import type { FastifyInstance, FastifyReply } from 'fastify';
import { RoundhouseError } from '../roundhouse-client';
import { showSignIn } from './account-routes';
import { gamesContent, playContent, type Shelf } from './games-page';
import type { PageFrame } from './page-frame';
import { policyWith } from './policy';
import type { StorefrontAssets } from './storefront-assets';
import type { StorefrontDeps } from './storefront-deps';
import { formOf, playerOf, show, visitorOf } from './visitor';

/** A home page is for looking around, not for thousands of pictures. */
const PRODUCTS_SHOWN_MAX = 20;
const GAMES_SHOWN_MAX = 60;
/** Longer than any game's name. */
const SEARCH_LENGTH_MAX = 100;

interface Wanted {
  readonly game_provider?: string;
  readonly game_id?: string;
}

/** The games, and the two ways into one: in a frame of ours, or straight to it as a phone does. */
export function registerGamePages(
  app: FastifyInstance,
  deps: StorefrontDeps,
  frame: PageFrame,
  assets: StorefrontAssets,
): void {
  app.get<{ Querystring: { q?: string } }>('/', async (request, reply) => {
    const userAgent = playerOf(request, deps);
    if (!userAgent) {
      const canonical = canonicalAddress(request.headers.host, deps.publicBaseUrl);
      return canonical ? reply.redirect(canonical, 302) : showSignIn(reply, 200, deps, frame);
    }
    const wanted = [request.query.q ?? ''].flat().join(' ').trim().slice(0, SEARCH_LENGTH_MAX);
    const cursor = await deps.feed.cursor();
    const visitor = await visitorOf(userAgent, deps);
    const page = (found: readonly Shelf[], problem?: string) =>
      frame({
        title: 'Games',
        content: gamesContent(visitor, found, wanted, problem),
        visitor,
        place: 'games',
        live: { view: 'balance', cursor },
        scripts: [assets.search],
      });
    try {
      return await show(reply, 200, page(await shelves(deps)));
    } catch (error) {
      if (!(error instanceof RoundhouseError)) throw error;
      deps.log.warn({ err: error }, 'no games to show');
      // The balance is the casino's own: it is shown even when the games are away.
      return show(reply, 503, page([], error.publicText));
    }
  });

  app.post('/play', async (request, reply) => {
    const userAgent = playerOf(request, deps);
    if (!userAgent) return reply.redirect('/', 303);
    const form = formOf(request);
    const gameProvider = form.get('game_provider') ?? '';
    const gameId = form.get('game_id') ?? '';
    if (form.get('mobile') !== 'true') {
      const query = new URLSearchParams({ game_provider: gameProvider, game_id: gameId });
      return reply.redirect(`/play?${query.toString()}`, 303);
    }
    const redirectUrl = `${deps.publicBaseUrl}/`;
    const wanted = { userAgent, gameProvider, gameId, redirectUrl, mobile: true };
    return reply.redirect(await deps.roundhouse.openGame(wanted), 303);
  });

  app.get<{ Querystring: Wanted }>('/play', async (request, reply) => {
    const userAgent = playerOf(request, deps);
    if (!userAgent) return reply.redirect('/', 303);
    return showGame(reply, userAgent, request.query, deps, frame);
  });
}

async function showGame(
  reply: FastifyReply,
  userAgent: string,
  wanted: Wanted,
  deps: StorefrontDeps,
  frame: PageFrame,
): Promise<FastifyReply> {
  const [gameProvider, gameId] = [String(wanted.game_provider), String(wanted.game_id)];
  // Without redirect_url: the way back is in the bar of this page, around the frame.
  const launchUrl = await deps.roundhouse.openGame({
    userAgent,
    gameProvider,
    gameId,
    mobile: false,
  });
  const cursor = await deps.feed.cursor();
  const visitor = await visitorOf(userAgent, deps);
  const title = await titleOf(deps, gameProvider, gameId);
  return show(
    reply.header('content-security-policy', policyWith(new URL(launchUrl).origin)),
    200,
    frame({
      title,
      content: playContent(title, launchUrl),
      visitor,
      place: 'games',
      layout: 'window',
      live: { view: 'balance', cursor },
    }),
  );
}

// The game opens without its name as well.
async function titleOf(deps: StorefrontDeps, provider: string, gameId: string): Promise<string> {
  try {
    if (gameId === '0') {
      const product = (await deps.roundhouse.products()).find(
        (one) => one.providerName === provider,
      );
      return product?.displayName ?? provider;
    }
    const game = (await deps.roundhouse.games(provider)).find((one) => one.gameId === gameId);
    return game?.name ?? provider;
  } catch (error) {
    if (error instanceof RoundhouseError) return provider;
    throw error;
  }
}

async function shelves(deps: StorefrontDeps): Promise<Shelf[]> {
  const products = (await deps.roundhouse.products()).slice(0, PRODUCTS_SHOWN_MAX);
  return Promise.all(
    products.map(async (product) => {
      try {
        const games = await deps.roundhouse.games(product.providerName);
        const active = games.filter((game) => game.isActive).slice(0, GAMES_SHOWN_MAX);
        return { product, games: active };
      } catch (error) {
        if (!(error instanceof RoundhouseError)) throw error;
        return { product, games: [], problem: error.publicText };
      }
    }),
  );
}

/**
 * The cookie belongs to one host name. A visitor who typed 127.0.0.1 where the public address says localhost (or the
 * other way) would come back from a game logged out, so the login page is only shown under the public name.
 */
function canonicalAddress(host: string | undefined, publicBaseUrl: string): string | undefined {
  const wanted = new URL(publicBaseUrl);
  const asked = `http://${host ?? ''}`;
  if (!URL.canParse(asked)) return undefined;
  const given = new URL(asked);
  const names = ['localhost', '127.0.0.1'];
  const twins =
    given.port === wanted.port &&
    given.hostname !== wanted.hostname &&
    names.includes(given.hostname) &&
    names.includes(wanted.hostname);
  return twins ? `${publicBaseUrl}/` : undefined;
}
