import { sleep } from '../../src/lib/clock';
import { eventually } from '../support/eventually';
import { startRoundhouse, type TestPlayer, type TestRoundhouse } from '../support/roundhouse';
import type { MoneyCall } from '../support/test-provider';

let house: TestRoundhouse;
let player: TestPlayer;

const USUAL = {
  answer_deadline_ms: 15_000,
  close_grace_ms: 300,
  idle_close_ms: 86_400_000,
  session_idle_ms: 86_400_000,
  close_on_next_stake: true,
};

beforeAll(async () => (house = await startRoundhouse({ connection: USUAL })));
afterAll(() => house?.close());
beforeEach(async () => (player = await house.newPlayer()));
afterEach(async () => {
  house.wallet.always('/bet', null);
  await house.configure(USUAL);
});

let transactions = 7_000;
const call = (of: Partial<MoneyCall> = {}): MoneyCall => ({
  token: player.token,
  player: player.id,
  round: '1',
  transaction: String(++transactions),
  amount: '10',
  ...of,
});
const ends = () => house.callsOf(player, '/bet-end').map(({ body }) => body);
const closedBy = async (round: string) => (await house.roundOf(player.id, round)).closed_by;

async function runs(round: string): Promise<number> {
  const { workflowId } = house.workflowOf(player.id, round);
  const { count } = await house.client.workflow.count(`WorkflowId = '${workflowId}'`);
  return count;
}

test('by is_close on the stake: a loss, ended with a win of 0', async () => {
  expect(await house.provider.credit(call({ close: true }))).toMatchObject({ code: 0 });
  await house.ended(player.id, '1');
  expect(ends()).toMatchObject([{ balance: 10, win_balance: 0 }]);
  expect(await house.roundOf(player.id, '1')).toMatchObject({
    status: 'closed',
    closed_by: 'provider',
  });
  const records = house.callsOf(player, '/history').map(({ body }) => body);
  expect(records).toMatchObject([{ type: 'create', winlose: -10, receive_balance: 0 }]);
});

test('by is_close on the payout, after its settle-bet; a later payout is 5 and a case, of nothing no case', async () => {
  await house.provider.credit(call());
  await house.provider.debit(call({ amount: '4', close: true }));
  await house.ended(player.id, '1');
  const order = house.wallet.calls
    .filter(({ body }) => body.user_agent === player.userAgent)
    .map(({ endpoint }) => endpoint)
    .filter((endpoint) => endpoint !== '/history' && endpoint !== '/balance');
  expect(order).toEqual(['/bet', '/settle-bet', '/bet-end']);
  expect(ends()).toMatchObject([{ balance: 10, win_balance: 4 }]);

  expect(await house.provider.debit(call({ amount: '0' }))).toMatchObject({ code: 5 });
  const { id } = await house.roundOf(player.id, '1');
  expect(await house.cases(id)).toEqual([]);
  for (const transaction of ['1', '1', '2']) {
    const late = await house.provider.debit(call({ transaction, amount: '3' }));
    expect(late).toMatchObject({ status: 200, code: 5 });
  }
  expect(await house.cases(id)).toEqual(['late_payout', 'late_payout']);
  expect(house.callsOf(player, '/settle-bet')).toHaveLength(1);
});

test('by the next stake of the same session and game; the other game and the new round stay open', async () => {
  await house.provider.credit(call());
  await house.provider.credit(call({ round: '2', game: '12' }));
  await house.provider.credit(call({ round: '3' }));
  await house.ended(player.id, '1');
  expect(await closedBy('1')).toBe('next_stake');
  expect(ends()).toHaveLength(1);
  for (const round of ['2', '3']) {
    expect((await house.roundOf(player.id, round)).status).toBe('open');
    const { status } = await house.workflowOf(player.id, round).describe();
    expect(status.name).toBe('RUNNING');
  }
});

test('a next stake that is declined closes nothing', async () => {
  await house.provider.credit(call());
  expect(await house.provider.credit(call({ round: '2', amount: '5000' }))).toMatchObject({
    code: 2,
  });
  await house.ended(player.id, '2');
  expect((await house.roundOf(player.id, '1')).status).toBe('open');
});

test('close_on_next_stake off: rounds lie side by side', async () => {
  await house.configure({ close_on_next_stake: false });
  await house.provider.credit(call());
  await house.provider.credit(call({ round: '2' }));
  await sleep(300);
  expect((await house.roundOf(player.id, '1')).status).toBe('open');
});

test('a win repeated within the grace lands on its own bet, before its bet-end', async () => {
  await house.configure({ close_grace_ms: 4_000 });
  await house.provider.credit(call());
  await house.provider.credit(call({ round: '2' }));
  await eventually(async () => expect(await closedBy('1')).toBe('next_stake'));
  expect(await house.provider.debit(call({ amount: '4' }))).toMatchObject({ code: 0 });
  await house.ended(player.id, '1');
  const betId = house.callsOf(player, '/bet')[0]?.body.bet_id;
  expect(house.callsOf(player, '/settle-bet').map(({ body }) => body)).toMatchObject([
    { bet_id: betId, balance: 4 },
  ]);
  expect(ends()).toMatchObject([{ bet_id: betId, win_balance: 4 }]);
});

test('by the idle timer; a late payout is then paid by a new run under the same id', async () => {
  await house.configure({ idle_close_ms: 1_000 });
  await house.provider.credit(call());
  await house.ended(player.id, '1');
  expect(await closedBy('1')).toBe('idle');
  expect(ends()).toMatchObject([{ balance: 10, win_balance: 0 }]);

  expect(await house.provider.credit(call())).toMatchObject({ code: 5 });
  expect(await house.provider.debit(call({ amount: '4' }))).toMatchObject({
    code: 0,
    balance: '994',
  });
  await eventually(() => expect(ends()).toHaveLength(2));
  await house.ended(player.id, '1');
  const carrier = house.callsOf(player, '/bet')[1]?.body;
  expect(carrier).toMatchObject({ balance: 0 });
  expect(ends()[1]).toMatchObject({ bet_id: carrier?.bet_id, balance: 0, win_balance: 4 });
  await eventually(async () => expect(await runs('1')).toBe(2));
});

test('by the end of the session', async () => {
  await house.configure({ session_idle_ms: 1_500 });
  await house.provider.credit(call());
  await house.ended(player.id, '1');
  expect(await closedBy('1')).toBe('session_end');
  expect(ends()).toHaveLength(1);
});

test("a provider's close of a round we closed outweighs ours", async () => {
  await house.configure({ idle_close_ms: 1_000 });
  await house.provider.credit(call());
  await house.ended(player.id, '1');
  expect(await house.provider.debit(call({ amount: '4', close: true }))).toMatchObject({ code: 0 });
  expect(await closedBy('1')).toBe('provider');
  expect(await house.provider.debit(call({ amount: '4' }))).toMatchObject({ code: 5 });
});

test('a round in which nothing was taken leaves no workflow open', async () => {
  house.wallet.setBalance(player.userAgent, '1');
  for (const _ of [1, 2, 3]) {
    expect(await house.provider.credit(call())).toMatchObject({ code: 2 });
  }
  await house.ended(player.id, '1');
  house.wallet.setBalance(player.userAgent, '100');
  expect(await house.provider.credit(call({ close: true }))).toMatchObject({ code: 0 });
  await house.ended(player.id, '1');
  expect(ends()).toHaveLength(1);
});

test('the close waits for a stake that is unknown, and ends both bets when it is known', async () => {
  await house.provider.credit(call());
  house.wallet.always('/bet', 'hang');
  await house.configure({ answer_deadline_ms: 600, revive_window_ms: 60_000 });
  const second = call({ amount: '20' });
  expect(await house.provider.credit(second)).toMatchObject({ code: 1 });
  await house.configure(USUAL);
  expect(await house.provider.debit(call({ amount: '4', close: true }))).toMatchObject({ code: 0 });
  expect(await house.roundOf(player.id, '1')).toMatchObject({ status: 'closing' });
  house.wallet.always('/bet', null);
  expect(await house.provider.credit(second)).toMatchObject({ code: 0 });
  await house.ended(player.id, '1');
  expect(ends().map((body) => [body.balance, body.win_balance])).toEqual([
    [10, 4],
    [20, 0],
  ]);
});
