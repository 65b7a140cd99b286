import type { FastifyInstance } from 'fastify';
import type { Game } from '../../../db/catalogue';
import { launchCodeOf, type SessionContext } from '../../../db/sessions';
import { html } from '../../../lib/html';
import { failurePage } from './failure-page';
import { troublePanels } from './launch-help';
import { LOBBY_GAME_ID, openGameOf, openSession } from './open-session';
import { pageBar, wayBack } from './page-bar';
import { fileUrl } from './page-files';
import type { PagesDeps } from './pages-deps';
import { queryOf, textParameter } from './parameters';
import { providerUrl } from './provider-url';
import { sendPage, sendRedirect, type Page } from './send-page';

/**
 * `GET /launch?token=`: what open-game's URL opens. On a desktop the provider's game in a frame of our
 * page, with the way back; on a mobile a redirect to the game itself, as the provider document asks; for
 * the lobby, a redirect there.
 *
 * `GET /launch/state?token=`: whether the provider has checked the session meanwhile, which is all that can
 * be known here of a game on another origin.
 */
export function addLaunchPage(scope: FastifyInstance, { pool, clock }: PagesDeps): void {
  scope.get('/launch', async (request, reply) => {
    const token = textParameter(request.query, 'token');
    const nowMs = clock.nowMs();
    const opened = await openSession(pool, token, nowMs);
    if (!opened.ok) return sendPage(reply, failurePage(opened.failure, opened));
    const { context } = opened;
    const { session } = context;
    if (session.gameId === LOBBY_GAME_ID) {
      return sendRedirect(reply, `/lobby?${queryOf({ token: token ?? '' })}`, 302);
    }
    const found = await openGameOf(pool, context);
    if (!found.ok) return sendPage(reply, failurePage(found.failure, opened));
    const url = providerUrl(context, found.game, token ?? '');
    if (session.isMobile) return sendRedirect(reply, url, 302);
    const lobby = textParameter(request.query, 'lobby');
    return sendPage(reply, launchPage(context, found.game, { url, token, lobby, nowMs }));
  });

  scope.get('/launch/state', async (request, reply) => {
    const opened = await openSession(pool, textParameter(request.query, 'token'), clock.nowMs());
    const state = !opened.ok
      ? 'over'
      : opened.context.session.authorizedAt === null
        ? 'waiting'
        : 'checked';
    return reply.header('cache-control', 'no-store').send({ state });
  });
}

interface Launch {
  readonly url: string;
  readonly token: string | undefined;
  readonly lobby: string | undefined;
  readonly nowMs: number;
}

function launchPage(
  { session, partner }: SessionContext,
  game: Game,
  { url, token = '', lobby, nowMs }: Launch,
): Page {
  const again = `/launch?${queryOf({ token, ...(lobby !== undefined && { lobby }) })}`;
  return {
    title: game.title,
    layout: 'window',
    connects: true,
    frameOrigin: new URL(url).origin,
    framedBy: partner.settings.redirect_hosts,
    body: html`
      ${pageBar({
        title: game.title,
        tag: session.isDemo ? 'demo' : undefined,
        links: [
          ...(lobby === undefined
            ? []
            : [html`<a href="/lobby?${queryOf({ token: lobby })}">All games</a>`]),
          ...wayBack(session.redirectUrl),
        ],
      })}
      <main class="launch" data-demo="${session.isDemo ? 'yes' : 'no'}">
        <section class="launch-cover" id="opening" aria-label="Opening the game" hidden>
          <div class="launch-card rh-stack">
            <p class="launch-now">
              <span class="rh-turntable" aria-hidden="true"></span>
              <span id="progress" role="status">Opening the game</span>
            </p>
            <ol class="rh-timeline">
              <li class="rh-timeline-good">Your session is ready</li>
              ${!session.isDemo && html`<li id="step-checked">The provider checks your session</li>`}
              <li id="step-loaded">The game loads</li>
            </ol>
            <p id="slow" class="rh-soft" hidden>
              You can wait, or go back to the casino. Opening a game places no bet.
            </p>
          </div>
        </section>
        ${troublePanels({
          gameUrl: url,
          launchCode: launchCodeOf(token),
          atMs: nowMs,
          redirectUrl: session.redirectUrl,
          again,
        })}
        <script src="${fileUrl('launch')}"></script>
        <iframe
          id="game"
          title="${game.title}"
          src="${url}"
          referrerpolicy="no-referrer"
          allow="autoplay; fullscreen"
        ></iframe>
      </main>
    `,
  };
}
