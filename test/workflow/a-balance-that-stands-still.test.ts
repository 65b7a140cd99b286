import { startRoundhouse, type TestPlayer, type TestRoundhouse } from '../support/roundhouse';
import type { MoneyCall } from '../support/test-provider';

let house: TestRoundhouse;
let player: TestPlayer;
let transactions = 0;

beforeAll(async () => {
  house = await startRoundhouse({
    connection: { answer_deadline_ms: 15_000, close_on_next_stake: false },
  });
});
afterAll(() => house?.close());
beforeEach(async () => (player = await house.newPlayer()));

const call = (of: Partial<MoneyCall> = {}): MoneyCall => ({
  token: player.token,
  player: player.id,
  round: '12',
  transaction: String(5_000 + ++transactions),
  amount: '40',
  ...of,
});

const cases = async () => house.cases((await house.roundOf(player.id, '12')).id);
/** A wallet that says yes and does nothing. */
const PAID_NOTHING = { status: 200, body: '{"balance":960.00}' };

test('a wallet that accepts a payout without moving the balance: paid as far as we know, and a person is told', async () => {
  await house.provider.credit(call());
  house.wallet.script('/settle-bet', PAID_NOTHING);
  expect(await house.provider.debit(call({ amount: '25' }))).toMatchObject({
    code: 0,
    balance: '960',
  });
  expect(await cases()).toEqual(['balance_did_not_move']);
  const { rows } = await house.pool.query<{ facts: string }>(
    `SELECT j.facts FROM journal j JOIN rounds r ON r.id = j.round_id
      WHERE r.player_id = $1 AND j.facts LIKE '%"alarm"%'`,
    [player.id],
  );
  expect(rows).toHaveLength(1);
});

test('the same balance proves nothing where another call of the player lay between', async () => {
  await house.provider.credit(call());
  await house.provider.credit(call({ round: '13', amount: '25' }));
  expect(await house.provider.debit(call({ amount: '25' }))).toMatchObject({
    code: 0,
    balance: '960',
  });
  expect(await cases()).toEqual([]);
});

test('calls of another player, and of the player before, do not hide it', async () => {
  await house.provider.credit(call({ round: '11', amount: '10' }));
  const first = player;
  player = await house.newPlayer();
  await house.provider.credit(call());
  await house.provider.credit(
    call({ token: first.token, player: first.id, round: '14', amount: '10' }),
  );
  house.wallet.script('/settle-bet', PAID_NOTHING);
  await house.provider.debit(call({ amount: '25' }));
  expect(await cases()).toEqual(['balance_did_not_move']);
});

test('the same balance proves nothing where the two calls overlapped', async () => {
  await house.provider.credit(call());
  // The win moves the balance and its answer is lost; until it is repeated, the second win's carrier is told
  // the balance that the first one left behind.
  house.wallet.script('/settle-bet', 'lose', 'reset', 'reset');
  const wins = await Promise.all([
    house.provider.debit(call({ amount: '25', betAmount: '40' })),
    house.provider.debit(call({ amount: '5' })),
  ]);
  expect(wins.map(({ code }) => code)).toEqual([0, 0]);
  expect(await cases()).toEqual([]);
});
