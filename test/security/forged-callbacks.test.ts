/**
 * What somebody can forge who has seen a provider's signed call: the MD5 covers neither amounts nor flags, and
 * has no separators (traps T7 and T8). Each test is one attack, with a hash that is right.
 */
import { createHash } from 'node:crypto';
import { applyCatalogue } from '../../src/db/catalogue';
import { createConnection } from '../../src/db/connections';
import { startRoundhouse, type TestPlayer, type TestRoundhouse } from '../support/roundhouse';
import { createTestProvider, type MoneyCall, type TestProvider } from '../support/test-provider';

let house: TestRoundhouse;
let player: TestPlayer;
let rounds = 0;

/** A busy machine shall not decide what these tests are about. */
const PATIENT = {
  partner: { wallet_attempt_timeout_ms: 10_000 },
  connection: { answer_deadline_ms: 15_000 },
};
const GAMES = ['11', '12', '1'];

beforeAll(async () => {
  house = await startRoundhouse(PATIENT);
  // The first player's number ends in 0, with which no number of a round can begin.
  await house.newPlayer();
  player = await house.newPlayer();
  const game = (gameId: string) => ({
    gameId,
    title: `Game ${gameId}`,
    launchPath: '/game',
    iconUrl: null,
    className: 'Copper',
  });
  await applyCatalogue(house.pool, house.connection, GAMES.map(game));
});
afterAll(() => house?.close());
beforeEach(() => house.configure({ stake_max: null, payout_max: null }));

/** A call of the player in a round of its own, whose digits can all begin a number. */
function newCall(of: TestPlayer = player): MoneyCall {
  rounds += 1;
  const round = (81 + rounds).toString(9).replace(/./g, (digit) => String(Number(digit) + 1));
  return { token: of.token, player: of.id, round, transaction: `7${round}`, amount: '5' };
}

const md5 = (text: string) => createHash('md5').update(text).digest('hex');
const sourceOf = (
  method: string,
  { player: who, round, game = '11', transaction, token }: MoneyCall,
) => `${method}/${who}${round}${game}${transaction}${token}secret`;
const moved = () => house.wallet.effects('/bet') + house.wallet.effects('/settle-bet');

/** Sends the call and expects that it is refused with the code, and that no money moves. */
async function expectNothing(
  method: 'credit' | 'debit',
  call: MoneyCall,
  code: number,
  provider: TestProvider = house.provider,
): Promise<void> {
  const before = moved();
  expect(await provider[method](call)).toMatchObject({ status: 200, code });
  expect(moved()).toBe(before);
}

async function casesAbout(call: MoneyCall): Promise<string[]> {
  const { rows } = await house.pool.query<{ kind: string }>(
    'SELECT kind FROM cases WHERE subject LIKE $1 ORDER BY id',
    [`%/${call.player}/${call.round}/${call.transaction}`],
  );
  return rows.map(({ kind }) => kind);
}

describe('fields that the hash does not cover', () => {
  test.each(['500', '0.01', '0'])(
    'a seen stake and a seen win sent again with the amount %s move nothing and open a case',
    async (amount) => {
      const stake = newCall();
      const win = { ...stake, transaction: `8${stake.round}`, amount: '7' };
      expect(await house.provider.credit(stake)).toMatchObject({ code: 0 });
      const paid = await house.provider.debit(win);
      expect(paid).toMatchObject({ code: 0 });
      await expectNothing('credit', { ...stake, amount }, 1);
      await expectNothing('debit', { ...win, amount }, 1);
      const { id } = await house.roundOf(player.id, stake.round);
      expect(await house.cases(id)).toEqual(['conflict', 'conflict']);
      // The true repeat still has its stored answer.
      expect((await house.provider.debit(win)).text).toBe(paid.text);
    },
  );

  test('a seen stake sent again with is_close does not close the round', async () => {
    const stake = newCall();
    expect(await house.provider.credit(stake)).toMatchObject({ code: 0 });
    const before = moved();
    expect(await house.provider.credit({ ...stake, close: true })).toMatchObject({ code: 0 });
    expect(moved()).toBe(before);
    expect(await house.roundOf(player.id, stake.round)).toMatchObject({
      status: 'open',
      closed_by: null,
    });
    expect(await house.provider.credit({ ...stake, transaction: '2' })).toMatchObject({ code: 0 });
  });

  test('a seen win sent again with another bet_amount is paid once, on its bet', async () => {
    const stake = newCall();
    const win = { ...stake, transaction: `8${stake.round}`, amount: '7', betAmount: '5' };
    await house.provider.credit(stake);
    const paid = await house.provider.debit(win);
    expect(paid).toMatchObject({ code: 0 });
    const before = moved();
    for (const betAmount of ['0', '500', '5.001']) {
      expect((await house.provider.debit({ ...win, betAmount })).text).toBe(paid.text);
    }
    expect(moved()).toBe(before);
  });

  test("a stake's hash signs no win, and a win's no stake", async () => {
    const stake = newCall();
    const win = { ...stake, transaction: `8${stake.round}`, amount: '7' };
    await house.provider.credit(stake);
    await expectNothing('debit', { ...win, hash: md5(sourceOf('Credit', win)) }, 10);
    await expectNothing('credit', { ...win, hash: md5(sourceOf('Debit', win)) }, 10);
  });
});

describe('digits shifted between fields, under the hash that was seen', () => {
  /** The same digits, divided otherwise: the hash of one is the hash of the other. */
  function shifted(seen: MoneyCall, parts: Partial<MoneyCall>): MoneyCall {
    const forged = { ...seen, ...parts };
    expect(sourceOf('Credit', forged)).toBe(sourceOf('Credit', seen));
    return { ...forged, amount: '400' };
  }

  test('from the player into the round: 12 + 3 is not 1 + 23, for no such player is there', async () => {
    const seen = newCall();
    await house.provider.credit(seen);
    const head = seen.player.slice(0, -1);
    const forged = shifted(seen, { player: head, round: `${seen.player.slice(-1)}${seen.round}` });
    await expectNothing('credit', forged, 11);
    await expectNothing('debit', forged, 11);
    const longer = shifted(seen, {
      player: `${seen.player}${seen.round.slice(0, 1)}`,
      round: seen.round.slice(1),
    });
    await expectNothing('credit', longer, 11);
    await expectNothing('debit', longer, 11);
  });

  test('from the round into the game: the game is not in the catalogue, and the round has no stake', async () => {
    const seen = newCall();
    await house.provider.credit(seen);
    const forged = shifted(seen, {
      round: seen.round.slice(0, -1),
      game: `${seen.round.slice(-1)}11`,
    });
    await expectNothing('credit', forged, 1);
    await expectNothing('debit', forged, 8);
    expect(await casesAbout(forged)).toEqual(['orphan_payout']);
  });

  test('from the game into the transaction: the round is of another game, and a case says so', async () => {
    const seen = newCall();
    await house.provider.credit(seen);
    const forged = shifted(seen, { game: '1', transaction: `1${seen.transaction}` });
    await expectNothing('credit', forged, 1);
    await expectNothing('debit', forged, 1);
    const { id } = await house.roundOf(player.id, seen.round);
    expect(await house.cases(id)).toEqual(['conflict', 'conflict']);
  });

  test('from the transaction into the token: no token of ours begins with a digit', async () => {
    const seen = newCall();
    const tail = seen.transaction.slice(-1);
    const forged = shifted(seen, {
      transaction: seen.transaction.slice(0, -1),
      token: `${tail}${seen.token}`,
    });
    expect(player.token).toMatch(/^[A-Za-z]/);
    await expectNothing('credit', forged, 14);
    await expectNothing('debit', forged, 8);
  });
});

describe("somebody else's", () => {
  test("a stake of one player with another's token is 14, also in a round that exists", async () => {
    const other = await house.newPlayer();
    const call = newCall();
    await expectNothing('credit', { ...call, token: other.token }, 14);
    await house.provider.credit(call);
    await expectNothing('credit', { ...call, transaction: '2', token: other.token }, 14);
  });

  test("a round of one player is not another's: a stake opens its own, a win finds none", async () => {
    const other = await house.newPlayer();
    const call = newCall();
    await house.provider.credit(call);
    const theirs = { ...call, player: other.id, token: other.token, transaction: '9' };
    await expectNothing('debit', theirs, 8);
    expect(await house.provider.credit(theirs)).toMatchObject({ code: 0 });
    const [mine, own] = await Promise.all(
      [player, other].map(({ id }) => house.roundOf(id, call.round)),
    );
    expect(mine?.id).not.toBe(own?.id);
  });

  test('the same key on two connections opens neither to the calls of the other, nor lifts its caps', async () => {
    const elsewhere = await createConnection(house.office, {
      key: 'elsewhere',
      dialect: 'web-games',
      baseUrl: 'http://127.0.0.1:9',
      partnerId: '8',
      apiKey: 'secret',
    });
    await house.configure({ stake_max: '5', payout_max: '5' });
    const there = createTestProvider(() => `${house.baseUrl}/providers/${elsewhere.key}`, 'secret');
    const call = newCall();
    expect(await house.provider.credit(call)).toMatchObject({ code: 0 });
    await expectNothing('credit', { ...call, amount: '400' }, 14, there);
    const win = { ...call, transaction: `8${call.round}`, amount: '400' };
    await expectNothing('debit', win, 10, there);
    const { rows } = await house.pool.query<{ kind: string }>(
      `SELECT kind FROM cases WHERE subject LIKE 'elsewhere/%'`,
    );
    expect(rows).toEqual([{ kind: 'ownership_mismatch' }]);
    // Without a token that anybody knows, it is a player the other connection has never had.
    await expectNothing('debit', { ...win, token: 'sNobodyKnowsIt' }, 11, there);
    await expectNothing('debit', win, 1);
  });
});

describe('caps of a connection (SPEC rule 15)', () => {
  test('a forged stake above the cap is refused, at the cap it is taken', async () => {
    await house.configure({ stake_max: '5' });
    await expectNothing('credit', { ...newCall(), amount: '5.01' }, 1);
    await expectNothing('credit', { ...newCall(), amount: '999999999999.99' }, 1);
    await expectNothing('credit', { ...newCall(), amount: '1e2' }, 1);
    expect(await house.provider.credit({ ...newCall(), amount: '5.00' })).toMatchObject({
      code: 0,
    });
  });

  test('a forged win above the cap is held and named, at the cap it is paid', async () => {
    await house.configure({ payout_max: '50' });
    const call = newCall();
    await house.provider.credit(call);
    const win = { ...call, transaction: `8${call.round}`, amount: '50.01' };
    await expectNothing('debit', win, 1);
    await expectNothing('debit', win, 1);
    // Lifting the cap pays nobody by itself, and a smaller amount under the same id is another claim.
    await house.configure({ payout_max: null });
    await expectNothing('debit', win, 1);
    await expectNothing('debit', { ...win, amount: '50' }, 1);
    const { id } = await house.roundOf(player.id, call.round);
    expect(await house.cases(id)).toEqual(['held_payout', 'conflict']);
    await house.configure({ payout_max: '50' });
    const paid = { ...win, transaction: `9${call.round}`, amount: '50' };
    expect(await house.provider.debit(paid)).toMatchObject({ code: 0 });
  });

  test('a cap of 0 takes nothing but nothing, and no amount below 0 passes under any cap', async () => {
    await house.configure({ stake_max: '0', payout_max: '0' });
    const call = newCall();
    await expectNothing('credit', { ...call, amount: '0.01' }, 1);
    for (const amount of ['-0.01', '-5', '"-5"', '-5e1']) {
      await expectNothing('credit', { ...call, amount }, 1);
      await expectNothing('debit', { ...call, amount }, 1);
    }
    expect(await house.provider.credit({ ...call, amount: '0' })).toMatchObject({ code: 0 });
    await expectNothing('debit', { ...call, transaction: '3', amount: '0.01' }, 1);
    expect(await house.provider.debit({ ...call, transaction: '4', amount: '0' })).toMatchObject({
      code: 0,
    });
  });

  test('a cap finer than the currency is cut, not lifted', async () => {
    await house.configure({ stake_max: '5.0099', payout_max: '5.0099' });
    await expectNothing('credit', { ...newCall(), amount: '5.01' }, 1);
    expect(await house.provider.credit({ ...newCall(), amount: '5' })).toMatchObject({ code: 0 });
  });
});
