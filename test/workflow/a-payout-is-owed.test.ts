import { reserveOperationId } from '../../src/db/operations';
import { eventually } from '../support/eventually';
import { startRoundhouse, type TestPlayer, type TestRoundhouse } from '../support/roundhouse';
import { createTestProvider, type MoneyCall } from '../support/test-provider';

let house: TestRoundhouse;
let player: TestPlayer;

const PATIENT = { answer_deadline_ms: 15_000, payout_ack: 'durable', orphan_payout: 'reject' };

beforeAll(async () => {
  house = await startRoundhouse({
    partner: { wallet_attempt_timeout_ms: 400 },
    connection: PATIENT,
  });
});
afterAll(() => house?.close());
beforeEach(async () => (player = await house.newPlayer()));
afterEach(async () => {
  for (const endpoint of ['/bet', '/settle-bet']) house.wallet.always(endpoint, null);
  await house.configure({ ...PATIENT, payout_max: null });
});

let transactions = 5_000;
const call = (of: Partial<MoneyCall> = {}): MoneyCall => ({
  token: player.token,
  player: player.id,
  round: '12',
  transaction: String(++transactions),
  amount: '40',
  ...of,
});
const settles = () => house.callsOf(player, '/settle-bet').map(({ body }) => body);
const bets = () => house.callsOf(player, '/bet').map(({ body }) => body);
const balance = () => house.wallet.balance(player.userAgent);
const cases = async () => house.cases((await house.roundOf(player.id, '12')).id);

async function inHaste<Result>(ask: () => Promise<Result>): Promise<Result> {
  await house.configure({ answer_deadline_ms: 600 });
  const result = await ask();
  await house.configure(PATIENT);
  return result;
}

test('a wallet that is down: code 0 with the projected balance, paid later by itself, repeats get the same bytes', async () => {
  await house.provider.credit(call());
  house.wallet.always('/settle-bet', { status: 503, body: 'down' });
  const win = call({ amount: '25.5', close: true });
  const answer = await inHaste(() => house.provider.debit(win));
  expect(answer).toMatchObject({ status: 200, code: 0, balance: '985.5' });
  expect(balance()).toBe('960');
  expect((await house.provider.debit(win)).text).toBe(answer.text);

  house.wallet.always('/settle-bet', null);
  await house.ended(player.id, '12');
  expect(balance()).toBe('985.5');
  await house.provider.credit(call({ round: '13', amount: '10' }));
  const second = await house.startApi();
  const elsewhere = createTestProvider(() => `${second.baseUrl}/providers/sandbox`, 'secret');
  expect((await elsewhere.debit(win)).text).toBe(answer.text);
  expect(new Set(settles().map((body) => body.bet_id)).size).toBe(1);
  expect(house.wallet.effects('/settle-bet', String(bets()[0]?.bet_id))).toBe(1);
});

test('twenty identical payouts at once are paid once and answered alike', async () => {
  await house.provider.credit(call());
  const win = call({ amount: '25' });
  const answers = await Promise.all(Array.from({ length: 20 }, () => house.provider.debit(win)));
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  expect(answers[0]).toMatchObject({ code: 0, balance: '985' });
  expect(settles()).toHaveLength(1);
});

test('the same transaction with another amount: code 1, one case, and the first is what is paid', async () => {
  await house.provider.credit(call());
  const win = call({ amount: '25' });
  const answer = await house.provider.debit(win);
  for (const amount of ['26', '2500']) {
    expect(await house.provider.debit({ ...win, amount })).toMatchObject({ status: 200, code: 1 });
  }
  expect(await cases()).toEqual(['conflict']);
  expect((await house.provider.debit({ ...win, betAmount: '39' })).text).toBe(answer.text);
  expect(balance()).toBe('985');
});

test('an API that dies right after the commit: the sweep has the payout paid', async () => {
  await house.provider.credit(call());
  const { id } = await house.roundOf(player.id, '12');
  // The round's own hand has nothing left to ask the book, so that it learns of nothing by itself.
  await eventually(async () => {
    const { rows } = await house.pool.query(
      `SELECT 1 FROM rounds r WHERE r.id = $1 AND r.closes_previous = 'done' AND NOT EXISTS
         (SELECT 1 FROM obligations o WHERE o.round_id = r.id AND o.status = 'open')`,
      [id],
    );
    expect(rows).toHaveLength(1);
  });
  const operationId = await reserveOperationId(house.pool);
  await house.book.decideOn(id, {
    type: 'payout',
    request: {
      operationId,
      transactionRef: '77',
      amount: 2_500n,
      gameId: '11',
      betAmount: 4_000n,
      isClose: true,
    },
  });
  // What the clock would do in half a minute.
  await house.pool.query(`UPDATE rounds SET due_at = due_at - interval '1 minute' WHERE id = $1`, [
    id,
  ]);
  const sweep = await house.client.workflow.execute('sweepWorkflow', {
    workflowId: 'sweep',
    taskQueue: 'rounds',
  });
  expect(sweep).toMatchObject({ driven: 1 });
  await house.ended(player.id, '12');
  expect(settles()).toMatchObject([{ balance: 25, bet_id: bets()[0]?.bet_id }]);
  const repeat = await house.provider.debit(
    call({ transaction: '77', amount: '25', betAmount: '40', close: true }),
  );
  expect(repeat).toMatchObject({
    code: 0,
    balance: '985',
    external_session_id: String(operationId),
  });
});

test('payouts of a bonus round land on the bets of their amount, an extra one on a carrier', async () => {
  for (const amount of ['10', '20', '30']) await house.provider.credit(call({ amount }));
  const betIds = bets().map((body) => body.bet_id);
  for (const [amount, betAmount] of [
    ['1', '30'],
    ['2', '10'],
    ['3', '99'],
    ['4', '10'],
  ] as const) {
    const answer = await house.provider.debit(call({ amount, betAmount, close: amount === '4' }));
    expect(answer.code).toBe(0);
  }
  await house.ended(player.id, '12');
  const carrier = bets()[3]?.bet_id;
  expect(bets()[3]).toMatchObject({ balance: 0 });
  expect(settles()).toEqual(
    [
      { bet: 30, balance: 1, bet_id: betIds[2] },
      { bet: 10, balance: 2, bet_id: betIds[0] },
      { bet: 20, balance: 3, bet_id: betIds[1] },
      { bet: 0, balance: 4, bet_id: carrier },
    ].map((body) => ({ user_agent: player.userAgent, ...body })),
  );
  expect(new Set(settles().map((body) => body.bet_id)).size).toBe(4);
  expect(balance()).toBe('950');
  const ends = house.callsOf(player, '/bet-end').map(({ body }) => body);
  expect(ends).toHaveLength(4);
  expect(ends.find((body) => body.bet_id === carrier)).toMatchObject({
    balance: 0,
    win_balance: 4,
  });
  const records = house.callsOf(player, '/history').map(({ body }) => body);
  expect(records.filter((body) => body._id === carrier)).toMatchObject([
    { type: 'create', used_balance: 0, receive_balance: 4, winlose: 4 },
  ]);
});

test('payouts that arrive together never settle one bet twice', async () => {
  await house.provider.credit(call({ amount: '10' }));
  await house.provider.credit(call({ amount: '10' }));
  const answers = await Promise.all(
    ['1', '2', '3', '4'].map((amount) => house.provider.debit(call({ amount, betAmount: '10' }))),
  );
  expect(answers.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
  expect(balance()).toBe('990');
  expect(settles()).toHaveLength(4);
  expect(new Set(settles().map((body) => body.bet_id)).size).toBe(4);
});

test('payout_ack confirmed: code 1 until the wallet has paid, then 0 with its balance, paid once', async () => {
  await house.provider.credit(call());
  house.wallet.always('/settle-bet', 'lose');
  const win = call({ amount: '25' });
  await house.configure({ payout_ack: 'confirmed', answer_deadline_ms: 600 });
  expect(await house.provider.debit(win)).toMatchObject({ status: 200, code: 1 });
  await house.configure({ answer_deadline_ms: 15_000 });
  house.wallet.always('/settle-bet', null);
  const paid = await house.provider.debit(win);
  expect(paid).toMatchObject({ code: 0, balance: '985' });
  expect((await house.provider.debit(win)).text).toBe(paid.text);
  expect(house.wallet.effects('/settle-bet', String(bets()[0]?.bet_id))).toBe(1);
});

test('a wallet that refuses the payout with a decline still owes it: repeated until paid, with a case', async () => {
  await house.provider.credit(call());
  house.wallet.script('/settle-bet', { status: 400, body: '{"error":"BAD"}' });
  expect(await house.provider.debit(call({ amount: '25' }))).toMatchObject({
    code: 0,
    balance: '985',
  });
  expect(await cases()).toEqual(['declined_payout']);
});

test('a payout of nothing moves nothing; with is_close it closes the round at once', async () => {
  await house.provider.credit(call());
  const none = await house.provider.debit(call({ amount: '0' }));
  expect(none).toMatchObject({ code: 0, balance: '960' });
  const close = await house.provider.debit(call({ amount: '0.00', close: true }));
  expect(close).toMatchObject({ code: 0, balance: '960' });
  // Not left to the sweep or to a timer.
  await house.ended(player.id, '12');
  expect(settles()).toEqual([]);
  expect(house.callsOf(player, '/bet-end')).toHaveLength(1);
  expect((await house.roundOf(player.id, '12')).closed_by).toBe('provider');
});

test('a payout while its stake is unknown: code 1, kept, and paid when the stake turns out taken', async () => {
  house.wallet.always('/bet', 'hang');
  const stake = call();
  expect(await inHaste(() => house.provider.credit(stake))).toMatchObject({ code: 1 });
  const win = call({ amount: '25' });
  expect(await inHaste(() => house.provider.debit(win))).toMatchObject({ status: 200, code: 1 });
  house.wallet.always('/bet', null);
  await eventually(() => expect(balance()).toBe('985'));
  expect(await house.provider.debit(win)).toMatchObject({ code: 0, balance: '985' });
  expect(await house.provider.credit(stake)).toMatchObject({ code: 0, balance: '960' });
  expect(settles()).toHaveLength(1);
});

test('a payout when every stake was declined: 8 and a case', async () => {
  house.wallet.setBalance(player.userAgent, '1');
  expect(await house.provider.credit(call())).toMatchObject({ code: 2 });
  expect(await house.provider.debit(call({ amount: '25' }))).toMatchObject({
    status: 200,
    code: 8,
  });
  expect(await cases()).toEqual(['payout_on_failed_stake']);
  expect(settles()).toEqual([]);
});

test('orphan_payout carrier: a payout without any stake is paid on a carrier, with a case', async () => {
  await house.configure({ orphan_payout: 'carrier', orphan_payout_max: '100' });
  expect(await house.provider.debit(call({ amount: '25' }))).toMatchObject({
    code: 0,
    balance: '1025',
  });
  expect(bets()).toMatchObject([{ balance: 0 }]);
  expect(await cases()).toEqual(['orphan_payout']);
  expect(await house.provider.debit(call({ round: '13', amount: '101' }))).toMatchObject({
    code: 8,
  });
});

test('a payout above the cap is held: code 1, one case, nothing moves, however often', async () => {
  await house.configure({ payout_max: '100' });
  await house.provider.credit(call());
  const win = call({ amount: '100.01' });
  for (const _ of [1, 2]) {
    expect(await house.provider.debit(win)).toMatchObject({ status: 200, code: 1 });
  }
  expect(await cases()).toEqual(['held_payout']);
  expect(await house.provider.debit(call({ amount: '100' }))).toMatchObject({ code: 0 });
  expect(balance()).toBe('1060');
});

test('a repeat that Temporal puts off longer than the book asks is made by the sweep', async () => {
  await house.provider.credit(call());
  house.wallet.always('/settle-bet', { status: 503, body: 'down' });
  await inHaste(() => house.provider.debit(call({ amount: '25', close: true })));
  const { id } = await house.roundOf(player.id, '12');
  const attempts = async () => {
    const { rows } = await house.pool.query<{ attempts: number; waits: boolean }>(
      `SELECT attempts, running_since IS NULL AND next_attempt_at > now() AS waits
         FROM obligations WHERE round_id = $1 AND verb = 'give'`,
      [id],
    );
    return rows[0];
  };
  // Temporal now waits minutes; the book is then told that the time is over, as a lost hurry would leave it.
  await eventually(async () => {
    const now = await attempts();
    expect(now?.waits).toBe(true);
    expect(now?.attempts).toBeGreaterThanOrEqual(4);
  }, 40_000);
  house.wallet.always('/settle-bet', null);
  await house.pool.query(
    `UPDATE obligations SET next_attempt_at = now() - interval '1 minute' WHERE round_id = $1 AND status = 'open'`,
    [id],
  );
  await house.pool.query(`UPDATE rounds SET due_at = now() - interval '1 minute' WHERE id = $1`, [
    id,
  ]);
  await house.client.workflow.execute('sweepWorkflow', {
    workflowId: 'sweep',
    taskQueue: 'rounds',
  });
  // Sooner than Temporal, which waits ten seconds and more by now, would have asked again.
  await eventually(() => expect(balance()).toBe('985'), 4_000);
  await house.ended(player.id, '12');
});
