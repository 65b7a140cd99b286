import { Client } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { createActivities } from '../activities/create-activities';
import type { Hands } from '../activities/hands';
import { createWallets } from '../activities/wallets';
import { readSettings } from '../config/env';
import { readMasterKeys } from '../config/master-key';
import { ROUNDS_TASK_QUEUE } from '../contracts/round';
import { createBook } from '../db/book';
import { readInstallation } from '../db/installation';
import { createPool } from '../db/pool';
import { openVault } from '../db/vault';
import { createEgressGuard, logEgressNetworks } from '../lib/egress';
import { createFailpoints } from '../lib/failpoints';
import { createLogger } from '../lib/log';
import { EGRESS_REFUSED } from '../lib/metrics';
import type { Service } from '../lib/run-service';
import { installRuntime } from '../lib/temporal-runtime';
import { workflowBundlePath } from './bundle-workflows';
import { ensureCatalogueSchedule, ensureSealSchedule, ensureSweepSchedule } from './schedules';

/** Longer than an attempt of a wallet call, so that one under way writes its result before the stop. */
const SHUTDOWN_GRACE = '10s';
const SHUTDOWN_FORCE = '15s';
/** After a worker died, its rounds' next signals wait this long before another worker gets them. */
const STICKY_TIMEOUT = '2s';
/** Rounds whose state is kept in memory between tasks; about 100 KB each. Above the task slots below. */
const CACHED_ROUNDS_MAX = 1_000;
const WORKFLOW_TASKS_MAX = 100;
/** Wallet calls and book transactions at once; each partner has a limit of its own below this. */
const ACTIVITIES_MAX = 200;

/**
 * The SDK's watchdog cuts a workflow's code off after this long; by default after 5 s. A process that is held up longer
 * than that in the middle of it (stopped, moved to another machine) would end: Node takes the cut for a corrupted
 * stack. Our workflows have no loop that it could be for. The SDK takes the option, and does not name it in its types.
 */
const WATCHDOG = { isolateExecutionTimeout: '1m' };

/**
 * The worker: drives rounds, calls wallets, sweeps the book, syncs catalogues.
 *
 * @param hands where the API of the same process meets its rounds; it may use the connection until it is closed
 */
export async function startWorker(
  hands?: Hands,
): Promise<Service & { readonly connection: NativeConnection }> {
  const settings = readSettings(['DATABASE_URL']);
  const keys = readMasterKeys(settings);
  const log = createLogger('worker', settings.LOG_LEVEL);
  const metricsAddress = `127.0.0.1:${settings.METRICS_PORT}`;
  installRuntime(log, { metrics: { prometheus: { bindAddress: metricsAddress } } });

  const pool = createPool({
    databaseUrl: settings.DATABASE_URL,
    max: settings.DATABASE_POOL_MAX,
    applicationName: 'roundhouse-worker',
    plannedOnce: true,
    onError: (error) => log.warn({ err: error }, 'an idle database connection broke'),
  });
  const vault = await openVault({ pool, keys, log });
  const { connectionOptions, namespace } = loadClientConnectConfig();
  const connection = await NativeConnection.connect({
    ...connectionOptions,
    // Some kilobytes a message to a server nearby: packing them costs both sides more than sending them.
    grpcCompression: { codec: 'none' },
  });
  const client = new Client({ connection, namespace: namespace ?? settings.TEMPORAL_NAMESPACE });
  // The SDK's own endpoint serves it beside its own metrics.
  const egressRefused = Runtime.instance().metricMeter.createCounter(
    EGRESS_REFUSED.name,
    undefined,
    EGRESS_REFUSED.help,
  );
  const egress = createEgressGuard({
    allowHttp: settings.ROUNDHOUSE_ENV === 'development',
    allowCidrs: settings.EGRESS_ALLOW_CIDRS,
    onRefused: (reason) => egressRefused.add(1, { reason }),
  });
  logEgressNetworks(log, settings.EGRESS_ALLOW_CIDRS);
  const { id: installation } = await readInstallation(pool);
  const timeScale = settings.TIME_SCALE;
  const failpoint = createFailpoints(settings.FAILPOINTS_DIR);
  const book = createBook({
    pool,
    installation,
    timeScale,
    ...(hands && { onAnswer: hands.answered }),
  });
  const wallets = createWallets({ pool, vault, egress, log });

  const deps = {
    ...{ book, vault, wallets, client, egress, log, failpoint, timeScale },
    ...(hands && { hands }),
  };
  const { activities, settled } = createActivities(deps);

  const worker = await Worker.create({
    connection,
    namespace: client.options.namespace,
    taskQueue: ROUNDS_TASK_QUEUE,
    workflowBundle: { codePath: await workflowBundlePath() },
    activities: { ...activities },
    maxCachedWorkflows: CACHED_ROUNDS_MAX,
    maxConcurrentWorkflowTaskExecutions: WORKFLOW_TASKS_MAX,
    maxConcurrentActivityTaskExecutions: ACTIVITIES_MAX,
    stickyQueueScheduleToStartTimeout: STICKY_TIMEOUT,
    shutdownGraceTime: SHUTDOWN_GRACE,
    shutdownForceTime: SHUTDOWN_FORCE,
    ...WATCHDOG,
  });
  const ran = worker.run();
  // A worker that ends by itself is broken: the process ends with it, and its supervisor starts another.
  ran.catch((error: unknown) => {
    log.fatal({ err: error }, 'the worker stopped');
    process.exit(1);
  });
  await ensureCatalogueSchedule(client);
  await ensureSweepSchedule(client, timeScale);
  await ensureSealSchedule(client);
  log.info({ taskQueue: ROUNDS_TASK_QUEUE, metrics: metricsAddress }, 'working');

  return {
    connection,
    async close() {
      worker.shutdown();
      await ran;
      await settled();
      await wallets.close();
      await pool.end();
      await connection.close();
    },
  };
}
