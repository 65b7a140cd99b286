import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Pool } from 'pg';
import { parseAmount } from '../../domain/money';
import { sleep } from '../../lib/clock';
import type { GameAssets } from './assets';
import type { Book } from './book';
import { GAMES, gameOf, iconPath } from './catalogue';
import { drawRound, SHAPES, type Shape } from './engine';
import { gamePage } from './game-page';
import { INTEGER_ID, launchGame, MESSAGES, refusal } from './game-service';
import type { PartnerClient } from './partner-client';
import type { RoundRunner } from './round-runner';
import type { CallSettings } from './settings';
import { isSignedBy } from './signature';
import { stakesOf, viewOf, type SpinView } from './spin-view';

export interface RouteDeps {
  readonly pool: Pool;
  readonly book: Book;
  readonly client: PartnerClient;
  readonly runner: RoundRunner;
  readonly settings: CallSettings;
  readonly assets: GameAssets;
}

const NO_SESSION =
  'This game is no longer open here. Nothing was taken. Please open it again from the casino.';

/** A parameter by its exact name; given twice it counts as missing, since nobody knows which was meant. */
export function param(query: unknown, name: string): string | undefined {
  if (typeof query !== 'object' || query === null || !Object.hasOwn(query, name)) return undefined;
  const value = (query as Record<string, unknown>)[name];
  return typeof value === 'string' ? value : undefined;
}

/** The public methods of the provider document: `GET /GetListGames` and `GET /game`. All answers are HTTP 200. */
export function addWebGamesApi(app: FastifyInstance, deps: RouteDeps): void {
  app.get('/GetListGames', async (request) => {
    const partnerId = param(request.query, 'partner_id') ?? '';
    const type = param(request.query, 'type') ?? '';
    const partner = INTEGER_ID.test(partnerId) ? await deps.book.partner(partnerId) : undefined;
    if (!partner) return refusal(101);
    const hash = param(request.query, 'hash') ?? '';
    if (!isSignedBy(hash, 'GetListGames', [partnerId, type], partner.apiKey)) return refusal(10);
    if (type !== 'web_slot') return refusal(15);
    const games = GAMES.map((game) => ({
      id: game.id,
      title: game.title,
      url: '/game',
      icon: iconPath(game),
      class: game.class,
    }));
    return { code: 0, message: MESSAGES[0], games };
  });

  app.get('/game', async (request, reply) => {
    const { query } = request;
    const launch = await launchGame(deps, {
      partnerId: param(query, 'partner_id'),
      gameId: param(query, 'game_id'),
      currency: param(query, 'currency'),
      playerId: param(query, 'player_id'),
      token: param(query, 'token'),
    });
    if (!launch.ok) return launch.refusal;
    const { session, game } = launch;
    const view = await loadView(deps, session.sessionId);
    const shown = view ?? viewOf(session, game, undefined, []);
    return sendPage(reply, gamePage(session, game, shown, deps.assets));
  });
}

function sendPage(reply: FastifyReply, page: string): FastifyReply {
  return (
    reply
      .type('text/html; charset=utf-8')
      // Played in the casino's iframe, hence no frame-ancestors.
      .header('content-security-policy', "default-src 'self'; base-uri 'none'; form-action 'none'")
      // The address holds the player's token.
      .header('referrer-policy', 'no-referrer')
      .send(page)
  );
}

/** What the game page asks for: a session's state, its last rounds, and a spin. */
export function addPlayApi(app: FastifyInstance, deps: RouteDeps): void {
  const { book, runner, settings } = deps;

  app.get<{ Params: { session: string } }>('/play/:session', async (request, reply) => {
    const view = await loadView(deps, request.params.session);
    return view ?? reply.code(404).send({ error: NO_SESSION });
  });

  app.get<{ Params: { session: string } }>('/play/:session/rounds', async (request, reply) => {
    const session = await book.session(request.params.session);
    if (!session) return reply.code(404).send({ error: NO_SESSION });
    return { rounds: await book.playedRounds(session) };
  });

  app.post<{ Params: { session: string } }>('/play/:session/spin', async (request, reply) => {
    const session = await book.session(request.params.session);
    const game = session && gameOf(String(session.gameId));
    if (!session || !game) return reply.code(404).send({ error: NO_SESSION });
    const text = param(request.body, 'stake') ?? '';
    const stake = parseAmount(text, session.exponent);
    if (!stake.ok || !stakesOf(session.exponent).includes(stake.minor)) {
      return reply.code(400).send({ error: 'stake: is not one of the stakes on offer.' });
    }
    const start = await book.startRound(session.sessionId, (locked) => {
      const number = locked.roundsPlayed;
      const forced = locked.forcedShapes[number % Math.max(locked.forcedShapes.length, 1)];
      return drawRound(`${locked.seed}/${String(number)}`, stake.minor, game, forced);
    });
    switch (start.is) {
      case 'no_session':
        return reply.code(404).send({ error: NO_SESSION });
      case 'busy':
        return reply
          .code(409)
          .send({ error: 'Your last spin is still being checked. No other stake was taken.' });
      case 'too_poor':
        return reply.code(402).send({
          error:
            'You have too few demo credits left for this stake. Open the game again for new ones: they are not money.',
        });
      case 'started': {
        if (start.operation) {
          const played = runner.run(start.round.roundId, start.operation);
          await Promise.race([played, sleep(settings.spinWaitMs)]);
        }
        return loadView(deps, session.sessionId);
      }
    }
  });
}

async function loadView(deps: RouteDeps, sessionId: string): Promise<SpinView | undefined> {
  const session = await deps.book.session(sessionId);
  const game = session && gameOf(String(session.gameId));
  if (!session || !game) return undefined;
  const round =
    session.lastRoundId === null ? undefined : await deps.book.round(session.lastRoundId);
  const operations = round ? await deps.book.operationsOf(round.roundId) : [];
  return viewOf(session, game, round, operations);
}

/** Whether a text names a shape of a round. */
export function isShape(text: unknown): text is Shape {
  return (SHAPES as readonly unknown[]).includes(text);
}
