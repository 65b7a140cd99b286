import { Connection } from '@temporalio/client';
import { ensureDatabase } from '../src/stack/databases';
import type { StackHome } from '../src/stack/home';
import { freePorts } from '../src/stack/ports';
import { startPostgres, type RunningPostgres } from '../src/stack/postgres';
import type { RunningProcess } from '../src/stack/running-process';
import { findTemporal } from '../src/stack/temporal-binary';
import { startTemporalServer } from '../src/stack/temporal-server';
import { startNode } from './processes';
import { findTemporalServer } from './temporal-server/build';
import { HISTORY_SHARDS, startTemporalOnPostgres } from './temporal-server/start';
import type { WalletConfig } from './wallet/main';

/** The servers every subject shares. */
export interface Stage {
  readonly home: StackHome;
  readonly report: (line: string) => void;
  readonly postgres: RunningPostgres;
  readonly temporal: RunningProcess & {
    readonly address: string;
    readonly metricsUrl: string;
    /** Where the real server tells what its CPU is used for. */
    readonly pprofUrl?: string;
  };
  /** The PostgreSQL of the real Temporal server: one of its own, so that what each costs is told apart. */
  readonly temporalPostgres: RunningPostgres | undefined;
  readonly temporalConnection: Connection;
  readonly wallet: RunningProcess;
  readonly walletPort: number;
  /** A new database; answers its address. */
  database(name: string): Promise<string>;
  /** Ended with the stage, before the servers, in the order they were given. */
  keep<Process extends RunningProcess>(process: Process): Process;
  end(): Promise<void>;
}

/** Which Temporal server a run has. */
export interface TemporalChoice {
  readonly kind: 'dev' | 'postgres';
  /** A folder with the real server's programs; built when it is not given. */
  readonly dir: string | undefined;
}

/**
 * Starts PostgreSQL (every safety on, as npm start has it), the wallet, and Temporal: the development server
 * with a file (as npm start has it), or the real one on a PostgreSQL of its own.
 */
export async function setStage(options: {
  home: StackHome;
  seed: number;
  path: string;
  temporal: TemporalChoice;
  report: (line: string) => void;
}): Promise<Stage> {
  const { home, seed, path, report } = options;
  const kept: RunningProcess[] = [];
  const servers: (() => Promise<unknown>)[] = [];
  const end = async () => {
    await Promise.all(kept.splice(0).map((one) => one.stop('SIGTERM', 20_000)));
    for (const one of servers.splice(0).reverse()) await one();
  };
  const onSpawn = (running: RunningProcess) => home.remember(running);
  try {
    const [postgresPort = 0, temporalPort = 0, metricsPort = 0, walletPort = 0, databasePort = 0] =
      await freePorts(5);
    report('starting PostgreSQL, Temporal and the wallet');
    const postgres = await startPostgres({
      dir: await home.postgresDir(report),
      port: postgresPort,
      logFile: home.logFile('postgres'),
      onSpawn,
    });
    servers.push(() => postgres.stop());
    const place = { port: temporalPort, metricsPort, namespace: 'default', onSpawn };
    const logFile = home.logFile('temporal');
    const temporalPostgres =
      options.temporal.kind === 'dev'
        ? undefined
        : await startPostgres({
            dir: `${await home.postgresDir(report)}-temporal`,
            port: databasePort,
            logFile: home.logFile('temporal-postgres'),
            onSpawn: (running) => home.remember({ ...running, name: "Temporal's PostgreSQL" }),
          });
    if (temporalPostgres) servers.push(() => temporalPostgres.stop());
    const temporal = temporalPostgres
      ? await startTemporalOnPostgres({
          ...place,
          programs: await findTemporalServer({ dir: options.temporal.dir, report }),
          postgresUrl: temporalPostgres.url('postgres'),
          shards: HISTORY_SHARDS,
          logFile,
        })
      : await startTemporalServer({
          ...place,
          binary: await findTemporal({ path, report }),
          dbFile: home.path('temporal.db'),
          logFile,
        });
    servers.push(() => temporal.stop('SIGINT'));
    const temporalConnection = await Connection.connect({ address: temporal.address });
    servers.push(() => temporalConnection.close());
    const config: WalletConfig = { port: walletPort, seed };
    const wallet = await startNode(home, {
      name: 'wallet',
      script: 'bench/wallet/main.ts',
      config,
    });
    servers.push(() => wallet.stop());
    return {
      home,
      report,
      postgres,
      temporal: { ...temporal, metricsUrl: `http://127.0.0.1:${String(metricsPort)}/metrics` },
      temporalPostgres,
      temporalConnection,
      wallet,
      walletPort,
      async database(name) {
        const url = postgres.url(name);
        await ensureDatabase(url, name);
        return url;
      },
      keep(process) {
        kept.push(process);
        return process;
      },
      end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}
