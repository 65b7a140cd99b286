import { mkdir } from 'node:fs/promises';
import { Client, Connection } from '@temporalio/client';
import { childEnvironment } from '../../src/config/child-environment';
import { migrate } from '../../src/db/migrate';
import { createPool, type Pool } from '../../src/db/pool';
import { createLogger } from '../../src/lib/log';
import { ensureDatabase } from '../../src/stack/databases';
import type { StackHome } from '../../src/stack/home';
import { freePorts } from '../../src/stack/ports';
import { startPostgres } from '../../src/stack/postgres';
import type { RunningProcess } from '../../src/stack/running-process';
import { registerSearchAttributes } from '../../src/stack/search-attributes';
import { findTemporal } from '../../src/stack/temporal-binary';
import { startTemporalServer } from '../../src/stack/temporal-server';
import { TEST_MASTER_KEY } from '../support/test-office';
import { createRandom } from './random';
import { keepAlive, startBuilt, startScript, type ChaosProcess } from './processes';
import { startProxy, type Proxy } from './proxy';
import type { LinkGroup, Scenario } from './scenarios';
import type { WalletControl } from './wallet-modes';
import { makeWorld, PARTNERS, WALLET_ATTEMPT_MS, type World } from './world';

/** One link between two processes, with the proxy that stands in it. */
export interface Link {
  readonly name: string;
  readonly group: LinkGroup;
  readonly proxy: Proxy;
}

/** One of our own processes, whose clock can be shifted from its next start on. */
export interface OwnProcess extends ChaosProcess {
  shiftClock(offsetMs: number): void;
}

export interface ChaosMachine {
  /** Straight to the book, past every proxy. */
  readonly pool: Pool;
  readonly client: Client;
  readonly world: World;
  /** Those that are APIs, and those that are workers: the same ones, or others. */
  readonly apis: readonly OwnProcess[];
  readonly workers: readonly OwnProcess[];
  readonly postgres: ChaosProcess;
  readonly temporal: ChaosProcess;
  readonly wallet: ChaosProcess;
  readonly links: readonly Link[];
  /** Where the provider finds the API processes. */
  readonly apiUrls: readonly string[];
  readonly failpointsDir: string;
  readonly walletJournal: string;
  processes(): readonly ChaosProcess[];
  /** Tells the wallet how to behave from now on. */
  controlWallet(change: WalletControl): Promise<void>;
  /** Ends everything, callers first. */
  end(): Promise<void>;
}

/** Multiplies the long waits between repeats and the pace of the sweep. */
const TIME_SCALE = '0.02';
const NAMESPACE = 'default';
const DATABASE = 'roundhouse';

type OwnKind = 'api' | 'worker' | 'server';

const OWN_MAX = 4;

interface Ports {
  readonly postgres: number;
  readonly temporal: number;
  readonly wallet: number;
  /** For our processes, two each: where the API and the worker's metrics listen. */
  readonly own: number[];
}

/**
 * Starts a whole Roundhouse of its own, with a proxy in every link. Nothing of it is shared with another
 * run, and all of it ends with `end`.
 */
export async function startMachine(options: {
  readonly home: StackHome;
  readonly scenario: Scenario;
  readonly seed: number;
  /** API and worker are two processes each; else two processes have both. */
  readonly apart: boolean;
  readonly report: (line: string) => void;
  readonly path: string;
}): Promise<ChaosMachine> {
  const { home, scenario, seed, apart, report } = options;
  // In the order of their end; what failed half-way is ended as well.
  const toEnd: (() => Promise<unknown>)[] = [];
  const end = async () => {
    for (const one of toEnd.splice(0)) await one();
  };
  const keep = async (
    name: string,
    start: (spawned: (running: RunningProcess) => void) => Promise<RunningProcess>,
    signal: NodeJS.Signals = 'SIGTERM',
  ) => {
    const kept = await keepAlive(name, (spawned) =>
      start((running) => {
        home.remember(running);
        spawned(running);
      }),
    );
    toEnd.unshift(() => kept.stop(signal, 10_000));
    return kept;
  };

  try {
    const ports = await choosePorts();
    const failpointsDir = home.path('failpoints');
    const walletJournal = home.path('wallet-journal.jsonl');
    await mkdir(failpointsDir, { recursive: true });

    report('starting PostgreSQL and Temporal');
    const dir = await home.postgresDir(report);
    let bookUrl = '';
    const postgres = await keep(
      'PostgreSQL',
      async (onSpawn) => {
        const logFile = home.logFile('postgres');
        const server = await startPostgres({ dir, port: ports.postgres, logFile, onSpawn });
        bookUrl = server.url(DATABASE);
        return server;
      },
      'SIGINT',
    );
    await ensureDatabase(bookUrl, 'the book');
    await migrate(bookUrl, createLogger('migrate', 'silent'));
    const pool = createPool({ databaseUrl: bookUrl, max: 4, onError: () => undefined });
    toEnd.unshift(() => pool.end());

    const binary = await findTemporal({ path: options.path, report });
    const temporal = await keep('Temporal', (onSpawn) =>
      startTemporalServer({
        binary,
        port: ports.temporal,
        dbFile: home.path('temporal.db'),
        namespace: NAMESPACE,
        logFile: home.logFile('temporal'),
        onSpawn,
      }),
    );
    const connection = await Connection.connect({ address: `127.0.0.1:${ports.temporal}` });
    toEnd.unshift(() => connection.close());
    await registerSearchAttributes(connection, NAMESPACE);

    const links: Link[] = [];
    const link = async (name: string, group: LinkGroup, targetPort: number) => {
      const [port = 0] = await freePorts(1);
      const random = createRandom(seed, `link ${name}`);
      const proxy = await startProxy({ port, targetPort, random });
      toEnd.push(() => proxy.close());
      links.push({ name, group, proxy });
      return port;
    };
    const walletPorts: Record<string, number> = {};
    for (const prefix of PARTNERS) {
      walletPorts[prefix] = await link(`wallet ${prefix}`, 'wallet', ports.wallet);
    }
    const world = await makeWorld(
      pool,
      scenario,
      (prefix) => `http://127.0.0.1:${String(walletPorts[prefix])}/${prefix}`,
    );

    report(`starting the wallet, ${apart ? 'two API processes and two workers' : 'two processes'}`);
    const control = `http://127.0.0.1:${String(ports.wallet)}/control`;
    const wallet = await keep('wallet', (spawned) =>
      startScript(
        {
          name: 'wallet',
          script: 'test/chaos/wallet-main.ts',
          env: childEnvironment({
            CHAOS_WALLET_PORT: String(ports.wallet),
            CHAOS_WALLET_JOURNAL: walletJournal,
            CHAOS_WALLET_SECRETS: JSON.stringify(world.secrets),
            CHAOS_SEED: String(seed),
            CHAOS_WALLET_ATTEMPT_MS: String(WALLET_ATTEMPT_MS),
          }),
          logFile: home.logFile('wallet'),
          readyUrl: control,
        },
        spawned,
      ),
    );

    const apiUrls: string[] = [];
    const startOwn = async (kind: OwnKind, number: number): Promise<OwnProcess> => {
      const name = `${kind}-${String(number)}`;
      const [apiPort = 0, metricsPort = 0] = ports.own.splice(0, 2);
      const book = await link(`${name} to PostgreSQL`, 'postgres', ports.postgres);
      const hand = await link(`${name} to Temporal`, 'temporal', ports.temporal);
      let offsetMs = 0;
      const kept = await keep(
        name,
        (spawned) =>
          startBuilt(
            {
              name,
              script: `${kind}/main.js`,
              env: childEnvironment({
                ROUNDHOUSE_ENV: 'development',
                ROUNDHOUSE_HOME: home.dir,
                LOG_LEVEL: 'info',
                DATABASE_URL: throughPort(bookUrl, book),
                MASTER_KEY: TEST_MASTER_KEY,
                TEMPORAL_ADDRESS: `127.0.0.1:${String(hand)}`,
                TEMPORAL_NAMESPACE: NAMESPACE,
                API_PORT: String(apiPort),
                METRICS_PORT: String(metricsPort),
                FAILPOINTS_DIR: failpointsDir,
                TIME_SCALE,
                CLOCK_OFFSET_MS: String(offsetMs),
              }),
              logFile: home.logFile(name),
            },
            spawned,
          ),
        // The run is over then: nothing is left to be finished in order.
        'SIGKILL',
      );
      if (kind !== 'worker') {
        const port = await link(`provider to ${name}`, 'api', apiPort);
        apiUrls.push(`http://127.0.0.1:${String(port)}`);
      }
      return { ...kept, shiftClock: (ms) => (offsetMs = ms) };
    };
    const startTwo = (kind: OwnKind) => Promise.all([startOwn(kind, 1), startOwn(kind, 2)]);
    const [apis, workers] = await (apart
      ? Promise.all([startTwo('api'), startTwo('worker')])
      : startTwo('server').then((both) => [both, both] as const));
    return {
      pool,
      client: new Client({ connection, namespace: NAMESPACE }),
      world,
      apis,
      workers,
      postgres,
      temporal,
      wallet,
      links,
      apiUrls,
      failpointsDir,
      walletJournal,
      processes: () => [...new Set([...apis, ...workers]), postgres, temporal, wallet],
      controlWallet: (change) => controlWallet(control, change),
      end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}

async function choosePorts(): Promise<Ports> {
  const [postgres = 0, temporal = 0, wallet = 0, ...own] = await freePorts(3 + 2 * OWN_MAX);
  return { postgres, temporal, wallet, own };
}

async function controlWallet(url: string, change: WalletControl): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(change),
    signal: AbortSignal.timeout(5_000),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`the wallet refused ${JSON.stringify(change)}: ${text}`);
}

function throughPort(url: string, port: number): string {
  const changed = new URL(url);
  changed.port = String(port);
  return changed.href;
}
