/**
 * What a won round costs, counted: no times, so that a slow machine says the same as a fast one. A change
 * that makes rounds dearer fails here; one that makes them cheaper lowers the numbers below.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { createPostgresMeter, type PostgresMeter } from '../../bench/measure/postgres';
import { median } from '../../bench/measure/statistics';
import { readHistory } from '../../bench/measure/temporal';
import { migrate } from '../../src/db/migrate';
import { createPool } from '../../src/db/pool';
import { createLogger } from '../../src/lib/log';
import { ensureDatabase } from '../../src/stack/databases';
import { freePort } from '../../src/stack/ports';
import { startPostgres, type RunningPostgres } from '../../src/stack/postgres';
import { startRoundhouse, type TestPlayer, type TestRoundhouse } from '../support/roundhouse';
import { testVault } from '../support/test-office';
import { TEMPLATE_DATABASE, TEST_VARIABLES } from '../support/variables';

/**
 * Today's medians. The goals are at most 18 events, 3 workflow tasks (2 before both answers have left) and
 * 6 commits. The 6 commits: each request with the beginning of its money call (2), that call's result with the
 * beginning of what follows (2), the results of that (2). That answers were written is noted for many rounds at once.
 */
const TODAY = {
  'at once, to one process': { events: 7, workflowTasks: 1, activities: 0, commits: 6 },
  'when the reels have stopped, to one process': {
    events: 13,
    workflowTasks: 2,
    activities: 0,
    commits: 6,
  },
  'when the reels have stopped, to API and worker apart': {
    events: 14,
    workflowTasks: 2,
    activities: 0,
    commits: 6,
  },
} as const;

const ROUNDS = 20;
/** A second or so a round; a machine with other work may need ten. */
const TEST_MS = 600_000;

let dir: string;
let postgres: RunningPostgres;
let meter: PostgresMeter;
let house: TestRoundhouse;
let player: TestPlayer;
let apart: TestRoundhouse;
let playerApart: TestPlayer;

// A server of its own: PostgreSQL numbers the transactions of all its databases in one row, and the tests
// of other files write at the same time.
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'roundhouse-costs-'));
  await chmod(dir, 0o711);
  postgres = await startPostgres({
    dir: join(dir, 'postgres'),
    port: await freePort(),
    logFile: join(dir, 'postgres.log'),
    durable: false,
  });
  const template = postgres.url(TEMPLATE_DATABASE);
  await ensureDatabase(template, 'the test database');
  await migrate(template, createLogger('migrate', 'silent'));
  const pool = createPool({ databaseUrl: template, max: 1 });
  await testVault(pool);
  await pool.end();
  await withoutAutovacuum(postgres.url('postgres'));
  process.env[TEST_VARIABLES.postgres] = postgres.url('postgres');
  meter = await createPostgresMeter(postgres.url('postgres'));
  // A machine that is busy elsewhere must not make a repeat or a code 1 of what is counted.
  const patient = {
    fastPathMs: 20_000,
    partner: { wallet_attempt_timeout_ms: 20_000 },
    connection: { answer_deadline_ms: 60_000 },
  };
  house = await startRoundhouse(patient);
  player = await house.newPlayer();
  apart = await startRoundhouse({ ...patient, apart: true });
  playerApart = await apart.newPlayer();
});

afterAll(async () => {
  await house?.close();
  await apart?.close();
  await meter?.close();
  await postgres?.stop();
  if (dir) await rm(dir, { recursive: true, force: true });
});

/** It writes statistics whenever it likes. */
async function withoutAutovacuum(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query('ALTER SYSTEM SET autovacuum = off');
  await client.query('SELECT pg_reload_conf()');
  await client.end();
}

interface Way {
  readonly house: TestRoundhouse;
  readonly player: TestPlayer;
  /** The reels turn between stake and win, and all is quiet meanwhile. */
  readonly rests: boolean;
}

const wayOf = (name: keyof typeof TODAY): Way => {
  if (name.endsWith('apart')) return { house: apart, player: playerApart, rests: true };
  return { house, player, rests: name.startsWith('when') };
};

async function costOfWin({ house: of, player: who, rests }: Way, round: string) {
  const before = await meter.read(null);
  const call = { token: who.token, player: who.id, round };
  const stake = await of.provider.credit({ ...call, transaction: `1${round}`, amount: '1' });
  expect(stake).toMatchObject({ code: 0 });
  if (rests) await of.quiet(who.id, round);
  const win = await of.provider.debit({
    ...call,
    transaction: `2${round}`,
    amount: '2.50',
    betAmount: '1',
    close: true,
  });
  expect(win).toMatchObject({ code: 0 });
  const { workflowId } = of.workflowOf(who.id, round);
  const { events, workflowTasks, activities } = await readHistory(
    of.client,
    workflowId,
    Date.now(),
  );
  await of.quiet(who.id, round);
  const commits = Number((await meter.read(null)).writes - before.writes);
  return { events, workflowTasks, activities, commits };
}

test.each(Object.keys(TODAY) as (keyof typeof TODAY)[])(
  'a round whose win comes %s costs no more events, workflow tasks, activities and commits than today',
  async (name) => {
    const today = TODAY[name];
    const costs = [];
    for (let turn = 1; turn <= ROUNDS; turn++) {
      const round = String(Object.keys(TODAY).indexOf(name) * 1_000 + turn);
      costs.push(await costOfWin(wayOf(name), round));
    }
    const medians = {
      events: median(costs.map((cost) => cost.events)),
      workflowTasks: median(costs.map((cost) => cost.workflowTasks)),
      activities: median(costs.map((cost) => cost.activities)),
      commits: median(costs.map((cost) => cost.commits)),
    };
    const dearer = Object.entries(medians).filter(
      ([what, count]) => count > today[what as keyof typeof today],
    );
    expect({ dearer, medians, today }).toMatchObject({ dearer: [] });
  },
  TEST_MS,
);

test('the sandbox keeps no call stack for each promise of a workflow', async () => {
  const round = '9102';
  const call = { token: player.token, player: player.id, round };
  await house.provider.credit({ ...call, transaction: `1${round}`, amount: '1' });
  const stack = await house.workflowOf(player.id, round).query<string>('__stack_trace');
  expect(stack).not.toContain('roundWorkflow');
});
