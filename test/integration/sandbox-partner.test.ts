import {
  createTestCasino,
  historyRecord as record,
  signed,
  type TestCasino,
} from '../support/test-casino';

let casino: TestCasino;

beforeAll(async () => {
  casino = await createTestCasino();
});
afterAll(() => casino.close());

const newPlayer = () => casino.newPlayer();
const newBet = () => casino.newBet();
const post: TestCasino['post'] = (...call) => casino.post(...call);
const wallet: TestCasino['wallet'] = (...call) => casino.wallet(...call);
const sandbox: TestCasino['sandbox'] = (...call) => casino.sandbox(...call);
const bet: TestCasino['bet'] = (...call) => casino.bet(...call);
const settle: TestCasino['settle'] = (...call) => casino.settle(...call);
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
  return (await (await fetch(`${casino.base}/sandbox/book${query}`)).json()) as Book;
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
    const log = await casino.db.query(
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
    const lines = await casino.db.query(
      `SELECT m.kind, count(*)::int AS lines, sum(amount_minor)::int AS sum
         FROM posting JOIN movement m USING (movement_id) WHERE m.bet_id = $1 GROUP BY 1 ORDER BY 1`,
      [id],
    );
    expect(lines.rows).toEqual([
      { kind: 'bet', lines: 2, sum: 0 },
      { kind: 'settle-bet', lines: 2, sum: 0 },
    ]);
    expect((await book()).balanced).toBe(true);
    await expect(casino.db.query('UPDATE posting SET amount_minor = 1')).rejects.toThrow(
      'append-only',
    );
    await expect(casino.db.query('DELETE FROM movement')).rejects.toThrow('append-only');
    await expect(
      casino.db.query("INSERT INTO movement (kind, moved_at) VALUES ('topup', now())"),
    ).rejects.toThrow('two lines');
    await expect(
      casino.db.query(`INSERT INTO posting (movement_id, account_id, amount_minor)
                SELECT movement_id, account_id, 1 FROM posting LIMIT 1`),
    ).rejects.toThrow('two lines');
  });

  test('a balance that is not the sum of its lines is noticed and not built upon', async () => {
    const player = newPlayer();
    await balanceOf(player);
    const shift = 'UPDATE account SET balance_minor = balance_minor + $2 WHERE user_agent = $1';
    await casino.db.query(shift, [player, 100]);
    expect((await book()).balanced).toBe(false);
    expect((await bet(player, newBet(), 1)).status).toBe(500);
    await casino.db.query(shift, [player, -100]);
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
    const all = await casino.db.query<{ n: string }>('SELECT count(*) AS n FROM bet');
    expect(new Set(seen).size).toBe(seen.length);
    expect(String(seen.length)).toBe(all.rows[0]?.n);
  });
});

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
    expect(await (await fetch(`${casino.base}/sandbox/faults`)).json()).toEqual({ faults: [] });
  });

  test('a hanging call gets no answer and moves nothing', async () => {
    const [player, id] = [newPlayer(), newBet()];
    await set({ endpoint: 'bet', mode: 'hang' });
    const body = signed({ user_agent: player, balance: 5, bet_id: id });
    const headers = { 'content-type': 'application/json' };
    const signal = AbortSignal.timeout(300);
    await expect(
      fetch(`${casino.base}/wallet/bet`, { method: 'POST', headers, body, signal }),
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
