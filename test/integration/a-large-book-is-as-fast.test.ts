/**
 * Every statement of live rounds, of the sweep, the seals, the drains and the lists, as PostgreSQL carries it
 * out on a book of some ten thousand rows over several months, planned as if there were a thousand times as
 * many. No times: how many rows each of its scans looked at, and whether a table that grows was read whole.
 */
import { EventEmitter } from 'node:events';
import { Client } from 'pg';
import { fillBook } from '../../bench/fill-book';
import {
  judgePlans,
  largeRelations,
  readPlans,
  tellPlans,
  type StatementCost,
  type StatementPlan,
} from '../../bench/measure/plans';
import { createSealJournal } from '../../src/activities/seal-journal';
import { createSweepBook } from '../../src/activities/sweep-book';
import { auditSnapshot } from '../../src/db/audit';
import { listCases } from '../../src/db/cases';
import { drainedCalls, drainState, hurryDrain, untoldRounds } from '../../src/db/drains';
import { showRound } from '../../src/db/show-round';
import { createLogger } from '../../src/lib/log';
import { eventually } from '../support/eventually';
import { startRoundhouse, type TestPlayer, type TestRoundhouse } from '../support/roundhouse';

const OPERATIONS = 2_400;
const DAYS = 70;
const CASES = 1_500;
/** What a scan may look at: here nothing has more to do than the twenty rounds that are left undone. */
const ROWS_MAX = 500;
/** As many times more rows than there are: what is read whole at this size would not be at theirs. */
const PLANNED_TIMES = 1_000;
const log = createLogger('test', 'silent');

let house: TestRoundhouse;
const plans: StatementPlan[] = [];
let next = 1;

beforeAll(async () => {
  // A machine that is busy elsewhere must not make a refusal of what is looked at.
  house = await startRoundhouse({
    partner: { wallet_attempt_timeout_ms: 20_000 },
    connection: { answer_deadline_ms: 60_000 },
  });
  const player = await house.newPlayer();
  await playBoth(player);
  await fillBook(house.databaseUrl, {
    operations: OPERATIONS,
    days: DAYS,
    wholeServer: false,
    report: () => undefined,
  });
  await leaveThingsUndone(player);
});

afterAll(async () => {
  jest.restoreAllMocks();
  await house?.close();
});

it('fills a book in which the audit finds nothing wrong', async () => {
  const report = await auditSnapshot(house.pool);
  expect(report.contradictions).toEqual([]);
  expect(report.rounds).toBeGreaterThan(OPERATIONS / 2);
});

it('reads no more rows for a live round, a sweep, a seal or a list, however large the book is', async () => {
  const large = await largeRelations(house.pool);
  for (const table of ['rounds', 'operations', 'bets', 'obligations', 'sealed_heads', 'cases'])
    expect(large).toContain(table);
  await planForMore();
  listenToNotices();
  await tellPlans(house.pool, 'notice');
  const player = await house.newPlayer();
  await playBoth(player);
  await sweepAndSeal();
  await listAll(player);
  await tellPlans(house.pool, 'off');

  const costs = judgePlans(plans, large, ROWS_MAX);
  expect(faultsOf(costs)).toEqual([]);
  const seen = costs.map(({ query }) => query).join('\n');
  for (const part of EXPECTED) expect(seen).toContain(part);
});

it('plans what a live round asks once a connection, however many partitions it names', async () => {
  await playBoth(await house.newPlayer());
  const { pool } = house.book;
  const clients = await Promise.all(Array.from({ length: pool.idleCount }, () => pool.connect()));
  const asked = new Set<string>();
  for (const client of clients) {
    const { rows } = await client.query<{ name: string; custom: number }>(
      'SELECT name, custom_plans::int AS custom FROM pg_prepared_statements',
    );
    client.release();
    expect(rows.filter(({ custom }) => custom > 0)).toEqual([]);
    for (const { name } of rows) asked.add(name);
  }
  expect([...asked]).toEqual(expect.arrayContaining(['money_request_facts', 'load_round']));
});

/** Statements without which the look above would prove nothing. */
const EXPECTED = [
  'operation_keys',
  'FOR UPDATE OF r',
  'INTO journal',
  'UPDATE attempts',
  'answer_written_at',
  // A foreign key's check.
  'FOR KEY SHARE',
  'due_at < (SELECT clock_timestamp()',
  'answer_not_seen',
  'version > sealed_version',
  'drain_partner',
  'FROM cases c',
];

const faultsOf = (costs: readonly StatementCost[]) =>
  costs.flatMap(({ query, faults }) => [...faults].map((fault) => `${fault}: ${query}`));

/** auto_explain tells each statement's plan to the client that asked, as a notice. */
function listenToNotices(): void {
  jest.spyOn(Client.prototype, 'emit').mockImplementation(function (
    this: Client,
    name: string | symbol,
    ...values: unknown[]
  ) {
    const [notice] = values;
    if (name === 'notice') plans.push(...readPlans((notice as { message: string }).message));
    return EventEmitter.prototype.emit.call(this, name, ...values);
  });
}

/** A won and a lost round to their very ends, each call repeated once. */
async function playBoth(player: TestPlayer): Promise<void> {
  for (const close of [false, true]) {
    const round = String(next++);
    const call = (amount: string) => ({
      token: player.token,
      player: player.id,
      round,
      transaction: String(9_007_199_254_740_993n + BigInt(next++)),
      amount,
    });
    const stake = { ...call('5'), close };
    expect((await house.provider.credit(stake)).code).toBe(0);
    expect((await house.provider.credit(stake)).code).toBe(0);
    const payout = { ...call('7'), close: true };
    if (!close) {
      expect((await house.provider.debit(payout)).code).toBe(0);
      expect((await house.provider.debit(payout)).code).toBe(0);
    }
    await house.ended(player.id, round);
    await eventually(async () => {
      const { rowCount } = await house.pool.query(
        `SELECT 1 FROM operations op JOIN rounds r ON r.id = op.round_id
          WHERE r.player_id = $1 AND r.round_ref = $2 AND op.answer_written_at IS NULL`,
        [player.id, round],
      );
      expect(rowCount).toBe(0);
    });
  }
}

/** Some of the old rounds are overdue, some answers not accounted for, some calls in a drain; cases in plenty. */
async function leaveThingsUndone(player: TestPlayer): Promise<void> {
  const some = 'round_id IN (SELECT id FROM rounds ORDER BY id DESC OFFSET 100 LIMIT 20)';
  await house.pool.query(
    `INSERT INTO cases (kind, round_id, subject, evidence, status, opened_at, resolution, resolved_at)
     SELECT 'late_payout', id, 'filled', '{}', 'resolved', now(), 'dismiss', now()
       FROM rounds ORDER BY id DESC LIMIT ${CASES}`,
  );
  await house.pool.query(
    `UPDATE operations SET answer_written_at = NULL WHERE kind = 'stake' AND ${some}`,
  );
  // The last round that was really played: nothing tells that its answer was seen.
  await house.pool.query(
    `UPDATE operations SET answer_written_at = NULL, deadline_at = now() - interval '1 day'
      WHERE id = (SELECT max(op.id) FROM operations op JOIN rounds r ON r.id = op.round_id
                   WHERE r.player_id = $1)`,
    [player.id],
  );
  await house.pool.query(
    `UPDATE obligations SET drain_partner = $1 WHERE verb = 'end' AND ${some}`,
    [house.partner.id],
  );
  await house.pool.query('ANALYZE');
  // Open rounds, which are looked at some day: a sweep reads no more of them than are due.
  await house.pool.query(
    `UPDATE rounds SET due_at = now() + interval '1 day'
      WHERE id IN (SELECT id FROM rounds ORDER BY id DESC OFFSET 300 LIMIT ${ROWS_MAX + 100})`,
  );
}

/**
 * The planner counts a table's pages and multiplies them with the rows a page held at the last ANALYZE: that
 * density is what is told here. Nobody analyses anything meanwhile.
 */
async function planForMore(): Promise<void> {
  await house.pool.query(`
    DO $$
    DECLARE relation record;
    BEGIN
      FOR relation IN SELECT oid::regclass AS name, relname, relpages, reltuples FROM pg_class
          WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND reltuples > 100 LOOP
        EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = false)', relation.name);
        PERFORM pg_restore_relation_stats('schemaname', 'public', 'relname', relation.relname::text,
          'relpages', relation.relpages,
          'reltuples', (relation.reltuples * ${PLANNED_TIMES})::real);
      END LOOP;
    END $$`);
}

async function sweepAndSeal(): Promise<void> {
  const { book, client } = house;
  const { pool } = book;
  await house.pool.query(
    `UPDATE rounds SET due_at = now() - interval '1 hour'
      WHERE id IN (SELECT id FROM rounds ORDER BY id DESC OFFSET 200 LIMIT 3)`,
  );
  await createSweepBook({ book, client, timeScale: 1, log })();
  await createSealJournal({ book, log })();
  await drainState(pool, house.partner.id);
  await drainedCalls(pool, house.partner.id, 100, true);
  await hurryDrain(pool, house.partner.id);
  await untoldRounds(pool, house.partner.id, 100);
}

async function listAll(player: TestPlayer): Promise<void> {
  const { pool } = house;
  const { cases } = await listCases(pool, { status: 'open' });
  expect(cases.length).toBeGreaterThan(0);
  const { rows } = await pool.query<{ bet: string }>(
    'SELECT b.id AS bet FROM bets b JOIN rounds r ON r.id = b.round_id WHERE r.player_id = $1 LIMIT 1',
    [player.id],
  );
  await showRound(pool, rows[0]?.bet ?? '');
}
