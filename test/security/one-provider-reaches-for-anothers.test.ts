import { randomInt } from 'node:crypto';
import { assert } from '../../src/lib/assert';
import {
  startTwoTenants,
  type Fields,
  type SeenAnswer,
  type TwoTenants,
} from '../support/two-tenants';

/**
 * Row S19, the other surface: partner A's players, tokens, rounds and transactions, all of connection
 * `sandbox`, are named in calls that connection `amber` signs well. Each value alone is answered like one that
 * nobody has. A token is a secret of 256 bits: who has it was given it, and for it the documents and SPEC §3
 * have answers of their own (14; for a payout 10 and a case), which the last test holds.
 */

let world: TwoTenants;
let before: string;

beforeAll(async () => {
  world = await startTwoTenants();
  before = await world.stateOfA();
});
afterAll(() => world?.close());
afterEach(async () => assert((await world.stateOfA()) === before, 'the rows of A have changed'));

const METHODS = {
  Authorization: ['player_id', 'game_id', 'token'],
  Debit: ['player_id', 'game_id', 'token', 'round_id', 'transaction_id'],
  // Last: its stakes make rounds of B's own under the numbers of A's.
  Credit: ['player_id', 'game_id', 'token', 'round_id', 'transaction_id'],
} as const;

type Method = keyof typeof METHODS;

const fresh = () => String(randomInt(100_000_000, 999_999_999));

/** A call about B's player at B's connection that is right in everything. */
function ownCall(method: Method): Fields {
  const { playerId, gameId, token } = world.b;
  const session = { player_id: playerId, game_id: gameId, token };
  if (method === 'Authorization') return session;
  // A stake of nothing moves nothing; a payout of something has no round here, and says so.
  const amount = method === 'Credit' ? '0' : '1';
  return { ...session, round_id: fresh(), transaction_id: fresh(), amount, is_close: true };
}

/** The answer without the number that each operation has for itself. */
const told = ({ status, text }: SeenAnswer) => ({
  status,
  text: text.replace(/"external_session(_id)?":("session-)?\d+"?/, '"external":<own>'),
});

function expectNothingOfA({ text }: SeenAnswer): void {
  for (const id of Object.values(world.idsOfA)) expect(text).not.toContain(id);
}

const codeOf = ({ text }: SeenAnswer) => (JSON.parse(text) as { code: number }).code;

/** Of the same shape, and nobody's. No number of ours begins with a nine. */
function nobodys(id: string): string {
  if (/^\d+$/.test(id)) return `9${fresh()}`.slice(0, Math.max(6, id.length));
  return id.split('').toReversed().join('');
}

test.each(Object.keys(METHODS) as Method[])(
  "an id of another connection's is nobody's id in every field of %s",
  async (method) => {
    expect(codeOf(await world.callback(method, ownCall(method)))).toBe(method === 'Debit' ? 8 : 0);
    for (const field of METHODS[method]) {
      for (const id of Object.values(world.idsOfA)) {
        // The case of a token that is known, which the last test is about.
        if (method === 'Debit' && field === 'token' && isToken(id)) continue;
        const answer = told(await world.callback(method, { ...ownCall(method), [field]: id }));
        const other = { ...ownCall(method), [field]: nobodys(id) };
        expect({ field, id, ...answer }).toEqual({
          ...{ field, id },
          ...told(await world.callback(method, other)),
        });
        expectNothingOfA(answer);
      }
    }
  },
);

const isToken = (id: string) =>
  id === world.idsOfA['launch token'] || id === world.idsOfA['lobby token'];

test.each(Object.keys(METHODS) as Method[])(
  "another connection's player without the token is not found in %s, and no one is paid",
  async (method) => {
    const { a, house } = world;
    const calls = house.wallet.calls.length;
    for (const token of [world.b.token, 'sNoSuchToken']) {
      const foreign = { ...ownCall(method), player_id: a.playerId, token };
      const answer = await world.callback(method, foreign);
      expect(codeOf(answer)).toBe(11);
      expect(answer).toEqual(
        await world.callback(method, { ...ownCall(method), player_id: '999999999', token }),
      );
    }
    expect(house.wallet.calls.length).toBe(calls);
  },
);

test('not even where payouts without a round are paid; that money was named is a case', async () => {
  const { a, house, callback } = world;
  const update = (value: string) =>
    house.pool.query(`UPDATE connections SET settings = $1 WHERE key = 'amber'`, [value]);
  await update('{"orphan_payout":"carrier","orphan_payout_max":"100"}');
  try {
    const win: Fields = { ...ownCall('Debit'), player_id: a.playerId, token: 'sNoSuchToken' };
    expect(codeOf(await callback('Debit', win))).toBe(11);
    const { rows } = await house.pool.query(
      `SELECT kind, amount FROM cases WHERE subject LIKE 'amber/' || $1 || '/' || $2 || '/%'`,
      [a.playerId, String(win.round_id)],
    );
    expect(rows).toEqual([{ kind: 'ownership_mismatch', amount: '100' }]);
  } finally {
    await update('{}');
  }
});

test("a request of one connection, repeated by another with the other's signature, does nothing", async () => {
  const { a, callback } = world;
  const session = { player_id: a.playerId, game_id: a.gameId, token: a.token };
  const repeated = {
    ...{ ...session, round_id: a.roundRef, transaction_id: a.transactionRef },
    ...{ amount: '5', is_close: false },
  };
  // To its own address: the token is known to be somebody else's.
  expect(codeOf(await callback('Authorization', session))).toBe(14);
  expect(codeOf(await callback('Credit', repeated))).toBe(14);
  expect(codeOf(await callback('Debit', repeated))).toBe(10);
  // To the address of the one it was taken from: that signature is not the one's.
  const there = { connection: 'sandbox' };
  expect(codeOf(await callback('Authorization', session, there))).toBe(10);
  expect(codeOf(await callback('Credit', repeated, there))).toBe(10);
  expect(codeOf(await callback('Debit', repeated, there))).toBe(10);
});

test("a win with another player's token is refused with 10 and a case, whichever connection's it is", async () => {
  const { a, b, callback, house } = world;
  const win: Fields = { ...ownCall('Debit'), token: a.token };
  const answer = await callback('Debit', win);
  expect(codeOf(answer)).toBe(10);
  expectNothingOfA(answer);
  const { rows } = await house.pool.query('SELECT kind FROM cases WHERE subject = $1', [
    `amber/${b.playerId}/${String(win.round_id)}/${String(win.transaction_id)}`,
  ]);
  expect(rows).toEqual([{ kind: 'ownership_mismatch' }]);
});
