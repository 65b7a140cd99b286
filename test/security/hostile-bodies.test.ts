import { createHash, randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { startRoundhouse, type TestPlayer, type TestRoundhouse } from '../support/roundhouse';

/** Rows S16 (numbers and JSON), S17 (content types) and S18 (prototypes), on every surface that takes a body. */

let house: TestRoundhouse;
let player: TestPlayer;

beforeAll(async () => {
  house = await startRoundhouse({ connection: { answer_deadline_ms: 15_000 } });
  player = await house.newPlayer();
});
afterAll(() => house?.close());
afterEach(() => {
  // API and worker run in this process: what any of them had polluted would show here.
  for (const name of ['admin', 'balance', 'user_agent', 'partner_id', 'amount']) {
    if (name in {}) throw new Error(`every object has a field ${name}`);
  }
});

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Bytes and headers as they are given; `null` sends no Content-Type. */
function send(path: string, body: string, type: string | null | string[]): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = {
      'x-api-key': house.apiKey,
      'content-length': String(Buffer.byteLength(body)),
      ...(type !== null && { 'content-type': type }),
    };
    request(`${house.baseUrl}${path}`, { method: 'POST', headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    })
      .on('error', reject)
      .end(body);
  });
}

const json = (path: string, body: string) => send(path, body, 'application/json');
const form = (path: string, body: string) => send(path, body, 'application/x-www-form-urlencoded');
const newName = () => `h${randomBytes(6).toString('hex')}`;

async function count(table: string): Promise<number> {
  const { rows } = await house.pool.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${table}`);
  return rows[0]?.n ?? -1;
}

/** The endpoints with a body that would be taken, by field: the source text of each value. */
const BODIES: Readonly<Record<string, () => Record<string, string>>> = {
  '/create-user': () => ({ user_agent: `"${newName()}"`, firstname: '"F"', password: '"p"' }),
  '/game/list': () => ({ game_provider: '"Copper"', mobile: 'true' }),
  '/game/open-game': () => ({
    user_agent: `"${player.userAgent}"`,
    game_provider: '"Copper"',
    game_id: '"11"',
    redirect_url: '"https://casino.example.com/"',
    language: '"eng"',
    mobile: 'false',
    demo: '"true"',
  }),
  '/bet-history/report/detail-bet': () => ({ bet_id: `"${'0'.repeat(24)}"` }),
};
const ENDPOINTS = Object.keys(BODIES);

/** The endpoint's body with one field's value as told. */
function bodyOf(path: string, field?: string, value = ''): string {
  const fields = Object.entries({ ...BODIES[path]?.(), ...(field && { [field]: value }) });
  return `{${fields.map(([name, text]) => `"${name}":${text}`).join(',')}}`;
}

const fieldsOf = (path: string) => Object.keys(BODIES[path]?.() ?? {});

describe('S16: numbers and JSON', () => {
  test.each(ENDPOINTS)(
    'a number where a text is due is refused by %s, never rounded or printed anew',
    async (path) => {
      expect((await json(path, bodyOf(path))).status).toBe(200);
      const before = [await count('players'), await count('sessions')];
      for (const field of fieldsOf(path)) {
        for (const number of ['9007199254740993', '1e400', '-0', '11', '0.1', '-1E-400']) {
          const { status, text } = await json(path, bodyOf(path, field, number));
          expect([field, number, status]).toEqual([field, number, 400]);
          expect(text).toMatch(
            new RegExp(`^{"error":"${field}: must be (a string|true or false)"}$`),
          );
        }
      }
      expect([await count('players'), await count('sessions')]).toEqual(before);
    },
  );

  test('digits in a text stay the digits they are: 2^53 and 2^53 + 1 are two players', async () => {
    for (const text of ['9007199254740992', '9007199254740993', '1e400', '0632094194', '-0']) {
      const handle = { status: 200, text: `{"user_agent":"LAG1.${text}"}` };
      expect(await json('/create-user', `{"user_agent":"${text}"}`)).toEqual(handle);
      expect(await form('/create-user', `user_agent=${text}`)).toEqual(handle);
    }
  });

  test('a field given twice with two values is refused, also when one name is written with escapes', async () => {
    const before = await count('players');
    const [a, b] = [newName(), newName()];
    const bodies = [
      `{"user_agent":"${a}","user_agent":"${b}"}`,
      `{"user_agent":"${a}","\\u0075ser_agent":"${b}"}`,
      `{"phone":{"x":1,"x":2},"user_agent":"${a}"}`,
    ];
    for (const body of bodies) expect((await json('/create-user', body)).status).toBe(400);
    for (const body of [`user_agent=${a}&user_agent=${b}`, `user_agent=${a}&%75ser_agent=${b}`]) {
      expect((await form('/create-user', body)).status).toBe(400);
    }
    expect(await count('players')).toBe(before);
  });

  test.each(ENDPOINTS)(
    'nesting by ten thousands is refused by %s, and it goes on',
    async (path) => {
      const field = fieldsOf(path)[0] ?? '';
      const depth = 10_000;
      for (const [open, close] of [
        ['[', ']'],
        ['{"a":', '}'],
      ] as const) {
        const deep = `${open.repeat(depth)}1${close.repeat(depth)}`;
        const shallow = `${open.repeat(10)}1${close.repeat(10)}`;
        for (const body of [deep.slice(0, 60_000), bodyOf(path, field, shallow)]) {
          expect((await json(path, body)).status).toBe(400);
        }
      }
      expect((await json(path, bodyOf(path))).status).toBe(200);
    },
  );

  test.each(ENDPOINTS)('no text with a NUL or half a character breaks %s', async (path) => {
    const before = await count('players');
    for (const field of fieldsOf(path)) {
      const withNul = await json(path, bodyOf(path, field, '"a\\u0000b"'));
      expect(withNul).toEqual({
        status: 400,
        text: `{"error":"${field}: must not contain a NUL character"}`,
      });
      const half = await json(path, bodyOf(path, field, '"a\\ud800"'));
      // What is dropped unread may hold anything.
      const isUnread = ['firstname', 'password'].includes(field);
      if (field !== 'bet_id') expect([field, half.status]).toEqual([field, isUnread ? 200 : 400]);
      expect(half.status).toBeLessThan(500);
      expect((await form(path, `${field}=a%00b`)).status).toBe(400);
    }
    const made = path === '/create-user' ? 2 : 0;
    expect(await count('players')).toBe(before + made);
  });

  const call = () => ({
    token: player.token,
    player: player.id,
    round: String(randomBytes(4).readUInt32BE()),
    transaction: String(randomBytes(4).readUInt32BE()),
    amount: '5',
  });

  test.each([
    [
      'an amount given twice',
      (body: string) => body.replace('"amount":5', '"amount":5,"amount":500'),
    ],
    [
      'an amount given twice, once with escapes',
      (body: string) => body.replace('"amount":5', '"amount":5,"\\u0061mount":500'),
    ],
    ['1e400', (body: string) => body.replace('"amount":5', '"amount":1e400')],
    ['2^53 + 1', (body: string) => body.replace('"amount":5', '"amount":9007199254740993')],
    ['NaN', (body: string) => body.replace('"amount":5', '"amount":NaN')],
    ['"Infinity"', (body: string) => body.replace('"amount":5', '"amount":"Infinity"')],
    ['hexadecimal', (body: string) => body.replace('"amount":5', '"amount":"0x5"')],
    ['an octal look', (body: string) => body.replace('"amount":5', '"amount":05')],
    ['two players', (body: string) => body.replace('{', '{"player_id":100000999,')],
    ['two values of is_close', (body: string) => body.replace('{', '{"is_close":true,')],
  ])(
    'a stake and a payout, well signed, with %s are refused and move nothing',
    async (_, spoil) => {
      const moved = () => house.wallet.effects('/bet') + house.wallet.effects('/settle-bet');
      const before = moved();
      for (const method of ['Credit', 'Debit'] as const) {
        const body = spoil(house.provider.body(method, call()));
        expect(await house.provider.raw(method, body)).toMatchObject({ status: 200, code: 1 });
      }
      expect(moved()).toBe(before);
    },
  );

  test('a wallet that says a balance twice, or as no number, has told none', async () => {
    for (const body of [
      '{"balance":5,"balance":500}',
      '{"balance":5,"\\u0062alance":500}',
      '{"balance":1e400}',
      '{"balance":NaN}',
      '{"balance":"Infinity"}',
      `{"balance":${'['.repeat(10_000)}`,
    ]) {
      house.wallet.script('/balance', { status: 200, body });
      const { code } = await house.provider.authorization({
        token: player.token,
        player: player.id,
      });
      expect([body.slice(0, 40), code]).toEqual([body.slice(0, 40), 1]);
    }
  });
});

describe('S17: content types', () => {
  const TYPES: readonly (string | null | string[])[] = [
    null,
    'application/json',
    'APPLICATION/JSON',
    'application/json;',
    'application/json ;charset=utf-8',
    'application/json\t; charset=utf-8',
    'application/json; charset=UTF-8; x=y',
    'application/json; charset=utf-16',
    'application/json; charset="',
    ' application/json ',
    'application/json\tx',
    'application/json x',
    'application/json,text/plain',
    'application/jsonp',
    'application/problem+json',
    'text/json',
    'text/plain',
    'multipart/form-data; boundary=x',
    'application/x-www-form-urlencoded;',
    'application/x-www-form-urlencoded\t; charset=utf-8',
    'APPLICATION/X-WWW-FORM-URLENCODED',
    '*/*',
    ';',
    '/',
    ['application/json', 'text/plain'],
    ['text/plain', 'application/json'],
  ];

  test('no Content-Type carries a body past its check: a wrong one is 400 or 415, a right one is itself', async () => {
    for (const type of TYPES) {
      const before = await count('players');
      for (const wrong of [
        '{"user_agent":5}',
        '{"user_agent":["a"]}',
        '{"user_agent":"a b"}',
        '{}',
      ]) {
        const { status } = await send('/create-user', wrong, type);
        expect([type, wrong, [400, 415].includes(status)]).toEqual([type, wrong, true]);
      }
      expect(await count('players')).toBe(before);
      const name = newName();
      const bodies = [`{"user_agent":"${name}"}`, `user_agent=${name}`];
      for (const body of bodies) {
        const { status, text } = await send('/create-user', body, type);
        if (status === 200) expect(text).toBe(`{"user_agent":"LAG1.${name}"}`);
        else expect([type, [400, 415].includes(status)]).toEqual([type, true]);
      }
    }
  });

  test('a multipart body is not read, whatever it contains', async () => {
    const body = `--x\r\ncontent-disposition: form-data; name="user_agent"\r\n\r\n${newName()}\r\n--x--\r\n`;
    const before = await count('players');
    expect(await send('/create-user', body, 'multipart/form-data; boundary=x')).toEqual({
      status: 415,
      text: '{"error":"Unsupported Media Type"}',
    });
    expect(await count('players')).toBe(before);
  });

  test('nothing is made to fit: no list becomes its only item, no number a text, no word a yes', async () => {
    for (const path of ENDPOINTS) {
      for (const field of fieldsOf(path)) {
        for (const value of ['["11"]', '{"a":"11"}', '11', '"maybe"', '[]']) {
          // A word is a text like another; only what is yes or no can refuse it.
          if (value === '"maybe"' && !['mobile', 'demo'].includes(field)) continue;
          const { status, text } = await json(path, bodyOf(path, field, value));
          expect([path, field, value, status]).toEqual([path, field, value, 400]);
          expect(text).toContain(`"${field}: must be `);
        }
      }
    }
    const name = newName();
    const more = `{"user_agent":"${name}","partner_id":1,"blocked":true,"prefix":"ZZZ9"}`;
    expect((await json('/create-user', more)).text).toBe(`{"user_agent":"LAG1.${name}"}`);
  });

  test("a provider's body is what its bytes are, whatever its Content-Type says", async () => {
    const { token, id } = player;
    const hash = createHash('md5').update(`Authorization/${id}11${token}secret`).digest('hex');
    const body = JSON.stringify({ player_id: id, game_id: '11', token, hash });
    for (const type of TYPES) {
      const path = '/providers/sandbox/Authorization';
      const right = await send(path, body, type);
      expect([type, right.status, right.text.slice(0, 9)]).toEqual([type, 200, '{"code":0']);
      const wrong = await send(path, body.replace(id, `[${id}]`), type);
      expect([type, wrong.status, wrong.text.slice(0, 9)]).toEqual([type, 200, '{"code":1']);
    }
  });
});

describe('S18: prototypes', () => {
  test('a body with __proto__ or constructor is a body with odd names: nothing is inherited from it', async () => {
    const ghost = newName();
    const before = await count('players');
    for (const [body, error] of [
      [`{"__proto__":{"user_agent":"${ghost}"}}`, '__proto__: must be a single value'],
      [`{"constructor":{"prototype":{"user_agent":"${ghost}"}}}`, 'constructor: must be a single'],
      [`{"\\u005f_proto__":{"admin":true}}`, '__proto__: must be a single value'],
      ['{"__proto__":"x"}', 'user_agent: is required'],
      ['{"__proto__":null,"constructor":"x"}', 'user_agent: is required'],
    ] as const) {
      const { status, text } = await json('/create-user', body);
      expect([body, status]).toEqual([body, 400]);
      expect(text).toContain(error);
    }
    for (const body of [
      `__proto__=x&constructor=y`,
      `__proto__[user_agent]=${ghost}`,
      `__proto__.user_agent=${ghost}`,
      `constructor[prototype][admin]=1`,
    ]) {
      expect(await form('/create-user', body)).toEqual({
        status: 400,
        text: '{"error":"user_agent: is required"}',
      });
    }
    expect(await count('players')).toBe(before);
    const name = newName();
    const beside = `{"__proto__":"x","constructor":"y","toString":"z","user_agent":"${name}"}`;
    expect((await json('/create-user', beside)).text).toBe(`{"user_agent":"LAG1.${name}"}`);
  });

  test("a provider's body inherits no field from __proto__, and well-signed ones beside it count", async () => {
    const { token, id } = player;
    const hash = createHash('md5').update(`Authorization/${id}11${token}secret`).digest('hex');
    const fields = JSON.stringify({ player_id: id, game_id: '11', token, hash });
    const ask = async (body: string) => (await house.provider.raw('Authorization', body)).code;
    expect(await ask(`{"__proto__":${fields}}`)).toBe(1);
    expect(await ask(`{"constructor":{"prototype":${fields}}}`)).toBe(1);
    expect(await ask(fields.replace('{', '{"__proto__":{"player_id":"100000999"},'))).toBe(0);
  });

  test('a wallet reply pollutes nothing, and a balance in its __proto__ is none', async () => {
    const ask = () => house.provider.authorization({ token: player.token, player: player.id });
    for (const body of [
      '{"__proto__":{"balance":5,"admin":true}}',
      '{"__proto__":5}',
      '{"constructor":{"prototype":{"balance":5,"admin":true}}}',
      '[{"__proto__":{"balance":5}}]',
    ]) {
      house.wallet.script('/balance', { status: 200, body });
      expect([body, (await ask()).code]).toEqual([body, 1]);
      // The next reply, without any balance, finds none that an earlier one left.
      house.wallet.script('/balance', { status: 200, body: '{}' });
      expect((await ask()).code).toBe(1);
    }
    expect((await ask()).code).toBe(0);
  });
});
