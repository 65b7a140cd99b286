import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../lib/clock';
import type { SafeHtml } from '../../lib/html';
import type { Logger } from '../../lib/log';
import type { Money } from './money-text';
import type { PlayerAccountReader } from './player-account';
import { RoundhouseError, type RoundhouseClient } from './roundhouse-client';
import type { SessionCookie } from './session-cookie';
import * as pages from './storefront-pages';

export interface StorefrontDeps {
  readonly clock: Clock;
  readonly money: Money;
  readonly prefix: string;
  readonly publicBaseUrl: string;
  readonly roundhouse: RoundhouseClient;
  readonly accounts: PlayerAccountReader;
  readonly cookie: SessionCookie;
  readonly log: Logger;
}

/** A home page is for looking around, not for thousands of pictures. */
const PRODUCTS_SHOWN_MAX = 20;
const GAMES_SHOWN_MAX = 60;
const BETS_PER_PAGE = 25;
const HISTORY_PAGE_MAX = 400;
/** SPEC §3: what a partner may call a player. */
const REFERENCE = /^[A-Za-z0-9._-]{1,64}$/;

/**
 * form-action names whole schemes because browsers apply it to the redirect after a form as well, and Play leads to
 * wherever the aggregator's launch page lives; game pictures come from any provider's host.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' http: https:",
  "form-action 'self' http: https:",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

const ASSETS = {
  'storefront.css': 'text/css; charset=utf-8',
  'storefront.js': 'text/javascript; charset=utf-8',
  'storefront.svg': 'image/svg+xml',
} as const;

type Form = URLSearchParams;

/** The casino's pages: log in, games, play, bet history, log out. */
export function registerStorefrontRoutes(app: FastifyInstance, deps: StorefrontDeps): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({
      'content-security-policy': CONTENT_SECURITY_POLICY,
      'x-content-type-options': 'nosniff',
      // Not no-referrer: browsers would then send "Origin: null" with our own forms.
      'referrer-policy': 'same-origin',
      'cache-control': 'no-store',
    });
    if (request.method !== 'POST' || isOwnForm(request)) return;
    const text = 'This form came from another site.';
    return show(reply, 403, pages.problemPage('Not from here', text));
  });
  app.setErrorHandler(async (error, request, reply) => {
    if (error instanceof RoundhouseError) {
      deps.log.warn({ err: error }, 'roundhouse gave no usable answer');
      return show(reply, 502, pages.problemPage('That did not work', error.publicText));
    }
    const status = (error as { statusCode?: number }).statusCode ?? 500;
    if (status >= 500) deps.log.error({ err: error, url: request.url }, 'a page failed');
    return show(
      reply,
      status,
      pages.problemPage('Something went wrong', 'Please try again in a moment.'),
    );
  });

  for (const [name, type] of Object.entries(ASSETS)) {
    const content = readFileSync(path.join(__dirname, name));
    app.get(`/assets/${name}`, (_request, reply) =>
      reply.header('content-type', type).header('cache-control', 'max-age=300').send(content),
    );
  }
  registerAccountPages(app, deps);
  registerGamePages(app, deps);
}

function registerAccountPages(app: FastifyInstance, deps: StorefrontDeps): void {
  app.post('/login', async (request, reply) => {
    const reference = formOf(request).get('reference') ?? '';
    if (!REFERENCE.test(reference)) {
      const problem = 'A player name is 1 to 64 letters, digits, dots, dashes or underscores.';
      return show(reply, 400, pages.loginPage(problem));
    }
    const userAgent = await deps.roundhouse.createUser(reference);
    // The wallet opens accounts of its own players only; another handle would log in somebody who can never play.
    if (!userAgent.startsWith(`${deps.prefix}.`)) {
      throw new RoundhouseError('The game service answered with a player of another casino.');
    }
    await deps.accounts.open(userAgent);
    return reply
      .header('set-cookie', deps.cookie.issue(userAgent, deps.clock.nowMs()))
      .redirect('/', 303);
  });

  app.post('/logout', (_request, reply) =>
    reply.header('set-cookie', deps.cookie.clear()).redirect('/', 303),
  );

  app.get('/balance', async (request, reply) => {
    const userAgent = playerOf(request, deps);
    if (!userAgent) return reply.code(401).send({ error: 'not logged in' });
    const balanceMinor = await deps.accounts.open(userAgent);
    return { balance: deps.money.text(balanceMinor), label: deps.money.label(balanceMinor) };
  });

  app.get<{ Querystring: { page?: string } }>('/history', async (request, reply) => {
    const userAgent = playerOf(request, deps);
    if (!userAgent) return reply.redirect('/', 303);
    const number = Number(request.query.page ?? 1);
    const current =
      Number.isInteger(number) && number >= 1 && number <= HISTORY_PAGE_MAX ? number : 1;
    // One more than shown tells whether there is an older page.
    const bets = await deps.accounts.records(userAgent, {
      offset: (current - 1) * BETS_PER_PAGE,
      limit: BETS_PER_PAGE + 1,
    });
    const links = {
      ...(current > 1 ? { newer: `/history?page=${current - 1}` } : {}),
      ...(bets.length > BETS_PER_PAGE ? { older: `/history?page=${current + 1}` } : {}),
    };
    const visitor = await visitorOf(userAgent, deps);
    return show(
      reply,
      200,
      pages.historyPage(visitor, deps.money, bets.slice(0, BETS_PER_PAGE), links),
    );
  });

  app.get<{ Params: { betId: string } }>('/history/:betId', async (request, reply) => {
    const userAgent = playerOf(request, deps);
    if (!userAgent) return reply.redirect('/', 303);
    const { betId } = request.params;
    const known = await deps.accounts.hasRecord(userAgent, betId.replaceAll('\0', ''));
    const address = known ? await deps.roundhouse.betPage(betId) : undefined;
    if (address) return reply.redirect(address, 302);
    const visitor = await visitorOf(userAgent, deps);
    const text = 'We have no details of this bet.';
    return show(reply, 404, pages.problemPage('Unknown bet', text, visitor));
  });
}

function registerGamePages(app: FastifyInstance, deps: StorefrontDeps): void {
  app.get('/', async (request, reply) => {
    const userAgent = playerOf(request, deps);
    if (!userAgent) {
      const canonical = canonicalAddress(request, deps.publicBaseUrl);
      return canonical ? reply.redirect(canonical, 302) : show(reply, 200, pages.loginPage());
    }
    const visitor = await visitorOf(userAgent, deps);
    try {
      return await show(reply, 200, pages.gamesPage(visitor, await shelves(deps), undefined));
    } catch (error) {
      if (!(error instanceof RoundhouseError)) throw error;
      deps.log.warn({ err: error }, 'no games to show');
      // The balance is the casino's own: it is shown even when the games are away.
      return show(reply, 503, pages.gamesPage(visitor, [], error.publicText));
    }
  });

  app.post('/play', async (request, reply) => {
    const userAgent = playerOf(request, deps);
    if (!userAgent) return reply.redirect('/', 303);
    const form = formOf(request);
    const address = await deps.roundhouse.openGame({
      userAgent,
      gameProvider: form.get('game_provider') ?? '',
      gameId: form.get('game_id') ?? '',
      redirectUrl: `${deps.publicBaseUrl}/`,
      mobile: form.get('mobile') === 'true',
    });
    return reply.redirect(address, 303);
  });
}

async function shelves(deps: StorefrontDeps): Promise<pages.Shelf[]> {
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

async function visitorOf(userAgent: string, deps: StorefrontDeps) {
  return { userAgent, balance: deps.money.label(await deps.accounts.open(userAgent)) };
}

function playerOf(request: FastifyRequest, deps: StorefrontDeps): string | undefined {
  return deps.cookie.read(request.headers.cookie, deps.clock.nowMs());
}

function formOf(request: FastifyRequest): Form {
  return request.body instanceof URLSearchParams ? request.body : new URLSearchParams();
}

// Every browser names the origin of a POST; a caller that is no browser has no session to misuse.
function isOwnForm(request: FastifyRequest): boolean {
  const origin = request.headers.origin;
  if (origin === undefined) return true;
  return URL.canParse(origin) && new URL(origin).host === request.headers.host;
}

/**
 * The cookie belongs to one host name. A visitor who typed 127.0.0.1 where the public address says localhost (or the
 * other way) would come back from a game logged out, so the login page is only shown under the public name.
 */
function canonicalAddress(request: FastifyRequest, publicBaseUrl: string): string | undefined {
  const wanted = new URL(publicBaseUrl);
  const asked = `http://${request.headers.host ?? ''}`;
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

function show(reply: FastifyReply, status: number, markup: SafeHtml): FastifyReply {
  return reply
    .code(status)
    .header('content-type', 'text/html; charset=utf-8')
    .send(markup.toString());
}
