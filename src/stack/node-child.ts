import { join } from 'node:path';
import { sleep } from '../lib/clock';
import { untilReady } from './keep-running';
import { startProcess, type RunningProcess } from './running-process';

/** A process that is not ready by then has a fault worth showing: each needs two or three seconds. */
const READY_TIMEOUT_MS = 60_000;

/**
 * Our processes run with these, in the image too (NODE_OPTIONS in the Dockerfile). Without `__proto__` no name in
 * somebody's JSON reaches the prototype of all objects.
 */
export const NODE_FLAGS: readonly string[] = ['--enable-source-maps', '--disable-proto=delete'];

export interface NodeChildOptions {
  readonly name: string;
  /** The compiled main file. */
  readonly script: string;
  readonly env: NodeJS.ProcessEnv;
  readonly logFile: string;
  /** Answers 200 when the process is ready; a process without one says so over IPC. */
  readonly readyUrl?: string;
  readonly onSpawn: (process: RunningProcess) => void;
}

/**
 * Starts one of our own processes and waits until it is ready: `{ready: true}` over IPC or a 200 from its
 * readiness URL, whichever comes first.
 *
 * @throws StackError with the end of its log when it ends first or takes longer than a minute
 */
export async function startNodeChild(options: NodeChildOptions): Promise<RunningProcess> {
  const running = startProcess({
    name: options.name,
    command: process.execPath,
    args: [...NODE_FLAGS, '--require', join(__dirname, 'child-guard.js'), options.script],
    env: options.env,
    logFile: options.logFile,
    ipc: true,
  });
  options.onSpawn(running);
  const done = new AbortController();
  try {
    const signs = [running.saidReady];
    if (options.readyUrl !== undefined) signs.push(answersOk(options.readyUrl, done.signal));
    await untilReady(running, Promise.race(signs), READY_TIMEOUT_MS);
  } finally {
    done.abort();
  }
  return running;
}

async function answersOk(url: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
      await response.arrayBuffer();
      if (response.status === 200) return;
    } catch {
      // Nobody listens yet.
    }
    await sleep(150, signal);
  }
}
