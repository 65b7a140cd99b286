import type { FastifyInstance } from 'fastify';
import { gamesOf, productById, type Game } from '../../../db/catalogue';
import { authorizeSession, createSession, type SessionContext } from '../../../db/sessions';
import { html } from '../../../lib/html';
import { failurePage } from './failure-page';
import { LOBBY_GAME_ID, openSession } from './open-session';
import type { PagesDeps } from './pages-deps';
import { queryOf, textParameter } from './parameters';
import { providerUrl } from './provider-url';
import { sendPage, sendRedirect, SOURCE, type Page } from './send-page';

/**
 * `GET /lobby?token=`: the games of the product that open-game was asked for with game_id 0.
 * `POST /lobby/open`: one of them; each game gets a token and a session of its own (SPEC §3).
 */
export function addLobbyPages(scope: FastifyInstance, { pool, clock }: PagesDeps): void {
  scope.get('/lobby', async (request, reply) => {
    const token = textParameter(request.query, 'token');
    const opened = await openSession(pool, token, clock.nowMs());
    if (!opened.ok) return sendPage(reply, failurePage(opened.failure, opened.redirectUrl));
    const { session, connection } = opened.context;
    if (session.gameId !== LOBBY_GAME_ID) {
      return sendRedirect(reply, `/launch?${queryOf({ token: token ?? '' })}`, 302);
    }
    // No provider will ever authorise a lobby: being looked at is its use, and keeps it open.
    const idleMs = connection.settings.session_idle_ms;
    await authorizeSession(pool, session, idleMs, clock.nowMs());
    const product = await productById(pool, session.productId);
    const games = product ? await gamesOf(pool, product) : [];
    const active = games.filter((game) => game.isActive);
    if (!product || active.length === 0) {
      return sendPage(reply, failurePage('lobby_empty', session.redirectUrl));
    }
    return sendPage(reply, lobbyPage(opened.context, product.providerName, active, token ?? ''));
  });

  scope.post('/lobby/open', async (request, reply) => {
    const token = textParameter(request.body, 'token');
    const gameId = textParameter(request.body, 'game_id');
    const opened = await openSession(pool, token, clock.nowMs());
    if (!opened.ok) return sendPage(reply, failurePage(opened.failure, opened.redirectUrl));
    const { session } = opened.context;
    if (session.gameId !== LOBBY_GAME_ID || gameId === undefined) {
      return sendPage(reply, failurePage('link_incomplete', session.redirectUrl));
    }
    const games = await gamesOf(pool, { id: session.productId });
    const game = games.find((one) => one.gameId === gameId);
    if (!game?.isActive) {
      const failure = game ? 'game_inactive' : 'game_unknown';
      return sendPage(reply, failurePage(failure, session.redirectUrl));
    }
    const created = await createSession(pool, {
      playerId: session.playerId,
      partnerId: session.partnerId,
      connectionId: session.connectionId,
      productId: session.productId,
      gameId,
      currency: session.currency,
      isDemo: session.isDemo,
      isMobile: session.isMobile,
      language: session.language,
      redirectUrl: session.redirectUrl,
      nowMs: clock.nowMs(),
    });
    // The lobby's token travels in the address, so that the way back to it is stored nowhere.
    const address = queryOf({ token: created.token, lobby: token ?? '' });
    return sendRedirect(reply, `/launch?${address}`, 303);
  });
}

function lobbyPage(
  context: SessionContext,
  productName: string,
  games: readonly Game[],
  token: string,
): Page {
  const { session, partner } = context;
  return {
    title: productName,
    framedBy: partner.settings.redirect_hosts,
    pictureOrigins: originsOf(games.flatMap(({ iconUrl }) => iconUrl ?? [])),
    // On a mobile the form ends at the provider's own page.
    formOrigins: session.isMobile
      ? originsOf(games.map((game) => providerUrl(context, game, token)))
      : [],
    body: html`
      <header class="bar">
        <h1>${productName}${session.isDemo && html` <span class="tag">demo</span>`}</h1>
        <nav>
          ${
            session.redirectUrl !== null &&
            html`<a href="${session.redirectUrl}" target="_top">Back to casino</a>`
          }
        </nav>
      </header>
      <main class="games">
        ${games.map(
          (game) => html`
            <form method="post" action="/lobby/open">
              <input type="hidden" name="token" value="${token}" />
              <button name="game_id" value="${game.gameId}">
                ${
                  game.iconUrl !== null && canBeShown(game.iconUrl)
                    ? html`<img src="${game.iconUrl}" alt="" loading="lazy" />`
                    : html`<span class="no-picture" aria-hidden="true"></span>`
                }
                <span>${game.title}</span>
              </button>
            </form>
          `,
        )}
      </main>
    `,
  };
}

/** An older catalogue may hold what is not taken over any more; the page's policy would stop it. */
function canBeShown(iconUrl: string): boolean {
  return URL.canParse(iconUrl) && SOURCE.test(new URL(iconUrl).origin);
}

function originsOf(urls: readonly string[]): string[] {
  return [...new Set(urls.filter((url) => URL.canParse(url)).map((url) => new URL(url).origin))];
}
