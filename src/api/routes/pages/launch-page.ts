import type { FastifyInstance } from 'fastify';
import type { Game } from '../../../db/catalogue';
import type { SessionContext } from '../../../db/sessions';
import { html } from '../../../lib/html';
import { failurePage } from './failure-page';
import { LOBBY_GAME_ID, openGameOf, openSession } from './open-session';
import type { PagesDeps } from './pages-deps';
import { queryOf, textParameter } from './parameters';
import { providerUrl } from './provider-url';
import { sendPage, sendRedirect, type Page } from './send-page';

/**
 * `GET /launch?token=`: what open-game's URL opens. On a desktop the provider's game in a frame of our
 * page, with the way back; on a mobile a redirect to the game itself, as the provider document asks; for
 * the lobby, a redirect there.
 */
export function addLaunchPage(scope: FastifyInstance, { pool, clock }: PagesDeps): void {
  scope.get('/launch', async (request, reply) => {
    const token = textParameter(request.query, 'token');
    const opened = await openSession(pool, token, clock.nowMs());
    if (!opened.ok) return sendPage(reply, failurePage(opened.failure, opened.redirectUrl));
    const { context } = opened;
    const { session } = context;
    if (session.gameId === LOBBY_GAME_ID) {
      return sendRedirect(reply, `/lobby?${queryOf({ token: token ?? '' })}`, 302);
    }
    const found = await openGameOf(pool, context);
    if (!found.ok) return sendPage(reply, failurePage(found.failure, session.redirectUrl));
    const url = providerUrl(context, found.game, token ?? '');
    if (session.isMobile) return sendRedirect(reply, url, 302);
    const lobby = textParameter(request.query, 'lobby');
    return sendPage(reply, launchPage(context, found.game, url, lobby));
  });
}

function launchPage(
  { session, partner }: SessionContext,
  game: Game,
  url: string,
  lobby: string | undefined,
): Page {
  return {
    title: game.title,
    layout: 'window',
    script: 'launch.js',
    frameOrigin: new URL(url).origin,
    framedBy: partner.settings.redirect_hosts,
    body: html`
      <header class="bar">
        <h1>${game.title}${session.isDemo && html` <span class="tag">demo</span>`}</h1>
        <nav>
          ${lobby !== undefined && html`<a href="/lobby?${queryOf({ token: lobby })}">All games</a>`}
          ${
            session.redirectUrl !== null &&
            html`<a href="${session.redirectUrl}" target="_top">Back to casino</a>`
          }
        </nav>
      </header>
      <iframe
        id="game"
        title="${game.title}"
        src="${url}"
        referrerpolicy="no-referrer"
        allow="autoplay; fullscreen"
      ></iframe>
      <aside id="slow" class="notice" hidden>
        <p>The game is slow to open. Reload the page, or open it again from the casino.</p>
      </aside>
    `,
  };
}
