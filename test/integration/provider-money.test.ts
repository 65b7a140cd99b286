import { createHash } from 'node:crypto';
import { createConnection } from '../../src/db/connections';
import { applyCatalogue } from '../../src/db/catalogue';
import { setPlayerBlocked } from '../../src/db/players';
import { endSession, sessionByToken } from '../../src/db/sessions';
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

const md5 = (text: string) => createHash('md5').update(text).digest('hex');
const stakes = () => house.wallet.effects('/bet');

/** The one form every exit has, whatever was asked. */
function expectRefusal(reply: ProviderReply, code: number): void {
  expect(reply).toMatchObject({ status: 200, code });
  expect(reply.contentType).toMatch(/^application\/json/);
  expect(Object.keys(JSON.parse(reply.text) as object)).toEqual(['code', 'message']);
  expect(reply.message).not.toBe('');
}

describe('who may ask for what', () => {
  test('a wrong hash is 10 in every method', async () => {
    const hash = md5('something else');
    expectRefusal(await house.provider.credit({ ...newCall(), hash }), 10);
    expectRefusal(await house.provider.debit({ ...newCall(), hash }), 10);
    const body = { player_id: player.id, game_id: 11, token: player.token, hash };
    expectRefusal(await house.provider.raw('Authorization', JSON.stringify(body)), 10);
  });

  test.each(['999999999', '42', '-7', '99999999999999999999'])(
    'the unknown player %s is 11 in every method',
    async (unknown) => {
      const call = { ...newCall(), player: unknown };
      expectRefusal(await house.provider.credit(call), 11);
      expectRefusal(await house.provider.debit(call), 11);
      expectRefusal(
        await house.provider.authorization({ token: player.token, player: unknown }),
        11,
      );
    },
  );

  test('a token that opens nothing here is 14 in Authorization and Credit', async () => {
    const other = await house.newPlayer();
    const elsewhere = await createConnection(house.office, {
      key: 'elsewhere',
      dialect: 'web-games',
      baseUrl: 'http://127.0.0.1:9',
      partnerId: '8',
      apiKey: 'secret',
    });
    const ended = await house.launch(player.id);
    const expired = await house.launch(player.id);
    const session = (await sessionByToken(house.pool, ended))?.session;
    await endSession(house.pool, session ?? { id: '0' }, Date.now());
    await house.pool.query(
      `UPDATE sessions SET launch_expires_at = now() - interval '1 s'
        WHERE id = (SELECT max(id) FROM sessions WHERE player_id = $1)`,
      [player.id],
    );
    const before = stakes();
    for (const token of [
      'sNoSuchToken',
      other.token,
      await house.launch(player.id, { isDemo: true }),
      await house.launch(player.id, { connectionId: elsewhere.id }),
      ended,
      expired,
    ]) {
      expectRefusal(await house.provider.authorization({ token, player: player.id }), 14);
      expectRefusal(await house.provider.credit({ ...newCall(), token }), 14);
    }
    expect(stakes()).toBe(before);
  });

  test('a blocked player: 4 in Credit, 1 in Authorization, and a win is still paid', async () => {
    const blocked = await house.newPlayer();
    const call = newCall(blocked);
    expect(await house.provider.credit(call)).toMatchObject({ code: 0 });
    await setPlayerBlocked(house.office, blocked.id, true);
    expectRefusal(await house.provider.credit(newCall(blocked)), 4);
    expectRefusal(
      await house.provider.authorization({ token: blocked.token, player: blocked.id }),
      1,
    );
    const win = { ...call, transaction: '7', amount: '8' };
    expect(await house.provider.debit(win)).toMatchObject({ code: 0, balance: '1003' });
  });

  test('a suspended partner: 4 in Credit, 1 in Authorization', async () => {
    const suspend = (status: string) =>
      house.pool.query('UPDATE partners SET status = $1', [status]);
    await suspend('suspended');
    try {
      expectRefusal(await house.provider.credit(newCall()), 4);
      expectRefusal(
        await house.provider.authorization({ token: player.token, player: player.id }),
        1,
      );
    } finally {
      await suspend('active');
    }
  });

  test('an unknown or inactive game is 1 in Authorization and Credit; its known round is still paid', async () => {
    const game = (gameId: string) => ({
      gameId,
      title: `Game ${gameId}`,
      launchPath: '/game',
      iconUrl: null,
      className: 'Copper',
    });
    await applyCatalogue(house.pool, house.connection, ['11', '12', '13'].map(game));
    const call = { ...newCall(), game: '13' };
    expect(await house.provider.credit(call)).toMatchObject({ code: 0 });
    await applyCatalogue(house.pool, house.connection, ['11', '12'].map(game));
    for (const gone of ['13', '4711']) {
      expectRefusal(await house.provider.credit({ ...newCall(), game: gone }), 1);
      const launch = { token: player.token, player: player.id, game: gone };
      expectRefusal(await house.provider.authorization(launch), 1);
    }
    expect(await house.provider.debit({ ...call, transaction: '8' })).toMatchObject({ code: 0 });
  });
});

describe('amounts', () => {
  test('more decimals than the currency has: 1, and for a payout a case with its bytes', async () => {
    const before = stakes();
    const call = newCall();
    expectRefusal(await house.provider.credit({ ...call, amount: '5.001' }), 1);
    expect(stakes()).toBe(before);
    await house.provider.credit(call);
    const win = { ...call, transaction: '31', amount: '7.123' };
    for (const _ of [1, 2]) expectRefusal(await house.provider.debit(win), 1);
    const { rows } = await house.pool.query<{ evidence: { request: string } }>(
      `SELECT evidence FROM cases WHERE kind = 'payout_precision' AND subject LIKE $1`,
      [`%/${call.round}/31`],
    );
    expect(rows).toHaveLength(1);
    expect(rows[0]?.evidence.request).toContain('"amount":7.123');
    expect(rows[0]?.evidence.request).not.toContain(player.token);
  });

  test('are compared by value: 42.60, "42.6" and 4.26e1 are one stake', async () => {
    const call = { ...newCall(), amount: '42.60' };
    const first = await house.provider.credit(call);
    expect(first.code).toBe(0);
    for (const amount of ['"42.6"', '4.26e1', '42.600', '"42.60"']) {
      expect((await house.provider.credit({ ...call, amount })).text).toBe(first.text);
    }
    const { id } = await house.roundOf(player.id, call.round);
    expect(await house.cases(id)).toEqual([]);
    expect(house.callsOf(player, '/bet').filter(({ body }) => body.balance === 42.6)).toHaveLength(
      1,
    );
  });

  test('a known transaction with an amount the currency cannot hold is another amount: 1 and one case', async () => {
    const call = newCall();
    await house.provider.credit(call);
    await house.provider.debit({ ...call, transaction: '9' });
    for (const _ of [1, 2]) {
      expectRefusal(await house.provider.credit({ ...call, amount: '5.001' }), 1);
      const other = { ...call, transaction: '9', amount: '5.0009' };
      expectRefusal(await house.provider.debit(other), 1);
    }
    const { id } = await house.roundOf(player.id, call.round);
    expect(await house.cases(id)).toEqual(['conflict', 'conflict']);
  });
});

describe('rounds', () => {
  test('a stake for a closed round is 5', async () => {
    const call = newCall();
    expect(await house.provider.credit({ ...call, close: true })).toMatchObject({ code: 0 });
    expectRefusal(await house.provider.credit({ ...call, transaction: '2' }), 5);
  });

  test('a payout for an unknown round is 8 and a case', async () => {
    const call = newCall();
    expectRefusal(await house.provider.debit(call), 8);
    const { rows } = await house.pool.query<{ kind: string }>(
      'SELECT kind FROM cases WHERE subject = $1',
      [`sandbox/${player.id}/${call.round}/${call.transaction}`],
    );
    expect(rows).toEqual([{ kind: 'orphan_payout' }]);
  });

  test('a known round with another game is 1 and a case, for a stake and for a payout', async () => {
    const call = newCall();
    await house.provider.credit(call);
    expectRefusal(await house.provider.credit({ ...call, transaction: '2', game: '12' }), 1);
    expectRefusal(await house.provider.debit({ ...call, transaction: '2', game: '12' }), 1);
    const { id } = await house.roundOf(player.id, call.round);
    expect(await house.cases(id)).toEqual(['conflict', 'conflict']);
  });

  test('a payout needs no valid token', async () => {
    const call = newCall();
    await house.provider.credit(call);
    const win = { ...call, transaction: '2', token: 'sLongGone', amount: '3' };
    expect(await house.provider.debit(win)).toMatchObject({ code: 0 });
  });

  test("a payout with somebody else's token is 10 and a case, and nothing is paid", async () => {
    const other = await house.newPlayer();
    const call = newCall();
    await house.provider.credit(call);
    const before = house.wallet.effects('/settle-bet');
    const win = { ...call, transaction: '2', token: other.token };
    for (const _ of [1, 2]) expectRefusal(await house.provider.debit(win), 10);
    expect(house.wallet.effects('/settle-bet')).toBe(before);
    const { rows } = await house.pool.query<{ kind: string }>(
      'SELECT kind FROM cases WHERE subject = $1',
      [`sandbox/${player.id}/${call.round}/2`],
    );
    expect(rows).toEqual([{ kind: 'ownership_mismatch' }]);
  });

  test('two transactions one apart beyond 2^53, and the ends of 64 bits, are stakes of their own', async () => {
    const before = stakes();
    const call = newCall();
    for (const transaction of [
      '9007199254740992',
      '9007199254740993',
      '9223372036854775807',
      '-9223372036854775808',
    ]) {
      expect(await house.provider.credit({ ...call, transaction })).toMatchObject({ code: 0 });
    }
    expect(stakes()).toBe(before + 4);
    const { rows } = await house.pool.query<{ transaction_ref: string }>(
      'SELECT transaction_ref FROM operations WHERE transaction_ref = ANY($1)',
      [['9007199254740993', '-9223372036854775808']],
    );
    expect(rows).toHaveLength(2);
  });

  test('an id as a string is the id', async () => {
    const call = newCall();
    const first = await house.provider.credit(call);
    const quoted = house.provider
      .body('Credit', call)
      .replace(/"(transaction_id|player_id|round_id|game_id)":(-?\d+)/g, '"$1":"$2"');
    expect((await house.provider.raw('Credit', quoted)).text).toBe(first.text);
  });
});
