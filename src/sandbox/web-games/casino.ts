import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';

/** What the headless driver needs of `demo.json`, which `npm start` writes. */
const DEMO = z.object({
  api: z.string(),
  partner: z.object({ prefix: z.string(), api_key: z.string() }),
  connection: z.object({ partner_id: z.coerce.string() }),
  storefront: z.string(),
});

export type Demo = z.output<typeof DEMO>;

/** Something between the driver and a played round is not there, or not as expected. */
export class InterruptedError extends Error {
  override name = 'InterruptedError';
}

/**
 * Reads the addresses of the running stack.
 *
 * @throws InterruptedError in plain words when `npm start` has not written them
 */
export function readDemo(home: string): Demo {
  const file = path.join(home, 'demo.json');
  try {
    return DEMO.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    const why = error instanceof Error ? error.message.split('\n')[0] : String(error);
    throw new InterruptedError(`cannot read ${file} (${why}); is \`npm start\` running?`);
  }
}

export interface CasinoGame {
  readonly gameId: string;
  readonly provider: string;
}

export type Casino = ReturnType<typeof createCasino>;

const CALL_TIMEOUT_MS = 30_000;

/** Sends a request and reads JSON; every failure is an InterruptedError that names the address, without its query. */
export async function askJson(
  url: string,
  init: { method?: string; headers?: Record<string, string>; body?: unknown } = {},
): Promise<{ status: number; body: unknown }> {
  const where = url.split('?')[0] ?? url;
  try {
    const response = await fetch(url, {
      method: init.method ?? 'GET',
      headers: {
        ...(init.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...init.headers,
      },
      ...(init.body === undefined ? {} : { body: JSON.stringify(init.body) }),
      signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
    });
    return { status: response.status, body: await response.json() };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new InterruptedError(
      `${where}: ${cause instanceof Error ? cause.message || cause.name : String(cause)}`,
    );
  }
}

/** The demo casino's side of a launch: the partner document's calls, and the way a phone's browser follows. */
export function createCasino(demo: Demo) {
  const headers = { 'x-api-key': demo.partner.api_key, 'x-api-prefix': demo.partner.prefix };

  async function call(method: string, where: string, body?: unknown): Promise<unknown> {
    const url = demo.api.replace(/\/+$/, '') + where;
    const answer = await askJson(url, { method, headers, body });
    if (answer.status !== 200) {
      throw new InterruptedError(
        `${where}: HTTP ${String(answer.status)} ${JSON.stringify(answer.body)}`,
      );
    }
    return answer.body;
  }

  return {
    /** Registers a player (again) and returns the handle for all further calls. */
    async createPlayer(reference: string): Promise<string> {
      const body = await call('POST', '/create-user', { user_agent: reference });
      return z.object({ user_agent: z.string() }).parse(body).user_agent;
    },

    /** Every active game of every product, in the order of product name and game id. */
    async games(): Promise<CasinoGame[]> {
      const products = z
        .array(z.object({ provider_name: z.string() }))
        .parse(await call('GET', '/game/provider'));
      const games: CasinoGame[] = [];
      for (const { provider_name: provider } of products) {
        const list = z
          .object({ items: z.array(z.object({ game_id: z.string(), is_active: z.boolean() })) })
          .parse(await call('POST', '/game/list', { game_provider: provider, mobile: true }));
        for (const item of list.items) {
          if (item.is_active) games.push({ gameId: item.game_id, provider });
        }
      }
      const key = (game: CasinoGame) => `${game.provider}\u0000${game.gameId.padStart(12, '0')}`;
      return games.sort((a, b) => (key(a) < key(b) ? -1 : 1));
    },

    /** Opens a game as a phone does: launch link, redirect, game page. Returns where to play. */
    async openGame(player: string, game: CasinoGame): Promise<{ origin: string; play: string }> {
      const opened = await call('POST', '/game/open-game', {
        user_agent: player,
        game_provider: game.provider,
        game_id: game.gameId,
        mobile: true,
      });
      const { url } = z.object({ url: z.string() }).parse(opened);
      const launch = await follow(url);
      const location = launch.headers.get('location');
      if (launch.status !== 302 || !location) {
        throw new InterruptedError(`the launch link answered HTTP ${String(launch.status)}`);
      }
      const address = new URL(location, url);
      const page = await (await follow(address.href)).text();
      const play = /data-play="([\w-]+)"/.exec(page)?.[1];
      if (!play) throw new InterruptedError(`the game did not open: ${page.slice(0, 200)}`);
      return { origin: address.origin, play };
    },

    async topUp(player: string, amount: string): Promise<void> {
      const url = `${demo.storefront.replace(/\/+$/, '')}/sandbox/topup`;
      const answer = await askJson(url, { method: 'POST', body: { user_agent: player, amount } });
      if (answer.status !== 200) {
        throw new InterruptedError(`${url}: HTTP ${String(answer.status)}`);
      }
    },
  };
}

async function follow(url: string): Promise<Response> {
  try {
    return await fetch(url, {
      redirect: 'manual',
      signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
    });
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new InterruptedError(`${url.split('?')[0] ?? url}: ${why}`);
  }
}
