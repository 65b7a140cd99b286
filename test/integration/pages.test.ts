/**
 * The pages players see, over a real book: what a launch link opens, what the lobby offers, what a result
 * link shows, and what none of them may leak.
 */
import Fastify, { type FastifyInstance } from 'fastify';
import type { Pool } from 'pg';
import { createLimits } from '../../src/api/limits/limits';
import { createLinks, ROUND_LINK_MS } from '../../src/api/routes/pages/links';
import { pagesRoutes } from '../../src/api/routes/pages/pages-routes';
import { applyCatalogue, productsFor } from '../../src/db/catalogue';
import { createConnection, updateConnection, type Connection } from '../../src/db/connections';
import type { Office } from '../../src/db/office';
import { createPartner, partnerByPrefix, updatePartner, type Partner } from '../../src/db/partners';
import { findOrCreatePlayer, setPlayerBlocked, type Player } from '../../src/db/players';
import { createPool } from '../../src/db/pool';
import { createSession, endSession, LAUNCH_TOKEN_MS, sessionByToken } from '../../src/db/sessions';
import { createLogger } from '../../src/lib/log';
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../support/postgres';
import { testOffice } from '../support/test-office';

const BASE = 'https://play.example.com';
const PROVIDER = 'https://games.example.net';
const BET = '64aa6ac13b909c3b91986abe';
const CARRIER = '0123456789abcdef01234567';
const REDIRECT = 'https://casino.example.org/lobby?from="game"';

let database: TestDatabase;
let pool: Pool;
let office: Office;
let app: FastifyInstance;
let partner: Partner;
let connection: Connection;
let player: Player;
let productId: number;
let nowMs = Date.now();

const clock = { nowMs: () => nowMs };
const links = createLinks({ publicBaseUrl: BASE, key: Buffer.alloc(32, 7), clock });

beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool({ databaseUrl: database.url, max: 3 });
  office = await testOffice(pool);
  await createPartner(office, {
    prefix: 'LAG1',
    currency: 'EUR',
    walletUrl: 'https://w.example.com',
  });
  partner = (await partnerByPrefix(pool, 'LAG1'))!;
  connection = await createConnection(office, {
    key: 'novo',
    dialect: 'web-games',
    baseUrl: `${PROVIDER}/api`,
    partnerId: '42',
    apiKey: 'secret',
  });
  const game = (gameId: string, title: string, iconUrl: string | null) => ({
    gameId,
    title,
    className: 'Novomatic',
    iconUrl,
    launchPath: '/game',
  });
  const all = [
    game('11', 'Chicago <Deluxe>', 'https://cdn.example.net/11.jpg'),
    game('12', 'Dolphins', null),
  ];
  await applyCatalogue(pool, connection, [...all, game('13', 'Gone', null)]);
  await applyCatalogue(pool, connection, all);
  productId = (await productsFor(pool, partner))[0]!.id;
  player = (await findOrCreatePlayer(pool, partner, '0632094194')).player;

  app = await appOn(pool);
});

async function appOn(
  onPool: Pool,
  limits = createLimits({ poolMax: 3, log: createLogger('test', 'silent') }),
): Promise<FastifyInstance> {
  const made = Fastify();
  const log = { error: () => undefined };
  await made.register(
    pagesRoutes({ pool: onPool, publicBaseUrl: BASE, links, clock, log, limits }),
  );
  return made;
}

afterAll(async () => {
  await app.close();
  await pool.end();
  await database.drop();
});

beforeEach(() => {
  nowMs = Date.now();
});

async function launch(
  options: Partial<Parameters<typeof createSession>[1]> = {},
): Promise<{ token: string }> {
  return createSession(pool, {
    playerId: player.playerId,
    partnerId: partner.id,
    connectionId: connection.id,
    productId,
    gameId: '11',
    currency: 'EUR',
    isDemo: false,
    isMobile: false,
    redirectUrl: REDIRECT,
    nowMs,
    ...options,
  });
}

const get = (url: string) => app.inject({ method: 'GET', url });

function frameUrl(body: string): URL {
  const source = /<iframe[^>]*\ssrc="([^"]*)"/.exec(body)?.[1] ?? '';
  return new URL(source.replaceAll('&amp;', '&'));
}

describe('launch', () => {
  test('a desktop sees the game in a frame, its title and the way back', async () => {
    const { token } = await launch({ language: 'eng' });
    const { statusCode, body, headers } = await get(`/launch?token=${token}`);
    expect(statusCode).toBe(200);
    const url = frameUrl(body);
    expect(url.origin + url.pathname).toBe(`${PROVIDER}/api/game`);
    expect(Object.fromEntries(url.searchParams)).toEqual({
      partner_id: '42',
      player_id: player.playerId,
      game_id: '11',
      language: 'eng',
      currency: 'EUR',
      token,
    });
    expect(body).toContain('<h1>Chicago &lt;Deluxe&gt;</h1>');
    expect(body).toContain('href="https://casino.example.org/lobby?from=&quot;game&quot;"');
    expect(headers['content-security-policy']).toContain(`frame-src ${PROVIDER};`);
  });

  test('a mobile is sent to the game itself', async () => {
    const { token } = await launch({ isMobile: true });
    const { statusCode, headers } = await get(`/launch?token=${token}`);
    expect(statusCode).toBe(302);
    expect(headers.location).toContain(`${PROVIDER}/api/game?partner_id=42&player_id=`);
    expect(headers.location).toContain(`token=${token}`);
    expect(headers['cache-control']).toBe('no-store');
    expect(headers['referrer-policy']).toBe('no-referrer');
  });

  test('a demo is opened in DMO, without player and token', async () => {
    const { token } = await launch({ isDemo: true, currency: 'DMO' });
    const { body } = await get(`/launch?token=${token}`);
    expect(Object.fromEntries(frameUrl(body).searchParams)).toEqual({
      partner_id: '42',
      game_id: '11',
      currency: 'DMO',
    });
  });

  test('without a redirect_url there is no way back to show', async () => {
    const { token } = await launch({ redirectUrl: null });
    expect((await get(`/launch?token=${token}`)).body).not.toContain('Back to casino');
  });

  test('a reload of the page opens the game again', async () => {
    const { token } = await launch();
    await get(`/launch?token=${token}`);
    expect((await get(`/launch?token=${token}`)).statusCode).toBe(200);
  });

  test('opening the page is not yet the Authorization', async () => {
    const { token } = await launch();
    await get(`/launch?token=${token}`);
    expect((await sessionByToken(pool, token))?.session.authorizedAt).toBeNull();
  });

  test('nothing inline, nothing stored, no sniffing, no referrer', async () => {
    const { token } = await launch();
    const { headers, body } = await get(`/launch?token=${token}`);
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    });
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'self'; /);
    expect(headers['content-security-policy']).not.toContain('unsafe');
    expect(body).not.toMatch(/<style|<script>|\son\w+=|\sstyle=/);
  });
});

describe('a launch that cannot be', () => {
  async function refusedWith(url: string) {
    const { statusCode, body, headers } = await get(url);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(body).not.toContain('<iframe');
    return { statusCode, body, reference: /Reference for support: (\w+)/.exec(body)?.[1] };
  }

  test('no token', async () => {
    for (const url of ['/launch', '/launch?token=', '/launch?token=a&token=b', '/lobby']) {
      expect(await refusedWith(url)).toMatchObject({
        statusCode: 400,
        reference: 'link_incomplete',
      });
    }
  });

  test('an unknown token, which is not repeated on the page', async () => {
    const token = `s${'x'.repeat(43)}`;
    const answer = await refusedWith(`/launch?token=${token}`);
    expect(answer).toMatchObject({ statusCode: 404, reference: 'link_unknown' });
    expect(answer.body).not.toContain(token);
    const script = await refusedWith('/launch?token=%3Cscript%3Ealert(1)%3C/script%3E');
    expect(script.body).not.toContain('alert');
  });

  test('ten minutes without a first Authorization', async () => {
    const { token } = await launch();
    nowMs += LAUNCH_TOKEN_MS;
    const answer = await refusedWith(`/launch?token=${token}`);
    expect(answer).toMatchObject({ statusCode: 410, reference: 'launch_expired' });
    expect(answer.body).not.toContain(token);
    expect(answer.body).toContain('Back to the casino');
  });

  test('a session that was ended', async () => {
    const { token } = await launch();
    await endSession(pool, (await sessionByToken(pool, token))!.session, nowMs);
    expect(await refusedWith(`/launch?token=${token}`)).toMatchObject({
      statusCode: 410,
      reference: 'session_over',
    });
  });

  test('a game the provider has taken off its list, or never had', async () => {
    const gone = await launch({ gameId: '13' });
    expect(await refusedWith(`/launch?token=${gone.token}`)).toMatchObject({
      statusCode: 410,
      reference: 'game_inactive',
    });
    const never = await launch({ gameId: '99' });
    expect(await refusedWith(`/launch?token=${never.token}`)).toMatchObject({
      statusCode: 404,
      reference: 'game_unknown',
    });
  });

  test('a blocked player, a suspended casino, a suspended connection', async () => {
    const { token } = await launch();
    await setPlayerBlocked(office, player.playerId, true);
    expect((await refusedWith(`/launch?token=${token}`)).reference).toBe('player_blocked');
    await setPlayerBlocked(office, player.playerId, false);
    await updatePartner(office, 'LAG1', { status: 'suspended' });
    expect((await refusedWith(`/launch?token=${token}`)).reference).toBe('partner_suspended');
    await updatePartner(office, 'LAG1', { status: 'active' });
    await updateConnection(office, 'novo', { status: 'suspended' });
    expect((await refusedWith(`/launch?token=${token}`)).reference).toBe('connection_suspended');
    await updateConnection(office, 'novo', { status: 'active' });
    expect((await get(`/launch?token=${token}`)).statusCode).toBe(200);
  });
});

describe('lobby', () => {
  test('a launch with game_id 0 leads to it, and it shows the active games', async () => {
    const { token } = await launch({ gameId: '0' });
    const first = await get(`/launch?token=${token}`);
    expect(first.statusCode).toBe(302);
    expect(first.headers.location).toBe(`/lobby?token=${token}`);
    const { statusCode, body, headers } = await get(`/lobby?token=${token}`);
    expect(statusCode).toBe(200);
    expect(body).toContain('Chicago &lt;Deluxe&gt;');
    expect(body).toContain('Dolphins');
    expect(body).not.toContain('Gone');
    expect(body).toContain('src="https://cdn.example.net/11.jpg"');
    expect(headers['content-security-policy']).toContain("img-src 'self' https://cdn.example.net;");
  });

  async function choose(token: string, gameId: string) {
    return app.inject({
      method: 'POST',
      url: '/lobby/open',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: new URLSearchParams({ token, game_id: gameId }).toString(),
    });
  }

  test('each game gets a token of its own, and a way back to the lobby', async () => {
    const { token } = await launch({ gameId: '0', language: 'eng' });
    await get(`/lobby?token=${token}`);
    const chosen = await choose(token, '12');
    expect(chosen.statusCode).toBe(303);
    const target = new URL(chosen.headers.location as string, BASE);
    const gameToken = target.searchParams.get('token')!;
    expect(gameToken).not.toBe(token);
    expect((await sessionByToken(pool, gameToken))?.session).toMatchObject({
      playerId: player.playerId,
      gameId: '12',
      currency: 'EUR',
      language: 'eng',
      redirectUrl: REDIRECT,
    });
    const { body } = await get(target.pathname + target.search);
    expect(frameUrl(body).searchParams.get('token')).toBe(gameToken);
    expect(body).toContain(`href="/lobby?token=${token}"`);

    const again = new URL((await choose(token, '12')).headers.location as string, BASE);
    expect(again.searchParams.get('token')).not.toBe(gameToken);
  });

  test('it stays open while the session lives, not only for the ten minutes of a launch', async () => {
    const { token } = await launch({ gameId: '0' });
    await get(`/lobby?token=${token}`);
    nowMs += LAUNCH_TOKEN_MS + 1_000;
    expect((await get(`/lobby?token=${token}`)).statusCode).toBe(200);
    expect((await choose(token, '11')).statusCode).toBe(303);
  });

  test('a game that is not offered opens no session', async () => {
    const { token } = await launch({ gameId: '0' });
    const before = await pool.query('SELECT count(*) FROM sessions');
    expect((await choose(token, '13')).statusCode).toBe(410);
    expect((await choose(token, '99')).statusCode).toBe(404);
    expect((await choose(`s${'x'.repeat(43)}`, '11')).statusCode).toBe(404);
    const after = await pool.query('SELECT count(*) FROM sessions');
    expect(after.rows).toEqual(before.rows);
  });

  test("a game's token opens no lobby and no other game", async () => {
    const { token } = await launch();
    expect((await get(`/lobby?token=${token}`)).headers.location).toBe(`/launch?token=${token}`);
    expect((await choose(token, '12')).statusCode).toBe(400);
  });

  test('on a mobile the form may end at the provider', async () => {
    const { token } = await launch({ gameId: '0', isMobile: true });
    const { headers } = await get(`/lobby?token=${token}`);
    expect(headers['content-security-policy']).toContain(`form-action 'self' ${PROVIDER};`);
    const desktop = await launch({ gameId: '0' });
    expect(
      (await get(`/lobby?token=${desktop.token}`)).headers['content-security-policy'],
    ).toContain("form-action 'self';");
  });
});

describe('round result', () => {
  const path = (url: string) => url.slice(BASE.length);
  const textOf = (body: string) => body.replace(/<[^>]+>/g, ' ').replace(/\s+/g, ' ');

  /** A stake of 42.60, lost 20.00 of it back, and a second win that is still owed. */
  beforeAll(async () => {
    const [round] = (
      await pool.query<{ id: string }>(
        `INSERT INTO rounds (connection_id, player_id, round_ref, partner_id, game_id, currency,
           status, closed_by, last_activity_at, created_at)
         VALUES ($1, $2, '9007199254740993', $3, '11', 'EUR', 'closing', 'next_stake', now(),
           '2026-11-21T08:00:00.123Z') RETURNING id`,
        [connection.id, player.playerId, partner.id],
      )
    ).rows;
    const operation = async (values: Record<string, unknown>) => {
      const row: Record<string, unknown> = {
        round_id: round!.id,
        business_date: '2026-11-21',
        currency: 'EUR',
        game_id: '11',
        is_close: false,
        requests: 1,
        deadline_at: '2026-11-21T08:00:05Z',
        waiting: false,
        answer_result: 'accepted',
        ...values,
      };
      await insert('operations', row);
    };
    await operation({
      id: 501,
      kind: 'stake',
      transaction_ref: '1',
      amount: 4260,
      bet_id: BET,
      answer_balance: '957.40',
      created_at: '2026-11-21T08:00:00.123Z',
    });
    await operation({
      id: 502,
      kind: 'payout',
      transaction_ref: '2',
      amount: 2000,
      bet_id: BET,
      payout_state: 'paid',
      answer_balance: '977.4',
      created_at: '2026-11-21T08:00:05Z',
    });
    await operation({
      id: 503,
      kind: 'payout',
      transaction_ref: '3',
      amount: 500,
      bet_id: CARRIER,
      payout_state: 'owed',
      created_at: '2026-11-21T08:00:06Z',
    });
    const bet = { round_id: round!.id, created_at: 'now', updated_at: 'now' };
    await insert('bets', {
      ...{ ...bet, id: BET, form: 'stake', operation_id: 501, stake: 4260, payout: 2000 },
      ...{ outcome: 'done', decision: 'confirmed', payout_operation_id: 502, paid: true },
    });
    await insert('bets', {
      ...{ ...bet, id: CARRIER, form: 'carrier', operation_id: 503, stake: 0, payout: 500 },
      ...{ outcome: 'done', decision: 'confirmed', payout_operation_id: 503, paid: false },
    });
    const call = { round_id: round!.id, number: 1, attempts: 1, uncertain: 0 };
    for (const [bet_id, verb, status] of [
      [BET, 'take', 'done'],
      [BET, 'give', 'done'],
      [CARRIER, 'give', 'open'],
      [BET, 'report', 'open'],
    ]) {
      await insert('obligations', { ...call, bet_id, verb, status, next_attempt_at: 'now' });
    }
  });

  async function insert(table: string, row: Record<string, unknown>) {
    const names = Object.keys(row);
    await pool.query(
      `INSERT INTO ${table} (${names.join(', ')})
       VALUES (${names.map((_, index) => `$${index + 1}`).join(', ')})`,
      Object.values(row),
    );
  }

  test('shows what happened, in which order, with which balances, and what is still owed', async () => {
    const { statusCode, body, headers } = await get(path(links.roundUrl(BET)));
    expect(statusCode).toBe(200);
    expect(headers['cache-control']).toBe('no-store');
    const text = textOf(body);
    expect(text).toContain('Chicago &lt;Deluxe&gt; Provider Novomatic Round 9007199254740993');
    expect(text).toContain('Closed by us, because the next round began');
    expect(text).toContain('Still owed the history record; the win of 5.00 EUR');
    expect(text).toContain('2026-11-21 08:00:00 Stake 42.60 done 957.40 this bet');
    expect(text).toContain('2026-11-21 08:00:05 Win 20.00 done 977.40 this bet');
    expect(text).toContain(`2026-11-21 08:00:06 Win 5.00 under way ${CARRIER}`);
    expect(text).toContain('Result -22.60');
    expect(body).not.toContain(player.playerId);
    expect(body).not.toContain(player.reference);
  });

  test('each bet of the round leads to the same result', async () => {
    const { body } = await get(path(links.roundUrl(CARRIER)));
    expect(textOf(body)).toContain('Win 5.00 under way this bet');
  });

  test('a link that was changed, or is a day old, shows nothing', async () => {
    const url = path(links.roundUrl(BET));
    for (const forged of [
      url.replace(BET, CARRIER),
      url.replace(/signature=.*/, 'signature='),
      url.replace(/\?.*/, ''),
      '/rounds/1',
    ]) {
      const { statusCode, body } = await get(forged);
      expect(statusCode).toBe(403);
      expect(body).not.toContain('Chicago');
    }
    nowMs += ROUND_LINK_MS;
    const { statusCode, body } = await get(url);
    expect(statusCode).toBe(410);
    expect(body).not.toContain('Chicago');
  });

  test('a bet that is not there', async () => {
    expect((await get(path(links.roundUrl('0'.repeat(24))))).statusCode).toBe(404);
  });

  test('a fault of ours, or a database that is away, is a page without details', async () => {
    const empty = await createEmptyDatabase();
    const broken = createPool({ databaseUrl: empty.url, max: 1 });
    const away = createPool({ databaseUrl: 'postgres://u:p@127.0.0.1:1/book', max: 1 });
    for (const [onPool, status] of [
      [broken, 500],
      [away, 503],
    ] as const) {
      const other = await appOn(onPool);
      const answer = await other.inject({ method: 'GET', url: path(links.roundUrl(BET)) });
      expect(answer.statusCode).toBe(status);
      expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
      expect(answer.body).not.toMatch(/relation|ECONNREFUSED|rounds r/);
      await other.close();
      await onPool.end();
    }
    await empty.drop();
  });
});

test('the pages bring their own style, script and picture', async () => {
  for (const [file, type] of [
    ['pages.css', 'text/css; charset=utf-8'],
    ['launch.js', 'text/javascript; charset=utf-8'],
    ['roundhouse.svg', 'image/svg+xml'],
  ]) {
    const { statusCode, headers } = await get(`/pages/${file}`);
    expect({ statusCode, type: headers['content-type'] }).toEqual({ statusCode: 200, type });
  }
});

test('pages asked for too often are 429 with Retry-After for that address only', async () => {
  const limits = createLimits({ poolMax: 3, log: createLogger('test', 'silent') });
  const busy = await appOn(pool, limits);
  for (let turn = 0; turn < 1_000; turn++) await limits.page('192.0.2.7');
  const page = (remoteAddress: string) => busy.inject({ url: '/pages/pages.css', remoteAddress });
  const refused = await page('192.0.2.7');
  expect(refused.statusCode).toBe(429);
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
  expect(refused.body).toContain('Please try again in a moment');
  expect((await page('192.0.2.8')).statusCode).toBe(200);
  await busy.close();
});
