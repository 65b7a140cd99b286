import { createCasino, type Demo } from '../../src/sandbox/web-games/casino';
import type { TestStack } from './stack';

/** A bet as the wallet's own book has it. */
export interface WalletBet {
  readonly bet_id: string;
  readonly user_agent: string;
  readonly bet: string;
  readonly settled: string | null;
  readonly ended: boolean;
  readonly win_balance: string | null;
}

export interface WalletFault {
  readonly endpoint: string;
  readonly mode: string;
  readonly count?: number;
  readonly delay_ms?: number;
}

/** Switches a fault of the wallet on, as its switchboard would. */
export async function setFault(stack: TestStack, fault: WalletFault): Promise<void> {
  await ask(stack, '/sandbox/faults', fault);
}

/** A player's bets in the wallet's own book, the oldest first. */
export async function betsOf(stack: TestStack, player: string): Promise<WalletBet[]> {
  const { bets } = (await ask(stack, '/sandbox/book?limit=1000')) as { bets: WalletBet[] };
  return bets.filter(({ user_agent }) => user_agent === player);
}

/** Does what a casino does for a launch on a desktop; answers the page that opens the game, or for '0' a lobby. */
export async function openGame(
  stack: TestStack,
  reference: string,
  gameId: string,
): Promise<{ player: string; url: string }> {
  const { api, partner } = stack.demo();
  const call = async (path: string, body?: unknown): Promise<unknown> => {
    const response = await fetch(`${api}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        'content-type': 'application/json',
        'x-api-key': partner.api_key,
        'x-api-prefix': partner.prefix,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${path}: HTTP ${String(response.status)}`);
    return response.json();
  };
  const casino = createCasino(stack.demo() as unknown as Demo);
  const player = await casino.createPlayer(reference);
  const games = await casino.games();
  const game = gameId === '0' ? games[0] : games.find((one) => one.gameId === gameId);
  if (game === undefined) throw new Error(`no game ${gameId}`);
  const { url } = (await call('/game/open-game', {
    user_agent: player,
    game_provider: game.provider,
    game_id: gameId,
    mobile: false,
  })) as { url: string };
  return { player, url };
}

async function ask(stack: TestStack, path: string, body?: unknown): Promise<unknown> {
  const response = await fetch(
    `http://127.0.0.1:${String(stack.ports.SANDBOX_PARTNER_PORT)}${path}`,
    body === undefined
      ? {}
      : {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        },
  );
  if (!response.ok) throw new Error(`${path}: HTTP ${String(response.status)}`);
  return response.json();
}
