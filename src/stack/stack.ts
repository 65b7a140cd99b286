import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { Settings } from '../config/env';
import { migrate } from '../db/migrate';
import { createPool, type Pool } from '../db/pool';
import { createLogger } from '../lib/log';
import { addressesOf, type StackAddresses } from './addresses';
import { waitForCatalogue } from './catalogue';
import { childEnvironment } from './child-environment';
import { databaseUrl, ensureDatabase, type StackDatabases } from './databases';
import type { StackHome } from './home';
import { keepRunning, type KeptProcess } from './keep-running';
import { startNodeChild } from './node-child';
import { startPostgres } from './postgres';
import type { RunningProcess } from './running-process';
import { registerSearchAttributes } from './search-attributes';
import { seedDemo, type Demo } from './seed';
import { StackError, messageOf } from './stack-error';
import { findTemporal } from './temporal-binary';
import { startTemporalServer } from './temporal-server';

export interface StackOptions {
  readonly settings: Settings;
  readonly home: StackHome;
  /** One line for the user. */
  readonly report: (line: string) => void;
  /** The folders programs are looked for in, as in the PATH variable. */
  readonly path: string;
}

export interface Stack {
  /**
   * Starts everything in order and resolves when a round can be played.
   *
   * @throws StackError naming what failed; the caller stops the stack then
   */
  start(): Promise<Demo>;
  /** Ends everything in order. May be called at any time, also during the start. */
  stop(): Promise<void>;
  /** SIGKILL to everything, at once. */
  kill(): void;
}

/** Where one of our processes is, and how long it may take to end. */
interface ChildPlan {
  readonly name: string;
  readonly script: string;
  readonly log: string;
  readonly readyUrl?: string;
}

/**
 * The order of the shutdown, in steps that each end together: who calls goes before who is called, so
 * that nothing fails on its way out. The limits add up to less than the time a service manager allows.
 */
const STOP_ORDER: readonly { readonly names: readonly string[]; readonly graceMs: number }[] = [
  { names: ['API'], graceMs: 4_000 },
  { names: ['Sandbox provider', 'Sandbox partner'], graceMs: 2_000 },
  { names: ['Worker'], graceMs: 5_000 },
  { names: ['Temporal'], graceMs: 2_000 },
  { names: ['PostgreSQL'], graceMs: 5_000 },
];

/** The whole product on one machine: database, Temporal, API, worker, sandbox provider and partner. */
export function createStack(options: StackOptions): Stack {
  const { settings, home, report } = options;
  const addresses = addressesOf(settings);
  const kept = new Map<string, KeptProcess>();
  let stopping = false;

  const keep = async (
    name: string,
    firstAttempts: number,
    start: (spawned: (process: RunningProcess) => void) => Promise<RunningProcess>,
  ): Promise<void> => {
    if (stopping) throw new StackError('The start was interrupted.');
    await keepRunning(
      { name, start, firstAttempts, report, onSpawn: (running) => home.remember(running) },
      (handle) => kept.set(name, handle),
    );
  };

  const startDatabase = async (): Promise<string> => {
    if (settings.DATABASE_URL !== undefined) return settings.DATABASE_URL;
    report('Starting PostgreSQL');
    const dir = await home.postgresDir(report);
    let url = '';
    await keep('PostgreSQL', 4, async (onSpawn) => {
      const server = await startPostgres({
        dir,
        port: settings.POSTGRES_PORT,
        logFile: home.logFile('postgres'),
        onSpawn,
      });
      url = server.url('roundhouse');
      return server;
    });
    return url;
  };

  const startTemporal = async (): Promise<string | undefined> => {
    if (settings.TEMPORAL_ADDRESS !== undefined) return undefined;
    report('Starting Temporal');
    const binary = await findTemporal({ report, path: options.path });
    await keep('Temporal', 3, (onSpawn) =>
      startTemporalServer({
        binary,
        port: settings.TEMPORAL_PORT,
        uiPort: settings.TEMPORAL_UI_PORT,
        dbFile: home.path('temporal.db'),
        namespace: settings.TEMPORAL_NAMESPACE,
        logFile: home.logFile('temporal'),
        onSpawn,
      }),
    );
    return `127.0.0.1:${String(settings.TEMPORAL_PORT)}`;
  };

  const startChildren = async (environment: Record<string, string>): Promise<void> => {
    report('Starting API, worker, sandbox provider and sandbox partner');
    const env = childEnvironment(environment);
    await Promise.all(
      childPlans(addresses).map(({ name, script, log, readyUrl }) =>
        keep(name, 3, (onSpawn) =>
          startNodeChild({
            name,
            script: join(__dirname, '..', script),
            env,
            logFile: home.logFile(log),
            ...(readyUrl === undefined ? {} : { readyUrl }),
            onSpawn,
          }),
        ),
      ),
    );
  };

  return {
    async start() {
      const ownUrl = await startDatabase();
      const databases = await prepareDatabases(settings, ownUrl);
      const temporalAddress = await startTemporal();
      await prepareTemporal(settings, temporalAddress);
      report('Bringing the database up to date');
      await migrate(databases.roundhouse, createLogger('migrate', 'silent'));
      const pool = createPool({ databaseUrl: databases.roundhouse, max: 2 });
      try {
        const demo = await seed(settings, addresses, home, pool, report);
        home.writeSecret('demo.json', demo);
        const shared = sharedEnvironment(settings, databases, temporalAddress);
        home.writeSecret('stack.json', { pid: process.pid, environment: shared });
        await startChildren({ ...shared, ...sandboxEnvironment(settings, demo, databases) });
        report('Waiting for the catalogue of games');
        await waitForCatalogue(pool, demo.connection.key, report);
        return demo;
      } finally {
        await pool.end();
      }
    },
    async stop() {
      stopping = true;
      for (const { names, graceMs } of STOP_ORDER) {
        const signal = names[0] === 'PostgreSQL' ? 'SIGINT' : 'SIGTERM';
        await Promise.all(names.map((name) => kept.get(name)?.stop(signal, graceMs)));
      }
    },
    kill() {
      stopping = true;
      for (const handle of kept.values()) handle.kill();
    },
  };
}

async function prepareDatabases(settings: Settings, ownUrl: string): Promise<StackDatabases> {
  const databases = {
    roundhouse: ownUrl,
    sandboxProvider:
      settings.SANDBOX_PROVIDER_DATABASE_URL ?? databaseUrl(ownUrl, 'sandbox_provider'),
    sandboxPartner: settings.SANDBOX_PARTNER_DATABASE_URL ?? databaseUrl(ownUrl, 'sandbox_partner'),
  };
  await ensureDatabase(databases.roundhouse, 'DATABASE_URL');
  await ensureDatabase(databases.sandboxProvider, 'SANDBOX_PROVIDER_DATABASE_URL');
  await ensureDatabase(databases.sandboxPartner, 'SANDBOX_PARTNER_DATABASE_URL');
  return databases;
}

async function prepareTemporal(settings: Settings, ownAddress: string | undefined): Promise<void> {
  const namespace = settings.TEMPORAL_NAMESPACE;
  // A server of the user's own may ask for TLS and keys, which Temporal's standard variables name.
  const connectOptions =
    ownAddress === undefined
      ? loadClientConnectConfig().connectionOptions
      : { address: ownAddress };
  let connection: Connection;
  try {
    connection = await Connection.connect({ ...connectOptions, connectTimeout: '10s' });
  } catch (error) {
    throw new StackError(
      `Temporal at ${ownAddress ?? String(settings.TEMPORAL_ADDRESS)} does not answer ` +
        `(${messageOf(error)}); check TEMPORAL_ADDRESS, or unset it to let npm start bring its own.`,
    );
  }
  try {
    await registerSearchAttributes(connection, namespace);
  } finally {
    await connection.close();
  }
}

function seed(
  settings: Settings,
  addresses: StackAddresses,
  home: StackHome,
  pool: Pool,
  report: (line: string) => void,
): Promise<Demo> {
  return seedDemo({
    pool,
    demoFile: home.path('demo.json'),
    api: addresses.api,
    provider: addresses.provider,
    walletUrl: `${addresses.partner}/wallet`,
    currency: settings.SANDBOX_PARTNER_CURRENCY,
    storefront: addresses.storefront,
    temporalUi: addresses.temporalUi,
    report,
  });
}

/** What every process of the stack shares, and the command line needs to talk to the same stack. */
function sharedEnvironment(
  settings: Settings,
  databases: StackDatabases,
  temporalAddress: string | undefined,
): Record<string, string> {
  return {
    ROUNDHOUSE_ENV: settings.ROUNDHOUSE_ENV,
    ROUNDHOUSE_HOME: settings.ROUNDHOUSE_HOME,
    DATABASE_URL: databases.roundhouse,
    TEMPORAL_ADDRESS: temporalAddress ?? String(settings.TEMPORAL_ADDRESS),
    TEMPORAL_NAMESPACE: settings.TEMPORAL_NAMESPACE,
    API_PORT: String(settings.API_PORT),
    PUBLIC_BASE_URL: settings.PUBLIC_BASE_URL ?? addressesOf(settings).api,
    SANDBOX_PROVIDER_PORT: String(settings.SANDBOX_PROVIDER_PORT),
    SANDBOX_PARTNER_PORT: String(settings.SANDBOX_PARTNER_PORT),
    METRICS_PORT: String(settings.METRICS_PORT),
  };
}

function sandboxEnvironment(
  settings: Settings,
  demo: Demo,
  databases: StackDatabases,
): Record<string, string> {
  return {
    SANDBOX_PROVIDER_DATABASE_URL: databases.sandboxProvider,
    SANDBOX_PROVIDER_PARTNER_ID: demo.connection.partner_id,
    SANDBOX_PROVIDER_API_KEY: demo.connection.api_key,
    SANDBOX_PROVIDER_CALLBACK_URL: demo.connection.callback_base,
    SANDBOX_PARTNER_DATABASE_URL: databases.sandboxPartner,
    SANDBOX_PARTNER_API_URL: demo.api,
    SANDBOX_PARTNER_API_KEY: demo.partner.api_key,
    SANDBOX_PARTNER_PREFIX: demo.partner.prefix,
    SANDBOX_PARTNER_AGENT_SECRET: demo.partner.agent_secret,
    SANDBOX_PARTNER_CURRENCY: settings.SANDBOX_PARTNER_CURRENCY,
  };
}

function childPlans(addresses: StackAddresses): ChildPlan[] {
  const ready = (base: string) => `${base}/health/ready`;
  return [
    { name: 'API', script: 'api/main.js', log: 'api', readyUrl: ready(addresses.api) },
    { name: 'Worker', script: 'worker/main.js', log: 'worker' },
    {
      name: 'Sandbox provider',
      script: 'sandbox/web-games/main.js',
      log: 'sandbox-provider',
      readyUrl: ready(addresses.provider),
    },
    {
      name: 'Sandbox partner',
      script: 'sandbox/partner/main.js',
      log: 'sandbox-partner',
      readyUrl: ready(addresses.partner),
    },
  ];
}
