import { runCli } from '../support/four-books';
import type { TestStack } from '../support/stack';
import { createTestProvider } from '../support/test-provider';

/** What really exists in a stack: without it, a fuzzer only ever sees the door. */
export interface Facts {
  readonly prefix: string;
  readonly user_agents: readonly string[];
  readonly games: readonly { readonly product: string; readonly game_id: string }[];
  readonly bet_ids: readonly string[];
  readonly connection: string;
  readonly connection_api_key: string;
  readonly sessions: readonly {
    readonly player: string;
    readonly token: string;
    readonly game: string;
  }[];
}

const PLAYERS = ['fuzz1', 'fuzz2', 'fuzz3'];

/** Makes players with accounts at the sandbox casino, a session and a bet for each; names what is there. */
export async function gatherFacts(stack: TestStack): Promise<Facts> {
  const { api, partner, connection, storefront } = stack.demo();
  const ask = async (path: string, body?: object): Promise<unknown> => {
    const response = await fetch(`${api}${path}`, {
      method: body ? 'POST' : 'GET',
      headers: { 'x-api-key': partner.api_key, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    });
    if (response.status !== 200) throw new Error(`${path}: HTTP ${response.status}`);
    return response.json();
  };
  const [product] = (await ask('/game/provider')) as { provider_name: string }[];
  if (!product) throw new Error('the catalogue is empty');
  const { items } = (await ask('/game/list', { game_provider: product.provider_name })) as {
    items: { game_id: string }[];
  };
  const games = items.map(({ game_id }) => ({ product: product.provider_name, game_id }));
  const game = games[0]?.game_id ?? '';

  const userAgents: string[] = [];
  const sessions: Facts['sessions'][number][] = [];
  const betIds: string[] = [];
  const provider = createTestProvider(() => connection.callback_base, connection.api_key);
  for (const reference of PLAYERS) {
    // The casino opens a player's account when they log in.
    const login = await fetch(`${storefront}/login`, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams({ reference }),
    });
    if (login.status !== 303) throw new Error(`the casino's login: HTTP ${login.status}`);
    const userAgent = `${partner.prefix}.${reference}`;
    userAgents.push(userAgent);
    const { url } = (await ask('/game/open-game', {
      user_agent: userAgent,
      game_provider: product.provider_name,
      game_id: game,
      mobile: true,
    })) as { url: string };
    const launch = await fetch(url, { redirect: 'manual' });
    const query = new URL(launch.headers.get('location') ?? '').searchParams;
    const [player, token] = [query.get('player_id') ?? '', query.get('token') ?? ''];
    sessions.push({ player, token, game });
    const stake = { token, player, game, round: '1', transaction: '1', amount: '1' };
    const { code } = await provider.credit(stake);
    if (code !== 0) throw new Error(`the first stake of ${userAgent} got code ${code}`);
    const shown = runCli(stack, ['round', 'show', `${connection.key}/${player}/1`]).json;
    betIds.push(...(JSON.stringify(shown).match(/\b[0-9a-f]{24}\b/g) ?? []).slice(0, 1));
  }
  if (betIds.length < PLAYERS.length) throw new Error('the CLI shows no bet id');
  return {
    prefix: partner.prefix,
    user_agents: userAgents,
    games,
    bet_ids: betIds,
    connection: connection.key,
    connection_api_key: connection.api_key,
    sessions,
  };
}
