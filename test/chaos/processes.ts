import { join } from 'node:path';
import { sleep } from '../../src/lib/clock';
import { untilReady } from '../../src/stack/keep-running';
import { NODE_FLAGS } from '../../src/stack/node-child';
import { signalProcess } from '../../src/stack/process-table';
import { describeEnd, startProcess, type RunningProcess } from '../../src/stack/running-process';

const ROOT = join(__dirname, '..', '..');
const READY_TIMEOUT_MS = 60_000;
/** A process that died by itself is started again this soon, for ever: that is a supervisor's whole job. */
const RESTART_MS = 200;

/** A process of the run that is started again whenever it dies, and can be killed, paused and changed. */
export interface ChaosProcess {
  readonly name: string;
  isUp(): boolean;
  /** False when it is not up by then. */
  untilUp(timeoutMs: number): Promise<boolean>;
  /**
   * Ends it by a signal and has it started again after `downMs`. Resolves when it is dead; false when
   * there was nothing to kill.
   */
  kill(signal: NodeJS.Signals, downMs: number): Promise<boolean>;
  /** SIGSTOP; the answer wakes it again (SIGCONT). Undefined when it is not up. */
  pause(): (() => void) | undefined;
  /** Ends of the process that nobody asked for, in words; those of `kill` are not among them. */
  ownEnds(): readonly string[];
  /** Ends it for good. */
  stop(signal?: NodeJS.Signals, graceMs?: number): Promise<void>;
}

export type StartOnce = (spawned: (running: RunningProcess) => void) => Promise<RunningProcess>;

/** Starts a process and keeps it running until it is stopped; the first start must succeed. */
export async function keepAlive(name: string, startOnce: StartOnce): Promise<ChaosProcess> {
  const ends: string[] = [];
  const stopping = new AbortController();
  let current: RunningProcess | undefined;
  let up = false;
  let killed = false;
  let downMs = RESTART_MS;

  const spawned = (running: RunningProcess) => {
    current = running;
    if (stopping.signal.aborted) running.kill();
  };

  const noteEnd = (how: string) => {
    if (!killed && !stopping.signal.aborted) ends.push(how);
  };

  async function watch(first: RunningProcess): Promise<void> {
    let running: RunningProcess | undefined = first;
    while (!stopping.signal.aborted) {
      if (running) {
        up = true;
        const end = await running.exited;
        up = false;
        noteEnd(`${describeEnd(end)} while it was up`);
      }
      await sleep(downMs, stopping.signal);
      killed = false;
      downMs = RESTART_MS;
      if (stopping.signal.aborted) return;
      running = await startOnce(spawned).catch((error: unknown) => {
        noteEnd(`did not start: ${briefly(error)}`);
        return undefined;
      });
    }
  }

  const first = await startOnce(spawned);
  void watch(first);

  return {
    name,
    isUp: () => up,
    async untilUp(timeoutMs) {
      const end = Date.now() + timeoutMs;
      while (!up) {
        if (Date.now() > end || stopping.signal.aborted) return false;
        await sleep(20, stopping.signal);
      }
      return true;
    },
    async kill(signal, forMs) {
      const victim = current;
      if (!up || victim?.pid === undefined) return false;
      killed = true;
      downMs = forMs;
      signalProcess(victim.pid, signal);
      await victim.exited;
      return true;
    },
    pause() {
      const pid = current?.pid;
      if (!up || pid === undefined) return undefined;
      signalProcess(pid, 'SIGSTOP');
      // Of a process that was killed meanwhile only the number is left; a pause outlives no run.
      return () => signalProcess(pid, 'SIGCONT');
    },
    ownEnds: () => ends,
    async stop(signal = 'SIGTERM', graceMs = 10_000) {
      stopping.abort();
      if (current?.pid !== undefined) signalProcess(current.pid, 'SIGCONT');
      await current?.stop(signal, graceMs);
    },
  };
}

/** Starts one of our own programs from the build and waits until it says that it is ready. */
export async function startBuilt(
  options: {
    readonly name: string;
    /** Below dist/. */
    readonly script: string;
    readonly env: NodeJS.ProcessEnv;
    readonly logFile: string;
  },
  spawned: (running: RunningProcess) => void,
): Promise<RunningProcess> {
  const { name, script, env, logFile } = options;
  const dist = join(ROOT, 'dist');
  // The guard ends it when this process is killed and can end nobody any more.
  const guard = join(dist, 'stack', 'child-guard.js');
  const running = startProcess({
    name,
    command: process.execPath,
    args: [...NODE_FLAGS, '--require', guard, join(dist, script)],
    env,
    logFile,
    ipc: true,
  });
  spawned(running);
  await untilReady(running, running.saidReady, READY_TIMEOUT_MS);
  return running;
}

/** Starts a TypeScript program of the tests; it is ready when `url` answers 200. */
export async function startScript(
  options: {
    readonly name: string;
    /** Below the repository's root. */
    readonly script: string;
    readonly env: NodeJS.ProcessEnv;
    readonly logFile: string;
    readonly readyUrl: string;
  },
  spawned: (running: RunningProcess) => void,
): Promise<RunningProcess> {
  const { name, script, env, logFile, readyUrl } = options;
  const running = startProcess({
    name,
    command: process.execPath,
    args: [
      ...['--require', join(ROOT, 'dist', 'stack', 'child-guard.js')],
      ...['--require', join(ROOT, 'scripts', 'typescript.cjs')],
      join(ROOT, script),
    ],
    env,
    logFile,
    ipc: true,
  });
  spawned(running);
  const done = new AbortController();
  try {
    await untilReady(running, answersOk(readyUrl, done.signal), READY_TIMEOUT_MS);
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
    await sleep(50, signal);
  }
}

// `api-1 ended with code 1`: the rest of the sentence is the end of its log, which is kept as a file.
function briefly(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split(/[;\n]/)[0] ?? '';
}
