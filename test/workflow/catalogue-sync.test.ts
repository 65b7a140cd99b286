import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client, Connection } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { createSyncCatalogue } from '../../src/activities/sync-catalogue';
import {
  CATALOGUE_SCHEDULE_ID,
  SYNC_CATALOGUE_WORKFLOW,
  type CatalogueActivities,
  type SyncCataloguesResult,
} from '../../src/contracts/catalogue-sync';
import { gameOf } from '../../src/db/catalogue';
import { createConnection, type Connection as Provider } from '../../src/db/connections';
import { createPool, type Pool } from '../../src/db/pool';
import type { Vault } from '../../src/db/vault';
import { sleep } from '../../src/lib/clock';
import { createEgressGuard } from '../../src/lib/egress';
import { ensureCatalogueSchedule } from '../../src/worker/schedules';
import { createTestDatabase, type TestDatabase } from '../support/postgres';
import { testOffice } from '../support/test-office';
import { createTestNamespace, temporalAddress, workflowBundlePath } from '../support/temporal';

const TASK_QUEUE = 'catalogues';
const GAMES = [{ id: 11, title: 'One', url: '/game', icon: '/1.jpg', class: 'Live' }];

let database: TestDatabase;
let pool: Pool;
let service: Server;
let connection: Connection;
let native: NativeConnection;
let client: Client;
let worker: Worker;
let running: Promise<void>;
let good: Provider;
let vault: Vault;

beforeAll(async () => {
  // Failing activities are what this file is about; the SDK's word on each would bury the results.
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  database = await createTestDatabase();
  pool = createPool({ databaseUrl: database.url, max: 4 });
  service = createServer((_request, response) =>
    response.end(JSON.stringify({ code: 0, message: 'Ok', games: GAMES })),
  );
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  const baseUrl = `http://127.0.0.1:${String((service.address() as AddressInfo).port)}`;
  const office = await testOffice(pool);
  ({ vault } = office);
  const add = (key: string) =>
    createConnection(office, { key, dialect: 'web-games', baseUrl, partnerId: '7', apiKey: 's' });
  good = await add('good');
  await add('broken');

  const namespace = await createTestNamespace();
  connection = await Connection.connect({ address: temporalAddress() });
  native = await NativeConnection.connect({ address: temporalAddress() });
  client = new Client({ connection, namespace });
  worker = await Worker.create({
    connection: native,
    namespace,
    taskQueue: TASK_QUEUE,
    workflowBundle: { codePath: workflowBundlePath() },
    activities: activities(),
  });
  running = worker.run();
});

afterAll(async () => {
  worker.shutdown();
  await running;
  await native.close();
  await connection.close();
  await new Promise((resolve) => service.close(resolve));
  await pool.end();
  await database.drop();
});

// The real activities; a provider that is down for good is told at once, so that no test waits for tries.
function activities(): CatalogueActivities {
  const egress = createEgressGuard({ allowHttp: true, allowCidrs: [] });
  const log = { info: () => undefined, warn: () => undefined };
  const real = createSyncCatalogue({ pool, vault, egress, log });
  return {
    ...real,
    async syncCatalogue(input) {
      if (input.connectionKey === 'broken') throw ApplicationFailure.nonRetryable('down for good');
      return real.syncCatalogue(input);
    },
  };
}

async function firstScheduledResult(): Promise<SyncCataloguesResult> {
  for (;;) {
    const { info } = await client.schedule.getHandle(CATALOGUE_SCHEDULE_ID).describe();
    const [first] = info.recentActions;
    if (first) {
      const { workflowId } = first.action.workflow;
      return (await client.workflow.getHandle(workflowId).result()) as SyncCataloguesResult;
    }
    await sleep(100);
  }
}

test('the schedule is there once, runs at once, and one provider that is down keeps no other back', async () => {
  await Promise.all([
    ensureCatalogueSchedule(client, TASK_QUEUE),
    ensureCatalogueSchedule(client, TASK_QUEUE),
  ]);
  const result = await firstScheduledResult();
  expect(result.synced).toMatchObject([{ connection: 'good', total: 1 }]);
  expect(result.failed).toEqual([{ connection: 'broken', reason: 'down for good' }]);
  expect(await gameOf(pool, good, '11')).toMatchObject({ title: 'One', isActive: true });
});

test('a schedule that an operator paused stays paused', async () => {
  const handle = client.schedule.getHandle(CATALOGUE_SCHEDULE_ID);
  await handle.pause('looking at it');
  await ensureCatalogueSchedule(client, TASK_QUEUE);
  expect((await handle.describe()).state).toMatchObject({ paused: true, note: 'looking at it' });
});

test('one connection can be asked for on its own; an unknown one fails without further tries', async () => {
  const start = (connectionKey: string) =>
    client.workflow.execute(SYNC_CATALOGUE_WORKFLOW, {
      workflowId: `catalogue-sync/${connectionKey}`,
      taskQueue: TASK_QUEUE,
      args: [{ connectionKey }],
    });
  expect(await start('good')).toMatchObject({ connection: 'good', total: 1 });
  await expect(start('unknown')).rejects.toMatchObject({
    cause: { cause: { message: 'key: there is no connection unknown', type: 'RefusedError' } },
  });
});
