/** API and worker in one process (decision 0015): what comes soon needs no word to Temporal, and nothing else changes. */
import { startRound } from '../../src/contracts/drive-round';
import type { Ask } from '../../src/contracts/round';
import { reserveOperationId } from '../../src/db/operations';
import { eventually } from '../support/eventually';
import { startRoundhouse, type TestPlayer, type TestRoundhouse } from '../support/roundhouse';
import { createTestProvider, type MoneyCall } from '../support/test-provider';

let house: TestRoundhouse;
let player: TestPlayer;
beforeAll(async () => {
  house = await startRoundhouse({
    partner: { wallet_attempt_timeout_ms: 20_000 },
    connection: { answer_deadline_ms: 20_000 },
  });
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

/** The kinds of events of the round's history so far. */
async function eventsOf(round = '1'): Promise<string[]> {
  const { events } = await house.workflowOf(player.id, round).fetchHistory();
  return (events ?? []).map(
    (event) =>
      Object.entries(event).find(
        ([key, value]) => key.endsWith('EventAttributes') && value !== null,
      )?.[0] ?? '',
  );
}

const countOf = (events: readonly string[], kind: string) =>
  events.filter((event) => event === `${kind}EventAttributes`).length;

test('a win that comes right after its stake is paid in the task of the stake', async () => {
  expect(await house.provider.credit(call())).toMatchObject({ code: 0, balance: '990' });
  const win = call({ amount: '25', close: true });
  expect(await house.provider.debit(win)).toMatchObject({ code: 0, balance: '1015' });
  await house.ended(player.id, '1');
  const events = await eventsOf();
  expect(countOf(events, 'workflowTaskCompleted')).toBe(1);
  expect(countOf(events, 'workflowExecutionSignaled')).toBe(0);
  expect(await house.workflowOf(player.id, '1').result()).toEqual([
    'stake 10.00 EUR done [outcome done, decision confirmed]',
    'payout 25.00 EUR done',
    'bet-end sent',
    'history delivered',
  ]);
});

test('one that comes later finds the task completed, and is signalled', async () => {
  expect(await house.provider.credit(call())).toMatchObject({ code: 0 });
  await house.quiet(player.id, '1');
  const win = call({ amount: '25', close: true });
  expect(await house.provider.debit(win)).toMatchObject({ code: 0, balance: '1015' });
  await house.ended(player.id, '1');
  const events = await eventsOf();
  expect(countOf(events, 'workflowTaskCompleted')).toBe(2);
  expect(countOf(events, 'workflowExecutionSignaled')).toBe(1);
});

test('a bonus round is one task as long as its spins follow each other', async () => {
  for (const amount of ['10', '20', '30']) {
    expect(await house.provider.credit(call({ amount }))).toMatchObject({ code: 0 });
    expect(await house.provider.debit(call({ amount: '5' }))).toMatchObject({ code: 0 });
  }
  expect(await house.provider.debit(call({ amount: '7', close: true }))).toMatchObject({ code: 0 });
  await house.ended(player.id, '1');
  expect(house.wallet.balance(player.userAgent)).toBe('962');
  // Some calls take a worker longer than a task may be held: then there is a second one.
  expect(countOf(await eventsOf(), 'workflowTaskCompleted')).toBeLessThan(7);
});

test('an API of another process does not reach the hand, and is answered all the same', async () => {
  const other = await house.startApi();
  expect(await house.provider.credit(call())).toMatchObject({ code: 0 });
  const elsewhere = createTestProvider(() => `${other.baseUrl}/providers/sandbox`, 'secret');
  const win = call({ amount: '25', close: true });
  expect(await elsewhere.debit(win)).toMatchObject({ code: 0, balance: '1015' });
  expect((await house.provider.debit(win)).text).toBe((await elsewhere.debit(win)).text);
  await house.ended(player.id, '1');
  expect(house.callsOf(player, '/settle-bet')).toHaveLength(1);
});

test('what may not be written by the hand is said by the API at once: one of two that close a round', async () => {
  expect(await house.provider.credit(call())).toMatchObject({ code: 0 });
  const wins = [call({ amount: '25', close: true }), call({ amount: '30', close: true })];
  const told = await Promise.all(wins.map((win) => house.provider.debit(win)));
  expect(told.map(({ code }) => code)).toEqual(expect.arrayContaining([0, 5]));
  await house.ended(player.id, '1');
  expect(house.callsOf(player, '/settle-bet')).toHaveLength(1);
  const { id } = await house.roundOf(player.id, '1');
  expect(await house.cases(id)).toEqual(['late_payout']);
});

test('while something is owed no hand waits: the repeat is a regular activity’s', async () => {
  house.wallet.script('/history', { status: 503, body: 'later' });
  expect(await house.provider.credit(call())).toMatchObject({ code: 0 });
  await eventually(async () => expect(countOf(await eventsOf(), 'activityTaskScheduled')).toBe(1));
  const win = call({ amount: '25', close: true });
  expect(await house.provider.debit(win)).toMatchObject({ code: 0 });
  await house.ended(player.id, '1');
  expect(countOf(await eventsOf(), 'workflowExecutionSignaled')).toBe(1);
});

test('a worker that stops lets go of its hands, and the next one goes on', async () => {
  expect(await house.provider.credit(call())).toMatchObject({ code: 0 });
  await house.stopWorker();
  const win = house.provider.debit(call({ amount: '25', close: true }));
  await house.startWorker();
  expect(await win).toMatchObject({ code: 0, balance: '1015' });
  await house.ended(player.id, '1');
  expect(house.callsOf(player, '/settle-bet')).toHaveLength(1);
});

test('a workflow that is taken away from its open hand: what was offered is paid once, and the round ends', async () => {
  expect(await house.provider.credit(call())).toMatchObject({ code: 0 });
  await house.workflowOf(player.id, '1').terminate('for the test');
  const win = call({ amount: '25', close: true });
  expect(await house.provider.debit(win)).toMatchObject({ code: 0, balance: '1015' });
  await eventually(async () =>
    expect(await house.roundOf(player.id, '1')).toMatchObject({ status: 'closed' }),
  );
  expect(house.callsOf(player, '/settle-bet')).toHaveLength(1);
  expect(house.callsOf(player, '/bet-end')).toHaveLength(1);
});

/** What the API hands over for a stake of 10.00 in the player's round. */
async function askOf(): Promise<Ask> {
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
  };
}

test('a round that has a workflow already is not started a second time: its request is signalled', async () => {
  expect(await house.provider.credit(call())).toMatchObject({ code: 0 });
  await house.quiet(player.id, '1');
  const name = {
    key: { connection: 'sandbox', playerId: player.id, roundRef: '1' },
    attributes: { partner: 'LAG1', product: 'Novomatic', game: 'a game' },
    summary: 'a round',
  };
  const ask = await askOf();
  expect(await startRound(house.client, name, ask, 3_000)).toBe(false);
  await eventually(() => {
    expect(house.wallet.balance(player.userAgent)).toBe('980');
    return Promise.resolve();
  });
});
