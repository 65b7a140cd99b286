import type { Game } from '../../../db/catalogue';
import type { SessionContext } from '../../../db/sessions';
import { DEMO_CURRENCY } from '../../../domain/currency';
import { gameUrl } from '../../../protocols/web-games/client';

/** The provider's page of a game. A demo goes without player and token: the provider then calls nobody (provider document, Demo mode). */
export function providerUrl(
  { session, connection }: SessionContext,
  game: Game,
  token: string,
): string {
  return gameUrl({
    baseUrl: connection.baseUrl,
    partnerId: connection.partnerId,
    gamePath: game.launchPath,
    gameId: game.gameId,
    ...(session.language !== null && { language: session.language }),
    ...(session.isDemo
      ? { currency: DEMO_CURRENCY }
      : { currency: session.currency, playerId: session.playerId, token }),
  });
}
