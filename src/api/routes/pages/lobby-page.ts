import type { FastifyInstance } from 'fastify';
import { gamesOf, productById, type Game } from '../../../db/catalogue';
import { authorizeSession, createSession, type SessionContext } from '../../../db/sessions';
import { html, type SafeHtml } from '../../../lib/html';
import { failurePage } from './failure-page';
import { LOBBY_GAME_ID, openSession } from './open-session';
import { pageBar, wayBack } from './page-bar';
import type { PagesDeps } from './pages-deps';
import { queryOf, textParameter } from './parameters';
import { providerUrl } from './provider-url';
import { sendPage, sendRedirect, SOURCE, type Page } from './send-page';

/** As one reads it: the book sorts by bytes, which puts É behind Z. */
const { compare } = new Intl.Collator('en', { numeric: true });
const byTitle = (a: Game, b: Game) => compare(a.title, b.title);

/** A lobby of fewer games is seen at a glance. */
const SEARCH_FROM = 9;

/**
 * `GET /lobby?token=`: the games of the product that open-game was asked for with game_id 0; `q` finds
 * among them.
 * `POST /lobby/open`: one of them; each game gets a token and a session of its own (SPEC §3).
 */
export function addLobbyPages(scope: FastifyInstance, { pool, clock }: PagesDeps): void {
  scope.get('/lobby', async (request, reply) => {
    const token = textParameter(request.query, 'token');
    const opened = await openSession(pool, token, clock.nowMs());
    if (!opened.ok) return sendPage(reply, failurePage(opened.failure, opened));
    const { session, connection } = opened.context;
    if (session.gameId !== LOBBY_GAME_ID) {
      return sendRedirect(reply, `/launch?${queryOf({ token: token ?? '' })}`, 302);
    }
    // No provider will ever authorise a lobby: being looked at is its use, and keeps it open.
    const idleMs = connection.settings.session_idle_ms;
    await authorizeSession(pool, session, idleMs, clock.nowMs());
    const product = await productById(pool, session.productId);
    const games = product ? await gamesOf(pool, product) : [];
    const active = games.filter((game) => game.isActive).sort(byTitle);
    if (!product || active.length === 0) {
      return sendPage(reply, failurePage('lobby_empty', opened));
    }
    const search = active.length < SEARCH_FROM ? '' : (textParameter(request.query, 'q') ?? '');
    const lobby = { name: product.providerName, games: active, token: token ?? '', search };
    return sendPage(reply, lobbyPage(opened.context, lobby));
  });

  scope.post('/lobby/open', async (request, reply) => {
    const token = textParameter(request.body, 'token');
    const gameId = textParameter(request.body, 'game_id');
    const opened = await openSession(pool, token, clock.nowMs());
    if (!opened.ok) return sendPage(reply, failurePage(opened.failure, opened));
    const { session } = opened.context;
    if (session.gameId !== LOBBY_GAME_ID || gameId === undefined) {
      return sendPage(reply, failurePage('link_incomplete', opened));
    }
    const games = await gamesOf(pool, { id: session.productId });
    const game = games.find((one) => one.gameId === gameId);
    if (!game?.isActive) {
      const failure = game ? 'game_inactive' : 'game_unknown';
      return sendPage(reply, failurePage(failure, opened));
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

interface Lobby {
  readonly name: string;
  readonly games: readonly Game[];
  readonly token: string;
  /** What the player looks for. */
  readonly search: string;
}

function lobbyPage(context: SessionContext, { name, games, token, search }: Lobby): Page {
  const { session, partner } = context;
  const words = plainText(search).split(/\s+/);
  const found = new Set(
    games.filter(({ title }) => words.every((word) => plainText(title).includes(word))),
  );
  return {
    title: name,
    script: 'lobby',
    framedBy: partner.settings.redirect_hosts,
    pictureOrigins: originsOf(games.flatMap(({ iconUrl }) => iconUrl ?? [])),
    // On a mobile the form ends at the provider's own page.
    formOrigins: session.isMobile
      ? originsOf(games.map((game) => providerUrl(context, game, token)))
      : [],
    body: html`
      ${pageBar({
        title: name,
        tag: session.isDemo ? 'demo' : undefined,
        links: wayBack(session.redirectUrl),
      })}
      <main class="rh-page rh-stack lobby">
        ${games.length >= SEARCH_FROM && searchForm(token, search, found.size, games.length)}
        <form method="post" action="/lobby/open">
          <input type="hidden" name="token" value="${token}" />
          <ul class="rh-tiles lobby-games" id="games">
            ${games.map((game) => tile(game, !found.has(game)))}
          </ul>
          <p class="rh-empty" id="none" ${found.size > 0 ? HIDDEN : null}>
            No game here has a name like that.
          </p>
        </form>
      </main>
    `,
  };
}

const HIDDEN = html` hidden`;

function searchForm(token: string, search: string, found: number, all: number): SafeHtml {
  return html`
    <form class="lobby-find" id="find" method="get" action="/lobby" role="search">
      <input type="hidden" name="token" value="${token}" />
      <label class="rh-field">
        <span>Find a game</span>
        <input class="rh-input" type="search" name="q" value="${search}" autocomplete="off" />
      </label>
      <p class="rh-small rh-soft" id="found" role="status">
        ${found === all ? '' : `${found} of `}${all} games
      </p>
    </form>
  `;
}

/** On one line and without classes of its own: there may be hundreds, and a page stays below 100 KB. */
function tile({ gameId, title, iconUrl }: Game, isHidden: boolean): SafeHtml {
  const picture =
    iconUrl !== null && canBeShown(iconUrl) && html`<img src="${iconUrl}" alt="" loading="lazy" />`;
  // prettier-ignore
  return html`
<li${isHidden ? HIDDEN : null}><button class="rh-tile" name="game_id" value="${gameId}"><span aria-hidden="true">${firstLetter(title)}</span>${picture}<b>${title}</b></button></li>`;
}

/** What stands where a picture is missing, or has not come yet. */
function firstLetter(title: string): string {
  return (/[\p{L}\p{N}]/u.exec(title)?.[0] ?? '').toUpperCase();
}

/** As one types it: without case and accents. The lobby's script does the same. */
function plainText(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
}

/** An older catalogue may hold what is not taken over any more; the page's policy would stop it. */
function canBeShown(iconUrl: string): boolean {
  return URL.canParse(iconUrl) && SOURCE.test(new URL(iconUrl).origin);
}

function originsOf(urls: readonly string[]): string[] {
  return [...new Set(urls.filter((url) => URL.canParse(url)).map((url) => new URL(url).origin))];
}
