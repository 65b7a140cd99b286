import { Client } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection } from '@temporalio/worker';
import type { FastifyBaseLogger } from 'fastify';
import type { Hands } from '../activities/hands';
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
import type { Service } from '../lib/run-service';
import { installRuntime } from '../lib/temporal-runtime';
import { createAnswerWatch } from './answer-watch';
import { createApp } from './app';
import { createMoneyDesk } from './money-desk';
import { stopServing } from './plugins/drain';
import { warnOfUnreachableConnections } from './routes/provider/provider-auth';
import { createWrittenAnswers } from './written-answers';

/** What a process that is the worker as well has for the API. */
interface BesideWorker {
  readonly hands: Hands;
  readonly connection: NativeConnection;
}

/**
 * The API: takes requests in, and answers them from the book.
 *
 * @param worker of the same process; without it the API has a connection to Temporal of its own
 */
export async function startApi(worker?: BesideWorker): Promise<Required<Service>> {
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
  const hands = worker?.hands;
  const connection = worker?.connection ?? (await connectToTemporal(log));
  const { namespace = settings.TEMPORAL_NAMESPACE } = loadClientConnectConfig();
  const client = new Client({ connection, namespace });
  const development = settings.ROUNDHOUSE_ENV === 'development';
  const metrics = createMetrics();
  const egress = createEgressGuard({
    allowHttp: development,
    allowCidrs: settings.EGRESS_ALLOW_CIDRS,
    onRefused: metrics.egressRefused,
  });
  logEgressNetworks(log, settings.EGRESS_ALLOW_CIDRS);
  const answers = createAnswerWatch({ pool: payoutPool, log });
  hands?.onAnswer(answers.tell);
  const written = createWrittenAnswers({ pool, log });
  const wallets = createWallets({ pool, vault, egress, log });
  const failpoint = createFailpoints(settings.FAILPOINTS_DIR);
  const clock = await createBookClock({
    pool,
    local: createSystemClock(settings.CLOCK_OFFSET_MS),
    log,
  });
  const book = createBook({ pool, installation, timeScale: settings.TIME_SCALE });
  const shared = { client, answers, written, failpoint, log, ...(hands && { hands }) };
  const desk = createMoneyDesk({ book, ...shared });
  const payoutBook = createBook({
    pool: payoutPool,
    installation,
    timeScale: settings.TIME_SCALE,
  });
  const payouts = {
    book: payoutBook,
    desk: createMoneyDesk({ book: payoutBook, ...shared }),
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
      if (!worker) await connection.close();
      await Promise.all([pool.end(), payoutPool.end()]);
    },
  };
}

/** The SDK's client in Rust: a call costs two thirds of what it costs through grpc-js. */
function connectToTemporal(log: FastifyBaseLogger): Promise<NativeConnection> {
  installRuntime(log);
  const { connectionOptions } = loadClientConnectConfig();
  return NativeConnection.connect(connectionOptions);
}
