import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createSyncCatalogue, syncConnection } from '../../src/activities/sync-catalogue';
import { authenticatePartner } from '../../src/db/authenticate-partner';
import {
  applyCatalogue,
  gameOf,
  gamesOf,
  productByName,
  productsFor,
} from '../../src/db/catalogue';
import { connectionApiKeys } from '../../src/db/connection-keys';
import {
  connectionByKey,
  createConnection,
  updateConnection,
  type Connection,
} from '../../src/db/connections';
import { readInstallation } from '../../src/db/installation';
import type { Office } from '../../src/db/office';
import { agentSecretOf } from '../../src/db/partner-secrets';
import {
  createPartner,
  listPartners,
  partnerByPrefix,
  updatePartner,
  type Partner,
} from '../../src/db/partners';
import { findOrCreatePlayer, playerById, playerByUserAgent } from '../../src/db/players';
import { createPool, type Pool } from '../../src/db/pool';
import {
  authorizeSession,
  createSession,
  endSession,
  LAUNCH_TOKEN_MS,
  sessionByToken,
  sessionState,
  touchSession,
} from '../../src/db/sessions';
import { transaction } from '../../src/db/transaction';
import { isDatabaseUnavailable } from '../../src/db/unavailable';
import { assert } from '../../src/lib/assert';
import { createEgressGuard } from '../../src/lib/egress';
import { createTestDatabase, type TestDatabase } from '../support/postgres';
import { testOffice, testVault } from '../support/test-office';

let database: TestDatabase;
let pool: Pool;
let office: Office;
let numbers = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool({ databaseUrl: database.url, max: 8 });
  office = await testOffice(pool);
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

// Each test has parties of its own, so that the tests of this file share one database.
async function newPartner(settings: unknown = {}): Promise<Partner & { apiKey: string }> {
  const prefix = `P${String(++numbers)}`.padEnd(4, 'X');
  const { apiKey } = await createPartner(office, {
    prefix,
    currency: 'EUR',
    walletUrl: 'https://wallet.example.com/callbacks/',
    settings,
  });
  const partner = await partnerByPrefix(pool, prefix);
  assert(partner, 'just made');
  return { ...partner, apiKey };
}

function newConnection(baseUrl = 'https://games.example.com'): Promise<Connection> {
  return createConnection(office, {
    key: `c${String(++numbers)}`,
    dialect: 'web-games',
    baseUrl,
    partnerId: '7',
    apiKey: 'secret',
  });
}

function game(gameId: string, className: string) {
  return {
    gameId,
    title: `Game ${gameId}`,
    className,
    iconUrl: `https://games.example.com/${gameId}.png`,
    launchPath: '/game',
  };
}

describe('partners', () => {
  test('a partner is created with defaults, a key and a secret', async () => {
    const { apiKey, ...partner } = await newPartner();
    expect(partner).toMatchObject({
      currency: 'EUR',
      exponent: 2,
      walletUrl: 'https://wallet.example.com/callbacks',
      ipWhitelist: [],
      status: 'active',
    });
    expect(partner.settings.wallet_attempt_timeout_ms).toBe(2_000);
    expect(apiKey).toMatch(/^rh_live_[a-z0-9]{12}_[A-Za-z0-9]{43}_[A-Za-z0-9]{6}$/);
    expect(await agentSecretOf(pool, office.vault, partner.id)).toMatch(/^[0-9a-f]{64}$/);
    expect((await listPartners(pool)).map(({ prefix }) => prefix)).toContain(partner.prefix);
  });

  test('a key opens its own partner only, whole, and until it expires', async () => {
    const partner = await newPartner();
    const found = await authenticatePartner(pool, office.vault, partner.apiKey);
    expect(found?.partner.prefix).toBe(partner.prefix);
    const last = partner.apiKey.slice(-1) === 'A' ? 'B' : 'A';
    expect(
      await authenticatePartner(pool, office.vault, partner.apiKey.slice(0, -1) + last),
    ).toBeUndefined();
    expect(
      await authenticatePartner(pool, office.vault, partner.apiKey.slice(0, -1)),
    ).toBeUndefined();
    expect(await authenticatePartner(pool, office.vault, '')).toBeUndefined();
    await pool.query('UPDATE partner_keys SET expires_at = now() WHERE key_id = $1', [
      found?.keyId,
    ]);
    expect(await authenticatePartner(pool, office.vault, partner.apiKey)).toBeUndefined();
  });

  test('the book has no key in clear', async () => {
    const { apiKey, id } = await newPartner();
    const { rows } = await pool.query<{ row: string }>(
      'SELECT row_to_json(k)::text AS row FROM partner_keys k WHERE partner_id = $1',
      [id],
    );
    expect(rows[0]?.row).not.toContain(apiKey.slice(21, 64));
  });

  test.each([
    ['prefix', { prefix: 'lag1' }],
    ['prefix', { prefix: 'X' }],
    ['prefix', { prefix: 'ABCDEFGHIJK' }],
    ['currency', { currency: 'eur' }],
    ['currency', { currency: 'BTC' }],
    ['currency', { currency: 'CFA' }],
    ['currency', { currency: 'DMO' }],
    ['wallet_url', { walletUrl: 'wallet.example.com' }],
    ['wallet_url', { walletUrl: 'ftp://wallet.example.com' }],
    ['wallet_url', { walletUrl: 'https://me:secret@wallet.example.com' }],
    ['wallet_url', { walletUrl: 'https://wallet.example.com/?a=1' }],
    ['ip_whitelist', { ipWhitelist: ['203.0.113.10', '203.0.113.0/40'] }],
    ['ip_whitelist', { ipWhitelist: ['203.0.113.10', '10.1.2.3/8'] }],
    ['ip_whitelist', { ipWhitelist: ['0.0.0.0/0'] }],
    ['settings', { settings: { no_such_setting: 1 } }],
    ['settings', { settings: [] }],
  ])('a bad %s is refused by name, and nothing is created (%j)', async (field, bad) => {
    const before = await listPartners(pool);
    await expect(
      createPartner(office, {
        prefix: 'BAD1',
        currency: 'EUR',
        walletUrl: 'https://wallet.example.com',
        ...bad,
      }),
    ).rejects.toMatchObject({ name: 'RefusedError', field });
    expect(await listPartners(pool)).toEqual(before);
  });

  test('a prefix is used once', async () => {
    const { prefix } = await newPartner();
    await expect(
      createPartner(office, { prefix, currency: 'EUR', walletUrl: 'https://w.example.com' }),
    ).rejects.toMatchObject({ field: 'prefix' });
  });

  test('an update changes what it names, replaces the list and merges the settings', async () => {
    const { prefix } = await newPartner({ max_in_flight: 5 });
    await updatePartner(office, prefix, { ipWhitelist: ['10.0.0.0/8', '10.0.0.0/8'] });
    const updated = await updatePartner(office, prefix, { settings: { bet_end: false } });
    expect(updated.ipWhitelist).toEqual(['10.0.0.0/8']);
    expect(updated.settings).toMatchObject({ max_in_flight: 5, bet_end: false });
    expect(await updatePartner(office, prefix, { ipWhitelist: [] })).toMatchObject({
      ipWhitelist: [],
    });
    await expect(updatePartner(office, 'NOPE', {})).rejects.toMatchObject({ field: 'prefix' });
    await expect(
      updatePartner(office, prefix, { settings: { max_in_flight: 0 } }),
    ).rejects.toMatchObject({ field: 'settings' });
  });

  test('a currency keeps the exponent it was first used with', async () => {
    await pool.query(`INSERT INTO currencies (code, exponent) VALUES ('JPY', 2)`);
    await expect(
      createPartner(office, {
        prefix: 'JPY1',
        currency: 'JPY',
        walletUrl: 'https://w.example.com',
      }),
    ).rejects.toMatchObject({ field: 'currency' });
    await expect(pool.query(`UPDATE currencies SET exponent = 0`)).rejects.toThrow(/never/);
  });

  test.each(['partners', 'players', 'connections', 'products', 'games', 'installation'])(
    'rows of %s are never deleted',
    async (table) => {
      const connection = await newConnection();
      await applyCatalogue(pool, connection, [game('1', connection.key)]);
      await findOrCreatePlayer(pool, await newPartner(), 'someone');
      await expect(pool.query(`DELETE FROM ${table}`)).rejects.toThrow(/never deleted/);
    },
  );
});

describe('players', () => {
  test('one reference is one player, with nine digits, also when asked for at once', async () => {
    const partner = await newPartner();
    const found = await Promise.all(
      Array.from({ length: 8 }, () => findOrCreatePlayer(pool, partner, '0632094194')),
    );
    expect(new Set(found.map(({ player }) => player.playerId)).size).toBe(1);
    expect(found.filter(({ created }) => created)).toHaveLength(1);
    const playerId = found[0]?.player.playerId ?? '';
    expect(playerId).toMatch(/^1\d{8}$/);
    expect(await playerById(pool, playerId)).toMatchObject({ reference: '0632094194' });
  });

  test('a reference is the partner’s own: another partner’s is another player', async () => {
    const [one, two] = [await newPartner(), await newPartner()];
    const first = await findOrCreatePlayer(pool, one, 'same');
    const second = await findOrCreatePlayer(pool, two, 'same');
    expect(first.player.playerId).not.toBe(second.player.playerId);
    expect(await playerByUserAgent(pool, one, `${one.prefix}.same`)).toEqual(first.player);
    expect(await playerByUserAgent(pool, one, `${two.prefix}.same`)).toBeUndefined();
    expect(await playerByUserAgent(pool, one, 'same')).toBeUndefined();
  });
});

describe('connections', () => {
  test('a new API key takes the place of the old one', async () => {
    const connection = await newConnection();
    const keys = async () =>
      (await connectionApiKeys(pool, office.vault, connection.id)).map(({ apiKey }) => apiKey);
    expect(await keys()).toEqual(['secret']);
    await updateConnection(office, connection.key, { apiKey: 'another' });
    expect(await keys()).toEqual(['another']);
  });

  test.each([
    ['key', { key: 'Upper' }],
    ['key', { key: '-a' }],
    ['dialect', { dialect: 'other' }],
    ['base_url', { baseUrl: 'games' }],
    ['partner_id', { partnerId: '007' }],
    ['partner_id', { partnerId: 'abc' }],
    ['api_key', { apiKey: '' }],
    ['ip_whitelist', { ipWhitelist: ['x'] }],
    ['ip_whitelist', { ipWhitelist: ['2001:db8::1/32'] }],
    ['ip_whitelist', { ipWhitelist: ['::/0'] }],
    ['settings', { settings: { answer_deadline_ms: 1 } }],
  ])('a bad %s is refused by name (%j)', async (field, bad) => {
    await expect(
      createConnection(office, {
        key: 'bad',
        dialect: 'web-games',
        baseUrl: 'https://games.example.com',
        partnerId: '7',
        apiKey: 'secret',
        ...bad,
      }),
    ).rejects.toMatchObject({ name: 'RefusedError', field });
    expect(await connectionByKey(pool, 'bad')).toBeUndefined();
  });
});

describe('the catalogue', () => {
  test('a game that vanished is switched off and kept, and comes back as it was', async () => {
    const connection = await newConnection();
    const name = `Class of ${connection.key}`;
    expect(await applyCatalogue(pool, connection, [game('1', name), game('2', name)])).toEqual({
      total: 2,
      added: 2,
      returned: 0,
      vanished: 0,
      newProducts: [name],
    });
    expect(await applyCatalogue(pool, connection, [game('1', name)])).toMatchObject({
      added: 0,
      vanished: 1,
    });
    expect(await gameOf(pool, connection, '2')).toMatchObject({ isActive: false });
    const again = await applyCatalogue(pool, connection, [game('1', name), game('2', name)]);
    expect(again).toMatchObject({ added: 0, returned: 1, vanished: 0, newProducts: [] });
    expect(await gameOf(pool, connection, '2')).toMatchObject({ isActive: true });
  });

  test('a product without an active game is not offered, yet its games can still be read', async () => {
    const partner = await newPartner();
    const connection = await newConnection();
    const [kept, lost] = [`Kept ${connection.key}`, `Lost ${connection.key}`];
    await applyCatalogue(pool, connection, [game('1', kept), game('2', lost)]);
    await applyCatalogue(pool, connection, [game('1', kept)]);
    const names = (await productsFor(pool, partner)).map(({ providerName }) => providerName);
    expect(names).toContain(kept);
    expect(names).not.toContain(lost);
    const product = await productByName(pool, partner, lost);
    assert(product, 'it is still known');
    expect(await gamesOf(pool, product)).toMatchObject([{ gameId: '2', isActive: false }]);
  });

  test('a class name that is taken gets the connection behind it, and keeps it', async () => {
    const [one, two] = [await newConnection(), await newConnection()];
    const name = `Shared ${one.key}`;
    await applyCatalogue(pool, one, [game('1', name)]);
    const change = await applyCatalogue(pool, two, [game('1', name)]);
    expect(change.newProducts).toEqual([`${name} (${two.key})`]);
    await applyCatalogue(pool, one, []);
    expect((await applyCatalogue(pool, two, [game('1', name)])).newProducts).toEqual([]);
  });

  test('a partner with a product list, or a suspended connection, is offered less', async () => {
    const connection = await newConnection();
    const [a, b] = [`A ${connection.key}`, `B ${connection.key}`];
    await applyCatalogue(pool, connection, [game('1', a), game('2', b)]);
    const partner = await newPartner({ products: [a] });
    expect((await productsFor(pool, partner)).map((product) => product.providerName)).toEqual([a]);
    expect(await productByName(pool, partner, b)).toBeUndefined();
    await updateConnection(office, connection.key, { status: 'suspended' });
    expect(await productsFor(pool, partner)).toEqual([]);
  });
});

describe('taking over a provider’s catalogue', () => {
  let provider: Server;
  let answer: string;
  const log = { info: () => undefined, warn: () => undefined };
  const egress = createEgressGuard({ allowHttp: true, allowCidrs: [] });
  const icon = '/icon/1.jpg';

  beforeAll(async () => {
    provider = createServer((_request, response) => response.end(answer));
    await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => new Promise((resolve) => provider.close(resolve)));

  const baseUrl = () => `http://127.0.0.1:${String((provider.address() as AddressInfo).port)}`;
  const listOf = (...ids: number[]) =>
    JSON.stringify({
      code: 0,
      message: 'Ok',
      games: ids.map((id) => ({ id, title: `G${String(id)}`, url: '/game', icon, class: 'Live' })),
    });

  test('a good answer is taken over whole, its icons absolute', async () => {
    const connection = await newConnection(baseUrl());
    answer = listOf(11, 12);
    const result = await syncConnection({ pool, vault: office.vault, egress, log }, connection.key);
    expect(result).toMatchObject({ connection: connection.key, total: 2, added: 2 });
    expect(await gameOf(pool, connection, '11')).toMatchObject({
      title: 'G11',
      iconUrl: `${baseUrl()}/icon/1.jpg`,
      launchPath: '/game',
      isActive: true,
    });
    expect(await connectionByKey(pool, connection.key)).toMatchObject({
      catalogueSyncedAt: expect.any(Date) as Date,
      catalogueError: null,
    });
  });

  test('a bad answer leaves the last good copy, and the reason beside the connection', async () => {
    const connection = await newConnection(baseUrl());
    answer = listOf(11);
    await syncConnection({ pool, vault: office.vault, egress, log }, connection.key);
    for (answer of ['<html>', '{"code":10,"message":"Hash mismatch"}', '{"code":0,"games":[{}]}']) {
      await expect(
        syncConnection({ pool, vault: office.vault, egress, log }, connection.key),
      ).rejects.toThrow(`GetListGames of ${connection.key}: `);
      expect(await gameOf(pool, connection, '11')).toMatchObject({ isActive: true });
    }
    expect((await connectionByKey(pool, connection.key))?.catalogueError).toMatch(/^game 1: /);
    answer = listOf(11);
    await syncConnection({ pool, vault: office.vault, egress, log }, connection.key);
    expect((await connectionByKey(pool, connection.key))?.catalogueError).toBeNull();
  });

  test('the schedule asks active connections only', async () => {
    const [active, suspended] = [await newConnection(), await newConnection()];
    await updateConnection(office, suspended.key, { status: 'suspended' });
    const keys = await createSyncCatalogue({
      pool,
      vault: office.vault,
      egress,
      log,
    }).listConnectionsToSync();
    expect(keys).toContain(active.key);
    expect(keys).not.toContain(suspended.key);
    await expect(
      syncConnection({ pool, vault: office.vault, egress, log }, 'nope'),
    ).rejects.toMatchObject({
      name: 'RefusedError',
    });
  });
});

describe('sessions', () => {
  const IDLE_MS = 60_000;
  const start = Date.UTC(2026, 5, 4, 9, 30);

  async function launch() {
    const partner = await newPartner();
    const connection = await newConnection();
    await applyCatalogue(pool, connection, [game('1', `Class ${connection.key}`)]);
    const product = (await productsFor(pool, partner)).find(
      ({ connectionId }) => connectionId === connection.id,
    );
    assert(product, 'just made');
    const { player } = await findOrCreatePlayer(pool, partner, 'someone');
    const { token, session } = await createSession(pool, {
      playerId: player.playerId,
      partnerId: partner.id,
      connectionId: connection.id,
      productId: product.id,
      gameId: '1',
      currency: 'EUR',
      isDemo: false,
      isMobile: true,
      redirectUrl: 'https://casino.example.com/',
      nowMs: start,
    });
    const now = async () => {
      const context = await sessionByToken(pool, token);
      assert(context, 'a session stays');
      return context;
    };
    return { token, session, partner, connection, player, now };
  }

  test('a token leads to its session and everyone it concerns; only its digest is kept', async () => {
    const { token, session, partner, connection, player, now } = await launch();
    expect(token).toMatch(/^[A-Za-z][A-Za-z0-9_-]{31,}$/);
    const context = await now();
    expect(context.session).toEqual(session);
    expect(context.player).toEqual(player);
    expect(context.partner).toMatchObject({ id: partner.id, prefix: partner.prefix, exponent: 2 });
    expect(context.connection).toMatchObject({ id: connection.id, key: connection.key });
    expect(await sessionByToken(pool, `${token}x`)).toBeUndefined();
    const { rows } = await pool.query<{ row: string }>(
      'SELECT row_to_json(s)::text AS row FROM sessions s WHERE id = $1',
      [session.id],
    );
    expect(rows[0]?.row).not.toContain(token.slice(1));
  });

  test('a launch waits ten minutes for its first Authorization', async () => {
    const { session } = await launch();
    const end = start + LAUNCH_TOKEN_MS;
    expect(sessionState(session, IDLE_MS, end - 1)).toBe('launchable');
    expect(sessionState(session, IDLE_MS, end)).toBe('launch_expired');
    expect(await authorizeSession(pool, session, IDLE_MS, end)).toBe(false);
    expect(await authorizeSession(pool, session, IDLE_MS, end - 1)).toBe(true);
  });

  test('an authorized session lives while it is used, and no longer', async () => {
    const { session, now } = await launch();
    await authorizeSession(pool, session, IDLE_MS, start + 1_000);
    const afterwards = start + LAUNCH_TOKEN_MS;
    expect(sessionState((await now()).session, IDLE_MS, start + 60_999)).toBe('live');
    expect(sessionState((await now()).session, IDLE_MS, start + 61_000)).toBe('idle');
    await touchSession(pool, (await now()).session, IDLE_MS, start + 50_000);
    expect(sessionState((await now()).session, IDLE_MS, start + 109_999)).toBe('live');
    expect(await authorizeSession(pool, session, IDLE_MS, start + 100_000)).toBe(true);
    expect(await authorizeSession(pool, session, IDLE_MS, afterwards)).toBe(false);
  });

  test('an ended session stays ended', async () => {
    const { session, now } = await launch();
    await endSession(pool, session, start + 5_000);
    await endSession(pool, session, start + 9_000);
    const { session: ended } = await now();
    expect(ended.endedAt).toEqual(new Date(start + 5_000));
    expect(sessionState(ended, IDLE_MS, start + 5_001)).toBe('ended');
    expect(await authorizeSession(pool, session, IDLE_MS, start + 5_001)).toBe(false);
  });
});

describe('the pool', () => {
  test('a transaction whose work fails leaves nothing, and gives its connection back', async () => {
    const single = createPool({ databaseUrl: database.url, max: 1 });
    const insert = `INSERT INTO currencies (code, exponent) VALUES ('XXT', 2)`;
    await expect(
      transaction(single, async (client) => {
        await client.query(insert);
        throw new Error('changed my mind');
      }),
    ).rejects.toThrow('changed my mind');
    await expect(
      transaction(single, async (client) => {
        await client.query('SELECT 1/0').catch(() => undefined);
      }),
    ).rejects.toThrow(/rolled back/);
    const { rows } = await single.query(`SELECT 1 FROM currencies WHERE code = 'XXT'`);
    expect(rows).toEqual([]);
    await single.end();
  });

  test('64-bit integers and days arrive as text', async () => {
    const { rows } = await pool.query(
      `SELECT 9007199254740993::bigint AS n, '2026-06-04'::date AS d`,
    );
    expect(rows).toEqual([{ n: '9007199254740993', d: '2026-06-04' }]);
  });

  test('a database that cannot be reached is told from a statement that is wrong', async () => {
    const nowhere = createPool({ databaseUrl: 'postgres://a:b@127.0.0.1:1/x', max: 1 });
    const unreachable: unknown = await nowhere.query('SELECT 1').catch((error: unknown) => error);
    const wrong: unknown = await pool.query('SELECT nothing').catch((error: unknown) => error);
    expect(isDatabaseUnavailable(unreachable)).toBe(true);
    expect(isDatabaseUnavailable(wrong)).toBe(false);
    await nowhere.end();
  });

  test('the installation is who it was', async () => {
    const { id } = await readInstallation(pool);
    const { linkSigningKey } = office.vault;
    expect(id).toMatch(/^[0-9a-f]{16}$/);
    expect(linkSigningKey).toHaveLength(32);
    expect((await readInstallation(pool)).id).toBe(id);
    expect((await testVault(pool)).linkSigningKey).toEqual(linkSigningKey);
  });
});
