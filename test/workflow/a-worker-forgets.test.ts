import { sleep } from '../../src/lib/clock';
import { eventually } from '../support/eventually';
import { startRoundhouse, type TestRoundhouse } from '../support/roundhouse';
import { playScenario, SCENARIO_SETTINGS, SCENARIOS } from './scenarios';

let house: TestRoundhouse;
// No round is kept in memory: each of its tasks runs the workflow from the start of its history.
beforeAll(async () => {
  house = await startRoundhouse({ ...SCENARIO_SETTINGS, maxCachedWorkflows: 0 });
});
afterAll(() => house?.close());

test.each(Object.entries(SCENARIOS))(
  'a worker that remembers nothing plays: %s',
  async (_, scenario) => {
    await playScenario(house, scenario);
  },
);

test('a round goes on where it was when the worker is replaced in the middle, each call once', async () => {
  const player = await house.newPlayer();
  const call = { token: player.token, player: player.id, round: '1', amount: '10' };
  expect(await house.provider.credit({ ...call, transaction: '1' })).toMatchObject({ code: 0 });
  house.wallet.always('/settle-bet', { status: 503, body: 'down' });
  await house.configure({ answer_deadline_ms: 600 });
  const win = { ...call, transaction: '2', amount: '25', close: true };
  expect(await house.provider.debit(win)).toMatchObject({ code: 0, balance: '1015' });
  await house.stopWorker();
  house.wallet.always('/settle-bet', null);
  const before = house.callsOf(player, '/settle-bet').length;
  await sleep(300);
  expect(house.callsOf(player, '/settle-bet')).toHaveLength(before);

  await house.startWorker();
  await house.ended(player.id, '1');
  await eventually(() => expect(house.wallet.balance(player.userAgent)).toBe('1015'));
  expect(house.callsOf(player, '/bet')).toHaveLength(1);
  expect(house.callsOf(player, '/settle-bet')).toHaveLength(before + 1);
  expect(house.callsOf(player, '/bet-end')).toHaveLength(1);
});

test('a worker that dies during a call: its attempt counts as unknown and is repeated with the same bytes', async () => {
  await house.configure(SCENARIO_SETTINGS.connection);
  const player = await house.newPlayer();
  const call = { token: player.token, player: player.id, round: '1', transaction: '1' };
  expect(await house.provider.credit({ ...call, amount: '10' })).toMatchObject({ code: 0 });
  // What a death leaves behind: an attempt that began and has no result.
  const { id } = await house.roundOf(player.id, '1');
  house.wallet.always('/settle-bet', 'lose');
  await house.configure({ answer_deadline_ms: 600 });
  const win = { ...call, transaction: '2', amount: '25' };
  expect(await house.provider.debit(win)).toMatchObject({ code: 0 });
  await house.stopWorker();
  const betId = String(house.callsOf(player, '/bet')[0]?.body.bet_id);
  const begun = await house.book.decideOn(id, {
    type: 'attempt_starts',
    call: `${betId}/give/1`,
    driver: 'round',
  });
  expect(begun.result).toMatchObject({ kind: 'send', isRepeat: true });
  house.wallet.always('/settle-bet', null);

  await house.startWorker();
  await eventually(async () => {
    const { rows } = await house.pool.query('SELECT paid FROM bets WHERE id = $1', [betId]);
    expect(rows).toEqual([{ paid: true }]);
  }, 30_000);
  const settles = house.callsOf(player, '/settle-bet');
  expect(new Set(settles.map(({ bytes }) => bytes)).size).toBe(1);
  expect(house.wallet.effects('/settle-bet', betId)).toBe(1);
  expect(house.wallet.balance(player.userAgent)).toBe('1015');
});
