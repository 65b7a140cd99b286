import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time';
import { childEnvironment } from '../../src/config/child-environment';
import { sleep } from '../../src/lib/clock';
import { databaseUrl, ensureDatabase } from '../../src/stack/databases';
import { freePorts } from '../../src/stack/ports';
import { startProcess, type RunningProcess } from '../../src/stack/running-process';
import { registerSearchAttributes } from '../../src/stack/search-attributes';
import { StackError, messageOf } from '../../src/stack/stack-error';
import { waitUntilItServes, type RunningTemporal } from '../../src/stack/temporal-server';
import type { TemporalPrograms } from './build';

const run = promisify(execFile);

/** As docker-compose.yml has it; the reasons are in docs/operations/temporal-server.md. Fixed at the first start. */
export const HISTORY_SHARDS = 128;
const DYNAMIC_CONFIG = join(__dirname, '..', '..', 'docker', 'temporal', 'dynamicconfig.yaml');
const DATABASES = { temporal: 'temporal', visibility: 'temporal_visibility' } as const;
/** Exists in every Temporal server: one that describes it serves. */
const SYSTEM_NAMESPACE = 'temporal-system';
/** A new namespace is seen by every part of the server after its caches' refresh, some 10 s later. */
const NAMESPACE_MS = 60_000;

export interface RealTemporalOptions {
  readonly programs: TemporalPrograms;
  /** A database of the PostgreSQL server to use, with a user who may make databases. */
  readonly postgresUrl: string;
  readonly port: number;
  readonly metricsPort: number;
  /** Must stay what it was at the first start on these databases. */
  readonly shards: number;
  readonly namespace: string;
  readonly logFile: string;
  readonly onSpawn: (process: RunningProcess) => void;
}

/**
 * Starts the real Temporal server, its four services in one process, on PostgreSQL: databases, schema,
 * server, namespace (30 days' retention) and search attributes, each unless it is there.
 *
 * @throws StackError when the schema cannot be made, or the server ends or does not answer
 */
export async function startTemporalOnPostgres(
  options: RealTemporalOptions,
): Promise<RunningTemporal & { readonly pprofUrl: string }> {
  const { programs, port, namespace, logFile } = options;
  const { hostname, port: databasePort, username, password } = new URL(options.postgresUrl);
  const [user, secret] = [decodeURIComponent(username), decodeURIComponent(password)];
  for (const name of Object.values(DATABASES)) {
    await ensureDatabase(databaseUrl(options.postgresUrl, name), 'the Temporal server');
    const schema = name === DATABASES.temporal ? 'temporal' : 'visibility';
    const env = childEnvironment({
      SQL_PLUGIN: 'postgres12',
      SQL_HOST: hostname,
      SQL_PORT: databasePort,
      SQL_USER: user,
      SQL_PASSWORD: secret,
      SQL_DATABASE: name,
    });
    const schemaName = `postgresql/v12/${schema}`;
    await schemaTool(programs, ['setup-schema', '--version', '0.0'], env);
    await schemaTool(programs, ['update-schema', '--schema-name', schemaName], env);
  }
  const [pprofPort = 0, ...ports] = await freePorts(1 + INNER_PORTS.length);
  const server = startProcess({
    name: 'Temporal',
    command: programs.server,
    args: ['--allow-no-auth', 'start'],
    // The server's built-in configuration, which the container of the same name is configured by, too.
    env: childEnvironment({
      DB: 'postgres12',
      POSTGRES_SEEDS: hostname,
      DB_PORT: databasePort,
      POSTGRES_USER: user,
      POSTGRES_PWD: secret,
      DBNAME: DATABASES.temporal,
      VISIBILITY_DBNAME: DATABASES.visibility,
      NUM_HISTORY_SHARDS: String(options.shards),
      BIND_ON_IP: '127.0.0.1',
      FRONTEND_GRPC_PORT: String(port),
      PROMETHEUS_ENDPOINT: `127.0.0.1:${String(options.metricsPort)}`,
      PPROF_PORT: String(pprofPort),
      DYNAMIC_CONFIG_FILE_PATH: DYNAMIC_CONFIG,
      LOG_LEVEL: 'error',
      ...Object.fromEntries(
        INNER_PORTS.map((variable, index) => [variable, String(ports[index] ?? 0)]),
      ),
    }),
    logFile,
  });
  options.onSpawn(server);
  const address = `127.0.0.1:${String(port)}`;
  await waitUntilItServes(server, address, SYSTEM_NAMESPACE);
  await prepareNamespace(address, namespace);
  return { ...server, address, pprofUrl: `http://127.0.0.1:${String(pprofPort)}` };
}

const INNER_PORTS = [
  'FRONTEND_HTTP_PORT',
  'FRONTEND_MEMBERSHIP_PORT',
  'HISTORY_GRPC_PORT',
  'HISTORY_MEMBERSHIP_PORT',
  'MATCHING_GRPC_PORT',
  'MATCHING_MEMBERSHIP_PORT',
  'WORKER_GRPC_PORT',
  'WORKER_MEMBERSHIP_PORT',
] as const;

async function schemaTool(
  { sqlTool }: TemporalPrograms,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<void> {
  try {
    await run(sqlTool, [...args], { env, timeout: NAMESPACE_MS });
  } catch (error) {
    // setup-schema on a database that has a schema is refused, and then nothing needs to be set up.
    if (/already exists/i.test(messageOf(error))) return;
    throw new StackError(`The schema of the Temporal server: ${messageOf(error).slice(-500)}`);
  }
}

async function prepareNamespace(address: string, namespace: string): Promise<void> {
  const connection = await Connection.connect({ address });
  try {
    await connection.workflowService
      .registerNamespace({ namespace, workflowExecutionRetentionPeriod: msToTs('30 days') })
      .catch((error: unknown) => {
        if (!/already exists/i.test(messageOf(error))) throw error;
      });
    const end = Date.now() + NAMESPACE_MS;
    for (;;) {
      try {
        await registerSearchAttributes(connection, namespace);
        return;
      } catch (error) {
        if (Date.now() > end) throw error;
        await sleep(500);
      }
    }
  } finally {
    await connection.close();
  }
}
