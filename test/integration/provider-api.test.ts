import { sessionByToken } from '../../src/db/sessions';
import { startRoundhouse, type TestPlayer, type TestRoundhouse } from '../support/roundhouse';
import type { ProviderReply } from '../support/test-provider';

let house: TestRoundhouse;
let player: TestPlayer;
let rounds = 0;

beforeAll(async () => {
  house = await startRoundhouse();
  player = await house.newPlayer();
});
afterAll(() => house?.close());

/** A call of the player in a round of its own. */
function newCall(of: TestPlayer = player) {
  rounds += 1;
  return {
    token: of.token,
    player: of.id,
    round: String(rounds),
    transaction: String(1_000 * rounds),
    amount: '5',
  };
}

const stakes = () => house.wallet.effects('/bet');

/** The one form every exit has, whatever was asked. */
function expectRefusal(reply: ProviderReply, code: number): void {
  expect(reply).toMatchObject({ status: 200, code });
  expect(reply.contentType).toMatch(/^application\/json/);
  expect(Object.keys(JSON.parse(reply.text) as object)).toEqual(['code', 'message']);
  expect(reply.message).not.toBe('');
}

describe('every exit is HTTP 200 with lower-case JSON', () => {
  test.each([
    ['an unknown method', '/Refund', {}],
    ['a method that every object has', '/constructor', {}],
    ['GET', '/Credit', { method: 'GET' }],
    ['PUT', '/Credit', { method: 'PUT', body: '{}' }],
    ['DELETE with a body', '/Credit', { method: 'DELETE', body: '{}' }],
    ['no body at all', '/Credit', {}],
    ['an HTML body', '/Credit', { body: '<html><body>Bad gateway</body></html>' }],
    ['70 KB', '/Credit', { body: `{"token":"${'x'.repeat(70_000)}"}` }],
    ['broken JSON', '/Debit', { body: '{"amount":1' }],
    ['an array', '/Debit', { body: '[1,2]' }],
    ['null', '/Authorization', { body: 'null' }],
    ['a form', '/Authorization', { body: new URLSearchParams({ token: 'a' }) }],
    ['JSON nested by thousands', '/Credit', { body: '['.repeat(20_000) }],
    ['a field twice', '/Credit', { body: '{"amount":1,"amount":2}' }],
    ['a path with a broken escape', '/Credit/%zz', { body: '{}' }],
  ] satisfies [string, string, RequestInit][])('%s', async (_, path, init) => {
    expectRefusal(await house.provider.send(path, init), 1);
  });

  test.each(['', '/', '/sandbox', '/sandbox/', '/unknown/Credit', '/a/b/c/d', '/sandbox/Credit/x'])(
    'the path /providers%s',
    async (path) => {
      for (const method of ['GET', 'POST']) {
        const response = await fetch(`${house.baseUrl}/providers${path}`, { method });
        expect(response.status).toBe(200);
        expect(await response.json()).toEqual({ code: 1, message: expect.any(String) });
      }
    },
  );

  test('a crash inside', async () => {
    await house.pool.query('ALTER TABLE operation_keys RENAME TO gone');
    try {
      expectRefusal(await house.provider.credit(newCall()), 1);
      expectRefusal(await house.provider.debit(newCall()), 1);
    } finally {
      await house.pool.query('ALTER TABLE gone RENAME TO operation_keys');
    }
  });
});

describe('what is wrong with the shape is named', () => {
  const fields = ['transaction_id', 'player_id', 'round_id', 'token', 'is_close', 'game_id'];

  test.each([...fields, 'amount', 'hash'])('without %s', async (name) => {
    for (const method of ['Credit', 'Debit'] as const) {
      const body = JSON.parse(house.provider.body(method, newCall())) as Record<string, unknown>;
      const { [name]: _, ...rest } = body;
      const reply = await house.provider.raw(method, JSON.stringify(rest));
      expectRefusal(reply, 1);
      expect(reply.message).toContain(name);
    }
  });

  test.each(['player_id', 'game_id', 'token', 'hash'])('Authorization without %s', async (name) => {
    const body: Record<string, unknown> = { player_id: 1, game_id: 1, token: 'a', hash: 'b' };
    delete body[name];
    const reply = await house.provider.raw('Authorization', JSON.stringify(body));
    expectRefusal(reply, 1);
    expect(reply.message).toContain(name);
  });

  test('a negative amount is refused and moves nothing', async () => {
    const before = stakes();
    expectRefusal(await house.provider.credit({ ...newCall(), amount: '-5' }), 1);
    expectRefusal(await house.provider.debit({ ...newCall(), amount: '-0.01' }), 1);
    expect(stakes()).toBe(before);
  });

  test('a transaction beyond 64 bits is refused', async () => {
    const beyond = { ...newCall(), transaction: '9223372036854775808' };
    expectRefusal(await house.provider.credit(beyond), 1);
  });
});

describe('the way it is sent', () => {
  test.each(['/Credit/', '//Credit', '/Credit//', '/Credit?from=sandbox'])(
    'the path %s is Credit',
    async (path) => {
      const body = house.provider.body('Credit', newCall());
      expect(await house.provider.send(path, { body })).toMatchObject({ status: 200, code: 0 });
    },
  );

  test.each(['text/plain', 'application/json; charset=utf-8', 'application/octet-stream', 'x'])(
    'content type %s is read all the same',
    async (type) => {
      const body = house.provider.body('Credit', newCall());
      const headers = { 'content-type': type };
      expect(await house.provider.send('/Credit', { body, headers })).toMatchObject({ code: 0 });
    },
  );
});

describe('Authorization', () => {
  test("answers the document's fields with their types, and again when repeated", async () => {
    const fresh = await house.newPlayer();
    house.wallet.setBalance(fresh.userAgent, '10000.12');
    const token = await house.launch(fresh.id);
    const session = (await sessionByToken(house.pool, token))?.session.id;
    const first = await house.provider.authorization({ token, player: fresh.id });
    expect(first.text).toBe(
      `{"code":0,"message":"Ok","player_id":${fresh.id},"currency":"EUR","nick":"Player${fresh.id}",` +
        `"balance":10000.12,"external_session":"session-${session}"}`,
    );
    const again = await house.provider.authorization({ token, player: fresh.id });
    expect(again.text).toBe(first.text);
  });

  test('tells the balance of this moment', async () => {
    const fresh = await house.newPlayer();
    house.wallet.setBalance(fresh.userAgent, '0.1');
    expect(
      await house.provider.authorization({ token: fresh.token, player: fresh.id }),
    ).toMatchObject({ code: 0, balance: '0.1' });
  });

  test('a wallet that is down is 1, one that does not know the player is 11', async () => {
    const ask = () => house.provider.authorization({ token: player.token, player: player.id });
    house.wallet.script('/balance', 'reset', { status: 503, body: 'down' }, 'hang');
    for (const _ of [1, 2, 3]) expectRefusal(await ask(), 1);
    house.wallet.script('/balance', { status: 404, body: '{"error":"USER_NOT_FOUND"}' });
    expectRefusal(await ask(), 11);
    expect(await ask()).toMatchObject({ code: 0 });
  });
});
