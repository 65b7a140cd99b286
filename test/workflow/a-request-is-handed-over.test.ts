/** A plain new request reaches the round's hand before it is in the book (decision 0012): what that may not cost. */
import { askRound } from '../../src/contracts/drive-round';
import type { Ask } from '../../src/contracts/round';
import { reserveOperationId } from '../../src/db/operations';
import { eventually } from '../support/eventually';
import { startRoundhouse, type TestPlayer, type TestRoundhouse } from '../support/roundhouse';
import type { MoneyCall } from '../support/test-provider';

const PATIENT = { answer_deadline_ms: 20_000 };

let house: TestRoundhouse;
let player: TestPlayer;
beforeAll(async () => {
  house = await startRoundhouse({ connection: PATIENT, apart: true });
});
afterAll(() => house?.close());
beforeEach(async () => (player = await house.newPlayer()));

let transactions = 0;
const call = (of: Partial<MoneyCall> = {}): MoneyCall => ({
  token: player.token,
  player: player.id,
  round: '1',
  transaction: String(++transactions),
  amount: '10',
  ...of,
});

const operations = async () => {
  const { rows } = await house.pool.query<{
    kind: string;
    requests: number;
    answer_result: string;
  }>(
    `SELECT o.kind, o.requests, o.answer_result FROM operations o JOIN rounds r ON r.id = o.round_id
      WHERE r.player_id = $1 ORDER BY o.id`,
    [player.id],
  );
  return rows;
};

/** What the API hands over for a stake of 10.00 in a round that is there. */
async function askOf(change: Partial<Ask> = {}): Promise<Ask> {
  const { id } = await house.roundOf(player.id, '1');
  return {
    kind: 'stake',
    label: 'stake 10.00 EUR',
    operationId: await reserveOperationId(house.pool),
    round: id,
    gameId: '11',
    betId: id.padStart(24, 'a'),
    transactionRef: '999',
    amount: '1000',
    betAmount: null,
    isClose: false,
    untilMs: Date.now() + 60_000,
    ...change,
  };
}

const handOver = (ask: Ask) =>
  askRound(
    house.client,
    {
      key: { connection: 'sandbox', playerId: player.id, roundRef: '1' },
      attributes: { partner: 'LAG1', product: 'Novomatic', game: 'a game' },
      summary: 'a round',
    },
    ask,
    3_000,
  );

test('while no worker runs a stake is written all the same, and taken once when one does', async () => {
  await house.stopWorker();
  const told = house.provider.credit(call());
  await eventually(async () => expect(await operations()).toHaveLength(1));
  expect(house.callsOf(player, '/bet')).toEqual([]);
  await house.startWorker();
  expect(await told).toMatchObject({ code: 0, balance: '990' });
  expect(await operations()).toMatchObject([{ requests: 1, answer_result: 'accepted' }]);
  expect(house.callsOf(player, '/bet')).toHaveLength(1);
});

test('while no worker runs a win is accepted and owed', async () => {
  expect(await house.provider.credit(call())).toMatchObject({ code: 0 });
  await house.stopWorker();
  await house.configure({ answer_deadline_ms: 1_500 });
  const win = call({ amount: '25', close: true });
  expect(await house.provider.debit(win)).toMatchObject({ code: 0, balance: '1015' });
  await house.configure(PATIENT);
  await house.startWorker();
  await house.ended(player.id, '1');
  expect(house.wallet.balance(player.userAgent)).toBe('1015');
  expect(house.callsOf(player, '/settle-bet')).toHaveLength(1);
});

test.each<[string, Partial<Ask>]>([
  ['whose answer was due before it came', { untilMs: 1 }],
  ['for another game than its round’s', { gameId: '12' }],
])('a request %s is not written, and nothing is sent', async (_, change) => {
  expect(await house.provider.credit(call())).toMatchObject({ code: 0 });
  await handOver(await askOf(change));
  // The hand goes on with what comes after it.
  expect(await house.provider.credit(call({ amount: '5' }))).toMatchObject({ code: 0 });
  expect(await operations()).toHaveLength(2);
  expect(house.callsOf(player, '/bet')).toHaveLength(2);
  const { rows } = await house.pool.query('SELECT 1 FROM cases WHERE round_id = $1', [
    (await house.roundOf(player.id, '1')).id,
  ]);
  expect(rows).toEqual([]);
});

test('one that is handed over twice is written, and sent, once', async () => {
  expect(await house.provider.credit(call())).toMatchObject({ code: 0 });
  const ask = await askOf();
  await Promise.all([handOver(ask), handOver(ask)]);
  await handOver(ask);
  await eventually(() => {
    expect(house.wallet.balance(player.userAgent)).toBe('980');
    return Promise.resolve();
  });
  expect(await house.provider.credit(call({ amount: '5' }))).toMatchObject({ code: 0 });
  expect((await operations()).map(({ requests }) => requests)).toEqual([1, 1, 1]);
  expect(house.callsOf(player, '/bet')).toHaveLength(3);
});

test('one that is in the book already tells the hand how its round stands', async () => {
  expect(await house.provider.credit(call())).toMatchObject({ code: 0 });
  const { id } = await house.roundOf(player.id, '1');
  const { rows } = await house.pool.query<{ id: number; bet_id: string; transaction_ref: string }>(
    'SELECT id, bet_id, transaction_ref FROM operations WHERE round_id = $1',
    [id],
  );
  const [stake] = rows;
  if (!stake) throw new Error('the stake is in the book');
  // What a worker decided that died before it could say so to the round's workflow.
  await house.book.decideOn(id, {
    type: 'payout',
    request: {
      operationId: await reserveOperationId(house.pool),
      transactionRef: '777',
      amount: 0n,
      gameId: '11',
      betAmount: null,
      isClose: true,
    },
  });
  const { id: operationId, bet_id: betId, transaction_ref: transactionRef } = stake;
  await handOver(await askOf({ operationId, betId, transactionRef }));
  await house.ended(player.id, '1');
  expect(house.callsOf(player, '/bet-end')).toHaveLength(1);
  expect(house.callsOf(player, '/bet')).toHaveLength(1);
});
