import { connect } from 'node:net';
import { Connection } from '@temporalio/client';
import { childEnvironment } from '../config/child-environment';
import { sleep } from '../lib/clock';
import { describeEnd, lastLines, startProcess, type RunningProcess } from './running-process';
import { StackError } from './stack-error';

/** How long the server may take until it answers: its tables are made or read in the first seconds. */
const START_TIMEOUT_MS = 60_000;

export interface TemporalServerOptions {
  /** The `temporal` program, as `findTemporal` gives it. */
  readonly binary: string;
  readonly port: number;
  /** Without one the server has no UI. */
  readonly uiPort?: number;
  /** Where the server tells its own metrics; without one, on a port of its choice. */
  readonly metricsPort?: number;
  /** Without one histories live in memory and end with the server. */
  readonly dbFile?: string;
  readonly namespace: string;
  readonly logFile: string;
  /** Told of the process as soon as there is one, before it answers. */
  readonly onSpawn?: (process: RunningProcess) => void;
}

export interface RunningTemporal extends RunningProcess {
  readonly address: string;
}

/**
 * Its file survives a kill of every process, and may lose the last moments when the machine itself goes
 * down. The book loses nothing then, and the sweep has its rounds driven again; in return the server
 * needs a third less of the processor.
 */
const FILE_PRAGMAS = [
  ...['--sqlite-pragma', 'journal_mode=wal'],
  ...['--sqlite-pragma', 'synchronous=normal'],
];

/** Go collects when this much has come on top of what is alive: twice its default halves that work. */
const GARBAGE_PERCENT = '200';

/**
 * Starts Temporal's development server (the real server with SQLite below it) on loopback.
 *
 * @throws StackError when it ends or does not answer within a minute
 */
export async function startTemporalServer(
  options: TemporalServerOptions,
): Promise<RunningTemporal> {
  const server = startProcess({
    name: 'Temporal',
    command: options.binary,
    args: [
      ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(options.port)],
      ...(options.uiPort === undefined ? ['--headless'] : ['--ui-port', String(options.uiPort)]),
      ...(options.metricsPort === undefined ? [] : ['--metrics-port', String(options.metricsPort)]),
      ...(options.dbFile === undefined ? [] : ['--db-filename', options.dbFile, ...FILE_PRAGMAS]),
      ...(options.namespace === 'default' ? [] : ['--namespace', options.namespace]),
      // A page of a stack that may run without any network must not wait for a news feed.
      '--ui-disable-news-fetch',
      // The server's own default is off: the first activity of a workflow task then starts without a
      // round trip through the task queue.
      ...['--dynamic-config-value', 'system.enableActivityEagerExecution=true'],
      ...['--log-level', 'error', '--log-format', 'json'],
    ],
    env: childEnvironment({ GOGC: GARBAGE_PERCENT }),
    logFile: options.logFile,
  });
  options.onSpawn?.(server);
  const address = `127.0.0.1:${String(options.port)}`;
  await waitUntilItServes(server, address, options.namespace);
  return { ...server, address };
}

/** Waits until the server describes a namespace; throws when it ends or does not answer in time. */
export async function waitUntilItServes(
  server: RunningProcess,
  address: string,
  namespace: string,
): Promise<void> {
  let ended = false;
  void server.exited.then(() => (ended = true));
  const end = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    if (ended) {
      const lines = lastLines(server.logFile, 5).join('\n  ');
      throw new StackError(`Temporal ${describeEnd(await server.exited)}:\n  ${lines}`);
    }
    if ((await accepts(address)) && (await serves(address, namespace))) return;
    if (Date.now() > end) {
      await server.stop();
      throw new StackError(
        `Temporal did not answer within ${String(START_TIMEOUT_MS / 1000)} s; see ${server.logFile}`,
      );
    }
    await sleep(50);
  }
}

// A gRPC client backs off for seconds after a refused connection, so the port is asked first.
function accepts(address: string): Promise<boolean> {
  const [host, port] = address.split(':');
  return new Promise((resolve) => {
    const socket = connect({ host: host ?? '', port: Number(port) });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

async function serves(address: string, namespace: string): Promise<boolean> {
  let connection: Connection | undefined;
  try {
    connection = await Connection.connect({ address, connectTimeout: '2s' });
    await connection.workflowService.describeNamespace({ namespace });
    return true;
  } catch {
    return false;
  } finally {
    await connection?.close();
  }
}
