import { Connection } from '@temporalio/client';
import { ensureDatabase } from '../src/stack/databases';
import type { StackHome } from '../src/stack/home';
import { freePorts } from '../src/stack/ports';
import { startPostgres, type RunningPostgres } from '../src/stack/postgres';
import type { RunningProcess } from '../src/stack/running-process';
import { findTemporal } from '../src/stack/temporal-binary';
import { startTemporalServer } from '../src/stack/temporal-server';
import { startNode } from './processes';
import type { WalletConfig } from './wallet/main';

/** The servers every subject shares. */
export interface Stage {
  readonly home: StackHome;
  readonly report: (line: string) => void;
  readonly postgres: RunningPostgres;
  readonly temporal: RunningProcess & { readonly address: string; readonly metricsUrl: string };
  readonly temporalConnection: Connection;
  readonly wallet: RunningProcess;
  readonly walletPort: number;
  /** A new database; answers its address. */
  database(name: string): Promise<string>;
  /** Ended with the stage, before the servers, in the order they were given. */
  keep<Process extends RunningProcess>(process: Process): Process;
  end(): Promise<void>;
}

/**
 * Starts PostgreSQL (every safety on, as npm start has it), Temporal's development server with a file (as
 * npm start has it) and the wallet.
 */
export async function setStage(options: {
  home: StackHome;
  seed: number;
  path: string;
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
    const [postgresPort = 0, temporalPort = 0, metricsPort = 0, walletPort = 0] =
      await freePorts(4);
    report('starting PostgreSQL, Temporal and the wallet');
    const postgres = await startPostgres({
      dir: await home.postgresDir(report),
      port: postgresPort,
      logFile: home.logFile('postgres'),
      onSpawn,
    });
    servers.push(() => postgres.stop());
    const temporal = await startTemporalServer({
      binary: await findTemporal({ path, report }),
      port: temporalPort,
      metricsPort,
      dbFile: home.path('temporal.db'),
      namespace: 'default',
      logFile: home.logFile('temporal'),
      onSpawn,
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
