import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client } from 'pg';
import { systemClock } from '../../src/lib/clock';
import { createLogger } from '../../src/lib/log';
import {
  createSandboxPartner,
  type SandboxPartner,
} from '../../src/sandbox/partner/sandbox-partner';
import { createEmptyDatabase } from '../support/postgres';

const SECRET = 'example-agent-secret';
let database: Awaited<ReturnType<typeof createEmptyDatabase>>;
let casino: SandboxPartner;
let base: string;
let db: Client;
let roundhouse: Server;
let calls: { path: string; key: string | undefined; body: Record<string, unknown> }[] = [];
let answers: Record<string, unknown>;
let names = 0;

const newPlayer = () => `LAG1.p${++names}`;
const newBet = () => (++names).toString(16).padStart(24, '0');

beforeAll(async () => {
  database = await createEmptyDatabase();
  roundhouse = createServer((request, response) => void answerAsRoundhouse(request, response));
  await new Promise<void>((resolve) => roundhouse.listen(0, '127.0.0.1', resolve));
  casino = createSandboxPartner({
    databaseUrl: database.url,
    apiUrl: `http://127.0.0.1:${(roundhouse.address() as AddressInfo).port}`,
    apiKey: 'the-key',
    prefix: 'LAG1',
    agentSecret: SECRET,
    currency: 'EUR',
    publicBaseUrl: 'http://casino.test',
    log: createLogger('sandbox-partner', 'silent'),
    clock: systemClock,
  });
  base = `http://127.0.0.1:${await casino.listen(0)}`;
  db = new Client({ connectionString: database.url });
  await db.connect();
});

afterAll(async () => {
  await casino.close();
  await db.end();
  roundhouse.close();
  await database.drop();
});

beforeEach(() => {
  calls = [];
  answers = {
    '/create-user': { user_agent: 'LAG1.demo1' },
    '/game/provider': [{ provider_name: 'Fruit', display_name: 'fruit <b>', image: '' }],
    '/game/list': {
      is_item: true,
      items: [
        { game_id: '11', game_name: 'Plum & "Co"', game_image: 'http://img.test/11.png' },
        { game_id: '12', game_name: 'Gone', game_image: '', is_active: false },
      ],
    },
    '/game/open-game': { is_item: false, url: 'http://play.test/launch?token=t1' },
    '/bet-history/report/detail-bet': { status: true, item: 'http://play.test/round?x=1' },
  };
});

async function answerAsRoundhouse(request: IncomingMessage, response: ServerResponse) {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  const path = request.url ?? '';
  const body = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
  calls.push({ path, key: request.headers['x-api-key']?.toString(), body });
  response.writeHead(path in answers ? 200 : 500, { 'content-type': 'application/json' });
  response.end(JSON.stringify(answers[path] ?? { error: 'out of order' }));
}

// The partner document's sample code, the other way round.
function signed(payload: Record<string, unknown>): string {
  const sorted = Object.fromEntries(Object.entries(payload).sort(([a], [b]) => (a < b ? -1 : 1)));
  const hmac = createHmac('sha256', SECRET).update(JSON.stringify(sorted)).digest('hex');
  return JSON.stringify({ ...payload, hmac });
}

async function post(path: string, body: string) {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(base + path, { method: 'POST', headers, body });
  return { status: response.status, text: await response.text() };
}

const wallet = (endpoint: string, payload: Record<string, unknown>) =>
  post(`/wallet/${endpoint}`, signed(payload));
const sandbox = (path: string, body: object) => post(`/sandbox/${path}`, JSON.stringify(body));
const bet = (user_agent: string, bet_id: string, balance: number) =>
  wallet('bet', { user_agent, balance, bet_id });
const settle = (user_agent: string, bet_id: string, stake: number, balance: number) =>
  wallet('settle-bet', { user_agent, bet: stake, balance, bet_id });
const ok = (balance: string) => ({
  status: 200,
  text: `{"balance":${balance},"tmp":0,"fish_remaining":0}`,
});
const error = (status: number, text: string) => ({ status, text: JSON.stringify({ error: text }) });

async function balanceOf(user_agent: string): Promise<number> {
  const { text } = await wallet('balance', { user_agent });
  return (JSON.parse(text) as { balance: number }).balance;
}

interface Book {
  balanced: boolean;
  totals: { bet: string; settled: string };
  players: { user_agent: string; balance: string }[];
  violations: { items: { bet_id: string; text: string }[] };
  bets: ({ bet_id: string; history: Record<string, unknown> } & Record<string, unknown>)[];
  next: string | null;
}
async function book(query = ''): Promise<Book> {
  return (await (await fetch(`${base}/sandbox/book${query}`)).json()) as Book;
}
const violationsOf = async (betId: string) =>
  (await book()).violations.items.filter((v) => v.bet_id === betId).map((v) => v.text);

describe('the wallet', () => {
  test('takes a bet, credits its win under the same bet_id, and records the end', async () => {
    const [player, id] = [newPlayer(), newBet()];
    const balance = await wallet('balance', { user_agent: player });
    expect(balance.text).toContain('{"balance":1000,"tmp":0,"fish_remaining":0');
    expect(await bet(player, id, 0.1)).toEqual(ok('999.9'));
    expect(await settle(player, id, 0.1, 20.25)).toEqual(ok('1020.15'));
    const end = { user_agent: player, balance: 0.1, win_balance: 20.25, bet_id: id };
    expect(await wallet('bet-end', end)).toEqual(ok('1020.15'));
    const row = (await book()).bets.find((one) => one.bet_id === id);
    expect(row).toMatchObject({
      user_agent: player,
      bet: '0.1',
      settled: '20.25',
      ended: true,
      win_balance: '20.25',
    });
    expect(await violationsOf(id)).toEqual([]);
  });

  test('refuses a missing or wrong signature, and nothing moves', async () => {
    const [player, id] = [newPlayer(), newBet()];
    const payload = { user_agent: player, balance: 5, bet_id: id };
    const forged = signed(payload).replace('"balance":5', '"balance":6');
    for (const body of [JSON.stringify(payload), forged, '{}', '[]']) {
      expect(await post('/wallet/bet', body)).toEqual(error(401, 'invalid signature'));
    }
    expect((await post('/wallet/bet', '{"a"')).status).toBe(400);
    expect(await balanceOf(player)).toBe(1000);
    const log = await db.query(
      'SELECT reply_status FROM callback_log WHERE body LIKE $1 AND NOT signature_ok',
      [`%${id}%`],
    );
    expect(log.rows).toEqual([{ reply_status: 401 }, { reply_status: 401 }]);
  });

  test('fifty concurrent identical bets move the balance once and get one answer', async () => {
    const [player, id] = [newPlayer(), newBet()];
    const replies = await Promise.all(Array.from({ length: 50 }, () => bet(player, id, 7)));
    expect(new Set(replies.map((reply) => JSON.stringify(reply)))).toEqual(
      new Set([JSON.stringify(ok('993'))]),
    );
    const wins = await Promise.all(Array.from({ length: 50 }, () => settle(player, id, 7, 30)));
    expect(new Set(wins.map((reply) => reply.text))).toEqual(new Set([ok('1023').text]));
    expect(await balanceOf(player)).toBe(1023);
  });

  test('different concurrent bets of one player all count, and never overdraw', async () => {
    const player = newPlayer();
    const replies = await Promise.all(Array.from({ length: 12 }, () => bet(player, newBet(), 100)));
    expect(replies.filter((reply) => reply.status === 200)).toHaveLength(10);
    expect(replies.filter((reply) => reply.status === 402)).toHaveLength(2);
    expect(await balanceOf(player)).toBe(0);
    expect((await book()).balanced).toBe(true);
  });

  test('a bet refused for funds stays refused after a top-up', async () => {
    const [player, id] = [newPlayer(), newBet()];
    const refused = { status: 402, text: '{"error":"INSUFFICIENT_FUNDS","balance":1000}' };
    expect(await bet(player, id, 1000.01)).toEqual(refused);
    expect((await sandbox('topup', { user_agent: player, amount: '500.5' })).text).toContain(
      '"balance":"1500.5"',
    );
    expect(await bet(player, id, 1000.01)).toEqual(refused);
    expect(await balanceOf(player)).toBe(1500.5);
    expect(await bet(player, newBet(), 1000.01)).toEqual(ok('500.49'));
  });

  test('a repeat is answered before funds and block are looked at', async () => {
    const [player, id] = [newPlayer(), newBet()];
    expect(await bet(player, id, 1000)).toEqual(ok('0'));
    expect((await sandbox('players', { user_agent: player, blocked: true })).status).toBe(200);
    expect(await bet(player, id, 1000)).toEqual(ok('0'));
    expect(await bet(player, newBet(), 1)).toEqual(error(403, 'PLAYER_BLOCKED'));
    expect(await settle(player, id, 1000, 5)).toEqual(ok('5'));
  });

  test('a repeat with other content is refused and moves nothing', async () => {
    const [player, other, id] = [newPlayer(), newPlayer(), newBet()];
    await bet(player, id, 5);
    const refused = error(409, 'duplicate bet_id with other content');
    expect(await bet(player, id, 6)).toEqual(refused);
    expect(await bet(other, id, 5)).toEqual(refused);
    await settle(player, id, 5, 1);
    expect(await settle(player, id, 5, 2)).toEqual(refused);
    expect([await balanceOf(player), await balanceOf(other)]).toEqual([996, 1000]);
    expect(await bet(player, id, 5)).toEqual(ok('995'));
  });

  test('a win of a bet never taken is refused, and paid once the bet is there', async () => {
    const [player, id] = [newPlayer(), newBet()];
    expect(await settle(player, id, 5, 9)).toEqual(error(404, 'bet not found'));
    const end = { user_agent: player, balance: 5, win_balance: 9, bet_id: id };
    expect(await wallet('bet-end', end)).toEqual(error(404, 'bet not found'));
    await bet(player, id, 5);
    expect((await settle(newPlayer(), id, 5, 9)).status).toBe(409);
    expect(await settle(player, id, 5, 9)).toEqual(ok('1004'));
    const declined = newBet();
    await bet(player, declined, 5000);
    expect(await settle(player, declined, 5000, 9)).toEqual(error(404, 'bet not found'));
  });

  test('a bet body replayed as a win is refused, since bet is missing', async () => {
    const [player, id] = [newPlayer(), newBet()];
    await bet(player, id, 5);
    const replayed = await wallet('settle-bet', { user_agent: player, balance: 5, bet_id: id });
    expect(replayed).toEqual(error(400, 'bet is missing'));
    expect(await balanceOf(player)).toBe(995);
  });

  test('a zero-stake bet carries a win, even to a blocked player', async () => {
    const [player, id] = [newPlayer(), newBet()];
    await sandbox('players', { user_agent: player, balance: 3, blocked: true });
    expect(await bet(player, id, 0)).toEqual(ok('3'));
    expect(await settle(player, id, 0, 12.5)).toEqual(ok('15.5'));
  });

  test("a player of another casino is not found, and that bet's refusal stays", async () => {
    const id = newBet();
    for (const stranger of ['ELSE.p1', 'LAG1.', 'LAG10.p1']) {
      const found = await wallet('balance', { user_agent: stranger });
      expect(found).toEqual(error(404, 'PLAYER_NOT_FOUND'));
    }
    for (let i = 0; i < 2; i++) {
      expect(await bet('ELSE.p1', id, 1)).toEqual(error(404, 'PLAYER_NOT_FOUND'));
    }
  });

  test('more decimals than the currency has are refused', async () => {
    expect((await bet(newPlayer(), newBet(), 0.001)).status).toBe(400);
  });

  test('an end that tells other amounts is taken and noted', async () => {
    const [player, id] = [newPlayer(), newBet()];
    await bet(player, id, 5);
    await wallet('bet-end', { user_agent: player, balance: 5, win_balance: 2, bet_id: id });
    expect(await settle(player, id, 5, 2)).toEqual(ok('997'));
    expect(await violationsOf(id)).toEqual([
      'win_balance is not what was settled',
      'settle-bet after bet-end',
    ]);
  });
});

describe('the book', () => {
  test('every movement is two lines that sum to zero, and no line can be changed', async () => {
    const [player, id] = [newPlayer(), newBet()];
    await bet(player, id, 5);
    await settle(player, id, 5, 8);
    const lines = await db.query(
      `SELECT m.kind, count(*)::int AS lines, sum(amount_minor)::int AS sum
         FROM posting JOIN movement m USING (movement_id) WHERE m.bet_id = $1 GROUP BY 1 ORDER BY 1`,
      [id],
    );
    expect(lines.rows).toEqual([
      { kind: 'bet', lines: 2, sum: 0 },
      { kind: 'settle-bet', lines: 2, sum: 0 },
    ]);
    expect((await book()).balanced).toBe(true);
    await expect(db.query('UPDATE posting SET amount_minor = 1')).rejects.toThrow('append-only');
    await expect(db.query('DELETE FROM movement')).rejects.toThrow('append-only');
    await expect(
      db.query("INSERT INTO movement (kind, moved_at) VALUES ('topup', now())"),
    ).rejects.toThrow('two lines');
    await expect(
      db.query(`INSERT INTO posting (movement_id, account_id, amount_minor)
                SELECT movement_id, account_id, 1 FROM posting LIMIT 1`),
    ).rejects.toThrow('two lines');
  });

  test('a balance that is not the sum of its lines is noticed and not built upon', async () => {
    const player = newPlayer();
    await balanceOf(player);
    const shift = 'UPDATE account SET balance_minor = balance_minor + $2 WHERE user_agent = $1';
    await db.query(shift, [player, 100]);
    expect((await book()).balanced).toBe(false);
    expect((await bet(player, newBet(), 1)).status).toBe(500);
    await db.query(shift, [player, -100]);
    expect((await book()).balanced).toBe(true);
    expect((await bet(player, newBet(), 1)).status).toBe(200);
  });

  test('its pages cover every bet once', async () => {
    const player = newPlayer();
    for (let i = 0; i < 3; i++) await bet(player, newBet(), 1);
    const seen: string[] = [];
    let query = '?limit=2';
    for (;;) {
      const page = await book(query);
      seen.push(...page.bets.map((one) => one.bet_id));
      if (page.next === null) break;
      query = `?limit=2&after=${page.next}`;
    }
    const all = await db.query<{ n: string }>('SELECT count(*) AS n FROM bet');
    expect(new Set(seen).size).toBe(seen.length);
    expect(String(seen.length)).toBe(all.rows[0]?.n);
  });
});

function record(user_agent: string, _id: string, change: Record<string, unknown> = {}) {
  return {
    _id,
    type: 'create',
    provider: 'Fruit',
    game: 'Plum & "Co"',
    game_id: '11',
    user_agent,
    before_balance: 1000,
    after_balance: 995,
    used_balance: 5,
    receive_balance: 0,
    winlose: -5,
    createdAt: '2026-06-04T09:30:00.000Z',
    updatedAt: '2026-06-04T09:30:00.000Z',
    ...change,
  };
}
const UPDATE = {
  type: 'update',
  receive_balance: 20,
  winlose: 15,
  updatedAt: '2026-06-04T09:30:04.000Z',
};

describe('the history feed', () => {
  test('counts every arrival and keeps the newest record', async () => {
    const [player, id] = [newPlayer(), newBet()];
    await bet(player, id, 5);
    const events = [record(player, id), record(player, id, UPDATE), record(player, id, UPDATE)];
    for (const event of [...events, record(player, id)]) {
      expect((await wallet('history', event)).status).toBe(200);
    }
    const row = (await book()).bets.find((one) => one.bet_id === id);
    expect(row?.history).toMatchObject({
      creates: 2,
      updates: 2,
      distinct_creates: 1,
      distinct_updates: 1,
      record: { type: 'update', receive_balance: '20', winlose: '15' },
    });
    expect(await violationsOf(id)).toEqual([]);
  });

  test('notes what came out of order or contradicts itself', async () => {
    const [player, early, twice] = [newPlayer(), newBet(), newBet()];
    await bet(player, early, 5);
    await wallet('history', record(player, early, UPDATE));
    await bet(player, twice, 5);
    await wallet('history', record(player, twice));
    await wallet('history', record(player, twice, { game: 'Other' }));
    const late = { updatedAt: '2026-06-04T09:30:09.000Z' };
    await wallet('history', record(player, early, late));
    expect(await violationsOf(early)).toEqual(['update before create', 'create after update']);
    const row = (await book()).bets.find((one) => one.bet_id === early);
    expect(row?.history.record).toMatchObject({ type: 'update', winlose: '15' });
    expect(await violationsOf(twice)).toEqual(['two creates with different content']);
    const unknown = newBet();
    expect((await wallet('history', record(player, unknown))).status).toBe(200);
    expect(await violationsOf(unknown)).toEqual(['record of a bet never taken']);
  });
});

describe('the switchboard', () => {
  const set = (fault: object) => sandbox('faults', fault);

  test('a lost answer is committed, and its repeat tells it', async () => {
    const [player, id] = [newPlayer(), newBet()];
    await set({ endpoint: 'bet', mode: 'lose_answer' });
    await expect(bet(player, id, 5)).rejects.toThrow('fetch failed');
    expect(await balanceOf(player)).toBe(995);
    expect(await bet(player, id, 5)).toEqual(ok('995'));
  });

  test('an error 500 and a decline meet as many calls as asked, and money stays', async () => {
    const [player, id] = [newPlayer(), newBet()];
    await set({ endpoint: 'bet', mode: 'error500', count: 2 });
    expect((await bet(player, id, 5)).status).toBe(500);
    expect((await bet(player, id, 5)).status).toBe(500);
    expect(await bet(player, id, 5)).toEqual(ok('995'));
    await set({ endpoint: 'bet', mode: 'decline', count: 9 });
    expect(await bet(player, id, 5)).toEqual(ok('995'));
    const declined = newBet();
    expect((await bet(player, declined, 5)).status).toBe(402);
    await set({ endpoint: 'bet', mode: 'none' });
    expect((await bet(player, declined, 5)).status).toBe(402);
    expect(await balanceOf(player)).toBe(995);
    expect(await (await fetch(`${base}/sandbox/faults`)).json()).toEqual({ faults: [] });
  });

  test('a hanging call gets no answer and moves nothing', async () => {
    const [player, id] = [newPlayer(), newBet()];
    await set({ endpoint: 'bet', mode: 'hang' });
    const body = signed({ user_agent: player, balance: 5, bet_id: id });
    const headers = { 'content-type': 'application/json' };
    const signal = AbortSignal.timeout(300);
    await expect(
      fetch(`${base}/wallet/bet`, { method: 'POST', headers, body, signal }),
    ).rejects.toThrow('timeout');
    expect(await balanceOf(player)).toBe(1000);
  });

  test('an unknown mode, endpoint or foreign player is refused by name', async () => {
    expect((await set({ endpoint: 'bet', mode: 'explode' })).text).toContain('mode must be one of');
    expect((await set({ endpoint: 'pay', mode: 'none' })).text).toContain(
      'endpoint must be one of',
    );
    expect((await sandbox('topup', { user_agent: 'ELSE.p', amount: 1 })).status).toBe(400);
    expect((await sandbox('topup', { user_agent: newPlayer(), amount: -1 })).status).toBe(400);
  });
});

describe('the storefront', () => {
  const visit = (path: string, cookie?: string) =>
    fetch(base + path, { redirect: 'manual', headers: cookie ? { cookie } : {} });
  const submit = (path: string, form: Record<string, string>, headers: Record<string, string>) =>
    fetch(base + path, {
      method: 'POST',
      redirect: 'manual',
      headers,
      body: new URLSearchParams(form),
    });
  async function logIn(): Promise<string> {
    const response = await submit('/login', { reference: 'demo1' }, {});
    expect([response.status, response.headers.get('location')]).toEqual([303, '/']);
    return (response.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  }

  test('logging in creates the player at Roundhouse and shows balance and games', async () => {
    expect(await (await visit('/')).text()).toContain('Play as Demo Player');
    const cookie = await logIn();
    expect(calls[0]).toEqual({
      path: '/create-user',
      key: 'the-key',
      body: { user_agent: 'demo1' },
    });
    const response = await visit('/', cookie);
    const page = await response.text();
    expect(page).toMatch(/data-testid="balance"[^>]*>1000\.00 EUR</);
    expect(page).toContain('data-testid="play-11"');
    expect(page).toContain('http://img.test/11.png');
    expect(page).toContain('data-testid="lobby-Fruit"');
    expect(page).toContain('Plum &amp; &quot;Co&quot;');
    expect(page).not.toContain('fruit <b>');
    expect(page).not.toContain('play-12');
    const policy = response.headers.get('content-security-policy');
    expect(policy).toContain("script-src 'self'");
    expect(page).not.toMatch(/<script(?![^>]*src=)|style=/);
    expect(await (await visit('/balance', cookie)).json()).toMatchObject({ balance: '1000' });
    const out = await submit('/logout', {}, { cookie });
    expect(out.headers.get('set-cookie')).toContain('Max-Age=0');
  });

  test('play opens the game with a way back and sends the player there', async () => {
    const cookie = await logIn();
    const form = { game_provider: 'Fruit', game_id: '11', mobile: 'true' };
    const opened = await submit('/play', form, { cookie });
    expect([opened.status, opened.headers.get('location')]).toEqual([
      303,
      'http://play.test/launch?token=t1',
    ]);
    expect(calls.at(-1)?.body).toEqual({
      user_agent: 'LAG1.demo1',
      game_provider: 'Fruit',
      game_id: '11',
      redirect_url: 'http://casino.test/',
      mobile: true,
    });
    answers['/game/open-game'] = { url: 'javascript:alert(1)' };
    expect((await submit('/play', form, { cookie })).status).toBe(502);
  });

  test('the bet history shows the amounts and leads to the round', async () => {
    const cookie = await logIn();
    const id = newBet();
    await bet('LAG1.demo1', id, 5);
    await wallet('history', record('LAG1.demo1', id, { receive_balance: 20.5, winlose: 15.5 }));
    const page = await (await visit('/history', cookie)).text();
    expect(page).toContain('data-testid="history"');
    for (const text of ['5.00 EUR', '20.50 EUR', '15.50 EUR', `href="/history/${id}"`]) {
      expect(page).toContain(text);
    }
    const round = await visit(`/history/${id}`, cookie);
    expect([round.status, round.headers.get('location')]).toEqual([
      302,
      'http://play.test/round?x=1',
    ]);
    const foreign = newBet();
    await wallet('history', record(newPlayer(), foreign));
    expect((await visit(`/history/${foreign}`, cookie)).status).toBe(404);
  });

  test('when Roundhouse is out of order the pages say so and still show the balance', async () => {
    const cookie = await logIn();
    answers = {};
    const home = await visit('/', cookie);
    expect(home.status).toBe(503);
    expect(await home.text()).toMatch(/data-testid="balance"[\s\S]*The game service answered 500/);
    expect((await submit('/play', { game_id: '11' }, { cookie })).status).toBe(502);
    expect((await submit('/login', { reference: 'x' }, {})).status).toBe(502);
  });

  test('a form sent from another site is refused', async () => {
    const cookie = await logIn();
    const origin = 'http://evil.test';
    expect((await submit('/play', { game_id: '11' }, { cookie, origin })).status).toBe(403);
    expect(calls.filter((call) => call.path === '/game/open-game')).toEqual([]);
  });

  test('it is ready, and its tables survive a second start', async () => {
    expect((await visit('/health/ready')).status).toBe(200);
    const start = async (currency: string) => {
      const again = createSandboxPartner({
        databaseUrl: database.url,
        apiUrl: 'http://127.0.0.1:9',
        apiKey: 'the-key',
        prefix: 'LAG1',
        agentSecret: SECRET,
        currency,
        publicBaseUrl: 'http://casino.test',
        log: createLogger('sandbox-partner', 'silent'),
        clock: systemClock,
      });
      try {
        return await again.listen(0);
      } finally {
        await again.close();
      }
    };
    expect(await start('EUR')).toBeGreaterThan(0);
    await expect(start('JPY')).rejects.toThrow('kept in EUR');
  });
});
