import { sleep } from '../lib/clock';
import { describeEnd, lastLines, type RunningProcess } from './running-process';
import { StackError, messageOf } from './stack-error';

/** Waits between two starts of a process that keeps dying, in ms; the last one is used from then on. */
const BACKOFF_MS = [500, 1_000, 2_000, 5_000, 15_000];

/** A process that ran this long had a life of its own: its next death starts the backoff anew. */
const STEADY_MS = 60_000;

export interface KeepRunningOptions {
  readonly name: string;
  /**
   * Starts the process and resolves when it is ready. It must call `spawned` as soon as there is a
   * process, so that a shutdown in the middle of the start finds it.
   */
  readonly start: (spawned: (process: RunningProcess) => void) => Promise<RunningProcess>;
  /** How often the very first start is tried before it counts as failed. */
  readonly firstAttempts: number;
  readonly report: (line: string) => void;
  readonly onSpawn: (process: RunningProcess) => void;
}

/** A part of the stack that is started again whenever it dies. */
export interface KeptProcess {
  readonly name: string;
  /** Ends it for good. */
  stop(signal?: NodeJS.Signals, graceMs?: number): Promise<void>;
  /** SIGKILL, for good. */
  kill(): void;
}

/**
 * Starts a process and keeps it running until it is stopped. Every death is reported with the last lines
 * of its log.
 *
 * @param onKept gets the handle at once, before the process is ready: a shutdown may come first
 * @throws StackError when it does not become ready in `firstAttempts` starts
 */
export async function keepRunning(
  options: KeepRunningOptions,
  onKept: (kept: KeptProcess) => void,
): Promise<void> {
  const { name, report } = options;
  const stopping = new AbortController();
  let current: RunningProcess | undefined;

  const startOnce = async (): Promise<RunningProcess> => {
    const running = await options.start((spawned) => {
      current = spawned;
      if (stopping.signal.aborted) spawned.kill();
      else options.onSpawn(spawned);
    });
    current = running;
    return running;
  };

  onKept({
    name,
    async stop(signal, graceMs) {
      stopping.abort();
      await current?.stop(signal, graceMs);
    },
    kill() {
      stopping.abort();
      current?.kill();
    },
  });

  const startUntilReady = async (attemptsMax: number): Promise<RunningProcess> => {
    for (let attempt = 1; ; attempt++) {
      if (stopping.signal.aborted) throw new StackError(`${name} is being stopped.`);
      try {
        return await startOnce();
      } catch (error) {
        if (attempt >= attemptsMax || stopping.signal.aborted) throw error;
        report(`${briefly(error)}; trying again`);
        await sleep(backoff(attempt), stopping.signal);
      }
    }
  };

  const first = await startUntilReady(options.firstAttempts);
  void watch(first);

  async function watch(started: RunningProcess): Promise<void> {
    let running = started;
    for (let deaths = 1; ; deaths++) {
      const since = Date.now();
      const end = await running.exited;
      if (stopping.signal.aborted) return;
      if (Date.now() - since > STEADY_MS) deaths = 1;
      report(
        `${name} ${describeEnd(end)}; starting it again. Its last lines (${running.logFile}):`,
      );
      for (const line of lastLines(running.logFile, 5)) report(`    ${line}`);
      await sleep(backoff(deaths), stopping.signal);
      try {
        running = await startUntilReady(Number.POSITIVE_INFINITY);
      } catch {
        return;
      }
      report(`${name} is running again`);
    }
  }
}

function backoff(attempt: number): number {
  return BACKOFF_MS[Math.min(attempt, BACKOFF_MS.length) - 1] ?? 0;
}

// `API ended with code 1`: the rest is shown when it was the last try.
function briefly(error: unknown): string {
  return messageOf(error).split(/[;\n]/)[0] ?? '';
}

/** Waits for readiness, whichever sign comes first, and fails when the process ends before it. */
export async function untilReady(
  running: RunningProcess,
  ready: Promise<void>,
  timeoutMs: number,
): Promise<void> {
  const overdue = new AbortController();
  try {
    await Promise.race([
      ready,
      running.exited.then((end) => {
        throw new StackError(`${running.name} ${describeEnd(end)}; ${logTail(running)}`);
      }),
      sleep(timeoutMs, overdue.signal).then(() => {
        if (overdue.signal.aborted) return;
        throw new StackError(
          `${running.name} was not ready after ${String(timeoutMs / 1000)} s; ${logTail(running)}`,
        );
      }),
    ]);
  } catch (error) {
    await running.stop('SIGTERM', 2_000);
    throw error;
  } finally {
    overdue.abort();
  }
}

function logTail(running: RunningProcess): string {
  const lines = lastLines(running.logFile, 30).map((line) => `\n    ${line}`);
  return `the end of ${running.logFile}:${lines.join('')}`;
}
