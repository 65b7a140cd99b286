import { applyCatalogue, productsFor } from '../../src/db/catalogue';
import { createConnection } from '../../src/db/connections';
import { createPartner, partnerByPrefix } from '../../src/db/partners';
import { findOrCreatePlayer } from '../../src/db/players';
import type { Pool } from '../../src/db/pool';
import { authorizeSession, createSession } from '../../src/db/sessions';
import { testOffice } from '../support/test-office';
import type { Scenario } from './scenarios';

export const PARTNERS = ['CHA1', 'CHA2', 'CHA3'] as const;
export type PartnerPrefix = (typeof PARTNERS)[number];

/** The partner whose wallet dies alone, so that the others can be seen not to suffer. */
export const NOISY_PARTNER: PartnerPrefix = 'CHA3';

export const CONNECTION_KEY = 'chaos';
export const CONNECTION_API_KEY = 'chaos-connection-key';

/** One attempt of a wallet call. */
export const WALLET_ATTEMPT_MS = 400;

const PLAYERS_PER_PARTNER = 4;
const GAMES = ['11', '12', '13', '14'];
const DAY_MS = 86_400_000;

/** One player with an authorised session, as the provider knows them. */
export interface ChaosPlayer {
  readonly id: string;
  readonly token: string;
  readonly partner: string;
  readonly gameIds: readonly string[];
}

export interface World {
  readonly players: readonly ChaosPlayer[];
  /** By prefix; the wallet checks our signatures with them. */
  readonly secrets: Readonly<Record<string, string>>;
}

/** Durations scaled down, so that every wait of the rules comes up many times in a minute. */
const PARTNER_SETTINGS = {
  wallet_attempt_timeout_ms: WALLET_ATTEMPT_MS,
  breaker: { window_ms: 2_000, open_ms_min: 500, open_ms_max: 2_000 },
};
const CONNECTION_SETTINGS = {
  answer_deadline_ms: 1_500,
  revive_window_ms: 3_000,
  close_grace_ms: 300,
  idle_close_ms: 20_000,
  session_idle_ms: DAY_MS,
};

/** Makes partners, connection, games, players and sessions in an empty, migrated book. */
export async function makeWorld(
  pool: Pool,
  scenario: Scenario,
  walletUrlOf: (prefix: PartnerPrefix) => string,
): Promise<World> {
  const secrets: Record<string, string> = {};
  const office = await testOffice(pool);
  for (const prefix of PARTNERS) {
    const { agentSecret } = await createPartner(office, {
      prefix,
      currency: 'EUR',
      walletUrl: walletUrlOf(prefix),
      settings: { ...PARTNER_SETTINGS, dedup_before_funds: scenario.certified },
    });
    secrets[prefix] = agentSecret;
  }
  const connection = await createConnection(office, {
    key: CONNECTION_KEY,
    dialect: 'web-games',
    // Nobody listens there: the catalogue is put into the book below, and stays as it is.
    baseUrl: 'http://127.0.0.1:9',
    partnerId: '7',
    apiKey: CONNECTION_API_KEY,
    settings: CONNECTION_SETTINGS,
  });
  await applyCatalogue(
    pool,
    connection,
    GAMES.map((gameId) => ({
      gameId,
      title: `Game ${gameId}`,
      launchPath: '/game',
      iconUrl: null,
      className: 'Chaos',
    })),
  );
  const players: ChaosPlayer[] = [];
  for (const prefix of PARTNERS) {
    const partner = await partnerByPrefix(pool, prefix);
    if (!partner) throw new Error(`no partner ${prefix}`);
    const [product] = await productsFor(pool, partner);
    if (!product) throw new Error('no product');
    for (let number = 1; number <= PLAYERS_PER_PARTNER; number++) {
      const { player } = await findOrCreatePlayer(pool, partner, `player${String(number)}`);
      const nowMs = Date.now();
      const { token, session } = await createSession(pool, {
        playerId: player.playerId,
        partnerId: partner.id,
        connectionId: connection.id,
        productId: product.id,
        gameId: GAMES[0] ?? '',
        currency: 'EUR',
        isDemo: false,
        isMobile: false,
        nowMs,
      });
      await authorizeSession(pool, session, DAY_MS, nowMs);
      players.push({ id: player.playerId, token, partner: prefix, gameIds: GAMES });
    }
  }
  return { players, secrets };
}
