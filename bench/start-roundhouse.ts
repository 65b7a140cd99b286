import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { childEnvironment } from '../src/config/child-environment';
import { roundWorkflowId } from '../src/contracts/round';
import type { AuditReport } from '../src/db/audit';
import { applyCatalogue, productsFor } from '../src/db/catalogue';
import { createConnection } from '../src/db/connections';
import { migrate } from '../src/db/migrate';
import { createPartner, partnerByPrefix } from '../src/db/partners';
import { findOrCreatePlayer } from '../src/db/players';
import { createPool, type Pool } from '../src/db/pool';
import { authorizeSession, createSession } from '../src/db/sessions';
import { createLogger } from '../src/lib/log';
import { freePorts } from '../src/stack/ports';
import { registerSearchAttributes } from '../src/stack/search-attributes';
import { minorOf } from '../test/chaos/wallet-book';
import { TEST_MASTER_KEY, testOffice } from '../test/support/test-office';
import { API_KEY, CONNECTION_KEY, GAME, PLAYERS, PREFIX, type BenchPlayer } from './accounts';
import { startNode } from './processes';
import type { Stage } from './stage';
import type { Subject } from './subject';
import { createWalletDesk } from './wallet/client';

const ROOT = join(__dirname, '..');
const NAMESPACE = 'default';
const DAY_MS = 86_400_000;

/**
 * (a) Roundhouse as it ships: the built API and worker in a process each, with their defaults, on an
 * empty book with one partner, one connection and 32 players in authorised sessions.
 *
 * @param profileDir where both processes leave CPU profiles at their end; none without it
 */
export async function startRoundhouse(stage: Stage, profileDir?: string): Promise<Subject> {
  const { home } = stage;
  const wallet = createWalletDesk(stage.walletPort, 'roundhouse');
  const databaseUrl = await stage.database('roundhouse');
  await migrate(databaseUrl, createLogger('migrate', 'silent'));
  await registerSearchAttributes(stage.temporalConnection, NAMESPACE);
  const pool = createPool({ databaseUrl, max: 2 });
  const { players, secret } = await makeWorld(pool, wallet.url);
  await pool.end();
  await wallet.accept(secret);

  const [apiPort = 0, metricsPort = 0] = await freePorts(2);
  const env = {
    ROUNDHOUSE_ENV: 'development',
    ROUNDHOUSE_HOME: home.dir,
    DATABASE_URL: databaseUrl,
    MASTER_KEY: TEST_MASTER_KEY,
    TEMPORAL_ADDRESS: stage.temporal.address,
    TEMPORAL_NAMESPACE: NAMESPACE,
    API_PORT: String(apiPort),
    METRICS_PORT: String(metricsPort),
  };
  const nodeArgs = profileDir === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', profileDir];
  const start = async (name: 'api' | 'worker') =>
    stage.keep(await startNode(home, { name, script: `dist/${name}/main.js`, env, nodeArgs }));
  const [api, worker] = await Promise.all([start('api'), start('worker')]);
  return {
    name: 'roundhouse',
    callbackUrl: `http://127.0.0.1:${String(apiPort)}/providers/${CONNECTION_KEY}`,
    apiKey: API_KEY,
    players,
    wallet,
    processes: { api, worker },
    database: 'roundhouse',
    temporal: {
      namespace: NAMESPACE,
      workflowId: (playerId, round) =>
        roundWorkflowId({ connection: CONNECTION_KEY, playerId, roundRef: round }),
    },
    audit: (expected) => Promise.resolve(auditFaults(env, expected)),
  };
}

async function makeWorld(
  pool: Pool,
  walletUrl: string,
): Promise<{ players: BenchPlayer[]; secret: string }> {
  const office = await testOffice(pool);
  const { agentSecret: secret } = await createPartner(office, {
    prefix: PREFIX,
    currency: 'EUR',
    walletUrl,
    settings: {},
  });
  const connection = await createConnection(office, {
    key: CONNECTION_KEY,
    dialect: 'web-games',
    // Nobody listens there: the catalogue is put into the book below, and stays as it is.
    baseUrl: 'http://127.0.0.1:9',
    partnerId: '7',
    apiKey: API_KEY,
    settings: {},
  });
  await applyCatalogue(pool, connection, [
    {
      gameId: GAME,
      title: 'Copper Mine',
      launchPath: '/game',
      iconUrl: null,
      className: 'Copper',
    },
  ]);
  const partner = await partnerByPrefix(pool, PREFIX);
  if (!partner) throw new Error('no partner');
  const [product] = await productsFor(pool, partner);
  if (!product) throw new Error('no product');
  const players: BenchPlayer[] = [];
  for (let index = 0; index < PLAYERS; index++) {
    const reference = `p${String(index)}`;
    const { player } = await findOrCreatePlayer(pool, partner, reference);
    const nowMs = Date.now();
    const { token, session } = await createSession(pool, {
      playerId: player.playerId,
      partnerId: partner.id,
      connectionId: connection.id,
      productId: product.id,
      gameId: GAME,
      currency: 'EUR',
      isDemo: false,
      isMobile: false,
      nowMs,
    });
    await authorizeSession(pool, session, DAY_MS, nowMs);
    players.push({ id: player.playerId, token, userAgent: `${PREFIX}.${reference}` });
  }
  return { players, secret };
}

/** `roundhouse audit` as an operator runs it: it must hold, and every side of it must be the provider's sums. */
function auditFaults(
  env: Record<string, string>,
  expected: { staked: bigint; paid: bigint },
): string[] {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [join(ROOT, 'bin', 'roundhouse'), 'audit', '--json'],
    { env: childEnvironment(env), encoding: 'utf8' },
  );
  if (stdout.trim() === '') return [`roundhouse audit: ${stderr}`];
  const report = JSON.parse(stdout) as AuditReport;
  const faults = report.contradictions.map((each) => `audit: ${JSON.stringify(each)}`);
  if (!report.ok && faults.length === 0) faults.push('audit: not ok');
  for (const side of ['provider', 'book', 'wallet', 'history'] as const) {
    let staked = 0n;
    let paid = 0n;
    for (const day of report.days) {
      staked += minorOf(Number(day[side]?.staked ?? 0)) ?? 0n;
      paid += minorOf(Number(day[side]?.paid ?? 0)) ?? 0n;
    }
    if (staked === expected.staked && paid === expected.paid) continue;
    faults.push(`audit, ${side}: staked ${String(staked)}, paid ${String(paid)}`);
  }
  return faults;
}
