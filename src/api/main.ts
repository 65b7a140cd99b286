import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { createWallets } from '../activities/wallets';
import { readSettings } from '../config/env';
import { readMasterKeys } from '../config/master-key';
import { createAnswerListener } from '../db/answers';
import { createBook } from '../db/book';
import { createBookClock } from '../db/book-clock';
import { readInstallation } from '../db/installation';
import { createPool } from '../db/pool';
import { openVault } from '../db/vault';
import { createSystemClock } from '../lib/clock';
import { createEgressGuard } from '../lib/egress';
import { createFailpoints } from '../lib/failpoints';
import { createLogger } from '../lib/log';
import { runService, type Service } from '../lib/run-service';
import { createApp } from './app';
import { createMoneyDesk } from './money-desk';
import { stopServing } from './plugins/drain';

/** The API process: takes requests in, and answers them from the book. */
async function startApi(): Promise<Service> {
  const settings = readSettings(['DATABASE_URL']);
  const keys = readMasterKeys(settings);
  const log = createLogger('api', settings.LOG_LEVEL);
  const databaseUrl = settings.DATABASE_URL;
  const pool = createPool({
    databaseUrl,
    max: settings.DATABASE_POOL_MAX,
    applicationName: 'roundhouse-api',
    onError: (error) => log.warn({ err: error }, 'an idle database connection broke'),
  });
  const vault = await openVault({ pool, keys, log });
  const { id: installation } = await readInstallation(pool);
  const { connectionOptions, namespace } = loadClientConnectConfig();
  const connection = await Connection.connect(connectionOptions);
  const client = new Client({ connection, namespace: namespace ?? settings.TEMPORAL_NAMESPACE });
  const egress = createEgressGuard({
    allowHttp: settings.ROUNDHOUSE_ENV === 'development',
    allowCidrs: settings.EGRESS_ALLOW_CIDRS,
  });
  const listener = createAnswerListener({ databaseUrl, log });
  const wallets = createWallets({ pool, vault, egress, log });
  const failpoint = createFailpoints(settings.FAILPOINTS_DIR);
  const clock = await createBookClock({
    pool,
    local: createSystemClock(settings.CLOCK_OFFSET_MS),
    log,
  });
  const book = createBook({ pool, installation, timeScale: settings.TIME_SCALE });
  const desk = createMoneyDesk({ book, client, listener, failpoint, log });
  const app = await createApp({
    book,
    desk,
    wallets,
    clock,
    failpoint,
    log,
    publicBaseUrl: settings.PUBLIC_BASE_URL,
    vault,
    temporalReady: async () => {
      await connection.withDeadline(Date.now() + 2_000, () =>
        connection.workflowService.getSystemInfo({}),
      );
    },
  });
  await app.listen({ host: settings.API_HOST, port: settings.API_PORT });
  log.info({ host: settings.API_HOST, port: settings.API_PORT }, 'listening');

  return {
    drainMs: settings.API_DRAIN_MS,
    async close() {
      // Requests under way get their answers first; each has its deadline.
      await stopServing(app, settings.API_DRAIN_MS);
      await desk.close();
      clock.close();
      await Promise.all([listener.close(), wallets.close()]);
      await connection.close();
      await pool.end();
    },
  };
}

runService('api', startApi);
