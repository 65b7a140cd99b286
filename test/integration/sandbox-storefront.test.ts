import { CALLBACKS_KEPT, TRIMMED_EVERY } from '../../src/sandbox/partner/callback-log';
import { createTestCasino, historyRecord, signed, type TestCasino } from '../support/test-casino';

let casino: TestCasino;

beforeAll(async () => {
  casino = await createTestCasino();
});
afterAll(() => casino.close());
beforeEach(() => casino.reset());

const visit = (path: string, cookie?: string) =>
  fetch(casino.base + path, { redirect: 'manual', headers: cookie ? { cookie } : {} });
const submit = (path: string, form: Record<string, string>, headers: Record<string, string>) =>
  fetch(casino.base + path, {
    method: 'POST',
    redirect: 'manual',
    headers,
    body: new URLSearchParams(form),
  });
const pageOf = async (path: string, cookie?: string) => (await visit(path, cookie)).text();

async function signIn(reference = 'demo1'): Promise<string> {
  const response = await submit('/login', { reference }, {});
  expect([response.status, response.headers.get('location')]).toEqual([303, '/']);
  return (response.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
}

/** The element with this test id, up to where the next such element begins. */
function part(page: string, testId: string): string {
  const found = page.split(/(?=<[a-z]+[^>]*data-testid=")/).find((piece) => {
    return new RegExp(`^<[a-z]+[^>]*data-testid="${testId}"`).test(piece);
  });
  return found ?? '';
}

describe('signing in', () => {
  test('creates the player at Roundhouse and shows balance and games', async () => {
    expect(await pageOf('/')).toContain('Play as Demo Player');
    const cookie = await signIn();
    expect(casino.calls[0]).toEqual({
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
    const out = await submit('/logout', {}, { cookie });
    expect(out.headers.get('set-cookie')).toContain('Max-Age=0');
  });

  test('each demo player begins with the money and the block that the page tells', async () => {
    const page = await pageOf('/');
    for (const text of ['Clara Flush', '25000.00 EUR', 'Penny Short', '3.00 EUR', 'Blocked']) {
      expect(page).toContain(text);
    }
    expect(await pageOf('/', await signIn('clara'))).toMatch(/balance"[^>]*>25000\.00 EUR</);
    await signIn('penny');
    expect((await casino.bet('LAG1.penny', casino.newBet(), 4)).status).toBe(402);
    expect(await pageOf('/', await signIn('bertie'))).toContain('This casino has blocked you');
    expect((await casino.bet('LAG1.bertie', casino.newBet(), 1)).text).toContain('PLAYER_BLOCKED');
    expect(await pageOf('/')).toContain('Has now');
  });

  test('a forged cookie or a strange name opens nothing', async () => {
    for (const path of ['/history', '/book', '/switchboard', '/topup', '/play?game_id=11']) {
      const response = await visit(path, 'casino_session=eyJ4Ijox.AAAA');
      expect([path, response.status, response.headers.get('location')]).toEqual([path, 303, '/']);
    }
    expect((await submit('/topup', { amount: '5' }, {})).status).toBe(303);
    expect((await submit('/switchboard', { endpoint: 'bet', mode: 'hang' }, {})).status).toBe(303);
    expect(await (await fetch(`${casino.base}/sandbox/faults`)).json()).toEqual({ faults: [] });
    expect((await submit('/login', { reference: '<b>' }, {})).status).toBe(400);
    casino.answers['/create-user'] = { user_agent: 'ELSE.demo1' };
    expect((await submit('/login', { reference: 'demo1' }, {})).status).toBe(502);
  });
});

describe('the games', () => {
  test('on a desktop a game opens in a frame of the casino, which shows the balance', async () => {
    const cookie = await signIn();
    const form = { game_provider: 'Fruit', game_id: '11' };
    const opened = await submit('/play', form, { cookie });
    expect([opened.status, opened.headers.get('location')]).toEqual([
      303,
      '/play?game_provider=Fruit&game_id=11',
    ]);
    const response = await visit('/play?game_provider=Fruit&game_id=11', cookie);
    const page = await response.text();
    expect(casino.calls.find(({ path }) => path === '/game/open-game')?.body).toEqual({
      user_agent: 'LAG1.demo1',
      ...form,
      mobile: false,
    });
    expect(page).toMatch(/<iframe[^>]*src="http:\/\/play\.test\/launch\?token=t1"/);
    expect(page).toMatch(/data-testid="balance"[^>]*>1000\.00 EUR</);
    expect(page).toContain('Back to casino');
    const policy = response.headers.get('content-security-policy');
    expect(policy).toContain('frame-src http://play.test;');
    expect((await visit('/', cookie)).headers.get('content-security-policy')).not.toContain(
      'frame-src',
    );
  });

  test('on a phone it opens directly, with a way back', async () => {
    const cookie = await signIn();
    const form = { game_provider: 'Fruit', game_id: '11', mobile: 'true' };
    const opened = await submit('/play', form, { cookie });
    expect([opened.status, opened.headers.get('location')]).toEqual([
      303,
      'http://play.test/launch?token=t1',
    ]);
    expect(casino.calls.at(-1)?.body).toEqual({
      user_agent: 'LAG1.demo1',
      game_provider: 'Fruit',
      game_id: '11',
      redirect_url: 'http://casino.test/',
      mobile: true,
    });
    for (const url of ['javascript:alert(1)', "http://a';script-src *;.test/"]) {
      casino.answers['/game/open-game'] = { url };
      const frame = await visit('/play?game_provider=Fruit&game_id=11', cookie);
      expect(frame.headers.get('content-security-policy')).not.toContain('script-src *');
    }
    casino.answers['/game/open-game'] = { url: 'javascript:alert(1)' };
    expect((await submit('/play', form, { cookie })).status).toBe(502);
    expect((await visit('/play?game_provider=Fruit&game_id=11', cookie)).status).toBe(502);
  });

  test('a search shows the games with all its words, and says how many', async () => {
    const cookie = await signIn();
    const hidden = (page: string) => (page.match(/<li[^>]*\shidden/g) ?? []).length;
    const all = await pageOf('/', cookie);
    expect(hidden(all)).toBe(0);
    const found = await pageOf('/?q=CHERRY+fruit', cookie);
    expect(hidden(found)).toBe(1);
    expect(found).toContain('1 game found');
    expect(found).toContain('value="CHERRY fruit"');
    const none = await pageOf('/?q=%22%3E%3Cb%3Enothing', cookie);
    expect(hidden(none)).toBe(2);
    expect(none).toContain('No game has that name.');
    expect(none).not.toContain('<b>nothing');
  });

  test('when Roundhouse is out of order the pages say so and still show the balance', async () => {
    const cookie = await signIn();
    casino.answers = {};
    const home = await visit('/', cookie);
    expect(home.status).toBe(503);
    expect(await home.text()).toMatch(/data-testid="balance"[\s\S]*The game service answered 500/);
    expect((await visit('/play?game_provider=Fruit&game_id=11', cookie)).status).toBe(502);
    expect((await submit('/login', { reference: 'x' }, {})).status).toBe(502);
  });
});

describe('the bet history', () => {
  test('shows the amounts and leads to the round', async () => {
    const cookie = await signIn();
    expect(await pageOf('/history', cookie)).toContain('Nothing played yet');
    const id = casino.newBet();
    await casino.bet('LAG1.demo1', id, 5);
    await casino.wallet(
      'history',
      historyRecord('LAG1.demo1', id, { receive_balance: 20.5, winlose: 15.5 }),
    );
    const page = await pageOf('/history', cookie);
    expect(page).toContain('data-testid="history"');
    for (const text of ['5.00 EUR', '20.50 EUR', '+15.50 EUR', `href="/history/${id}"`]) {
      expect(page).toContain(text);
    }
    const round = await visit(`/history/${id}`, cookie);
    expect([round.status, round.headers.get('location')]).toEqual([
      302,
      'http://play.test/round?x=1',
    ]);
    const foreign = casino.newBet();
    await casino.wallet('history', historyRecord(casino.newPlayer(), foreign));
    expect((await visit(`/history/${foreign}`, cookie)).status).toBe(404);
    expect((await visit('/history/%00', cookie)).status).toBe(404);
  });
});

describe("the wallet's book", () => {
  test('shows each callback with its body, its signature, its answer and whether it was a repeat', async () => {
    const cookie = await signIn('booker');
    const [player, id, forged] = ['LAG1.booker', casino.newBet(), casino.newBet()];
    await casino.bet(player, id, 5);
    await casino.bet(player, id, 5);
    await casino.bet(player, id, 6);
    const payload = { user_agent: player, balance: 5, bet_id: forged };
    await casino.post('/wallet/bet', signed(payload).replace('"balance":5', '"balance":7'));
    await casino.bet(casino.newPlayer(), casino.newBet(), 8);

    const page = await pageOf('/book', cookie);
    const calls = page.split('data-testid="call"').slice(1);
    expect(calls).toHaveLength(4);
    const [wrong, other, repeat, first] = calls;
    expect(first).toContain('takes 5.00 EUR');
    expect(first).toContain('✓ signed');
    expect(first).toContain(id);
    expect(first).toContain('&quot;balance&quot;: 995');
    expect(first).not.toContain('data-testid="gate"');
    expect(repeat).toContain('↻ repeat');
    expect(repeat).toContain('first answer was told again');
    expect(other).toContain('✗ other content');
    expect(other).toContain('HTTP 409');
    expect(wrong).toContain('✗ signature wrong');
    expect(wrong).toContain('HTTP 401');
    expect(await pageOf('/book?who=all', cookie)).toContain('takes 8.00 EUR');
    const ofBet = await pageOf(`/book?bet=${forged}`, cookie);
    expect(ofBet.split('data-testid="call"')).toHaveLength(2);
  });

  test('shows each movement as where the money came from and went to, and that the book balances', async () => {
    const cookie = await signIn('ledger');
    const [player, id] = ['LAG1.ledger', casino.newBet()];
    await casino.bet(player, id, 5);
    await casino.settle(player, id, 5, 7.25);
    const page = await pageOf('/book?part=ledger', cookie);
    const rows = page
      .split('data-testid="movement"')
      .slice(1)
      .map((row) =>
        row
          .slice(row.indexOf('>') + 1)
          .replaceAll(/<[^>]*>/g, ' ')
          .replaceAll(/\s+/g, ' ')
          .trim(),
      );
    expect(rows[0]).toMatch(/Win \w{8}… House Player \+7\.25 EUR 1002\.25 EUR/);
    expect(rows[1]).toMatch(/Bet \w{8}… Player House −5\.00 EUR 995\.00 EUR/);
    expect(rows[2]).toMatch(/Opening balance Bank Player \+1000\.00 EUR 1000\.00 EUR/);
    expect(page).toContain('✓ balanced');
    const shift = 'UPDATE account SET balance_minor = balance_minor + $2 WHERE user_agent = $1';
    await casino.db.query(shift, [player, 1]);
    expect(await pageOf('/book?part=ledger', cookie)).toContain('✗ not balanced');
    await casino.db.query(shift, [player, -1]);
  });

  test('prints nothing of a callback as markup', async () => {
    const cookie = await signIn();
    const hostile = '<script>alert(1)</script>';
    await casino.post('/wallet/bet', hostile);
    await casino.post('/wallet/bet', JSON.stringify({ user_agent: hostile, bet_id: hostile }));
    const page = await pageOf('/book?who=all', cookie);
    expect(page).toContain('&lt;script&gt;alert(1)');
    expect(page).not.toContain('<script>alert');
  });

  test('pages through what is older than one page, each callback once', async () => {
    const cookie = await signIn('pager');
    for (let i = 0; i < 30; i++) await casino.wallet('balance', { user_agent: 'LAG1.pager' });
    const ids = (page: string) => [...page.matchAll(/id="(call-\d+)"/g)].map(([, id]) => id);
    const first = await pageOf('/book', cookie);
    const older = /href="(\/book\?before=\d+)">Older/.exec(first)?.[1] ?? '';
    const second = await pageOf(older, cookie);
    expect(new Set([...ids(first), ...ids(second)]).size).toBe(30);
    expect(ids(first)).toHaveLength(25);
    expect(second).not.toContain('Older');
  });

  test('the log of callbacks stays bounded, and a long body is cut', async () => {
    await casino.db.query(
      `INSERT INTO callback_log (endpoint, received_at, body, signature_ok)
       SELECT 'balance', now(), 'old', false FROM generate_series(1, $1)`,
      [CALLBACKS_KEPT],
    );
    await casino.post('/wallet/bet', 'x'.repeat(60_000));
    const { rows } = await casino.db.query<{ length: number }>(
      'SELECT max(length(body)) AS length FROM callback_log',
    );
    expect(rows[0]?.length).toBeLessThan(5_000);
    const count = async () =>
      (await casino.db.query<{ n: number }>('SELECT count(*)::int AS n FROM callback_log')).rows[0]
        ?.n ?? 0;
    expect(await count()).toBeGreaterThan(CALLBACKS_KEPT);
    for (let i = 0; i < TRIMMED_EVERY; i++) await casino.post('/wallet/bet', 'not JSON');
    // Removing is not waited for by any call.
    while ((await count()) > CALLBACKS_KEPT + TRIMMED_EVERY) await visit('/health/live');
    await casino.db.query("DELETE FROM callback_log WHERE body IN ('old', 'not JSON')");
  });
});

describe('topping up', () => {
  test('gives from the bank, tells what was booked, and a reload does not give again', async () => {
    const cookie = await signIn('topper');
    const added = await submit('/topup', { amount: '12.5' }, { cookie });
    expect([added.status, added.headers.get('location')]).toEqual([303, '/topup?done=1']);
    for (let i = 0; i < 2; i++) {
      const page = await pageOf('/topup?done=1', cookie);
      expect(part(page, 'topped-up')).toContain('12.50 EUR added');
      expect(part(page, 'balance')).toContain('1012.50 EUR');
      expect(page).toContain('Top-up');
    }
    await submit('/topup', { fixed: '100', amount: '' }, { cookie });
    expect(await pageOf('/', cookie)).toMatch(/balance"[^>]*>1112\.50 EUR</);
  });

  test('refuses what is no amount, and nothing moves', async () => {
    const cookie = await signIn('stubborn');
    for (const amount of ['', '0', '-5', '1.001', 'NaN', '1e99', '100000.01', '12,50']) {
      const refused = await submit('/topup', { amount }, { cookie });
      expect([amount, refused.status]).toEqual([amount, 400]);
      expect(await refused.text()).toContain('Nothing was added');
    }
    expect(await pageOf('/', cookie)).toMatch(/balance"[^>]*>1000\.00 EUR</);
  });
});

describe('the switchboard page', () => {
  const set = async (form: Record<string, string>, cookie: string) =>
    submit('/switchboard', form, { cookie });

  test.each([
    ['slow', 'waits before it books', 200],
    ['error500', 'answers 500 and books nothing', 500],
    ['hang', 'never answers', null],
    ['lose_answer', 'cuts the line before its answer', null],
    ['decline', 'refuses', 402],
  ])(
    '%s is explained, switched on for so many calls, and shown with what it did',
    async (mode, words, status) => {
      const cookie = await signIn();
      const player = casino.newPlayer();
      expect(await pageOf('/switchboard', cookie)).toContain(words);
      const form = { endpoint: 'bet', mode, count: '2', delay_s: '0.1' };
      expect((await set(form, cookie)).headers.get('location')).toBe('/switchboard');
      expect(part(await pageOf('/switchboard', cookie), 'fault-bet')).toContain('the next 2 calls');

      const id = casino.newBet();
      const headers = { 'content-type': 'application/json' };
      const body = signed({ user_agent: player, balance: 5, bet_id: id });
      const signal = AbortSignal.timeout(700);
      const answered = await fetch(`${casino.base}/wallet/bet`, {
        method: 'POST',
        headers,
        body,
        signal,
      }).then(
        (response) => response.status,
        () => null,
      );
      expect(answered).toBe(status);
      const page = await pageOf('/switchboard', cookie);
      expect(part(page, 'fault-bet')).toContain('the next call');
      const [call] = page.split('data-testid="call"').slice(1);
      expect(call).toContain(player);
      expect(call).toContain(status === null ? 'no answer' : `HTTP ${String(status)}`);

      await set({ endpoint: 'bet', mode: 'none' }, cookie);
      expect(part(await pageOf('/switchboard', cookie), 'faults')).toContain('All well');
    },
  );

  test('refuses what is out of range, and switches nothing', async () => {
    const cookie = await signIn();
    for (const change of [
      { count: '0' },
      { count: '1.5' },
      { delay_s: '61' },
      { mode: 'x' },
      { endpoint: 'x' },
    ]) {
      const refused = await set({ endpoint: 'bet', mode: 'slow', count: '1', ...change }, cookie);
      expect(refused.status).toBe(400);
      expect(await refused.text()).toContain('Nothing was switched');
    }
    expect(await (await fetch(`${casino.base}/sandbox/faults`)).json()).toEqual({ faults: [] });
  });
});

test('a form sent from another site is refused, whatever it asks for', async () => {
  const cookie = await signIn();
  const origin = 'http://evil.test';
  for (const path of ['/play', '/topup', '/switchboard', '/login', '/logout']) {
    const form = { game_id: '11', amount: '5', endpoint: 'bet', mode: 'hang', reference: 'demo1' };
    expect([path, (await submit(path, form, { cookie, origin })).status]).toEqual([path, 403]);
  }
  expect(casino.calls.filter((call) => call.path === '/game/open-game')).toEqual([]);
  expect(await (await fetch(`${casino.base}/sandbox/faults`)).json()).toEqual({ faults: [] });
});

test('every page with its files is small, and its files are kept by the browser', async () => {
  const cookie = await signIn();
  for (const path of ['/', '/history', '/book', '/switchboard', '/topup']) {
    const page = await pageOf(path, cookie);
    let bytes = page.length;
    for (const [, address = ''] of page.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)) {
      const file = await visit(address);
      expect(file.headers.get('cache-control')).toContain('immutable');
      bytes += (await file.text()).length;
    }
    expect(bytes).toBeLessThan(100_000);
  }
});

test('it is ready, and its tables survive a second start', async () => {
  expect((await visit('/health/ready')).status).toBe(200);
  const again = await casino.startAnother();
  await again.close();
  await expect(casino.startAnother('JPY')).rejects.toThrow('kept in EUR');
});
