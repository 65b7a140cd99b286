/** First attempts within the workflow's task (decision 0012): what they must not do to others. */
import { sleep } from '../../src/lib/clock';
import { startRoundhouse, type TestPlayer, type TestRoundhouse } from '../support/roundhouse';
import type { MoneyCall } from '../support/test-provider';

let house: TestRoundhouse;
let player: TestPlayer;
beforeAll(async () => {
  house = await startRoundhouse({
    partner: { wallet_attempt_timeout_ms: 20_000 },
    connection: { answer_deadline_ms: 60_000 },
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

const kindsOf = async (round = '1') => {
  const { events } = await house.workflowOf(player.id, round).fetchHistory();
  return (events ?? []).map((event) =>
    event.markerRecordedEventAttributes
      ? 'first attempts'
      : event.activityTaskScheduledEventAttributes?.activityType?.name,
  );
};

/** A stake whose wallet takes its time, from the moment that the wallet has the call. */
async function slowStake(afterMs: number) {
  house.wallet.script('/bet', { afterMs });
  let isAnswered = false;
  const answer = house.provider.credit(call()).finally(() => (isAnswered = true));
  while (house.callsOf(player, '/bet').length === 0) await sleep(10);
  return { answer, isAnswered: () => isAnswered };
}

test('a stake whose wallet is slow keeps no other stake of its round waiting', async () => {
  const slow = await slowStake(8_000);
  expect(await house.provider.credit(call({ amount: '20' }))).toMatchObject({ code: 0 });
  expect(slow.isAnswered()).toBe(false);
  expect(await slow.answer).toMatchObject({ code: 0 });
  expect(house.callsOf(player, '/bet')).toHaveLength(2);
  expect(house.wallet.balance(player.userAgent)).toBe('970');
});

test('a stop of the worker waits for an attempt that goes on beside the task, and its result is written', async () => {
  const slow = await slowStake(1_500);
  await sleep(600);
  await house.stopWorker();
  const { rows } = await house.pool.query<{ result: string | null }>(
    `SELECT a.result FROM attempts a JOIN bets b ON b.id = a.bet_id JOIN rounds r ON r.id = b.round_id
      WHERE r.player_id = $1 AND a.verb = 'take'`,
    [player.id],
  );
  expect(rows).toEqual([{ result: 'done' }]);
  expect(await slow.answer).toMatchObject({ code: 0 });
  await house.startWorker();
  expect(house.callsOf(player, '/bet')).toHaveLength(1);
});

test('one that fails at first is repeated by an activity, at the pace of the book', async () => {
  house.wallet.script('/bet', { status: 503, body: 'later' }, { status: 503, body: 'later' });
  expect(await house.provider.credit(call({ close: true }))).toMatchObject({ code: 0 });
  await house.ended(player.id, '1');
  expect(await kindsOf()).toEqual(expect.arrayContaining(['first attempts', 'takeStake']));
  const calls = house.callsOf(player, '/bet');
  expect(calls).toHaveLength(3);
  const { rows } = await house.pool.query<{ early: number }>(
    `SELECT count(*)::int AS early FROM attempts a JOIN attempts b
        ON b.bet_id = a.bet_id AND b.verb = a.verb AND b.number = a.number AND b.attempt = a.attempt + 1
      WHERE a.bet_id = $1 AND b.started_at < a.next_attempt_at - interval '100 ms'`,
    [calls[0]?.body.bet_id],
  );
  expect(rows).toEqual([{ early: 0 }]);
});
