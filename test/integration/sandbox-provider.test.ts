/**
 * The sandbox provider against a partner that does whatever a test wants: the provider document's two
 * public methods with all their codes, every shape of a round on the wire, and calls that are repeated
 * until they have an answer, also by the process after the one that began them.
 */
import { createHash } from 'node:crypto';
import { createLogger } from '../../src/lib/log';
import type { BookOperation, BookTotal } from '../../src/sandbox/web-games/audit';
import type { Shape } from '../../src/sandbox/web-games/engine';
import type { CallSettings } from '../../src/sandbox/web-games/settings';
import type { SpinView } from '../../src/sandbox/web-games/spin-view';
import {
  createWebGamesService,
  type WebGamesService,
} from '../../src/sandbox/web-games/web-games-service';
import { createFakePartner, OK, type Answer, type FakePartner } from '../support/fake-partner';
import { createEmptyDatabase, type TestDatabase } from '../support/postgres';

const PARTNER_ID = '7';
const API_KEY = 'secret';
const TOKEN = 'tAj4BAnMZBepwoYqavIjwg3m3';
const SETTINGS: Partial<CallSettings> = {
  answerTimeoutMs: 400,
  delayScale: 0.02,
  doubtMs: 100,
  spinWaitMs: 5_000,
};

const log = createLogger('test', 'silent');
let database: TestDatabase;
let partner: FakePartner;
let provider: WebGamesService;
let base: string;

beforeAll(async () => {
  database = await createEmptyDatabase();
  partner = await createFakePartner();
  await startProvider();
});

afterAll(async () => {
  await provider.close();
  await partner.close();
  await database.drop();
});

beforeEach(() => partner.reset());

async function startProvider(settings: Partial<CallSettings> = {}): Promise<void> {
  provider = createWebGamesService({
    databaseUrl: database.url,
    log,
    poolMax: 5,
    partner: { partnerId: PARTNER_ID, apiKey: API_KEY, partnerApiUrl: partner.url },
    settings: { ...SETTINGS, ...settings },
  });
  base = (await provider.listen(0)).url;
}

describe('GetListGames', () => {
  const md5 = (text: string) => createHash('md5').update(text).digest('hex');
  const list = (query: Record<string, string>) => getJson('/GetListGames', query);

  test('lists six games in three classes, with icons that are really served', async () => {
    // The hash is the vector computed with the document's sample code for partner 7 and key "secret".
    const { status, body } = await list({
      partner_id: '7',
      type: 'web_slot',
      hash: '1dcbe12fca40c626691e35ae51c49bd3',
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({ code: 0, message: 'Ok' });
    const games = body.games as { id: number; url: string; icon: string; class: string }[];
    expect(games.length).toBe(6);
    expect(new Set(games.map((game) => game.class)).size).toBe(3);
    for (const game of games) {
      expect(Number.isInteger(game.id)).toBe(true);
      expect(game.url).toBe('/game');
      const icon = await fetch(base + game.icon);
      expect([icon.status, icon.headers.get('content-type')]).toEqual([200, 'image/svg+xml']);
    }
  });

  test.each([
    ['another hash', 10, { partner_id: '7', type: 'web_slot', hash: '0'.repeat(32) }],
    ['no hash', 10, { partner_id: '7', type: 'web_slot' }],
    ['another type', 15, { partner_id: '7', type: 'live', hash: md5('GetListGames/7livesecret') }],
    ['a stranger', 101, { partner_id: '8', type: 'web_slot', hash: md5('x') }],
    ['no number', 101, { partner_id: "7'", type: 'web_slot', hash: md5('x') }],
    ['a name in other case', 101, { Partner_id: '7', type: 'web_slot', hash: md5('x') }],
  ])('answers %s with code %i', async (_what, code, query) => {
    const { status, body } = await list(query as Record<string, string>);
    expect([status, body.code, typeof body.message]).toEqual([200, code, 'string']);
  });
});

describe('GET /game', () => {
  const launch = { partner_id: '7', game_id: '11', currency: 'EUR', player_id: '42', token: TOKEN };

  test('asks the partner before it returns the page, signed as the document says', async () => {
    const page = await getGame(launch);
    expect(page.type).toMatch('text/html');
    expect(page.text).toContain('data-testid="spin"');
    expect(page.text).toContain('1000.50');
    const [call] = partner.calls;
    expect(call?.method).toBe('Authorization');
    const source = `Authorization/4211${TOKEN}secret`;
    expect(JSON.parse(call?.text ?? '')).toEqual({
      player_id: '42',
      game_id: '11',
      token: TOKEN,
      hash: createHash('md5').update(source).digest('hex'),
    });
  });

  test('a page reload finds its session again', async () => {
    expect((await getGame(launch)).play).toBe((await getGame(launch)).play);
  });

  test('lets the casino frame the page, and no script of strangers run in it', async () => {
    const { headers, text } = await getGame(launch);
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'self'");
    expect(policy).not.toContain('frame-ancestors');
    expect(text).not.toMatch(/<script>|\s(style|on\w+)=/);
    expect(text).not.toContain(TOKEN);
  });

  test.each([
    [101, 'a stranger', { partner_id: '8' }],
    [101, 'no partner', { partner_id: undefined }],
    [12, 'an unknown game', { game_id: '999' }],
    [12, 'a game id with a leading zero', { game_id: '011' }],
    [102, 'a currency in other case', { currency: 'eur' }],
    [102, 'no currency', { currency: undefined }],
    [1, 'no player', { player_id: undefined }],
    [1, 'no token', { token: undefined }],
    [1, 'a token under another name', { token: undefined, Token: TOKEN }],
  ])('answers with code %i to %s, without a call', async (code, _what, change) => {
    const { status, type, text } = await getGame({ ...launch, ...change });
    expect([status, type]).toEqual([200, 'application/json; charset=utf-8']);
    expect(JSON.parse(text)).toMatchObject({ code, message: expect.any(String) });
    expect(partner.calls).toEqual([]);
  });

  test.each<[string, Answer]>([
    ['HTML', { body: '<h1>Bad Gateway</h1>' }],
    ['nothing', { body: '' }],
    ['null', { body: 'null' }],
    ['upper-case keys', { body: '{"Code":0,"Currency":"EUR","Balance":1}' }],
    ['another status', { status: 500, body: '{"code":0,"currency":"EUR","balance":1}' }],
    ['no balance', { body: '{"code":0,"currency":"EUR"}' }],
    ['a reset', 'reset'],
    ['silence', 'hang'],
  ])('a partner that answers with %s is code 13', async (_what, answer) => {
    partner.answer(() => answer);
    expect(JSON.parse((await getGame(launch)).text)).toEqual({
      code: 13,
      message: 'Partner API return null',
    });
  });

  test("hands on the partner's own refusal, and 102 for another currency", async () => {
    partner.answer(() => ({ body: '{"code":14,"message":"Non-valid token"}' }));
    expect(JSON.parse((await getGame(launch)).text)).toEqual({
      code: 14,
      message: 'Non-valid token',
    });
    partner.answer(() => ({ body: '{"code":0,"player_id":42,"currency":"USD","balance":1}' }));
    expect(JSON.parse((await getGame(launch)).text)).toMatchObject({ code: 102 });
  });

  test('plays demo with DMO, in play money, without any call', async () => {
    const { play } = await getGame({ partner_id: '7', game_id: '21', currency: 'DMO' });
    const spin = await postSpin(play, '1.00');
    expect(spin).toMatchObject({ busy: false, demo: true, round: { state: 'finished' } });
    expect(spin.money).toEqual({ prefix: '', suffix: ' credits' });
    const { rounds } = (await getJson(`/play/${play}/rounds`, {})).body;
    expect(rounds).toMatchObject([{ stake: spin.round?.stake, win: spin.round?.win }]);
    expect(partner.calls).toEqual([]);
  });

  test.each([
    ['JPY', '10', '0', '¥'],
    ['NIS', '0.10', '1.50', '₪'],
    ['FBu', '10', '0', ' FBu'],
    ['KWD', '0.100', '1.500', ' KWD'],
    ['uBTC', '0.10', '1.50', ' uBTC'],
    ['CFA', '0.10', '1.50', ' CFA'],
  ])(
    'offers stakes in %s with its own decimals and sign',
    async (currency, smallest, shown, sign) => {
      partner.answer(() => ({
        body: `{"code":0,"player_id":42,"currency":"${currency}","balance":${shown}}`,
      }));
      const { play } = await getGame({ ...launch, currency, token: `t-${currency}` });
      const { stakes, balance, money } = await getView(play);
      expect([stakes[0], balance]).toEqual([smallest, shown]);
      expect(money.prefix + money.suffix).toBe(sign);
    },
  );
});

describe('a round on the wire', () => {
  const FORMS: Record<Shape, RegExp> = {
    loss_closed: /^C1!$/,
    loss_open: /^C1$/,
    loss_debit: /^C1 D0!$/,
    win_closed: /^C1 D[\d.]+!$/,
    win_open: /^C1 D[\d.]+$/,
    bonus: /^C1( [CD][\d.]+)+ D[\d.]+!$/,
    bonus_open: /^C1( [CD][\d.]+)+ D[\d.]+$/,
    bonus_lost: /^C1( C[12])* C[12]!$/,
  };

  test.each(Object.keys(FORMS) as Shape[])('%s', async (shape) => {
    const play = await openSession({ shapes: [shape] });
    const view = await postSpin(play, '1.00');
    expect(view).toMatchObject({ busy: false, round: { state: 'finished', shape, notice: null } });
    const calls = partner.moneyCalls();
    const form = calls
      .map(
        ({ method, body }) =>
          `${method[0] ?? ''}${body.amount ?? ''}${body.is_close === 'true' ? '!' : ''}`,
      )
      .join(' ');
    expect(form).toMatch(FORMS[shape]);
    expect(new Set(calls.map(({ body }) => body.round_id)).size).toBe(1);
    expect(new Set(calls.map(({ body }) => body.transaction_id)).size).toBe(calls.length);
    for (const { method, body } of calls) {
      const { player_id, round_id, game_id, transaction_id, token } = body;
      const source = `${method}/${[player_id, round_id, game_id, transaction_id, token].join('')}${API_KEY}`;
      expect(body.hash).toBe(createHash('md5').update(source).digest('hex'));
      expect(token).toMatch(/^t/);
      if (method === 'Debit') expect(['1', '2']).toContain(body.bet_amount);
      else expect(body.bet_amount).toBeUndefined();
    }
  });

  test('writes transaction ids beyond 2^53 and ids as plain JSON numbers, neighbours one apart', async () => {
    const play = await openSession({ shapes: ['win_closed'] });
    await postSpin(play, '0.10');
    const [credit, debit] = partner.moneyCalls();
    expect(BigInt(credit?.body.transaction_id ?? 0)).toBeGreaterThan(2n ** 53n);
    expect(BigInt(debit?.body.transaction_id ?? 0) - BigInt(credit?.body.transaction_id ?? 0)).toBe(
      1n,
    );
    expect(credit?.text).toMatch(
      /^\{"transaction_id":\d+,"player_id":42,"round_id":\d+,"token":"[^"]+","is_close":false,"game_id":11,"amount":0\.1,"hash":"[0-9a-f]{32}"\}$/,
    );
  });

  test('shows the balance the casino said, never one of its own', async () => {
    const play = await openSession({ shapes: ['loss_closed'] });
    partner.answer(() => ({ body: '{"code":0,"message":"Ok","balance":77.125}' }));
    expect(await postSpin(play, '1.00')).toMatchObject({ balance: '77.12' });
  });

  test('the same seed is the same rounds', async () => {
    const played = [];
    for (let run = 0; run < 2; run++) {
      partner.reset();
      const play = await openSession({ seed: 'again' });
      for (let i = 0; i < 8; i++) await postSpin(play, '1.00');
      played.push(
        partner.moneyCalls().map(({ method, body }) => [method, body.amount, body.is_close]),
      );
    }
    expect(played[0]).toEqual(played[1]);
  });

  test.each([
    [2, /not enough money .* €1\.00\. Nothing was taken/],
    [4, /blocked .* stake of €1\.00 was not taken/],
    [5, /stake of €1\.00 was not taken/],
    [11, /stake of €1\.00 was not taken/],
    [14, /session has ended.* €1\.00 was not taken/],
    [99, /stake of €1\.00 was not taken/],
  ])('code %i to the stake ends the spin and says what became of the money', async (code, text) => {
    const play = await openSession({ shapes: ['win_closed'] });
    partner.answer(() => ({ body: `{"code":${String(code)},"message":"no"}` }));
    const view = await postSpin(play, '1.00');
    expect(view).toMatchObject({
      busy: false,
      round: { state: 'refused', spins: null, win: null },
    });
    const { notice } = view.round ?? {};
    expect(notice).toMatchObject({ code, kind: 'refused', title: expect.any(String) });
    expect(notice?.text).toMatch(text);
    expect(partner.moneyCalls()).toHaveLength(1);
  });

  test('a later stake refused in a bonus round takes only its own wins away', async () => {
    const play = await openSession({ shapes: ['bonus_lost'] });
    let credits = 0;
    partner.answer(({ method }) =>
      method === 'Credit' && ++credits > 1 ? { body: '{"code":2,"message":"no"}' } : OK,
    );
    expect(await postSpin(play, '1.00')).toMatchObject({
      round: {
        state: 'finished',
        stake: '1.00',
        spins: [{ stake: '1.00' }],
        notice: { kind: 'refused', text: expect.stringMatching(/Nothing was taken.* is paid/) },
      },
    });
    const last = partner.moneyCalls().at(-1);
    expect([last?.method, last?.body.amount, last?.body.is_close]).toEqual(['Debit', '0', 'true']);
  });

  test('the last spins are listed, the newest first, with what the casino took and paid', async () => {
    const play = await openSession({ shapes: ['win_closed', 'loss_closed', 'bonus'] });
    const rounds = async () => (await getJson(`/play/${play}/rounds`, {})).body.rounds;
    expect(await rounds()).toEqual([]);
    const win = await postSpin(play, '1.00');
    await postSpin(play, '0.50');
    const bonus = await postSpin(play, '1.00');
    partner.answer(() => ({ body: '{"code":2,"message":"no"}' }));
    await postSpin(play, '1.00');
    const at = expect.stringMatching(/^\d{4}-\d\d-\d\dT/);
    const { stake, win: won } = bonus.round ?? {};
    expect(await rounds()).toMatchObject([
      { at, state: 'refused', stake: '0.00', win: '0.00', bonus: false },
      { at, state: 'finished', stake, win: won, bonus: true },
      { at, state: 'finished', stake: '0.50', win: '0.00', bonus: false },
      { at, state: 'finished', stake: '1.00', win: win.round?.win, bonus: false },
    ]);
    expect((await getJson('/play/nobody/rounds', {})).status).toBe(404);
  });

  test('one round at a time, and only at the stakes on offer', async () => {
    const play = await openSession({ shapes: ['loss_closed'] });
    expect((await post(`/play/${play}/spin`, { stake: '0.11' })).status).toBe(400);
    expect((await post(`/play/${play}/spin`, {})).status).toBe(400);
    partner.answer(() => 'hang');
    const both = await Promise.all([
      post(`/play/${play}/spin`, { stake: '1.00' }),
      post(`/play/${play}/spin`, { stake: '1.00' }).then((answer) => {
        partner.reset();
        return answer;
      }),
    ]);
    expect(both.map((answer) => answer.status).sort((a, b) => a - b)).toEqual([200, 409]);
  });
});

describe('a call without an answer', () => {
  test.each<[string, Answer]>([
    ['silence', 'hang'],
    ['a reset', 'reset'],
    ['HTML', { body: '<html>' }],
    ['another status', { status: 502, body: '{"code":0,"balance":1}' }],
    ['code 1', { body: '{"code":1,"message":"Internal Error"}' }],
  ])('is repeated after %s with the same bytes, and the round goes on', async (_what, answer) => {
    const play = await openSession({ shapes: ['win_closed'] });
    const seen = { Credit: 0, Debit: 0 };
    partner.answer(({ method }) =>
      method !== 'Authorization' && ++seen[method] <= 2 ? answer : OK,
    );
    expect(await settled(play, await postSpin(play, '1.00'))).toMatchObject({
      round: { state: 'finished', notice: null },
    });
    const calls = partner.moneyCalls();
    expect(calls.map((call) => call.method)).toEqual([
      'Credit',
      'Credit',
      'Credit',
      'Debit',
      'Debit',
      'Debit',
    ]);
    expect(new Set(calls.map((call) => call.text)).size).toBe(2);
  });

  test('code 1 that stays ends the spin after two repeats', async () => {
    const play = await openSession({ shapes: ['win_closed'] });
    partner.answer(() => ({ body: '{"code":1,"message":"Internal Error"}' }));
    expect(await postSpin(play, '1.00')).toMatchObject({
      busy: false,
      round: { state: 'refused', notice: { code: 1 } },
    });
    expect(partner.moneyCalls()).toHaveLength(3);
  });

  test('a spin in doubt says so, is asked for in the background, and pays its win in the end', async () => {
    await provider.close();
    await startProvider({ spinWaitMs: 300 });
    const play = await openSession({ shapes: ['win_closed'] });
    partner.answer(() => 'reset');
    await postSpin(play, '1.00');
    await until(() => partner.moneyCalls().length > 4);
    const doubt = await getView(play);
    expect(doubt).toMatchObject({ busy: true, round: { state: 'playing', spins: null } });
    expect(doubt.round?.notice?.text).toMatch(/not known whether your stake of €1\.00 was taken/);
    expect(doubt.round?.notice).toMatchObject({
      kind: 'waiting',
      title: 'Your spin is being checked',
    });
    expect(await unanswered()).toBe(1);
    partner.reset();
    const view = await settled(play, doubt);
    expect(view).toMatchObject({ round: { state: 'finished', shape: 'win_closed', notice: null } });
    expect(Number(view.round?.win)).toBeGreaterThan(0);
    expect(await unanswered()).toBe(0);
  });

  test('who comes back to a spin in doubt gets the page, though the partner does not answer', async () => {
    const launch = { partner_id: '7', game_id: '11', currency: 'EUR', player_id: '42' };
    const token = 'tcomesback';
    const play = await openSession({ token, shapes: ['win_closed'] });
    partner.answer(() => 'reset');
    void post(`/play/${play}/spin`, { stake: '1.00' });
    await until(() => partner.moneyCalls().length > 0);
    expect((await getGame({ ...launch, token })).play).toBe(play);
    expect(JSON.parse((await getGame({ ...launch, token: 'tother' })).text)).toMatchObject({
      code: 13,
    });
    partner.reset();
    await settled(play, await getView(play));
    // The round is over: without the partner's word nobody plays on.
    partner.answer(() => 'reset');
    expect(JSON.parse((await getGame({ ...launch, token })).text)).toMatchObject({ code: 13 });
  });

  test('a win refused for good is in the book with its code, and is not asked for again', async () => {
    const play = await openSession({ shapes: ['win_closed'] });
    partner.answer(({ method }) =>
      method === 'Debit' ? { body: '{"code":5,"message":"x"}' } : OK,
    );
    const view = await postSpin(play, '1.00');
    expect(view.round?.notice).toMatchObject({
      code: 5,
      text: expect.stringContaining(`round ${view.round?.round_id ?? ''}`),
    });
    const { operations } = await readBook({ round_id: view.round?.round_id ?? '' });
    expect(operations.map((o) => [o.kind, o.status, o.code])).toEqual([
      ['credit', 'accepted', 0],
      ['debit', 'refused', 5],
    ]);
  });

  test.each(['Credit', 'Debit'])(
    'a %s under way at a kill is repeated by the next process, and its round is played out',
    async (method) => {
      const play = await openSession({ shapes: ['win_closed'], seed: `kill ${method}` });
      partner.answer((call) => (call.method === method ? 'hang' : OK));
      const cut = post(`/play/${play}/spin`, { stake: '2.00' }).catch(() => undefined);
      await until(() => partner.moneyCalls().some((call) => call.method === method));
      await provider.kill();
      await cut;
      const before = partner.moneyCalls();
      partner.answer(() => OK);
      await startProvider();
      expect(await settled(play, await getView(play))).toMatchObject({
        round: { state: 'finished', stake: '2.00', notice: null },
      });
      const calls = partner.moneyCalls();
      expect(calls.length).toBeGreaterThan(before.length);
      expect(new Set(calls.map((call) => call.text)).size).toBe(2);
      expect(await unanswered()).toBe(0);
    },
  );
});

describe('the book', () => {
  test('adds up to what the partner accepted, page by page', async () => {
    const token = 'tbook';
    const accepted = { credit: 0n, debit: 0n };
    const play = await openSession({ seed: 'book', player: '4711', token });
    let refuse = 0;
    partner.answer(({ method, body }) => {
      if (method === 'Credit' && ++refuse % 4 === 0) return { body: '{"code":2,"message":"no"}' };
      accepted[method === 'Credit' ? 'credit' : 'debit'] += BigInt(
        Math.round(Number(body.amount) * 100),
      );
      return OK;
    });
    for (let i = 0; i < 20; i++) await postSpin(play, '0.50');
    const operations: BookOperation[] = [];
    let after: string | null = '0';
    let totals: BookTotal[] = [];
    while (after !== null) {
      const page = await readBook({ player_id: '4711', limit: '7', after });
      operations.push(...page.operations);
      totals = page.totals;
      after = page.next_after;
    }
    expect(operations).toHaveLength(partner.moneyCalls().length);
    for (const kind of ['credit', 'debit'] as const) {
      const total = totals.find((t) => t.kind === kind && t.status === 'accepted');
      expect(total?.currency).toBe('EUR');
      expect(BigInt(Math.round(Number(total?.amount) * 100))).toBe(accepted[kind]);
    }
    const first = operations[0];
    expect(first).toMatchObject({ kind: 'credit', balance: '1000.50', external_session_id: '9' });
    expect(first?.transaction_id).toMatch(/^90071992547\d{5}$/);
  });

  test('takes a new key and address for a partner, and refuses what is none', async () => {
    const path = '/sandbox/partners/7';
    expect((await send('PUT', path, { api_key: 'k' })).status).toBe(400);
    const body = { api_key: 'other', partner_api_url: `${partner.url}/` };
    expect((await send('PUT', path, body)).status).toBe(200);
    const { play } = await getGame({
      partner_id: '7',
      game_id: '11',
      currency: 'EUR',
      player_id: '42',
      token: 'tnewkey',
    });
    expect(play).not.toBe('');
    const source = 'Authorization/4211tnewkeyother';
    expect(partner.calls[0]?.body.hash).toBe(createHash('md5').update(source).digest('hex'));
    await send('PUT', path, { ...body, api_key: API_KEY });
  });
});

// --- the player's browser and the test's own hands ------------------------------------------------

let launches = 0;

async function openSession(options: {
  seed?: string;
  shapes?: Shape[];
  player?: string;
  token?: string;
}): Promise<string> {
  const { play } = await getGame({
    partner_id: PARTNER_ID,
    game_id: '11',
    currency: 'EUR',
    player_id: options.player ?? '42',
    token: options.token ?? `t${String(++launches)}`,
  });
  const { seed = 'fixed', shapes = [] } = options;
  const steered = await send('PUT', `/sandbox/sessions/${play}`, { seed, shapes });
  expect(steered.status).toBe(200);
  return play;
}

async function getGame(query: Record<string, string | undefined>) {
  const given = Object.entries(query).filter((pair): pair is [string, string] => !!pair[1]);
  const response = await fetch(`${base}/game?${new URLSearchParams(given).toString()}`);
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    type: response.headers.get('content-type') ?? '',
    text,
    play: /data-play="([^"]+)"/.exec(text)?.[1] ?? '',
  };
}

async function getJson(path: string, query: Record<string, string>) {
  const response = await fetch(`${base}${path}?${new URLSearchParams(query).toString()}`);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

async function send(method: string, path: string, body: unknown) {
  const response = await fetch(base + path, {
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as unknown };
}

const post = (path: string, body: unknown) => send('POST', path, body);

async function postSpin(play: string, stake: string): Promise<SpinView> {
  const { status, body } = await post(`/play/${play}/spin`, { stake });
  expect([status, status === 200 ? '' : body]).toEqual([200, '']);
  return body as SpinView;
}

async function getView(play: string): Promise<SpinView> {
  return (await getJson(`/play/${play}`, {})).body as unknown as SpinView;
}

async function settled(play: string, first: SpinView): Promise<SpinView> {
  let view = first;
  await until(async () => {
    if (view.busy) view = await getView(play);
    return !view.busy;
  });
  return view;
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 20_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error('waited in vain');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function unanswered(): Promise<number> {
  return (await getJson('/sandbox/unanswered', { partner_id: PARTNER_ID })).body.count as number;
}

async function readBook(query: Record<string, string>) {
  const { status, body } = await getJson('/sandbox/book', { partner_id: PARTNER_ID, ...query });
  expect(status).toBe(200);
  return body as unknown as {
    operations: BookOperation[];
    totals: BookTotal[];
    next_after: string | null;
  };
}
