import { roundWorkflowId } from '../../src/contracts/round';
import { eventually } from '../support/eventually';
import { startRoundhouse, type TestRoundhouse } from '../support/roundhouse';

let house: TestRoundhouse;
beforeAll(async () => (house = await startRoundhouse()));
afterAll(() => house?.close());

async function ended(player: string, round: string): Promise<void> {
  const id = roundWorkflowId({ connection: 'sandbox', playerId: player, roundRef: round });
  await eventually(async () => {
    const { status } = await house.client.workflow.getHandle(id).describe();
    expect(status.name).toBe('COMPLETED');
  });
}

test('a win: stake, payout, bet-end and history each reach the wallet once, then the workflow ends', async () => {
  const player = await house.newPlayer();
  const call = { token: player.token, player: player.id, round: '12' };
  const stake = await house.provider.credit({ ...call, transaction: '2234', amount: '42.60' });
  expect(stake).toMatchObject({ status: 200, code: 0, balance: '957.4' });
  // Its record has left as what it is by now: a bet that is won before that needs no second event.
  await eventually(() => expect(house.wallet.seen('/history')).toHaveLength(1));
  const win = await house.provider.debit({
    ...call,
    transaction: '2235',
    amount: '20',
    betAmount: '42.6',
    close: true,
  });
  expect(win).toMatchObject({ status: 200, code: 0, balance: '977.4' });
  await ended(player.id, '12');

  const mine = house.wallet.calls.filter((seen) =>
    Object.values(seen.body).includes(player.userAgent),
  );
  const [bet] = mine.filter((seen) => seen.endpoint === '/bet');
  const betId = bet?.body.bet_id;
  expect(mine.filter((seen) => seen.endpoint === '/bet')).toHaveLength(1);
  expect(mine.filter((seen) => seen.endpoint === '/settle-bet').map((seen) => seen.body)).toEqual([
    { user_agent: player.userAgent, bet: 42.6, balance: 20, bet_id: betId },
  ]);
  expect(mine.filter((seen) => seen.endpoint === '/bet-end').map((seen) => seen.body)).toEqual([
    { user_agent: player.userAgent, balance: 42.6, win_balance: 20, bet_id: betId },
  ]);
  const records = mine.filter((seen) => seen.endpoint === '/history').map((seen) => seen.body);
  expect(records.map((record) => record.type)).toEqual(['create', 'update']);
  expect(records[1]).toMatchObject({
    _id: betId,
    game: 'Copper Mine',
    provider: 'Copper',
    before_balance: 1000,
    after_balance: 977.4,
    used_balance: 42.6,
    receive_balance: 20,
    winlose: -22.6,
  });
  expect(house.wallet.badSignatures).toBe(0);
});
