import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { createActivities } from '../../src/activities/create-activities';
import { createWallets } from '../../src/activities/wallets';
import { ROUNDS_TASK_QUEUE } from '../../src/contracts/round';
import { SWEEP_WORKFLOW } from '../../src/contracts/sweep';
import { reserveOperationId } from '../../src/db/operations';
import { endSession, sessionByToken } from '../../src/db/sessions';
import { createEgressGuard } from '../../src/lib/egress';
import { createLogger } from '../../src/lib/log';
import { eventually } from '../support/eventually';
import { startRoundhouse, type TestPlayer, type TestRoundhouse } from '../support/roundhouse';
import { createTestNamespace, temporalAddress, workflowBundlePath } from '../support/temporal';
import { createTestProvider, type MoneyCall } from '../support/test-provider';

jest.setTimeout(180_000);

let house: TestRoundhouse;
let player: TestPlayer;

/** An hour between two repeats is then a fifth of a second. */
const TIME_SCALE = 0.00005;
const PATIENT = { answer_deadline_ms: 15_000, revive_window_ms: 60_000 };
/** Attempts of the schedule's first day: eleven in two hours, then one an hour. */
const ATTEMPTS_OF_A_DAY = 34;

beforeAll(async () => {
  house = await startRoundhouse({
    timeScale: TIME_SCALE,
    partner: { wallet_attempt_timeout_ms: 400, breaker: { calls_min: 10_000 } },
    connection: PATIENT,
  });
});
afterAll(() => house?.close());
beforeEach(async () => (player = await house.newPlayer()));
afterEach(async () => {
  for (const endpoint of ['/bet', '/settle-bet']) house.wallet.always(endpoint, null);
  await house.configure(PATIENT);
});

const call = (of: Partial<MoneyCall> = {}): MoneyCall => ({
  token: player.token,
  player: player.id,
  round: '12',
  transaction: '1',
  amount: '40',
  ...of,
});
const win = call;
const balance = () => house.wallet.balance(player.userAgent);

async function inHaste<Result>(ask: () => Promise<Result>): Promise<Result> {
  await house.configure({ answer_deadline_ms: 600 });
  const result = await ask();
  await house.configure(PATIENT);
  return result;
}

/** A payout that is committed, and nobody who knows of it. */
async function commitPayout(transactionRef: string): Promise<void> {
  const { id } = await house.roundOf(player.id, '12');
  await house.book.decideOn(id, {
    type: 'payout',
    request: {
      operationId: await reserveOperationId(house.pool),
      transactionRef,
      amount: 2_500n,
      gameId: '11',
      betAmount: null,
      isClose: true,
    },
  });
}

const sweep = (client = house.client) =>
  client.workflow.execute(SWEEP_WORKFLOW, { workflowId: 'sweep', taskQueue: ROUNDS_TASK_QUEUE });

/** The player's rounds are long overdue, as they are when the clock has gone on and nobody has looked. */
const overdue = () =>
  house.pool.query(
    `UPDATE rounds SET due_at = now() - interval '1 minute' WHERE player_id = $1 AND due_at IS NOT NULL`,
    [player.id],
  );

/** Nothing of the player is owed: the round's workflow waits, and no call's end will tell it of more. */
const nothingOwed = () =>
  eventually(async () => {
    const { rows } = await house.pool.query(
      `SELECT 1 FROM obligations o JOIN rounds r ON r.id = o.round_id
        WHERE r.player_id = $1 AND o.status = 'open'`,
      [player.id],
    );
    expect(rows).toEqual([]);
  });

describe('a payout is paid', () => {
  test('when the wallet is down for a day and the provider never calls again', async () => {
    await house.provider.credit(call());
    await house.wallet.down();
    const told = await inHaste(() =>
      house.provider.debit(win({ transaction: '2', amount: '25', close: true })),
    );
    expect(told).toMatchObject({ code: 0, balance: '985' });
    const { id } = await house.roundOf(player.id, '12');
    await eventually(async () => {
      const { rows } = await house.pool.query<{ attempts: number }>(
        `SELECT attempts FROM obligations WHERE round_id = $1 AND verb = 'give'`,
        [id],
      );
      expect(rows[0]?.attempts).toBeGreaterThan(ATTEMPTS_OF_A_DAY);
    }, 120_000);
    await house.wallet.up();
    await house.ended(player.id, '12');
    expect(balance()).toBe('985');
  });

  test('when the partner is suspended, before it is won and while it is owed', async () => {
    const suspend = (status: string) =>
      house.pool.query('UPDATE partners SET status = $1', [status]);
    await house.provider.credit(call());
    await house.provider.credit(call({ transaction: '2', amount: '10' }));
    house.wallet.always('/settle-bet', { status: 503, body: 'down' });
    const owed = win({ transaction: '3', amount: '25', betAmount: '40' });
    expect(await inHaste(() => house.provider.debit(owed))).toMatchObject({ code: 0 });
    await suspend('suspended');
    try {
      house.wallet.always('/settle-bet', null);
      await eventually(() => expect(balance()).toBe('975'));
      const late = win({ transaction: '4', amount: '5', betAmount: '10', close: true });
      expect(await house.provider.debit(late)).toMatchObject({ code: 0, balance: '980' });
      await house.ended(player.id, '12');
    } finally {
      await suspend('active');
    }
    expect(balance()).toBe('980');
  });

  test('when its session is over', async () => {
    await house.provider.credit(call());
    const found = await sessionByToken(house.pool, player.token);
    await endSession(house.pool, found?.session ?? { id: '0' }, Date.now());
    expect(await house.provider.credit(call({ transaction: '2' }))).toMatchObject({ code: 14 });
    const late = win({ transaction: '3', amount: '25' });
    expect(await house.provider.debit(late)).toMatchObject({ code: 0, balance: '985' });
    expect(balance()).toBe('985');
  });

  test('when the API and the worker died right after its commit', async () => {
    await house.provider.credit(call());
    await nothingOwed();
    await house.stopWorker();
    await commitPayout('2');
    await overdue();
    expect(balance()).toBe('960');

    await house.startWorker();
    await sweep();
    await house.ended(player.id, '12');
    expect(balance()).toBe('985');
    const repeat = win({ transaction: '2', amount: '25', close: true });
    expect(await house.provider.debit(repeat)).toMatchObject({ code: 0, balance: '985' });
    expect(house.callsOf(player, '/settle-bet')).toHaveLength(1);
  });
});

describe('the sweep', () => {
  test('fails a stake that was recorded and never handed over: code 1 for ever, and no call', async () => {
    await house.provider.credit(call());
    const { id } = await house.roundOf(player.id, '12');
    await nothingOwed();
    await house.configure({ answer_deadline_ms: 100 });
    await house.stopWorker(); // else the round's own hand might look first
    await house.book.decideOn(id, {
      type: 'stake',
      request: {
        operationId: await reserveOperationId(house.pool),
        betId: 'f'.repeat(24),
        transactionRef: '2',
        amount: 1_000n,
        gameId: '11',
        isClose: false,
      },
    });
    await house.configure(PATIENT);
    await overdue();
    await house.startWorker();
    await eventually(async () => {
      await overdue();
      await sweep();
      const { rows } = await house.pool.query(`SELECT outcome, decision FROM bets WHERE id = $1`, [
        'f'.repeat(24),
      ]);
      expect(rows).toEqual([{ outcome: 'declined', decision: 'failed' }]);
    });
    const again = await house.provider.credit(call({ transaction: '2', amount: '10' }));
    expect(again).toMatchObject({ code: 1 });
    expect(house.callsOf(player, '/bet')).toHaveLength(1);
    expect(balance()).toBe('960');
  });

  test('drives what is owed when Temporal has lost everything, once', async () => {
    await house.provider.credit(call());
    house.wallet.always('/settle-bet', { status: 503, body: 'down' });
    const payout = win({ transaction: '2', amount: '25', close: true });
    const told = await inHaste(() => house.provider.debit(payout));
    expect(told).toMatchObject({ code: 0, balance: '985' });
    await house.stopWorker();
    house.wallet.always('/settle-bet', null);
    expect(balance()).toBe('960');

    const other = await startOnEmptyTemporal();
    try {
      await overdue();
      // The drain's calls are found without a due time; a round's own after it is overdue.
      await eventually(async () => {
        await sweep(other.client);
        expect(balance()).toBe('985');
      }, 30_000);
      await eventually(async () => {
        await overdue();
        await sweep(other.client);
        expect((await house.roundOf(player.id, '12')).status).toBe('closed');
        expect(house.callsOf(player, '/bet-end')).toHaveLength(1);
        const { rows } = await house.pool.query(
          `SELECT 1 FROM obligations WHERE round_id = (SELECT id FROM rounds WHERE player_id = $1)
              AND status = 'open'`,
          [player.id],
        );
        expect(rows).toEqual([]);
      }, 30_000);
    } finally {
      await other.stop();
      await house.startWorker();
    }
    expect((await house.provider.debit(payout)).text).toBe(told.text);
    // The workflow of the old Temporal comes back and finds nothing left to do.
    await house.ended(player.id, '12');
    expect(balance()).toBe('985');
    const betId = String(house.callsOf(player, '/bet')[0]?.body.bet_id);
    expect(house.wallet.effects('/settle-bet', betId)).toBe(1);
    expect(house.callsOf(player, '/bet-end')).toHaveLength(1);
  });

  test('replaces a workflow whose task fails for ever, and the win it held up is paid', async () => {
    await house.provider.credit(call());
    const handle = house.workflowOf(player.id, '12');
    await nothingOwed();
    await house.quiet(player.id, '12');
    await handle.terminate('for the test');
    // What is left of a round whose history no worker can play back any more.
    const stuck = await house.client.workflow.start('aWorkflowThatNoWorkerHas', {
      workflowTaskTimeout: '1s',
      workflowId: handle.workflowId,
      taskQueue: ROUNDS_TASK_QUEUE,
    });
    const payout = win({ transaction: '2', amount: '25', close: true });
    expect(await inHaste(() => house.provider.debit(payout))).toMatchObject({ code: 0 });
    expect(balance()).toBe('960');
    await eventually(async () => {
      await overdue();
      await sweep();
      expect(balance()).toBe('985');
    }, 60_000);
    await house.ended(player.id, '12');
    const old = house.client.workflow.getHandle(handle.workflowId, stuck.firstExecutionRunId);
    expect((await old.describe()).status.name).toBe('TERMINATED');
    expect(house.callsOf(player, '/settle-bet')).toHaveLength(1);
  });
});

/** A worker of the same book on a Temporal that has never heard of it. */
async function startOnEmptyTemporal() {
  const namespace = await createTestNamespace();
  const native = await NativeConnection.connect({ address: temporalAddress() });
  const grpc = await Connection.connect({ address: temporalAddress() });
  const client = new Client({ connection: grpc, namespace });
  const log = createLogger('test', 'silent');
  const egress = createEgressGuard({ allowHttp: true, allowCidrs: [] });
  const { book, office } = house;
  const { pool, vault } = office;
  const wallets = createWallets({ pool, vault, egress, log });
  const deps = { book, vault, wallets, client, egress, log, timeScale: TIME_SCALE };
  const { activities, settled } = createActivities(deps);
  const worker = await Worker.create({
    connection: native,
    namespace,
    taskQueue: ROUNDS_TASK_QUEUE,
    workflowBundle: { codePath: workflowBundlePath() },
    activities: { ...activities },
    shutdownGraceTime: '2s',
    shutdownForceTime: '4s',
  });
  const ran = worker.run();
  return {
    client,
    async stop() {
      worker.shutdown();
      await ran;
      await settled();
      await wallets.close();
      await native.close();
      await grpc.close();
    },
  };
}

test('answers stay when the workflow is deleted from Temporal and every process is new', async () => {
  house.wallet.setBalance(player.userAgent, '50');
  const stake = call();
  const declined = call({ transaction: '2', amount: '1000' });
  const payout = win({ transaction: '3', amount: '25', close: true });
  const told = [
    await house.provider.credit(stake),
    await house.provider.credit(declined),
    await house.provider.debit(payout),
  ];
  expect(told.map(({ code }) => code)).toEqual([0, 2, 0]);
  await house.ended(player.id, '12');
  const { workflowId } = house.workflowOf(player.id, '12');
  await house.client.workflowService.deleteWorkflowExecution({
    namespace: house.client.options.namespace,
    workflowExecution: { workflowId },
  });
  await eventually(
    () => expect(house.workflowOf(player.id, '12').describe()).rejects.toThrow(),
    60_000,
  );

  await house.stopWorker();
  const fresh = await house.startApi();
  const provider = createTestProvider(() => `${fresh.baseUrl}/providers/sandbox`, 'secret');
  house.wallet.setBalance(player.userAgent, '5000');
  const calls = house.wallet.calls.length;
  for (let turn = 1; turn <= 2; turn++) {
    const again = [
      await provider.credit(stake),
      await provider.credit(declined),
      await provider.debit(payout),
    ];
    expect(again.map(({ text }) => text)).toEqual(told.map(({ text }) => text));
    if (turn === 1) await house.startWorker();
  }
  expect(house.wallet.calls).toHaveLength(calls);
});
