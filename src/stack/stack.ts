import { join } from 'node:path';
import type { Settings } from '../config/env';
import { readMasterKeys } from '../config/master-key';
import { migrate } from '../db/migrate';
import type { Office } from '../db/office';
import { createPool } from '../db/pool';
import { openVault } from '../db/vault';
import { createLogger } from '../lib/log';
import { addressesOf, type StackAddresses } from './addresses';
import { waitForCatalogue } from './catalogue';
import { childEnvironment } from '../config/child-environment';
import type { StackHome } from './home';
import { keepRunning, type KeptProcess } from './keep-running';
import { withMasterKey } from './master-key';
import { startNodeChild } from './node-child';
import { seedDemo, type Demo } from './seed';
import { sandboxEnvironment, sharedEnvironment } from './stack-environment';
import { StackError } from './stack-error';
import type { StackOptions } from './stack-options';
import {
  prepareDatabases,
  prepareTemporal,
  startDatabase,
  startTemporal,
  type Keep,
} from './stack-servers';

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

/** One of our own processes: its main file below dist/, its log, and where it says that it is ready. */
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
  { names: ['Server'], graceMs: 9_000 },
  { names: ['Sandbox provider', 'Sandbox partner'], graceMs: 2_000 },
  { names: ['Temporal'], graceMs: 2_000 },
  { names: ['PostgreSQL'], graceMs: 5_000 },
];

/** The whole product on one machine: database, Temporal, API and worker, sandbox provider and partner. */
export function createStack(options: StackOptions): Stack {
  const { settings, home, report } = options;
  const addresses = addressesOf(settings);
  const kept = new Map<string, KeptProcess>();
  let stopping = false;

  const keep: Keep = async (name, firstAttempts, start) => {
    if (stopping) throw new StackError('The start was interrupted.');
    await keepRunning(
      { name, start, firstAttempts, report, onSpawn: (running) => home.remember(running) },
      (handle) => kept.set(name, handle),
    );
  };

  const startChildren = async (environment: Record<string, string>): Promise<void> => {
    report('Starting the server, sandbox provider and sandbox partner');
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
      const keyed = withMasterKey(settings, home);
      const keys = readMasterKeys(keyed);
      const ownUrl = await startDatabase(options, keep);
      const databases = await prepareDatabases(settings, ownUrl);
      const temporalAddress = await startTemporal(options, keep);
      await prepareTemporal(settings, temporalAddress);
      report('Bringing the database up to date');
      await migrate(databases.roundhouse, createLogger('migrate', 'silent'));
      const pool = createPool({ databaseUrl: databases.roundhouse, max: 2 });
      try {
        const vault = await openVault({ pool, keys });
        const development = settings.ROUNDHOUSE_ENV === 'development';
        const office = { pool, vault, actor: 'npm start', development };
        const demo = await seed(settings, addresses, home, office, report);
        home.writeSecret('demo.json', demo);
        const shared = sharedEnvironment(keyed, databases, temporalAddress);
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
        await Promise.all(names.map(async (name) => kept.get(name)?.stop(signal, graceMs)));
      }
    },
    kill() {
      stopping = true;
      for (const handle of kept.values()) handle.kill();
    },
  };
}

function seed(
  settings: Settings,
  addresses: StackAddresses,
  home: StackHome,
  office: Office,
  report: (line: string) => void,
): Promise<Demo> {
  return seedDemo({
    office,
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

function childPlans(addresses: StackAddresses): ChildPlan[] {
  const ready = (base: string) => `${base}/health/ready`;
  return [
    { name: 'Server', script: 'server/main.js', log: 'server', readyUrl: ready(addresses.api) },
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
