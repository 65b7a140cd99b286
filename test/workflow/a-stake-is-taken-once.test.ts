import { sleep } from '../../src/lib/clock';
import { eventually } from '../support/eventually';
import { startRoundhouse, type TestPlayer, type TestRoundhouse } from '../support/roundhouse';
import { createTestProvider, type MoneyCall } from '../support/test-provider';

let house: TestRoundhouse;
let player: TestPlayer;

/** A deadline that no busy machine misses; the tests of what comes after it shorten it. */
const PATIENT = { answer_deadline_ms: 15_000, revive_window_ms: 60_000 };
const HASTY = { answer_deadline_ms: 1_500 };

beforeAll(async () => {
  house = await startRoundhouse({
    partner: { wallet_attempt_timeout_ms: 400 },
    connection: PATIENT,
  });
});
afterAll(() => house?.close());
beforeEach(async () => (player = await house.newPlayer()));
afterEach(async () => {
  house.wallet.always('/bet', null);
  await house.configure(PATIENT);
});

/** A stake whose answer must come sooner than the wallet's: code 1 at the deadline. */
async function creditInHaste() {
  await house.configure(HASTY);
  const reply = await house.provider.credit(stake());
  await house.configure(PATIENT);
  return reply;
}
/** From now on an undecided stake fails at the next look. */
async function endReviveWindow() {
  await sleep(150);
  await house.configure({ revive_window_ms: 100 });
}

const stake = (of: Partial<MoneyCall> = {}): MoneyCall => ({
  token: player.token,
  player: player.id,
  round: '12',
  transaction: '2234',
  amount: '40',
  ...of,
});
const bets = () => house.callsOf(player, '/bet');
const betId = () => String(bets()[0]?.body.bet_id);
const effects = () => house.wallet.effects('/bet', betId());
const register = async (name: 'outcome' | 'decision') =>
  (
    await house.pool.query<Record<string, string>>(`SELECT ${name} FROM bets WHERE id = $1`, [
      betId(),
    ])
  ).rows[0]?.[name];
const balance = () => house.wallet.balance(player.userAgent);
const cases = async () => house.cases((await house.roundOf(player.id, '12')).id);

test('fifty identical requests at two processes at once: one call, one effect, one answer', async () => {
  const second = await house.startApi();
  const elsewhere = createTestProvider(() => `${second.baseUrl}/providers/sandbox`, 'secret');
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, i) => (i % 2 ? elsewhere : house.provider).credit(stake())),
  );
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  expect(answers[0]).toMatchObject({ code: 0, balance: '960' });
  expect(bets()).toHaveLength(1);
  expect(effects()).toBe(1);
  expect(balance()).toBe('960');
});

test('the same transaction with another amount or game: code 1, nothing moves, one case', async () => {
  const first = await house.provider.credit(stake());
  for (const other of [{ amount: '41' }, { amount: '0' }, { game: '12' }, { amount: '41' }]) {
    const reply = await house.provider.credit(stake(other));
    expect(reply).toMatchObject({ status: 200, code: 1 });
  }
  expect(balance()).toBe('960');
  expect(bets()).toHaveLength(1);
  expect(await cases()).toEqual(['conflict']);
  expect((await house.provider.credit(stake())).text).toBe(first.text);
});

test('a repeat is answered with the same bytes: after money moved, with another is_close, after a restart', async () => {
  const first = await house.provider.credit(stake());
  await house.provider.credit(stake({ transaction: '2235', amount: '60' }));
  expect(balance()).toBe('900');
  expect((await house.provider.credit(stake())).text).toBe(first.text);
  expect((await house.provider.credit(stake({ close: true }))).text).toBe(first.text);
  expect((await house.roundOf(player.id, '12')).status).toBe('open');

  await house.stopWorker();
  const restarted = await house.startApi();
  const provider = createTestProvider(() => `${restarted.baseUrl}/providers/sandbox`, 'secret');
  expect((await provider.credit(stake())).text).toBe(first.text);
  await house.startWorker();
  expect((await provider.credit(stake())).text).toBe(first.text);
  expect(bets()).toHaveLength(2);
});

test('the wallet took it and the reply was lost: the repeat finds it inside the deadline', async () => {
  house.wallet.script('/bet', 'lose');
  expect(await house.provider.credit(stake())).toMatchObject({ code: 0, balance: '960' });
  expect(bets()).toHaveLength(2);
  expect(bets()[1]?.bytes).toBe(bets()[0]?.bytes);
  expect(effects()).toBe(1);
});

test('a wallet that hangs beyond the deadline: code 1; its repeat soon after gets 0 for one charge', async () => {
  house.wallet.always('/bet', 'hang');
  expect(await creditInHaste()).toMatchObject({ status: 200, code: 1 });
  house.wallet.always('/bet', null);
  const revived = await house.provider.credit(stake());
  expect(revived).toMatchObject({ code: 0, balance: '960' });
  expect(effects()).toBe(1);
  expect((await house.provider.credit(stake())).text).toBe(revived.text);
  await eventually(() =>
    expect(house.wallet.seen('/history').filter((call) => call.body._id === betId())).toMatchObject(
      [{ body: { type: 'create', winlose: -40 } }],
    ),
  );
});

test('a stake that turns out taken while its decision is open waits for the repeat, which gets 0 at once', async () => {
  house.wallet.always('/bet', 'hang');
  expect(await creditInHaste()).toMatchObject({ code: 1 });
  house.wallet.always('/bet', null);
  await eventually(async () => expect(await register('outcome')).toBe('done'));
  expect(await register('decision')).toBe('open');
  const calls = bets().length;
  expect(await house.provider.credit(stake())).toMatchObject({ code: 0, balance: '960' });
  expect(bets()).toHaveLength(calls);
  // What the confirmation owes is not left to the sweep.
  await eventually(
    () => expect(house.wallet.seen('/history').map((call) => call.body._id)).toContain(betId()),
    3_000,
  );
});

test('unknown until the revive window is over: code 1 for ever, and a late charge is given back', async () => {
  house.wallet.always('/bet', 'hang');
  expect(await creditInHaste()).toMatchObject({ code: 1 });
  await endReviveWindow();
  const failed = await house.provider.credit(stake());
  expect(failed).toMatchObject({ status: 200, code: 1 });
  expect(house.wallet.effects('/settle-bet', betId())).toBe(0);

  house.wallet.always('/bet', null);
  await house.ended(player.id, '12');
  expect(effects()).toBe(1);
  expect(balance()).toBe('1000');
  const about = (endpoint: string) => house.wallet.seen(endpoint).map((call) => call.body);
  const mine = (body: Readonly<Record<string, unknown>>) =>
    body.bet_id === betId() || body._id === betId();
  expect(about('/settle-bet').filter(mine)).toEqual([
    { user_agent: player.userAgent, bet: 40, balance: 40, bet_id: betId() },
  ]);
  expect(about('/bet-end').filter(mine)).toEqual([
    { user_agent: player.userAgent, balance: 40, win_balance: 40, bet_id: betId() },
  ]);
  expect(about('/history').filter(mine)).toMatchObject([
    { type: 'create', used_balance: 40, receive_balance: 40, winlose: 0, before_balance: 1000 },
  ]);
  expect((await house.provider.credit(stake())).text).toBe(failed.text);
});

test('a player without funds gets 2, also after a top-up; a new transaction is taken', async () => {
  house.wallet.setBalance(player.userAgent, '10');
  const declined = await house.provider.credit(stake());
  expect(declined).toMatchObject({ code: 2 });
  house.wallet.setBalance(player.userAgent, '100');
  expect((await house.provider.credit(stake())).text).toBe(declined.text);
  expect(bets()).toHaveLength(1);
  expect(await house.provider.credit(stake({ transaction: '2235' }))).toMatchObject({
    code: 0,
    balance: '60',
  });
});

test.each([
  [{ status: 403, body: '{"error":"PLAYER_BLOCKED"}' }, 4, []],
  [{ status: 404, body: '{"message":"User not found"}' }, 11, []],
  [{ status: 400, body: '{}' }, 1, ['configuration_decline']],
  [{ status: 401, body: '{"error":"invalid signature"}' }, 1, ['configuration_decline']],
])(
  'the reply %j is a definite no: code %i, cases %j, nothing is repeated',
  async (reply, code, opened) => {
    house.wallet.script('/bet', reply);
    const answer = await house.provider.credit(stake());
    expect(answer).toMatchObject({ status: 200, code });
    expect(await cases()).toEqual(opened);
    await house.ended(player.id, '12');
    expect((await house.provider.credit(stake())).text).toBe(answer.text);
    expect(bets()).toHaveLength(1);
    expect(house.wallet.seen('/history').some((call) => call.body._id === betId())).toBe(false);
  },
);

test('a decline after an unknown decides nothing and opens a case: the first attempt may have charged', async () => {
  house.wallet.script('/bet', 'lose');
  house.wallet.always('/bet', { status: 402, body: '{"error":"INSUFFICIENT_FUNDS"}' });
  expect(await creditInHaste()).toMatchObject({ code: 1 });
  await eventually(async () => expect(await cases()).toEqual(['decline_after_unknown']));
  expect(await register('outcome')).toBe('none');
  expect(await register('decision')).toBe('open');
  // The wallet comes to its senses: the money that was taken goes back.
  await endReviveWindow();
  house.wallet.always('/bet', null);
  await house.ended(player.id, '12');
  expect(effects()).toBe(1);
  expect(balance()).toBe('1000');
});

test('a wallet that refuses connections: code 1, for ever, and nothing is charged when it is back', async () => {
  await house.wallet.down();
  const answer = await creditInHaste();
  await house.wallet.up();
  expect(answer).toMatchObject({ status: 200, code: 1 });
  await house.ended(player.id, '12');
  const again = await house.provider.credit(stake());
  expect(again).toMatchObject({ code: 1 });
  expect((await house.provider.credit(stake())).text).toBe(again.text);
  expect(bets()).toEqual([]);
  expect(balance()).toBe('1000');
});

test('a short outage of connections inside the deadline costs nobody a spin', async () => {
  await house.wallet.down();
  const answer = house.provider.credit(stake());
  await sleep(300);
  await house.wallet.up();
  expect(await answer).toMatchObject({ code: 0, balance: '960' });
  expect(effects()).toBe(1);
});

test('the worker is down: code 1 at the deadline, and what never left never leaves', async () => {
  await house.stopWorker();
  expect(await creditInHaste()).toMatchObject({ status: 200, code: 1 });
  await house.startWorker();
  await house.ended(player.id, '12');
  expect(await house.provider.credit(stake())).toMatchObject({ code: 1 });
  expect(bets()).toEqual([]);
});

test('a provider that hangs up before its answer: the repeat gets 0, without one the stake goes back', async () => {
  const hangUp = async () => {
    house.wallet.script('/bet', 'hang');
    const leaving = new AbortController();
    const body = house.provider.body('Credit', stake());
    const gone = house.provider.send('/Credit', { body, signal: leaving.signal });
    await eventually(() => expect(bets().length).toBeGreaterThan(0));
    leaving.abort();
    await expect(gone).rejects.toThrow();
  };
  await hangUp();
  await eventually(() => expect(effects()).toBe(1));
  expect(await house.provider.credit(stake())).toMatchObject({ code: 0, balance: '960' });

  player = await house.newPlayer();
  await house.configure({ answer_deadline_ms: 4_000, revive_window_ms: 100 });
  await hangUp();
  await house.ended(player.id, '12');
  expect(effects()).toBe(1);
  expect(balance()).toBe('1000');
});

test('a database that stumbles at the deadline: no code 1 is said that the book does not know of', async () => {
  house.wallet.always('/bet', 'hang');
  await house.configure({ answer_deadline_ms: 3_000 });
  const asked = house.provider.credit(stake());
  await eventually(() => expect(bets().length).toBeGreaterThan(0));
  await house.pool.query('ALTER TABLE operations RENAME TO operations_away');
  await sleep(3_500);
  await house.pool.query('ALTER TABLE operations_away RENAME TO operations');
  expect(await asked).toMatchObject({ status: 200, code: 1 });
  const round = await house.roundOf(player.id, '12');
  const { rows } = await house.pool.query<{ facts: string }>(
    'SELECT facts FROM journal WHERE round_id = $1',
    [round.id],
  );
  expect(rows.map((row) => row.facts).join()).toContain('answered_unknown');
});
