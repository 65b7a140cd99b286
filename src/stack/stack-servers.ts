import { Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { Settings } from '../config/env';
import { databaseUrl, ensureDatabase, type StackDatabases } from './databases';
import { startPostgres } from './postgres';
import type { RunningProcess } from './running-process';
import { registerSearchAttributes } from './search-attributes';
import { StackError, messageOf } from './stack-error';
import type { StackOptions } from './stack-options';
import { findTemporal } from './temporal-binary';
import { startTemporalServer } from './temporal-server';

/** Starts a part of the stack and keeps it running; rejects when it does not start in `firstAttempts`. */
export type Keep = (
  name: string,
  firstAttempts: number,
  start: (spawned: (process: RunningProcess) => void) => Promise<RunningProcess>,
) => Promise<void>;

/**
 * Our own PostgreSQL, unless the user has one.
 *
 * @returns the address of our book
 */
export async function startDatabase(
  { settings, home, report }: StackOptions,
  keep: Keep,
): Promise<string> {
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
}

/**
 * Our own Temporal server, unless the user has one.
 *
 * @returns its address; undefined when Temporal's standard variables name the user's
 */
export async function startTemporal(
  { settings, home, report, path }: StackOptions,
  keep: Keep,
): Promise<string | undefined> {
  if (settings.TEMPORAL_ADDRESS !== undefined) return undefined;
  report('Starting Temporal');
  const binary = await findTemporal({ report, path });
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
}

/** Makes the three databases that are missing. */
export async function prepareDatabases(
  settings: Settings,
  ownUrl: string,
): Promise<StackDatabases> {
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

/** Makes sure that Temporal answers and knows the search attributes. */
export async function prepareTemporal(
  settings: Settings,
  ownAddress: string | undefined,
): Promise<void> {
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
