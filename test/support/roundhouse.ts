import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { Client, type WorkflowHandle } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import type { FastifyInstance } from 'fastify';
import { createActivities } from '../../src/activities/create-activities';
import { createHands } from '../../src/activities/hands';
import { createWallets } from '../../src/activities/wallets';
import { createAnswerWatch } from '../../src/api/answer-watch';
import { createApp } from '../../src/api/app';
import { createMoneyDesk } from '../../src/api/money-desk';
import { createWrittenAnswers } from '../../src/api/written-answers';
import type { TransportSettings } from '../../src/config/transport';
import { ROUNDS_TASK_QUEUE, roundWorkflowId } from '../../src/contracts/round';
import { createBook, type Book } from '../../src/db/book';
import { applyCatalogue } from '../../src/db/catalogue';
import {
  createConnection,
  updateConnection,
  type Connection as ProviderConnection,
} from '../../src/db/connections';
import { readInstallation } from '../../src/db/installation';
import type { Office } from '../../src/db/office';
import { createPartner, partnerByPrefix, type Partner } from '../../src/db/partners';
import { findOrCreatePlayer } from '../../src/db/players';
import { createPool, type Pool } from '../../src/db/pool';
import { productsFor } from '../../src/db/catalogue';
import { createSession } from '../../src/db/sessions';
import { sleep, systemClock } from '../../src/lib/clock';
import { createEgressGuard } from '../../src/lib/egress';
import { createFailpoints } from '../../src/lib/failpoints';
import { createLogger, type Logger } from '../../src/lib/log';
import { createMetrics, type Metrics } from '../../src/lib/metrics';
import { eventually } from './eventually';
import { createTestDatabase } from './postgres';
import { createTestNamespace, temporalAddress, workflowBundlePath } from './temporal';
import { testOffice } from './test-office';
import { createTestProvider, type TestProvider } from './test-provider';
import { startTestWallet, type TestWallet, type WalletCallSeen } from './test-wallet';

export interface TestPlayer {
  readonly id: string;
  readonly userAgent: string;
  readonly token: string;
}

export interface TestRoundhouse {
  readonly databaseUrl: string;
  /** For the test's own questions, and for what a command asks. */
  readonly pool: Pool;
  /** What the first API queues for, payouts excepted; the worker's and the book's when it has none of its own. */
  readonly apiPool: Pool;
  /** How many connections the first API has accepted and not closed. */
  connections(): Promise<number>;
  readonly book: Book;
  /** What changes of its parties are made through. */
  readonly office: Office;
  readonly client: Client;
  readonly wallet: TestWallet;
  readonly provider: TestProvider;
  readonly apiKey: string;
  readonly baseUrl: string;
  /** What the API has counted. */
  readonly metrics: Metrics;
  readonly partner: Partner;
  readonly connection: ProviderConnection;
  /** A player with an authorised session. */
  newPlayer(): Promise<TestPlayer>;
  newSession(playerId: string): Promise<string>;
  /** A launch of which the provider has told nothing yet. */
  launch(playerId: string, options?: { isDemo?: boolean; connectionId?: number }): Promise<string>;
  /** Changes settings of the connection; every decision from now on is taken by them. */
  configure(settings: Record<string, unknown>): Promise<void>;
  workflowOf(playerId: string, round: string): WorkflowHandle;
  /** Waits until nothing of the round is under way in Temporal, an open hand included. */
  quiet(playerId: string, round: string): Promise<void>;
  /** Waits until the round's workflow has ended well. */
  ended(playerId: string, round: string): Promise<void>;
  /** The round's row in the book. */
  roundOf(playerId: string, round: string): Promise<TestRoundRow>;
  /** The kinds of the cases open for a round, or for requests that reached none (`null`). */
  cases(roundId: string | null): Promise<string[]>;
  /** The wallet's calls about a player, by endpoint. */
  callsOf(player: TestPlayer, endpoint: string): WalletCallSeen[];
  /** Another API process on the same book. */
  startApi(options?: TestApiOptions): Promise<TestApi>;
  stopWorker(): Promise<void>;
  startWorker(): Promise<void>;
  close(): Promise<void>;
}

export interface TestApiOptions {
  /** Instead of plain http to this machine. */
  readonly transport?: TransportSettings;
  readonly log?: Logger;
}

export interface TestApi {
  readonly baseUrl: string;
  readonly app: FastifyInstance;
  /** What stakes and the partner API go through. */
  readonly pool: Pool;
  connections(): Promise<number>;
  close(): Promise<void>;
}

export interface TestRoundRow {
  readonly id: string;
  readonly status: string;
  readonly closed_by: string | null;
}

export interface TestOptions {
  readonly partner?: Record<string, unknown>;
  readonly connection?: Record<string, unknown>;
  /** Multiplies the waits between background repeats. */
  readonly timeScale?: number;
  /** Database connections of each API, beside as many for its payouts; without it they share the worker's. */
  readonly apiPoolMax?: number;
  /** Instead of silence. */
  readonly log?: Logger;
  /** False: connections need an IP list. */
  readonly development?: boolean;
  /** Rounds kept in the worker's memory; 0 replays every task from its history. */
  readonly maxCachedWorkflows?: number;
  /** API and worker as two processes have them; without it as one has (docs/decisions/0015). */
  readonly apart?: boolean;
  /** How long the fast paths are waited for: tests that count must not depend on a machine's pace. */
  readonly fastPathMs?: number;
}

const AUTHORIZATIONS_MAX = 5;
const QUIET_LOOK_MS = 20;

let runtimeInstalled = false;

/**
 * Roundhouse in one process for a test: real PostgreSQL, real Temporal, real HTTP; a wallet and a
 * provider of the test's own at the edges. The durations are scaled down, so that repeats come soon.
 */
export async function startRoundhouse(options: TestOptions = {}): Promise<TestRoundhouse> {
  if (!runtimeInstalled) {
    Runtime.install({ logger: new DefaultLogger('ERROR') });
    runtimeInstalled = true;
  }
  const database = await createTestDatabase();
  const namespace = await createTestNamespace();
  const log = options.log ?? createLogger('test', process.env.TEST_LOG_LEVEL ?? 'silent');
  const pool = createPool({ databaseUrl: database.url, max: 4 });
  const servicePool = createPool({ databaseUrl: database.url, max: 20, plannedOnce: true });
  const egress = createEgressGuard({ allowHttp: true, allowCidrs: [] });
  const metrics = createMetrics();
  let secret = '';
  const wallet = await startTestWallet(() => secret);

  const office = await testOffice(pool);
  const { vault } = office;
  const { apiKey, agentSecret } = await createPartner(office, {
    prefix: 'LAG1',
    currency: 'EUR',
    walletUrl: wallet.url,
    settings: {
      wallet_attempt_timeout_ms: 500,
      // Tests hurt the wallet on purpose; the breaker has tests of its own.
      breaker: { calls_min: 1_000 },
      // And ask as fast as the machine can; so have rates.
      requests_per_second: 100_000,
      ...options.partner,
    },
  });
  secret = agentSecret;
  const partner = await partnerByPrefix(pool, 'LAG1');
  if (!partner) throw new Error('no partner');
  const connection = await createConnection(office, {
    key: 'sandbox',
    dialect: 'web-games',
    baseUrl: 'http://127.0.0.1:9',
    partnerId: '7',
    apiKey: 'secret',
    settings: {
      answer_deadline_ms: 1_500,
      revive_window_ms: 2_000,
      close_grace_ms: 200,
      ...options.connection,
    },
  });
  await applyCatalogue(pool, connection, [
    { gameId: '11', title: 'Copper Mine', launchPath: '/game', iconUrl: null, className: 'Copper' },
    { gameId: '12', title: 'Aurora', launchPath: '/game', iconUrl: null, className: 'Copper' },
  ]);
  const { id: installation } = await readInstallation(pool);

  const native = await NativeConnection.connect({ address: temporalAddress() });
  const ofApi = await NativeConnection.connect({ address: temporalAddress() });
  const client = new Client({ connection: ofApi, namespace, identity: 'api' });
  // What the first API and the worker have between them: only over the worker's connection a task comes back at once.
  const together = options.apart
    ? { client }
    : {
        client: new Client({ connection: native, namespace, identity: 'api' }),
        hands: createHands(),
      };
  const { hands } = together;
  const { timeScale = 1, fastPathMs } = options;
  const book = createBook({
    pool: servicePool,
    installation,
    timeScale,
    ...(hands && { onAnswer: hands.answered }),
  });
  const wallets = createWallets({ pool: servicePool, vault, egress, log });
  const apis: { close(): Promise<void> }[] = [];
  let worker: { shutdown(): void; ran: Promise<void> } | undefined;

  async function startWorker(): Promise<void> {
    const localWait = fastPathMs === undefined ? {} : { localWaitMs: fastPathMs };
    const deps = {
      ...{ book, vault, wallets, client, egress, log, timeScale },
      ...localWait,
      ...(hands && { hands }),
    };
    const { activities, settled } = createActivities(deps);
    const started = await Worker.create({
      connection: native,
      namespace,
      // Histories that tests keep as files name no machine.
      identity: 'worker',
      taskQueue: ROUNDS_TASK_QUEUE,
      workflowBundle: { codePath: workflowBundlePath() },
      activities: { ...activities },
      stickyQueueScheduleToStartTimeout: '1s',
      shutdownGraceTime: '2s',
      shutdownForceTime: '4s',
      ...(options.maxCachedWorkflows === undefined
        ? {}
        : { maxCachedWorkflows: options.maxCachedWorkflows }),
    });
    worker = { shutdown: () => started.shutdown(), ran: started.run().then(settled) };
  }

  async function stopWorker(): Promise<void> {
    worker?.shutdown();
    await worker?.ran;
    worker = undefined;
  }

  async function startApi(own: TestApiOptions = {}): Promise<TestApi> {
    const { apiPoolMax: max } = options;
    const pools =
      max === undefined
        ? []
        : [0, 1].map(() => createPool({ databaseUrl: database.url, max, plannedOnce: true }));
    // Any other is a process of its own, as it would be without a worker.
    const beside = apis.length === 0 ? together : { client };
    const answers = createAnswerWatch({ pool: pools[1] ?? servicePool, log: log as never });
    if ('hands' in beside) beside.hands?.onAnswer(answers.tell);
    const written = createWrittenAnswers({ pool: pools[0] ?? servicePool, log: log as never });
    const [till, payouts] = [pools[0] ?? servicePool, pools[1] ?? servicePool].map((each) => {
      const apiBook = createBook({ pool: each, installation, timeScale });
      const failpoint = createFailpoints(undefined);
      const desk = createMoneyDesk({
        book: apiBook,
        ...(fastPathMs !== undefined && { askPatienceMs: fastPathMs }),
        ...beside,
        answers,
        written,
        failpoint,
        log: log as never,
      });
      return { book: apiBook, desk };
    });
    if (!till || !payouts) throw new Error('two desks');
    const app: FastifyInstance = await createApp({
      ...till,
      payouts,
      wallets,
      clock: systemClock,
      failpoint: createFailpoints(undefined),
      transport: own.transport ?? { development: true, trustedProxies: [] },
      development: options.development ?? true,
      metrics,
      log: own.log ?? log,
      publicBaseUrl: 'http://localhost:8080',
      vault,
      temporalReady: () => Promise.resolve(),
    });
    await app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = app.server.address() as AddressInfo;
    const api = {
      baseUrl: `http://127.0.0.1:${port}`,
      app,
      pool: till.book.pool,
      connections: () =>
        new Promise<number>((resolve, reject) => {
          app.server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
        }),
      async close() {
        app.server.closeAllConnections();
        await app.close();
        await written.close();
        await Promise.all(pools.map((each) => each.end()));
      },
    };
    apis.push(api);
    return api;
  }

  await startWorker();
  const { baseUrl, pool: apiPool, connections } = await startApi();
  const provider = createTestProvider(() => `${baseUrl}/providers/sandbox`, 'secret');
  const [product] = await productsFor(pool, partner);
  if (!product) throw new Error('no product');

  async function launch(
    playerId: string,
    { isDemo = false, connectionId = connection.id } = {},
  ): Promise<string> {
    const { token } = await createSession(pool, {
      playerId,
      partnerId: partner?.id ?? 0,
      connectionId,
      productId: product?.id ?? 0,
      gameId: '11',
      currency: isDemo ? 'DMO' : 'EUR',
      isDemo,
      isMobile: false,
      nowMs: Date.now(),
    });
    return token;
  }

  async function newSession(playerId: string): Promise<string> {
    const token = await launch(playerId);
    // A provider repeats it as well: the wallet of a machine that is busy elsewhere may be late.
    for (let turn = 1; ; turn++) {
      const { code, text } = await provider.authorization({ token, player: playerId });
      if (code === 0) return token;
      if (turn === AUTHORIZATIONS_MAX) throw new Error(`Authorization: ${text}`);
    }
  }

  const workflowOf = (playerId: string, round: string) =>
    client.workflow.getHandle(
      roundWorkflowId({ connection: connection.key, playerId, roundRef: round }),
    );

  return {
    databaseUrl: database.url,
    pool,
    apiPool,
    connections,
    book,
    office,
    client,
    wallet,
    provider,
    apiKey,
    baseUrl,
    metrics,
    partner,
    connection,
    newSession,
    launch,
    async configure(settings) {
      await updateConnection(office, connection.key, { settings });
    },
    workflowOf,
    async quiet(playerId, round) {
      // Looked at with plain reads: a failing `expect` stops the process.
      for (;;) {
        const { raw } = await workflowOf(playerId, round).describe();
        if (!raw.pendingActivities?.length && !raw.pendingWorkflowTask) return;
        await sleep(QUIET_LOOK_MS);
      }
    },
    ended: (playerId, round) =>
      eventually(async () => {
        const { status } = await workflowOf(playerId, round).describe();
        if (status.name !== 'COMPLETED') throw new Error(`the round's workflow is ${status.name}`);
      }),
    async roundOf(playerId, round) {
      const { rows } = await pool.query<TestRoundRow>(
        'SELECT id, status, closed_by FROM rounds WHERE player_id = $1 AND round_ref = $2',
        [playerId, round],
      );
      if (!rows[0]) throw new Error(`the book has no round ${round} of player ${playerId}`);
      return rows[0];
    },
    async cases(roundId) {
      const { rows } = await pool.query<{ kind: string }>(
        'SELECT kind FROM cases WHERE round_id IS NOT DISTINCT FROM $1 ORDER BY id',
        [roundId],
      );
      return rows.map(({ kind }) => kind);
    },
    callsOf: (player, endpoint) =>
      wallet.seen(endpoint).filter((call) => call.body.user_agent === player.userAgent),
    async newPlayer() {
      const reference = `p${randomBytes(4).toString('hex')}`;
      const { player } = await findOrCreatePlayer(pool, partner, reference);
      const id = player.playerId;
      return { id, userAgent: `LAG1.${reference}`, token: await newSession(id) };
    },
    startApi,
    startWorker,
    stopWorker,
    async close() {
      for (const api of apis) await api.close();
      await stopWorker();
      await Promise.all([wallets.close(), wallet.close()]);
      await Promise.all([pool.end(), servicePool.end()]);
      await native.close();
      await ofApi.close();
      await database.drop();
    },
  };
}
