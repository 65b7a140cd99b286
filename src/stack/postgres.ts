import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { sleep } from '../lib/clock';
import { postgresBinaries, postgresUser, type PostgresUser } from './postgres-binaries';
import { commandLineOf, endProcess, isAlive } from './process-table';
import { describeEnd, lastLines, startProcess, type RunningProcess } from './running-process';
import { StackError, messageOf } from './stack-error';

const run = promisify(execFile);

const SUPERUSER = 'roundhouse';
const PASSWORD_FILE = 'roundhouse.password';

/** How long the server may take until it answers: recovery after a kill reads the whole last WAL. */
const START_TIMEOUT_MS = 60_000;

export interface PostgresOptions {
  /** The data directory; made when it does not exist. */
  readonly dir: string;
  readonly port: number;
  readonly logFile: string;
  /** False gives up safety against a power cut: for tests, whose data nobody needs afterwards. */
  readonly durable?: boolean;
  /** Told of the process as soon as there is one, before it answers. */
  readonly onSpawn?: (process: RunningProcess) => void;
}

export interface RunningPostgres extends RunningProcess {
  /** The address of one of its databases, with user and password. */
  url(database: string): string;
}

/**
 * Starts PostgreSQL on loopback, with a data directory that survives everything short of the disk.
 * A server left over from a killed run on the same directory is ended first.
 *
 * @throws StackError when it cannot be set up or does not answer within a minute
 */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  const user = await postgresUser();
  const binaries = await postgresBinaries(user);
  await endLeftover(options.dir);
  if (!existsSync(join(options.dir, 'PG_VERSION'))) await initialise(options, binaries.dir, user);
  const password = (await readFile(join(options.dir, PASSWORD_FILE), 'utf8')).trim();
  const server = startProcess({
    name: 'PostgreSQL',
    command: join(binaries.dir, 'bin', 'postgres'),
    args: ['-D', options.dir, '-p', String(options.port), ...serverFlags(options.durable ?? true)],
    cwd: options.dir,
    logFile: options.logFile,
    ...user,
  });
  options.onSpawn?.(server);
  const url = (database: string) =>
    `postgres://${SUPERUSER}:${password}@127.0.0.1:${String(options.port)}/${database}`;
  await waitUntilItAnswers(server, options.dir, url('postgres'));
  return {
    ...server,
    url,
    // SIGINT is PostgreSQL's fast shutdown: it disconnects everybody and writes a checkpoint.
    stop: (signal = 'SIGINT', graceMs = 10_000) => server.stop(signal, graceMs),
  };
}

function serverFlags(durable: boolean): string[] {
  const settings = {
    listen_addresses: '127.0.0.1',
    // Sockets in /tmp would collide with every other PostgreSQL on the same port number.
    unix_socket_directories: '',
    max_connections: '300',
    shared_buffers: '128MB',
    // After a kill every file is flushed once; one call for the whole disk is much faster than one a file.
    ...(process.platform === 'linux' ? { recovery_init_sync_method: 'syncfs' } : {}),
    ...(durable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

// initdb works on a folder beside the real one, so that a kill in the middle leaves nothing that looks
// like a database.
async function initialise(
  options: PostgresOptions,
  binaries: string,
  user: PostgresUser,
): Promise<void> {
  const unfinished = `${options.dir}.unfinished`;
  const passwordFile = join(unfinished, PASSWORD_FILE);
  const temporaryPasswordFile = `${options.dir}.password`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(dirname(options.dir), { recursive: true });
  await mkdir(unfinished, { mode: 0o700 });
  const password = randomBytes(18).toString('base64url');
  await writeFile(temporaryPasswordFile, `${password}\n`, { mode: 0o600 });
  if (user.uid !== undefined && user.gid !== undefined) {
    await chown(unfinished, user.uid, user.gid);
    await chown(temporaryPasswordFile, user.uid, user.gid);
  }
  try {
    const flags = [
      `--pgdata=${unfinished}`,
      `--username=${SUPERUSER}`,
      `--pwfile=${temporaryPasswordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      // The same order of texts on every machine, whatever its locales.
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--locale=C',
      ...(options.durable === false ? ['--no-sync'] : []),
    ];
    await run(join(binaries, 'bin', 'initdb'), flags, { cwd: unfinished, ...user });
  } catch (error) {
    throw new StackError(`PostgreSQL could not set up ${options.dir}: ${messageOf(error).trim()}`);
  } finally {
    await rm(temporaryPasswordFile, { force: true });
  }
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  await chmod(passwordFile, 0o600);
  await rename(unfinished, options.dir);
}

/**
 * Ends a PostgreSQL that a killed run left behind on this directory, and removes a `postmaster.pid`
 * whose number now belongs to some other program, which PostgreSQL itself could take for a rival.
 */
async function endLeftover(dir: string): Promise<void> {
  const file = join(dir, 'postmaster.pid');
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return;
  const pid = Number(text.split('\n')[0]);
  if (Number.isInteger(pid) && pid > 1 && isAlive(pid)) {
    const command = commandLineOf(pid) ?? '';
    if (command.includes('postgres') && command.includes(dir)) {
      await endProcess(pid, 'SIGINT', 10_000);
    } else {
      await rm(file, { force: true });
    }
  }
}

async function waitUntilItAnswers(server: RunningProcess, dir: string, url: string): Promise<void> {
  let ended = false;
  void server.exited.then(() => (ended = true));
  const end = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    if ((await saysReady(dir, server.pid)) && (await answers(url))) return;
    if (ended) {
      const lines = lastLines(server.logFile, 5).join('\n  ');
      throw new StackError(`PostgreSQL ${describeEnd(await server.exited)}:\n  ${lines}`);
    }
    if (Date.now() > end) {
      await server.stop('SIGINT');
      throw new StackError(
        `PostgreSQL did not answer within ${String(START_TIMEOUT_MS / 1000)} s; see ${server.logFile}`,
      );
    }
    await sleep(50);
  }
}

// The server keeps its state in the last line of this file; asking it too early would fill its log.
async function saysReady(dir: string, pid: number | undefined): Promise<boolean> {
  const text = await readFile(join(dir, 'postmaster.pid'), 'utf8').catch(() => '');
  return text.startsWith(`${String(pid)}\n`) && /^ready\s*$/m.test(text);
}

async function answers(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}
