import type { WorkflowHandle } from '@temporalio/client';
import { DRIVE_SIGNAL, ROUND_QUERY, type RoundView } from '../../src/contracts/round';
import { sleep } from '../../src/lib/clock';
import { eventually } from '../support/eventually';
import { startRoundhouse, type TestRoundhouse } from '../support/roundhouse';

/** A machine that the chaos machine keeps busy beside it needs its time for thousands of signals. */
const PATIENCE_MS = 600_000;
jest.setTimeout(2 * PATIENCE_MS);

let house: TestRoundhouse;
beforeAll(async () => (house = await startRoundhouse()));
afterAll(() => house?.close());

/** More than the server lets a history grow before it suggests a new run (4,096 events). */
const SIGNALS = 4_300;
const AT_ONCE = 100;
/**
 * The SDK gives one activation five seconds, and a Node whose promises are watched does not survive being cut off
 * in the middle: no task may collect more signals than a slow machine works through by then.
 */
const PER_TASK_MAX = 500;

async function taskDone(handle: WorkflowHandle): Promise<void> {
  while ((await handle.describe()).raw.pendingWorkflowTask) await sleep(20);
}

test('a round that is signalled thousands of times goes on in a new run, and is settled there', async () => {
  const player = await house.newPlayer();
  const call = { token: player.token, player: player.id, round: '12' };
  expect(await house.provider.credit({ ...call, transaction: '1', amount: '5' })).toMatchObject({
    code: 0,
  });
  const handle = house.workflowOf(player.id, '12');
  const first = await handle.describe();
  const { id: round } = await house.roundOf(player.id, '12');
  const known = { round, view: await handle.query<RoundView>(ROUND_QUERY) };
  for (let sent = 0; sent < SIGNALS; sent += AT_ONCE) {
    await Promise.all(
      Array.from({ length: AT_ONCE }, () => handle.signal(DRIVE_SIGNAL, { known, hurry: [] })),
    );
    if (sent % PER_TASK_MAX === 0) await taskDone(handle);
  }
  await eventually(async () => {
    const now = await handle.describe();
    expect(now.status.name).toBe('RUNNING');
    expect(now.runId).not.toBe(first.runId);
    expect(now.historyLength).toBeLessThan(SIGNALS);
  }, PATIENCE_MS);

  const win = { ...call, transaction: '2', amount: '9', close: true };
  expect(await house.provider.debit(win)).toMatchObject({ code: 0, balance: '1004' });
  await house.ended(player.id, '12');
  expect(house.wallet.effects('/bet')).toBe(1);
  expect(house.wallet.effects('/settle-bet')).toBe(1);
});
