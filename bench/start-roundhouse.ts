import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { msToTs } from '@temporalio/common/lib/time';
import { childEnvironment } from '../src/config/child-environment';
import { roundWorkflowId } from '../src/contracts/round';
import type { AuditReport } from '../src/db/audit';
import { applyCatalogue, productsFor } from '../src/db/catalogue';
import { createConnection, type Connection } from '../src/db/connections';
import { migrate } from '../src/db/migrate';
import { createPartner, partnerByPrefix } from '../src/db/partners';
import { findOrCreatePlayer } from '../src/db/players';
import type { Office } from '../src/db/office';
import { createPool, type Pool } from '../src/db/pool';
import { authorizeSession, createSession } from '../src/db/sessions';
import { createLogger } from '../src/lib/log';
import { freePorts } from '../src/stack/ports';
import { registerSearchAttributes } from '../src/stack/search-attributes';
import { minorOf } from '../test/chaos/wallet-book';
import { TEST_MASTER_KEY, testOffice } from '../test/support/test-office';
import {
  API_KEY,
  CONNECTION_KEY,
  GAME,
  NEIGHBOUR_PREFIX,
  PLAYERS,
  PREFIX,
  type BenchPlayer,
} from './accounts';
import { startNode } from './processes';
import type { Stage } from './stage';
import type { Subject } from './subject';
import { createWalletDesk, type WalletDesk } from './wallet/client';

const ROOT = join(__dirname, '..');
const DAY_MS = 86_400_000;
/** Players are made this many at a time. */
const PLAYERS_AT_ONCE = 4;

/** A book of Roundhouse with its parties and players, before any process of ours runs on it. */
export interface RoundhouseBook {
  readonly database: string;
  readonly namespace: string;
  readonly databaseUrl: string;
  readonly wallet: WalletDesk;
  /** In authorised sessions. */
  readonly players: readonly BenchPlayer[];
  /** Players of another partner with a wallet of its own, when they were asked for. */
  readonly neighbours: { readonly wallet: WalletDesk; readonly players: readonly BenchPlayer[] };
  /** What every process and command on this book is told; ports are not in it. */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Makes a new book with a connection, a partner with its players, and a neighbour, and lets the wallet know them.
 *
 * @param name of the book's database; a namespace of Temporal's own is made under another than `roundhouse`
 */
export async function makeRoundhouseBook(
  stage: Stage,
  {
    name = 'roundhouse',
    players = PLAYERS,
    neighbours = 0,
  }: { name?: 'roundhouse' | 'apart'; players?: number; neighbours?: number } = {},
): Promise<RoundhouseBook> {
  const wallet = createWalletDesk(stage.walletPort, name);
  const neighbourWallet = createWalletDesk(stage.walletPort, 'neighbour');
  const databaseUrl = await stage.database(name);
  await migrate(databaseUrl, createLogger('migrate', 'silent'));
  const namespace = name === 'roundhouse' ? 'default' : name;
  if (namespace !== 'default') {
    await stage.temporalConnection.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: msToTs('1 day'),
    });
  }
  await registerSearchAttributes(stage.temporalConnection, namespace);
  const pool = createPool({ databaseUrl, max: PLAYERS_AT_ONCE });
  const office = await testOffice(pool);
  const connection = await makeConnection(office);
  const join = async (desk: WalletDesk, prefix: string, count: number) => {
    const { agentSecret } = await createPartner(office, {
      prefix,
      currency: 'EUR',
      walletUrl: desk.url,
      settings: {},
    });
    await desk.accept(agentSecret);
    return makePlayers(pool, connection.id, prefix, count);
  };
  const own = await join(wallet, PREFIX, players);
  const others = neighbours === 0 ? [] : await join(neighbourWallet, NEIGHBOUR_PREFIX, neighbours);
  await pool.end();
  const env = {
    ROUNDHOUSE_ENV: 'development',
    ROUNDHOUSE_HOME: stage.home.dir,
    DATABASE_URL: databaseUrl,
    MASTER_KEY: TEST_MASTER_KEY,
    TEMPORAL_ADDRESS: stage.temporal.address,
    TEMPORAL_NAMESPACE: namespace,
  };
  return {
    database: name,
    namespace,
    databaseUrl,
    wallet,
    players: own,
    neighbours: { wallet: neighbourWallet, players: others },
    env,
  };
}

/** How many processes: some that are API and worker, or some of each. */
export type Layout =
  { readonly servers: number } | { readonly apis: number; readonly workers: number };

/** `2`, or `2 x 4`. */
export function nameOfLayout(layout: Layout): string {
  return 'servers' in layout
    ? String(layout.servers)
    : `${String(layout.apis)} x ${String(layout.workers)}`;
}

/**
 * Starts the built processes on a book, with their defaults.
 *
 * @param layout the provider's calls go to those that are APIs in turn
 * @param profileDir where the processes leave CPU profiles at their end; none without it
 */
export async function startRoundhouseOn(
  stage: Stage,
  book: RoundhouseBook,
  layout: Layout,
  profileDir?: string,
): Promise<Subject> {
  const nodeArgs = profileDir === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', profileDir];
  const start = async (kind: 'server' | 'api' | 'worker', index: number) => {
    const [apiPort = 0, metricsPort = 0] = await freePorts(2);
    const env = { ...book.env, API_PORT: String(apiPort), METRICS_PORT: String(metricsPort) };
    const name = index === 0 ? kind : `${kind}-${String(index + 1)}`;
    const script = `dist/${kind}/main.js`;
    const running = stage.keep(await startNode(stage.home, { name, script, env, nodeArgs }));
    return { name, running, apiPort };
  };
  const startAll = (kind: 'server' | 'api' | 'worker', count: number) =>
    Promise.all(Array.from({ length: count }, (_, index) => start(kind, index)));
  const [apis, workers] = await Promise.all(
    'servers' in layout
      ? [startAll('server', layout.servers)]
      : [startAll('api', layout.apis), startAll('worker', layout.workers)],
  );
  const processes = Object.fromEntries(
    [...apis, ...(workers ?? [])].map(({ name, running }) => [name, running]),
  );
  return {
    name: book.database === 'apart' ? 'apart' : 'roundhouse',
    callbackUrls: apis.map(
      ({ apiPort }) => `http://127.0.0.1:${String(apiPort)}/providers/${CONNECTION_KEY}`,
    ),
    apiKey: API_KEY,
    players: book.players,
    wallet: book.wallet,
    processes,
    database: book.database,
    temporal: {
      namespace: book.namespace,
      workflowId: (playerId, round) =>
        roundWorkflowId({ connection: CONNECTION_KEY, playerId, roundRef: round }),
    },
    audit: (expected) => Promise.resolve(auditFaults(book, expected)),
  };
}

/**
 * (a) Roundhouse as it ships: the built server, which is API and worker in one process, with its defaults, on an
 * empty book with one partner, one connection and 32 players in authorised sessions.
 *
 * @param profileDir where it leaves CPU profiles at its end; none without it
 */
export async function startRoundhouse(stage: Stage, profileDir?: string): Promise<Subject> {
  const book = await makeRoundhouseBook(stage);
  return startRoundhouseOn(stage, book, { servers: 1 }, profileDir);
}

/** The same with API and worker in a process each. */
export async function startApart(stage: Stage, profileDir?: string): Promise<Subject> {
  const book = await makeRoundhouseBook(stage, { name: 'apart' });
  return startRoundhouseOn(stage, book, { apis: 1, workers: 1 }, profileDir);
}

async function makeConnection(office: Office): Promise<Connection> {
  const connection = await createConnection(office, {
    key: CONNECTION_KEY,
    dialect: 'web-games',
    // Nobody listens there: the catalogue is put into the book below, and stays as it is.
    baseUrl: 'http://127.0.0.1:9',
    partnerId: '7',
    apiKey: API_KEY,
    settings: {},
  });
  await applyCatalogue(office.pool, connection, [
    {
      gameId: GAME,
      title: 'Copper Mine',
      launchPath: '/game',
      iconUrl: null,
      className: 'Copper',
    },
  ]);
  return connection;
}

async function makePlayers(
  pool: Pool,
  connectionId: number,
  prefix: string,
  count: number,
): Promise<BenchPlayer[]> {
  const partner = await partnerByPrefix(pool, prefix);
  if (!partner) throw new Error('no partner');
  const [product] = await productsFor(pool, partner);
  if (!product) throw new Error('no product');
  const players: BenchPlayer[] = [];
  const make = async (index: number): Promise<void> => {
    const reference = `p${String(index)}`;
    const { player } = await findOrCreatePlayer(pool, partner, reference);
    const nowMs = Date.now();
    const { token, session } = await createSession(pool, {
      playerId: player.playerId,
      partnerId: partner.id,
      connectionId,
      productId: product.id,
      gameId: GAME,
      currency: 'EUR',
      isDemo: false,
      isMobile: false,
      nowMs,
    });
    await authorizeSession(pool, session, DAY_MS, nowMs);
    players[index] = { id: player.playerId, token, userAgent: `${prefix}.${reference}` };
  };
  let next = 0;
  const lane = async () => {
    while (next < count) await make(next++);
  };
  await Promise.all(Array.from({ length: PLAYERS_AT_ONCE }, lane));
  return players;
}

/** One command of `roundhouse` on a book, as an operator runs it; what it says as JSON. */
export function runCommand(book: Pick<RoundhouseBook, 'env'>, ...args: string[]): string {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [join(ROOT, 'bin', 'roundhouse'), ...args, '--json'],
    { env: childEnvironment(book.env), encoding: 'utf8', maxBuffer: 100_000_000 },
  );
  if (stdout.trim() === '') throw new Error(`roundhouse ${args.join(' ')}: ${stderr}`);
  return stdout;
}

/** What `roundhouse audit` contradicts. */
export function contradictionsOf(report: AuditReport): string[] {
  const faults = report.contradictions.map((each) => `audit: ${JSON.stringify(each)}`);
  if (!report.ok && faults.length === 0) faults.push('audit: not ok');
  return faults;
}

/** `roundhouse audit` must hold, and every side of it must be the provider's sums. */
function auditFaults(
  book: Pick<RoundhouseBook, 'env'>,
  expected: { staked: bigint; paid: bigint },
): string[] {
  const report = JSON.parse(runCommand(book, 'audit')) as AuditReport;
  const faults = contradictionsOf(report);
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
