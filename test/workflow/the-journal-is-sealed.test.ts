import { ROUNDS_TASK_QUEUE } from '../../src/contracts/round';
import { SEAL_SCHEDULE_ID, SEAL_WORKFLOW, type SealResult } from '../../src/contracts/seal';
import { auditSnapshot } from '../../src/db/audit';
import type { PoolClient } from '../../src/db/pool';
import { lastSeal, sealChangedHeads } from '../../src/db/seals';
import { transaction } from '../../src/db/transaction';
import { ensureSealSchedule } from '../../src/worker/schedules';
import { eventually } from '../support/eventually';
import { startRoundhouse, type TestPlayer, type TestRoundhouse } from '../support/roundhouse';

let house: TestRoundhouse;
let player: TestPlayer;
beforeAll(async () => {
  house = await startRoundhouse({ connection: { answer_deadline_ms: 15_000 } });
  player = await house.newPlayer();
});
afterAll(() => house?.close());

let transactions = 0;
async function stake(round: string): Promise<void> {
  const { code } = await house.provider.credit({
    token: player.token,
    player: player.id,
    round,
    transaction: String(++transactions),
    amount: '1',
    close: true,
  });
  expect(code).toBe(0);
  await house.ended(player.id, round);
}

async function sealOf(round: string): Promise<(string | null)[]> {
  const { rows } = await house.pool.query<{ seal: string }>(
    `SELECT seal FROM sealed_heads h JOIN rounds r ON r.id = h.round_id
      WHERE r.round_ref = $1 ORDER BY seal`,
    [round],
  );
  return rows.map((row) => row.seal);
}

test('the schedule seals what changed, and tells the newest seal outside the book', async () => {
  await stake('1');
  await stake('2');
  const seal = () =>
    house.client.workflow.execute<() => Promise<SealResult>>(SEAL_WORKFLOW, {
      workflowId: 'seal',
      taskQueue: ROUNDS_TASK_QUEUE,
    });
  const first = await seal();
  expect(first).toEqual({
    heads: 2,
    last: { number: '1', hash: (await lastSeal(house.pool))?.hash },
  });
  expect(await seal()).toEqual({ heads: 0, last: first.last }); // nothing changed: no seal
  await stake('3');
  await ensureSealSchedule(house.client);
  await eventually(async () => expect((await lastSeal(house.pool))?.number).toBe('2'));
  await ensureSealSchedule(house.client); // another worker starts
  await house.client.schedule.getHandle(SEAL_SCHEDULE_ID).delete();
  // A run that the schedule began must not seal beside the tests that come.
  const query = `WorkflowType = '${SEAL_WORKFLOW}' AND ExecutionStatus = 'Running'`;
  await eventually(async () => expect((await house.client.workflow.count(query)).count).toBe(0));
  expect(await sealOf('3')).toEqual(['2']);
  expect((await auditSnapshot(house.pool)).contradictions).toEqual([]);
});

/** Adds a line to a closed round's journal: its stake once more, without is_close, is a warning. */
async function warn(client: PoolClient, round: string): Promise<void> {
  const { rows } = await client.query<{ id: string; transaction: string }>(
    `SELECT r.id, op.transaction_ref AS transaction FROM rounds r JOIN operations op ON op.round_id = r.id
      WHERE r.round_ref = $1`,
    [round],
  );
  const { changed } = await house.book.decideIn(client, rows[0]?.id ?? '', {
    type: 'stake',
    request: {
      operationId: 1_000_000,
      betId: '0'.repeat(24),
      transactionRef: rows[0]?.transaction ?? '',
      amount: 100n,
      gameId: '11',
      isClose: false,
    },
  });
  expect(changed).toBe(true);
}

test('a decision that began before a seal and commits after it is sealed by the next', async () => {
  await stake('4');
  await stake('5');
  while ((await sealChangedHeads(house.pool)).more);
  const sealed = await sealOf('4');
  await transaction(house.pool, async (slow) => {
    await warn(slow, '4');
    await stake('6');
    const { seal } = await sealChangedHeads(house.pool);
    expect(seal?.heads).toBe(1);
    expect(await sealOf('6')).toEqual([seal?.number]);
    expect(await sealOf('4')).toEqual(sealed);
  });
  const { seal } = await sealChangedHeads(house.pool);
  expect(seal?.heads).toBe(1);
  expect(await sealOf('4')).toEqual([...sealed, seal?.number]);
  expect((await auditSnapshot(house.pool)).contradictions).toEqual([]);
});

test('so is one that commits while a seal of its round is being written', async () => {
  await stake('10');
  let sealing: ReturnType<typeof sealChangedHeads> | undefined;
  await transaction(house.pool, async (slow) => {
    await warn(slow, '10');
    sealing = sealChangedHeads(house.pool); // it has read the round, and waits for this transaction
    await eventually(async () => {
      const { rowCount } = await house.pool.query(
        `SELECT 1 FROM pg_stat_activity WHERE datname = current_database()
            AND wait_event_type = 'Lock' AND query LIKE '%sealed_version = seen%'`,
      );
      expect(rowCount).toBe(1);
    });
  });
  expect((await sealing)?.seal?.heads).toBe(1);
  expect((await sealChangedHeads(house.pool)).seal?.heads).toBe(1);
  expect(await sealOf('10')).toHaveLength(2);
  expect((await auditSnapshot(house.pool)).contradictions).toEqual([]);
});

test('sealers at once make one chain', async () => {
  for (const round of ['7', '8', '9']) await stake(round);
  const before = BigInt((await lastSeal(house.pool))?.number ?? '0');
  const sealed = await Promise.all(Array.from({ length: 5 }, () => sealChangedHeads(house.pool)));
  expect(sealed.flatMap((one) => one.seal?.heads ?? [])).toEqual([3]);
  expect((await lastSeal(house.pool))?.number).toBe(String(before + 1n));
  const { contradictions, seals } = await auditSnapshot(house.pool);
  expect(contradictions).toEqual([]);
  expect(seals.unsealed_rounds).toBe(0);
});

test.each([
  'UPDATE journal_seals SET heads = 7 WHERE number = 1',
  'DELETE FROM journal_seals',
  'TRUNCATE journal_seals CASCADE',
  "UPDATE sealed_heads SET head = sha256('')",
  'DELETE FROM sealed_heads',
  `INSERT INTO journal_seals SELECT 99, sealed_at, heads, digest, previous, hash FROM journal_seals
    WHERE number = 2`,
])('the book refuses %s', async (statement) => {
  await expect(house.pool.query(statement)).rejects.toThrow(/append-only|unique constraint/);
});
