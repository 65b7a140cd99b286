import { drainWorkflowId, type DrainReport } from '../../src/contracts/drain';
import { wakeDrain } from '../../src/contracts/drive-round';
import { ROUNDS_TASK_QUEUE } from '../../src/contracts/round';
import { SWEEP_WORKFLOW } from '../../src/contracts/sweep';
import { eventually } from '../support/eventually';
import { startRoundhouse, type TestRoundhouse } from '../support/roundhouse';

jest.setTimeout(180_000);

let house: TestRoundhouse;
beforeAll(async () => {
  house = await startRoundhouse({
    timeScale: 0.05,
    connection: { answer_deadline_ms: 4_000 },
    partner: {
      dedup_before_funds: true,
      breaker: { calls_min: 4, window_ms: 10_000, open_ms_min: 1_500, open_ms_max: 2_000 },
    },
  });
});
afterAll(() => house?.close());

const breakerRows = async () => (await house.pool.query('SELECT * FROM partner_breakers')).rowCount;
const drained = async () =>
  (
    await house.pool.query(
      `SELECT 1 FROM obligations WHERE drain_partner IS NOT NULL AND status = 'open'`,
    )
  ).rowCount;

/** What the batches of the latest drain came to. */
async function batches(): Promise<DrainReport[]> {
  const handle = house.client.workflow.getHandle(drainWorkflowId('LAG1'));
  const { events } = await handle.fetchHistory();
  return (events ?? []).flatMap((event) => {
    const bytes = event.activityTaskCompletedEventAttributes?.result?.payloads?.[0]?.data;
    return bytes ? [JSON.parse(Buffer.from(bytes).toString()) as DrainReport] : [];
  });
}

test('a dead wallet opens its breaker: new stakes are refused at once and nothing is sent; what is owed waits in the drain and is paid, oldest first, once the wallet is back', async () => {
  const players = await Promise.all(Array.from({ length: 12 }, () => house.newPlayer()));
  const call = (index: number, transaction: string, amount: string) => {
    const player = players[index];
    if (!player) throw new Error(`no player ${index}`);
    return { token: player.token, player: player.id, round: '1', transaction, amount };
  };
  for (let index = 0; index < players.length; index++) {
    expect(await house.provider.credit(call(index, '1', '5'))).toMatchObject({ code: 0 });
  }

  await house.wallet.down();
  const wins = await Promise.all(
    players.map((_, index) => house.provider.debit({ ...call(index, '2', '7'), close: true })),
  );
  // Rule 6: accepted at the deadline, whatever the wallet does.
  expect(wins.map(({ code }) => code)).toEqual(players.map(() => 0));
  await eventually(async () => expect(await breakerRows()).toBe(1), 20_000);
  await eventually(async () => expect(await drained()).toBeGreaterThan(3), 20_000);

  const openFor = (seconds: number) =>
    house.pool.query(
      `UPDATE partner_breakers SET open_until = clock_timestamp() + make_interval(secs => $1)`,
      [seconds],
    );
  await openFor(60);
  const before = house.wallet.calls.length;
  const refused = await house.provider.credit({ ...call(0, '3', '5'), round: '2' });
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.message).toContain('the wallet does not answer; nothing was taken');
  const { rowCount: intents } = await house.pool.query(
    `SELECT 1 FROM operations WHERE transaction_ref = '3'`,
  );
  expect(intents).toBe(0);
  expect(house.wallet.calls).toHaveLength(before);
  expect(await house.client.workflow.getHandle(drainWorkflowId('LAG1')).describe()).toMatchObject({
    status: { name: 'RUNNING' },
  });

  await house.wallet.up();
  await openFor(0);
  for (const player of players) await house.ended(player.id, '1');
  // What follows from a payout the drain makes as well: the round hears how it stands, and has nothing to do.
  for (const player of players) {
    const { events } = await house.workflowOf(player.id, '1').fetchHistory();
    const signalled = events?.findLastIndex(
      (event) => event.workflowExecutionSignaledEventAttributes,
    );
    const since = events?.slice(signalled) ?? [];
    expect(since.filter((event) => event.markerRecordedEventAttributes)).toEqual([]);
    expect(since.filter((event) => event.activityTaskScheduledEventAttributes)).toEqual([]);
  }
  expect(await breakerRows()).toBe(0);
  expect(await drained()).toBe(0);
  expect(house.wallet.effects('/settle-bet')).toBe(players.length);
  expect(house.wallet.effects('/bet-end')).toBe(players.length);
  for (const player of players) expect(house.wallet.balance(player.userAgent)).toBe('1002');
  await eventually(async () => {
    const drain = await house.client.workflow.getHandle(drainWorkflowId('LAG1')).describe();
    expect(drain.status.name).toBe('COMPLETED');
  }, 20_000);
  // Money goes first: all of it was paid when most of these rounds had not been told yet that they are at rest.
  const paid = (await batches()).filter(({ statement }) =>
    statement[0]?.includes(': 0 calls owed'),
  );
  expect(Math.max(...paid.map(({ left }) => left))).toBeGreaterThan(3);
  // Stakes are taken again.
  expect(await house.provider.credit({ ...call(0, '4', '5'), round: '2' })).toMatchObject({
    code: 0,
  });
});

test('a payout that the wallet does not answer moves to the drain after its fifth repeat, while the breaker is closed', async () => {
  const player = await house.newPlayer();
  const call = { token: player.token, player: player.id, round: '1', game: '11' };
  await house.provider.credit({ ...call, transaction: '1', amount: '5' });
  house.wallet.always('/settle-bet', { status: 400, body: '{"error":"strange"}' });
  const win = { ...call, transaction: '2', amount: '7', close: true };
  expect(await house.provider.debit(win)).toMatchObject({ code: 0 });
  await eventually(async () => expect(await drained()).toBe(1), 60_000);
  expect(await breakerRows()).toBe(0);
  // The round's workflow stays, visible and idle.
  const handle = house.workflowOf(player.id, '1');
  await eventually(async () => {
    const { statement } = await handle.query<{ statement: string[] }>('round');
    expect(statement.join('\n')).toContain("waits in the partner's drain");
  }, 20_000);
  house.wallet.always('/settle-bet', null);
  await house.ended(player.id, '1');
  expect(house.wallet.effects('/settle-bet')).toBeGreaterThan(0);
  expect(house.wallet.balance(player.userAgent)).toBe('1002');
});

test('a round hears of what the drain did also when the drain died before it told', async () => {
  const player = await house.newPlayer();
  const call = { token: player.token, player: player.id, round: '1', game: '11' };
  await house.provider.credit({ ...call, transaction: '1', amount: '5' });
  house.wallet.always('/settle-bet', { status: 400, body: '{"error":"strange"}' });
  await house.provider.debit({ ...call, transaction: '2', amount: '7', close: true });
  await eventually(async () => expect(await drained()).toBe(1), 60_000);
  // What a death between commit and signal leaves: made in the book, and nobody told.
  await house.client.workflow.getHandle(drainWorkflowId('LAG1')).terminate();
  house.wallet.always('/settle-bet', null);
  const { id } = await house.roundOf(player.id, '1');
  const { rows } = await house.pool.query<{ bet_id: string }>(
    `SELECT bet_id FROM obligations WHERE round_id = $1 AND drain_partner IS NOT NULL`,
    [id],
  );
  const give = `${rows[0]?.bet_id}/give/1`;
  await house.pool.query('UPDATE obligations SET next_attempt_at = clock_timestamp()');
  await house.book.decideOn(id, { type: 'attempt_starts', call: give, driver: 'drain' });
  await house.book.decideOn(id, {
    type: 'attempt_ended',
    call: give,
    attempt: 99,
    outcome: { kind: 'done', text: 'HTTP 200', balance: '1002' },
  });
  await wakeDrain(
    house.client,
    { partnerId: house.partner.id, prefix: 'LAG1', attemptMsMax: 500 },
    5_000,
  );
  await house.ended(player.id, '1');
  const { rowCount } = await house.pool.query(
    'SELECT 1 FROM obligations WHERE drain_partner IS NOT NULL',
  );
  expect(rowCount).toBe(0);
});

test('a drain that Temporal has lost is started by the sweep', async () => {
  const player = await house.newPlayer();
  const call = { token: player.token, player: player.id, round: '1', game: '11' };
  await house.provider.credit({ ...call, transaction: '1', amount: '5' });
  house.wallet.always('/settle-bet', { status: 400, body: '{"error":"strange"}' });
  await house.provider.debit({ ...call, transaction: '2', amount: '7', close: true });
  await eventually(async () => expect(await drained()).toBe(1), 60_000);
  await house.client.workflow.getHandle(drainWorkflowId('LAG1')).terminate();
  house.wallet.always('/settle-bet', null);
  // Of the round itself nothing is due: only the partner's drain has something to do.
  const { id } = await house.roundOf(player.id, '1');
  await eventually(async () => {
    const { rows } = await house.pool.query('SELECT due_at FROM rounds WHERE id = $1', [id]);
    expect(rows).toEqual([{ due_at: null }]);
  }, 30_000);
  await house.client.workflow.execute(SWEEP_WORKFLOW, {
    workflowId: 'sweep',
    taskQueue: ROUNDS_TASK_QUEUE,
  });
  await house.ended(player.id, '1');
  expect(house.wallet.balance(player.userAgent)).toBe('1002');
});
