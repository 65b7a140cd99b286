import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { migrate } from '../../src/db/migrate';
import { createPool } from '../../src/db/pool';
import { createLogger } from '../../src/lib/log';
import { ensureDatabase } from '../../src/stack/databases';
import { openHome } from '../../src/stack/home';
import { freePorts } from '../../src/stack/ports';
import { startPostgres } from '../../src/stack/postgres';
import type { RunningProcess } from '../../src/stack/running-process';
import { registerSearchAttributes } from '../../src/stack/search-attributes';
import { findTemporal } from '../../src/stack/temporal-binary';
import { startTemporalServer } from '../../src/stack/temporal-server';
import { bundleWorkflows } from '../../src/worker/bundle-workflows';
import { testVault } from './test-office';
import { TEMPLATE_DATABASE, TEST_VARIABLES } from './variables';

/** What the tear-down has to end; both run in jest's own process. */
declare global {
  var roundhouseTestRun: { end(): Promise<void> } | undefined;
}

const RUNS = join(tmpdir(), 'roundhouse-tests');

/**
 * One PostgreSQL with a migrated template, one Temporal server in memory and one workflow bundle for the
 * whole run, on free ports; their places go to the tests by environment variables.
 */
export default async function setUp(): Promise<void> {
  await mkdir(RUNS, { recursive: true });
  await removeKilledRuns();
  const dir = join(RUNS, `run-${String(process.pid)}`);
  const home = await openHome(dir, () => undefined);
  const started: RunningProcess[] = [];
  const onSpawn = (running: RunningProcess) => {
    started.push(running);
    home.remember(running);
  };
  globalThis.roundhouseTestRun = {
    async end() {
      await Promise.all(started.map((running) => running.stop('SIGINT', 5_000)));
      await rm(dir, { recursive: true, force: true });
    },
  };
  try {
    const [postgresPort = 0, temporalPort = 0] = await freePorts(2);
    await Promise.all([
      setUpPostgres(postgresPort, home.path('postgres'), home.logFile('postgres'), onSpawn),
      setUpTemporal(temporalPort, home.logFile('temporal'), onSpawn),
      setUpBundle(home.path('workflow-bundle.js')),
    ]);
  } catch (error) {
    await globalThis.roundhouseTestRun.end();
    throw error;
  }
}

async function setUpPostgres(
  port: number,
  dir: string,
  logFile: string,
  onSpawn: (running: RunningProcess) => void,
): Promise<void> {
  const server = await startPostgres({ dir, port, logFile, durable: false, onSpawn });
  const template = server.url(TEMPLATE_DATABASE);
  await ensureDatabase(template, 'the test database');
  await migrate(template, createLogger('migrate', 'silent'));
  const pool = createPool({ databaseUrl: template, max: 1 });
  await testVault(pool);
  // A template must have no connection when it is copied.
  await pool.end();
  process.env[TEST_VARIABLES.postgres] = server.url('postgres');
}

async function setUpTemporal(
  port: number,
  logFile: string,
  onSpawn: (running: RunningProcess) => void,
): Promise<void> {
  const binary = await findTemporal({
    path: process.env.PATH ?? '',
    report: (line) => process.stderr.write(`${line}\n`),
  });
  const { address } = await startTemporalServer({
    binary,
    port,
    namespace: 'default',
    logFile,
    onSpawn,
  });
  const connection = await Connection.connect({ address });
  await registerSearchAttributes(connection, 'default');
  await connection.close();
  process.env[TEST_VARIABLES.temporal] = address;
}

// Workflows that do not bundle fail the tests that need them, not every test that needs a database.
async function setUpBundle(target: string): Promise<void> {
  try {
    process.env[TEST_VARIABLES.bundle] = await bundleWorkflows(target);
  } catch (error) {
    process.env[TEST_VARIABLES.bundleFault] =
      error instanceof Error ? error.message : String(error);
  }
}

/** A run that was killed left its servers and its folder; opening the folder ends the servers. */
async function removeKilledRuns(): Promise<void> {
  for (const name of await readdir(RUNS)) {
    const dir = join(RUNS, name);
    // One that was made this moment may not have written down yet whose it is.
    const entry = await stat(dir).catch(() => undefined);
    if (entry === undefined || Date.now() - entry.mtimeMs < 10_000) continue;
    try {
      await openHome(dir, () => undefined);
    } catch {
      // A run that is going on beside this one holds its folder.
      continue;
    }
    await rm(dir, { recursive: true, force: true });
  }
}
