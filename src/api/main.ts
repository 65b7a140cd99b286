import { Client } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import { createWallets } from '../activities/wallets';
import { readSettings } from '../config/env';
import { readMasterKeys } from '../config/master-key';
import { readTransport } from '../config/transport';
import { createBook } from '../db/book';
import { createBookClock } from '../db/book-clock';
import { readInstallation } from '../db/installation';
import { createPools } from '../db/pool';
import { openVault } from '../db/vault';
import { createSystemClock } from '../lib/clock';
import { createEgressGuard, logEgressNetworks } from '../lib/egress';
import { createFailpoints } from '../lib/failpoints';
import { createLogger } from '../lib/log';
import { createMetrics, listenForMetrics } from '../lib/metrics';
import { runService, type Service } from '../lib/run-service';
import { createAnswerWatch } from './answer-watch';
import { createApp } from './app';
import { createMoneyDesk } from './money-desk';
import { stopServing } from './plugins/drain';
import { warnOfUnreachableConnections } from './routes/provider/provider-auth';
import { createWrittenAnswers } from './written-answers';

/** The API process: takes requests in, and answers them from the book. */
async function startApi(): Promise<Service> {
  const settings = readSettings(['DATABASE_URL']);
  const keys = readMasterKeys(settings);
  const transport = readTransport(settings);
  const log = createLogger('api', settings.LOG_LEVEL);
  const databaseUrl = settings.DATABASE_URL;
  const { pool, payoutPool } = createPools({
    databaseUrl,
    max: settings.DATABASE_POOL_MAX,
    applicationName: 'roundhouse-api',
    onError: (error) => log.warn({ err: error }, 'an idle database connection broke'),
  });
  const vault = await openVault({ pool, keys, log });
  const { id: installation } = await readInstallation(pool);
  const { connectionOptions, namespace } = loadClientConnectConfig();
  // The SDK's client in Rust: a call costs two thirds of what it costs through grpc-js.
  Runtime.install({
    logger: new DefaultLogger('WARN', ({ level, message, meta }) => {
      log[level === 'ERROR' ? 'error' : 'warn']({ ...meta }, message);
    }),
    // The service ends by itself, so that a signal is handled once.
    shutdownSignals: [],
  });
  const connection = await NativeConnection.connect(connectionOptions);
  const client = new Client({ connection, namespace: namespace ?? settings.TEMPORAL_NAMESPACE });
  const development = settings.ROUNDHOUSE_ENV === 'development';
  const metrics = createMetrics();
  const egress = createEgressGuard({
    allowHttp: development,
    allowCidrs: settings.EGRESS_ALLOW_CIDRS,
    onRefused: metrics.egressRefused,
  });
  logEgressNetworks(log, settings.EGRESS_ALLOW_CIDRS);
  const answers = createAnswerWatch({ pool: payoutPool, log });
  const written = createWrittenAnswers({ pool, log });
  const wallets = createWallets({ pool, vault, egress, log });
  const failpoint = createFailpoints(settings.FAILPOINTS_DIR);
  const clock = await createBookClock({
    pool,
    local: createSystemClock(settings.CLOCK_OFFSET_MS),
    log,
  });
  const book = createBook({ pool, installation, timeScale: settings.TIME_SCALE });
  const desk = createMoneyDesk({ book, client, answers, written, failpoint, log });
  const payoutBook = createBook({
    pool: payoutPool,
    installation,
    timeScale: settings.TIME_SCALE,
  });
  const payouts = {
    book: payoutBook,
    desk: createMoneyDesk({ book: payoutBook, client, answers, written, failpoint, log }),
  };
  const app = await createApp({
    book,
    desk,
    payouts,
    wallets,
    clock,
    failpoint,
    development,
    metrics,
    log,
    transport,
    publicBaseUrl: settings.PUBLIC_BASE_URL,
    vault,
    temporalReady: async () => {
      await connection.withDeadline(Date.now() + 2_000, () =>
        connection.workflowService.getSystemInfo({}),
      );
    },
  });
  await app.listen({ host: settings.API_HOST, port: settings.API_PORT });
  log.info(
    { host: settings.API_HOST, port: settings.API_PORT, tls: transport.tls !== undefined },
    'listening',
  );
  if (transport.trustedProxies.length > 0) {
    log.info({ proxies: transport.trustedProxies }, 'forwarding headers of these are believed');
  }
  await warnOfUnreachableConnections(pool, development, log);
  const metricsListener =
    settings.API_METRICS_PORT === undefined
      ? undefined
      : await listenForMetrics(metrics, {
          host: settings.API_HOST,
          port: settings.API_METRICS_PORT,
        });

  return {
    drainMs: settings.API_DRAIN_MS,
    async close() {
      // Requests under way get their answers first; each has its deadline.
      await stopServing(app, settings.API_DRAIN_MS);
      await metricsListener?.close();
      await written.close();
      clock.close();
      await wallets.close();
      await connection.close();
      await Promise.all([pool.end(), payoutPool.end()]);
    },
  };
}

runService('api', startApi);
