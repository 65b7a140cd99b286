import Fastify, { type FastifyInstance, type LightMyRequestResponse } from 'fastify';
import type { Pool } from 'pg';
import { createLimits, type Limits } from '../../src/api/limits/limits';
import { createLinks, type Links } from '../../src/api/routes/pages/links';
import { pagesRoutes } from '../../src/api/routes/pages/pages-routes';
import { applyCatalogue, productsFor, type CatalogueGame } from '../../src/db/catalogue';
import { createConnection, type Connection } from '../../src/db/connections';
import type { Office } from '../../src/db/office';
import { createPartner, partnerByPrefix, type Partner } from '../../src/db/partners';
import { findOrCreatePlayer, type Player } from '../../src/db/players';
import { createPool } from '../../src/db/pool';
import { createSession } from '../../src/db/sessions';
import { createLogger } from '../../src/lib/log';
import { createTestDatabase } from './postgres';
import { testOffice } from './test-office';

/** A way back with what would break out of an attribute. */
export const REDIRECT = 'https://casino.example.org/lobby?from="game"';

/** Our pages over a book of their own, with a clock that a test may set. */
export interface TestPages {
  readonly pool: Pool;
  readonly office: Office;
  readonly app: FastifyInstance;
  readonly links: Links;
  readonly clock: { nowMs: number };
  readonly partner: Partner;
  readonly connection: Connection;
  readonly player: Player;
  readonly productId: number;
  /** Takes over a catalogue of the one product. */
  offer(games: readonly Pick<CatalogueGame, 'gameId' | 'title' | 'iconUrl'>[]): Promise<void>;
  launch(options?: Partial<Parameters<typeof createSession>[1]>): Promise<{ token: string }>;
  get(url: string): Promise<LightMyRequestResponse>;
  /** The same pages on another pool or with limits of a test's own. The caller closes them. */
  appOn(pool: Pool, limits?: Limits): Promise<FastifyInstance>;
  close(): Promise<void>;
}

export interface TestPagesOptions {
  readonly publicBaseUrl: string;
  readonly providerUrl: string;
}

export async function startTestPages(options: TestPagesOptions): Promise<TestPages> {
  const { publicBaseUrl, providerUrl } = options;
  const database = await createTestDatabase();
  const pool = createPool({ databaseUrl: database.url, max: 3 });
  const office = await testOffice(pool);
  await createPartner(office, {
    prefix: 'LAG1',
    currency: 'EUR',
    walletUrl: 'https://w.example.com',
  });
  const partner = (await partnerByPrefix(pool, 'LAG1'))!;
  const connection = await createConnection(office, {
    key: 'novo',
    dialect: 'web-games',
    baseUrl: providerUrl,
    partnerId: '42',
    apiKey: 'secret',
  });
  const offer: TestPages['offer'] = async (games) => {
    const all = games.map((game) => ({ ...game, className: 'Novomatic', launchPath: '/game' }));
    await applyCatalogue(pool, connection, all);
  };
  const games = [
    { gameId: '11', title: 'Chicago <Deluxe>', iconUrl: 'https://cdn.example.net/11.jpg' },
    { gameId: '12', title: 'Dolphins', iconUrl: null },
  ];
  await offer([...games, { gameId: '13', title: 'Gone', iconUrl: null }]);
  await offer(games);
  const [product] = await productsFor(pool, partner);
  const { player } = await findOrCreatePlayer(pool, partner, '0632094194');
  const clock = { nowMs: Date.now() };
  const now = { nowMs: () => clock.nowMs };
  const links = createLinks({ publicBaseUrl, key: Buffer.alloc(32, 7), clock: now });
  const log = createLogger('test', 'silent');

  async function appOn(onPool: Pool, limits = createLimits({ poolMax: 3, log })) {
    const app = Fastify();
    const routes = { pool: onPool, publicBaseUrl, links, clock: now, log, limits };
    await app.register(pagesRoutes(routes));
    return app;
  }

  const app = await appOn(pool);
  return {
    ...{ pool, office, app, links, clock, partner, connection, player, offer, appOn },
    productId: product!.id,
    launch: (own) =>
      createSession(pool, {
        playerId: player.playerId,
        partnerId: partner.id,
        connectionId: connection.id,
        productId: product!.id,
        gameId: '11',
        currency: 'EUR',
        isDemo: false,
        isMobile: false,
        redirectUrl: REDIRECT,
        nowMs: clock.nowMs,
        ...own,
      }),
    get: (url) => app.inject({ method: 'GET', url }),
    async close() {
      await app.close();
      await pool.end();
      await database.drop();
    },
  };
}
