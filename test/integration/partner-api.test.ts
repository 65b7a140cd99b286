import Fastify, { type FastifyInstance, type InjectOptions } from 'fastify';
import { createLimits } from '../../src/api/limits/limits';
import { openapi } from '../../src/api/plugins/openapi';
import { partnerNotFound } from '../../src/api/routes/partner/error-door';
import { displayName } from '../../src/api/routes/partner/game-provider';
import { partnerRoutes } from '../../src/api/routes/partner/partner-routes';
import { applyCatalogue } from '../../src/db/catalogue';
import { createConnection, type Connection } from '../../src/db/connections';
import type { Office } from '../../src/db/office';
import { createPartner, updatePartner } from '../../src/db/partners';
import { createPool, type Pool } from '../../src/db/pool';
import { sessionByToken } from '../../src/db/sessions';
import { assert } from '../../src/lib/assert';
import { createLogger } from '../../src/lib/log';
import { createTestDatabase, type TestDatabase } from '../support/postgres';
import { testOffice } from '../support/test-office';

const NOW = Date.UTC(2026, 5, 4, 9, 30);
const BET_ID = '64aa6ac13b909c3b91986abe';
const BODY_BYTES_MAX = 65_536;

let database: TestDatabase;
let pool: Pool;
let office: Office;
let app: FastifyInstance;
let connection: Connection;
let apiKey: string;
let partnerId: number;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool({ databaseUrl: database.url, max: 5 });
  office = await testOffice(pool);
  connection = await createConnection(office, {
    key: 'demo',
    dialect: 'web-games',
    baseUrl: 'https://games.example.com',
    partnerId: '7',
    apiKey: 'secret',
  });
  const game = (gameId: string, title: string) => ({
    gameId,
    title,
    className: 'PGSoft',
    iconUrl: `https://cdn.example.com/${gameId}.png`,
    launchPath: '/game',
  });
  await applyCatalogue(pool, connection, [game('9', 'Gone Game'), game('11', 'Super Golf Drive')]);
  await applyCatalogue(pool, connection, [game('11', 'Super Golf Drive')]);
  const partner = await createPartner(office, {
    prefix: 'LAG1',
    currency: 'EUR',
    walletUrl: 'https://wallet.example.com',
  });
  ({ apiKey, id: partnerId } = partner);
  app = await build(pool);
});

afterAll(async () => {
  await app.close();
  await pool.end();
  await database.drop();
});

async function build(db: Pool): Promise<FastifyInstance> {
  const instance = Fastify({ bodyLimit: BODY_BYTES_MAX });
  const limits = createLimits({ poolMax: 5, log: createLogger('test', 'silent') });
  await instance.register(openapi, { publicBaseUrl: 'https://play.example.com', limits });
  await instance.register(
    partnerRoutes({
      pool: db,
      vault: office.vault,
      publicBaseUrl: 'https://play.example.com',
      clock: { nowMs: () => NOW },
      limits,
      links: { roundUrl: (betId) => `https://play.example.com/rounds/${betId}?sig=x` },
      findBet: async (_db, partner, betId) => partner === partnerId && betId === BET_ID,
    }),
  );
  instance.setNotFoundHandler(partnerNotFound);
  return instance;
}

async function call(options: InjectOptions) {
  const response = await app.inject({ headers: { 'x-api-key': apiKey }, ...options });
  expect(response.headers['content-type']).toMatch(/^application\/json/);
  return { status: response.statusCode, body: response.json<unknown>(), headers: response.headers };
}

const json = (url: string, payload: object) => call({ method: 'POST', url, payload });
const form = (url: string, payload: string) =>
  call({
    method: 'POST',
    url,
    payload,
    headers: { 'x-api-key': apiKey, 'content-type': 'application/x-www-form-urlencoded' },
  });

async function playerCount(): Promise<number> {
  const { rows } = await pool.query<{ n: number }>('SELECT count(*)::int AS n FROM players');
  return rows[0]?.n ?? -1;
}

async function sessionOf(body: unknown) {
  const url = (body as { url: string }).url;
  expect(url).toMatch(/^https:\/\/play\.example\.com\/launch\?token=[A-Za-z][A-Za-z0-9_-]{31,}$/);
  const context = await sessionByToken(pool, new URL(url).searchParams.get('token') ?? '');
  assert(context, 'the token opens a session');
  return context.session;
}

describe('POST /create-user', () => {
  const documented = {
    user_agent: '0632094194',
    firstname: 'Test',
    lastname: '01',
    password: 'aa1234',
    phone: '0632094194',
    ip: '139.180.143.22',
  };

  test('answers the handle as documented, in JSON and as a form, as often as asked', async () => {
    const expected = { status: 200, body: { user_agent: 'LAG1.0632094194' } };
    expect(await json('/create-user', documented)).toMatchObject(expected);
    const count = await playerCount();
    expect(await json('/create-user', documented)).toMatchObject(expected);
    expect(await form('/create-user', String(new URLSearchParams(documented)))).toMatchObject(
      expected,
    );
    expect(await playerCount()).toBe(count);
  });

  test('keeps nothing personal', async () => {
    await json('/create-user', { ...documented, user_agent: 'private' });
    const { rows } = await pool.query<{ row: string }>(
      `SELECT row_to_json(p)::text AS row FROM players p WHERE reference = 'private'`,
    );
    expect(rows[0]?.row).not.toMatch(/aa1234|0632094194|139\.180|Test/);
  });

  test('takes the reference raw, also when it looks like a handle', async () => {
    const { body } = await json('/create-user', { user_agent: 'LAG1.0632094194' });
    expect(body).toEqual({ user_agent: 'LAG1.LAG1.0632094194' });
  });

  test('takes a body without a Content-Type for JSON', async () => {
    const { body } = await call({
      method: 'POST',
      url: '/create-user',
      payload: Buffer.from('{"user_agent":"plain"}'),
      headers: { 'x-api-key': apiKey, 'content-length': '22' },
    });
    expect(body).toEqual({ user_agent: 'LAG1.plain' });
  });

  test.each([
    ['no field', {}, /^user_agent: is required$/],
    ['an empty field', { user_agent: '' }, /^user_agent: is required$/],
    ['null', { user_agent: null }, /^user_agent: is required$/],
    ['a number', { user_agent: 632094194 }, /^user_agent: must be a string$/],
    ['a boolean', { user_agent: true }, /^user_agent: must be a string$/],
    ['a list', { user_agent: ['a'] }, /^user_agent: must be a single value$/],
    ['an object', { user_agent: { a: 1 } }, /^user_agent: must be a single value$/],
    ['another field that is a list', { user_agent: 'a', phone: [] }, /^phone: must be a single/],
    ['a blank', { user_agent: 'a b' }, /^user_agent: must be 1 to 64 characters/],
    ['65 characters', { user_agent: 'a'.repeat(65) }, /^user_agent: must be 1 to 64 characters/],
    ['another script', { user_agent: 'Ünal' }, /^user_agent: must be 1 to 64 characters/],
    ['a newline at the end', { user_agent: 'a\n' }, /^user_agent: must be 1 to 64 characters/],
    ['a NUL', { user_agent: 'a\0' }, /^user_agent: must not contain a NUL/],
    ['a bad optional field', { user_agent: 'a', phone: 5 }, /^phone: must be a string$/],
  ])('refuses %s with 400 and the field’s name, and creates nothing', async (_, body, error) => {
    const before = await playerCount();
    expect(await json('/create-user', body)).toMatchObject({
      status: 400,
      body: { error: expect.stringMatching(error) as string },
    });
    expect(await playerCount()).toBe(before);
  });

  test.each([
    ['{"user_agent":"a"', /^body: is not valid JSON$/],
    ['{"user_agent":"a","user_agent":"b"}', /^body: is not valid JSON$/],
    ['{"user_agent":0632094194}', /^body: is not valid JSON$/],
    ['["a"]', /^body: must be a JSON object$/],
    ['null', /^body: must be a JSON object$/],
    ['[[[[[[[[[[[[[[[[[[[[', /^body: is not valid JSON$/],
    ['', /^user_agent: is required$/],
  ])('refuses the JSON body %s', async (payload, error) => {
    const headers = { 'x-api-key': apiKey, 'content-type': 'application/json' };
    expect(await call({ method: 'POST', url: '/create-user', payload, headers })).toMatchObject({
      status: 400,
      body: { error: expect.stringMatching(error) as string },
    });
  });

  test('refuses a form field given twice, and a request without any body', async () => {
    expect(await form('/create-user', 'user_agent=a&user_agent=a')).toMatchObject({
      status: 400,
      body: { error: 'user_agent: must be a single value' },
    });
    expect(await call({ method: 'POST', url: '/create-user' })).toMatchObject({
      status: 400,
      body: { error: 'user_agent: is required' },
    });
  });
});

describe('GET /game/provider and POST /game/list', () => {
  test('list the products as documented', async () => {
    expect(await call({ url: '/game/provider' })).toMatchObject({
      status: 200,
      body: [
        {
          provider_name: 'PGSoft',
          display_name: 'pg soft',
          image: 'https://cdn.example.com/11.png',
        },
      ],
    });
  });

  test.each([
    ['PGSoft', 'pg soft'],
    ['Evolution Gaming', 'evolution gaming'],
    ['Novomatic Deluxe', 'novomatic deluxe'],
  ])('%s is displayed as %s', (name, expected) => {
    expect(displayName(name)).toBe(expected);
  });

  test('list the games as documented, the mobile catalogue too, a vanished one as inactive', async () => {
    const item = {
      game_id: '11',
      game_name: 'Super Golf Drive',
      game_provider: 'PGSoft',
      game_type: 'slot',
      game_image: 'https://cdn.example.com/11.png',
      is_active: true,
    };
    const gone = {
      ...item,
      game_id: '9',
      game_name: 'Gone Game',
      game_image: 'https://cdn.example.com/9.png',
      is_active: false,
    };
    const expected = { status: 200, body: { is_item: true, items: [gone, item] } };
    expect(await json('/game/list', { game_provider: 'PGSoft' })).toMatchObject(expected);
    expect(await json('/game/list', { game_provider: 'PGSoft', mobile: true })).toMatchObject(
      expected,
    );
    expect(await form('/game/list', 'game_provider=PGSoft&mobile=false')).toMatchObject(expected);
  });

  test.each([
    [{}, 'game_provider: is required'],
    [{ game_provider: 'Nope' }, 'game_provider: unknown product "Nope"'],
    [{ game_provider: 'pgsoft' }, 'game_provider: unknown product "pgsoft"'],
    [{ game_provider: 'PGSoft', mobile: 'maybe' }, 'mobile: must be true or false'],
    [
      { game_provider: 5, mobile: 7 },
      'game_provider: must be a string; mobile: must be true or false',
    ],
  ])('refuse %j with 400', async (body, error) => {
    expect(await json('/game/list', body)).toMatchObject({ status: 400, body: { error } });
  });
});

describe('POST /game/open-game', () => {
  const documented = {
    user_agent: 'LAG1.0632094194',
    game_provider: 'PGSoft',
    game_id: '11',
    redirect_url: 'https://your-site.com/lobby',
    mobile: true,
    ip: '139.180.143.22',
  };

  beforeAll(() => json('/create-user', { user_agent: '0632094194' }));

  test('answers a launch URL whose token opens that session', async () => {
    const { status, body } = await json('/game/open-game', documented);
    expect(status).toBe(200);
    expect(body).toEqual({ is_item: false, url: expect.any(String) as string });
    expect(await sessionOf(body)).toMatchObject({
      gameId: '11',
      connectionId: connection.id,
      currency: 'EUR',
      isDemo: false,
      isMobile: true,
      language: null,
      redirectUrl: 'https://your-site.com/lobby',
      launchExpiresAt: new Date(NOW + 600_000),
    });
  });

  test('reads a form the same way: mobile=false is false', async () => {
    const fields = new URLSearchParams({ ...documented, mobile: 'false', language: 'eng' });
    const { body } = await form('/game/open-game', String(fields));
    expect(await sessionOf(body)).toMatchObject({ isMobile: false, language: 'eng' });
  });

  test('opens the lobby of a product for game 0', async () => {
    const { body } = await json('/game/open-game', { ...documented, game_id: '0' });
    expect(await sessionOf(body)).toMatchObject({ gameId: '0' });
  });

  test.each([[{ demo: true }], [{ demo: 'True' }], [{ demo: '1' }]])(
    'opens a demo for %j, in DMO',
    async (extra) => {
      const { body } = await json('/game/open-game', { ...documented, ...extra });
      expect(await sessionOf(body)).toMatchObject({ isDemo: true, currency: 'DMO' });
    },
  );

  test.each([
    [{ user_agent: undefined }, 'user_agent: is required'],
    [{ user_agent: '0632094194' }, 'user_agent: unknown player "0632094194"'],
    [{ user_agent: 'LAG1.nobody' }, 'user_agent: unknown player "LAG1.nobody"'],
    [{ user_agent: 'LAG2.0632094194' }, 'user_agent: unknown player "LAG2.0632094194"'],
    [{ game_provider: 'Nope' }, 'game_provider: unknown product "Nope"'],
    [{ game_id: '999' }, 'game_id: unknown game "999" of "PGSoft"'],
    [{ game_id: '9' }, 'game_id: game "9" is not active'],
    [{ game_id: 11 }, 'game_id: must be a string'],
    [{ redirect_url: '/lobby' }, 'redirect_url: must be an absolute http or https URL'],
    [
      { redirect_url: 'javascript:alert(1)' },
      'redirect_url: must be an absolute http or https URL',
    ],
    [{ redirect_url: 'https://a:b@c.d/' }, 'redirect_url: must be an absolute http or https URL'],
    [{ language: '../x' }, 'language: must be a language code, such as "eng"'],
    [{ demo: 'perhaps' }, 'demo: must be true or false'],
  ])('refuses %j with 400, and makes no session', async (change, error) => {
    const count = 'SELECT count(*) AS n FROM sessions';
    const before = (await pool.query(count)).rows;
    expect(await json('/game/open-game', { ...documented, ...change })).toMatchObject({
      status: 400,
      body: { error },
    });
    expect((await pool.query(count)).rows).toEqual(before);
  });

  test('sends players back only to the hosts on the list, when there is one', async () => {
    await updatePartner(office, 'LAG1', { settings: { redirect_hosts: ['Your-Site.com'] } });
    try {
      expect(await json('/game/open-game', documented)).toMatchObject({ status: 200 });
      expect(
        await json('/game/open-game', { ...documented, redirect_url: 'https://evil.com/' }),
      ).toMatchObject({
        status: 400,
        body: { error: 'redirect_url: host "evil.com" is not allowed for this account' },
      });
    } finally {
      await updatePartner(office, 'LAG1', { settings: { redirect_hosts: null } });
    }
  });

  test('is not permitted for a suspended account or a blocked player', async () => {
    const refused = { status: 403, body: { error: 'Account not permitted' } };
    await updatePartner(office, 'LAG1', { status: 'suspended' });
    expect(await json('/game/open-game', {})).toMatchObject(refused);
    await updatePartner(office, 'LAG1', { status: 'active' });
    await json('/create-user', { user_agent: 'blocked' });
    await pool.query(`UPDATE players SET blocked = true WHERE reference = 'blocked'`);
    expect(
      await json('/game/open-game', { ...documented, user_agent: 'LAG1.blocked' }),
    ).toMatchObject(refused);
  });
});

describe('POST /bet-history/report/detail-bet', () => {
  const url = '/bet-history/report/detail-bet';

  test('answers a URL for a bet of this partner', async () => {
    const expected = {
      status: 200,
      body: { status: true, item: `https://play.example.com/rounds/${BET_ID}?sig=x` },
    };
    expect(await json(url, { bet_id: BET_ID })).toMatchObject(expected);
    expect(await form(url, `bet_id=${BET_ID}`)).toMatchObject(expected);
  });

  test('answers 200 for an unknown bet', async () => {
    const expected = { status: 200, body: { status: false, error: 'Bet not found' } };
    expect(await json(url, { bet_id: '1677950013029748736' })).toMatchObject(expected);
  });

  test('refuses a request that names none', async () => {
    expect(await json(url, {})).toMatchObject({
      status: 400,
      body: { error: 'bet_id: is required' },
    });
  });
});

describe('authentication', () => {
  const url = '/game/provider';
  const invalid = { status: 401, body: { error: 'Invalid API key' } };

  test('needs a key, and the right prefix when one is given', async () => {
    expect(await call({ url, headers: {} })).toMatchObject(invalid);
    expect(await call({ url, headers: { 'x-api-key': 'wrong' } })).toMatchObject(invalid);
    expect(await call({ url, headers: { 'x-api-key': `${apiKey}x` } })).toMatchObject(invalid);
    const withPrefix = (prefix: string) =>
      call({ url, headers: { 'x-api-key': apiKey, 'x-api-prefix': prefix } });
    expect(await withPrefix('LAG1')).toMatchObject({ status: 200 });
    expect(await withPrefix('LAG2')).toMatchObject(invalid);
  });

  test('comes before the body is looked at', async () => {
    const headers = { 'content-type': 'application/json' };
    const payload = 'x'.repeat(BODY_BYTES_MAX + 1);
    expect(await call({ method: 'POST', url: '/create-user', payload, headers })).toMatchObject(
      invalid,
    );
  });

  test.each([
    ['203.0.113.10', '203.0.113.10', 200],
    ['203.0.113.10', '203.0.113.11', 403],
    ['203.0.113.0/24', '203.0.113.77', 200],
    ['203.0.113.0/24', '::ffff:203.0.113.77', 200],
    ['203.0.113.0/24', '198.51.100.7', 403],
    ['2001:db8::/32', '2001:db8::5', 200],
  ])('with %s on the whitelist, %s gets %i', async (rule, remoteAddress, status) => {
    await updatePartner(office, 'LAG1', { ipWhitelist: [rule] });
    try {
      const answer = await call({ url, remoteAddress });
      expect(answer.status).toBe(status);
      if (status === 403) expect(answer.body).toEqual({ error: 'IP not allowed' });
      // The key is looked at first: an address tells nothing to whoever has no key.
      expect(await call({ url, remoteAddress, headers: {} })).toMatchObject(invalid);
    } finally {
      await updatePartner(office, 'LAG1', { ipWhitelist: [] });
    }
  });
});

describe('every other exit is JSON too', () => {
  test.each([
    ['GET', '/nothing'],
    ['GET', '/create-user'],
    ['POST', '/game/provider'],
    ['DELETE', '/game/list'],
  ] as const)('%s %s is 404 Not Found', async (method, url) => {
    expect(await call({ method, url })).toMatchObject({
      status: 404,
      body: { error: 'Not Found' },
    });
  });

  test('a body that is too large is 413, one of another kind 415', async () => {
    const send = (type: string, payload: string) =>
      call({
        method: 'POST',
        url: '/create-user',
        payload,
        headers: { 'x-api-key': apiKey, 'content-type': type },
      });
    expect(await send('application/json', 'x'.repeat(BODY_BYTES_MAX + 1))).toMatchObject({
      status: 413,
      body: { error: 'Payload Too Large' },
    });
    for (const type of ['text/plain', 'application/xml', 'multipart/form-data; boundary=x', 'x']) {
      expect(await send(type, 'user_agent=a')).toMatchObject({
        status: 415,
        body: { error: 'Unsupported Media Type' },
      });
    }
    const withCharset = await send('application/json; charset=utf-8', '{"user_agent":"a"}');
    expect(withCharset.status).toBe(200);
  });

  test('a database that cannot be reached is 503 with Retry-After', async () => {
    const nowhere = createPool({ databaseUrl: 'postgres://a:b@127.0.0.1:1/x', max: 1 });
    const broken = await build(nowhere);
    const response = await broken.inject({
      url: '/game/provider',
      headers: { 'x-api-key': apiKey },
    });
    expect(response.statusCode).toBe(503);
    expect(response.json()).toEqual({ error: 'Service Unavailable' });
    expect(response.headers['retry-after']).toBe('1');
    await broken.close();
    await nowhere.end();
  });

  test('a fault of ours is 500 and tells nothing of it', async () => {
    const faulty = createPool({ databaseUrl: database.url, max: 1 });
    faulty.query = (() => Promise.reject(new Error('secret detail'))) as never;
    const broken = await build(faulty);
    const response = await broken.inject({
      url: '/game/provider',
      headers: { 'x-api-key': apiKey },
    });
    expect(response.statusCode).toBe(500);
    expect(response.json()).toEqual({ error: 'Internal Server Error' });
    await broken.close();
    await faulty.end();
  });
});

describe('OpenAPI', () => {
  interface BodySchema {
    required: string[];
    properties: Record<string, unknown>;
    additionalProperties?: unknown;
  }
  interface Operation {
    security?: unknown;
    requestBody?: { content: Record<string, { schema: BodySchema }> };
    responses: Record<string, unknown>;
  }

  test('describes the five endpoints from their own schemas', async () => {
    const { body } = await call({ url: '/docs/json' });
    const document = body as { openapi: string; paths: Record<string, Record<string, Operation>> };
    expect(document.openapi).toBe('3.1.0');
    expect(Object.keys(document.paths).sort()).toEqual([
      '/bet-history/report/detail-bet',
      '/create-user',
      '/game/list',
      '/game/open-game',
      '/game/provider',
    ]);
    const open = document.paths['/game/open-game']?.post;
    expect(Object.keys(open?.requestBody?.content ?? {})).toEqual([
      'application/json',
      'application/x-www-form-urlencoded',
    ]);
    expect(open?.requestBody?.content['application/json']?.schema.required).toEqual([
      'user_agent',
      'game_provider',
      'game_id',
    ]);
    expect(Object.keys(open?.responses ?? {})).toEqual([
      '200',
      '400',
      '401',
      '403',
      '413',
      '415',
      '429',
      '500',
      '503',
    ]);
  });

  test('says what the body coercer makes of fields: no NUL, nothing nested, empty is not given', async () => {
    const { body } = await call({ url: '/docs/json' });
    const { paths } = body as { paths: Record<string, Record<string, Operation>> };
    const schema =
      paths['/bet-history/report/detail-bet']?.post?.requestBody?.content['application/json']
        ?.schema;
    const of = (name: string) => schema?.properties[name] as { pattern: string };
    expect('').not.toMatch(new RegExp(of('bet_id').pattern));
    expect('a\0').not.toMatch(new RegExp(of('bet_id').pattern));
    expect(schema?.additionalProperties).toMatchObject({
      anyOf: [{ type: 'string' }, { type: ['number', 'boolean', 'null'] }],
    });
    const open = paths['/game/open-game']?.post?.requestBody?.content['application/json']?.schema;
    expect(open?.properties.language).toMatchObject({
      anyOf: [{ type: 'string' }, { enum: ['', null] }],
    });
  });

  test("describes the provider's three calls with every field and code, in a document of their own", async () => {
    const { body } = await call({ url: '/docs/providers/json' });
    const document = body as { paths: Record<string, Record<string, Operation>> };
    expect(Object.keys(document.paths)).toEqual([
      '/{connection}/Authorization',
      '/{connection}/Credit',
      '/{connection}/Debit',
    ]);
    const debit = document.paths['/{connection}/Debit']?.post;
    expect(Object.keys(debit?.responses ?? {})).toEqual(['200']);
    expect(debit?.requestBody?.content['application/json']?.schema.required).toEqual([
      'transaction_id',
      'player_id',
      'round_id',
      'token',
      'is_close',
      'game_id',
      'amount',
      'hash',
    ]);
    for (const code of [0, 1, 4, 5, 8, 10, 11, 14]) {
      expect(JSON.stringify(debit?.responses)).toContain(`| ${code} | `);
    }
  });

  test.each(['/docs/', '/docs/providers/'])('is served as a page at %s', async (url) => {
    const response = await app.inject({ url });
    expect(response.statusCode).toBe(200);
    expect(response.headers['content-type']).toMatch(/^text\/html/);
  });
});
