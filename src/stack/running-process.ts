import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { sleep } from '../lib/clock';
import { signalProcess } from './process-table';

export interface ProcessSpec {
  /** As the user reads it: `PostgreSQL`, `API`. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment of the process; ours when not given. */
  readonly env?: NodeJS.ProcessEnv;
  readonly uid?: number;
  readonly gid?: number;
  readonly cwd?: string;
  /** Standard output and standard error are appended here. */
  readonly logFile: string;
  /** Opens Node's IPC channel, which closes when we die. */
  readonly ipc?: boolean;
}

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Set when the process could not be started at all. */
  readonly error?: Error;
}

/** A process we started and answer for. */
export interface RunningProcess {
  readonly name: string;
  readonly pid: number | undefined;
  readonly logFile: string;
  /** Settles when the process has ended; never rejects. */
  readonly exited: Promise<ProcessEnd>;
  /** Settles when the process has sent `{ready: true}` over IPC; stays open for ever otherwise. */
  readonly saidReady: Promise<void>;
  /** Ends it: politely first, with SIGKILL after `graceMs`. */
  stop(signal?: NodeJS.Signals, graceMs?: number): Promise<ProcessEnd>;
  /** SIGKILL, without waiting. */
  kill(): void;
}

/** A log beyond this is set aside as `.1` at the next start, so that a folder kept for months stays small. */
const LOG_BYTES_MAX = 20_000_000;

/**
 * Starts a process in a process group of its own, so that a Ctrl-C typed in the terminal reaches only
 * us and the order of the shutdown is ours. Its output goes straight into the log file: no pipe of
 * ours can fill up or break when we are killed.
 */
export function startProcess(spec: ProcessSpec): RunningProcess {
  const log = openLog(spec.logFile);
  const child = spawn(spec.command, spec.args, {
    detached: true,
    stdio: spec.ipc === true ? ['ignore', log, log, 'ipc'] : ['ignore', log, log],
    ...(spec.env === undefined ? {} : { env: spec.env }),
    ...(spec.uid === undefined ? {} : { uid: spec.uid }),
    ...(spec.gid === undefined ? {} : { gid: spec.gid }),
    ...(spec.cwd === undefined ? {} : { cwd: spec.cwd }),
  });
  closeSync(log);
  const exited = new Promise<ProcessEnd>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', (error) => {
      if (child.pid === undefined) resolve({ code: null, signal: null, error });
    });
  });
  const saidReady = new Promise<void>((resolve) => {
    child.on('message', (message) => {
      if (isReadyMessage(message)) resolve();
    });
  });
  const kill = () => {
    if (child.pid !== undefined && child.exitCode === null) signalProcess(child.pid, 'SIGKILL');
  };
  return {
    name: spec.name,
    pid: child.pid,
    logFile: spec.logFile,
    exited,
    saidReady,
    kill,
    async stop(signal = 'SIGTERM', graceMs = 10_000) {
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
        signalProcess(child.pid, signal);
      }
      const overdue = new AbortController();
      void sleep(graceMs, overdue.signal).then(() => {
        if (!overdue.signal.aborted) kill();
      });
      const end = await exited;
      overdue.abort();
      return end;
    },
  };
}

function isReadyMessage(message: unknown): boolean {
  return (
    typeof message === 'object' && message !== null && 'ready' in message && message.ready === true
  );
}

function openLog(path: string): number {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  try {
    if (statSync(path).size > LOG_BYTES_MAX) renameSync(path, `${path}.1`);
  } catch {
    // No log yet.
  }
  return openSync(path, 'a', 0o600);
}

/** The end of a log, for a message about why its process died. */
export function lastLines(path: string, count: number): string[] {
  try {
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    return lines.slice(-count).filter((line) => line !== '');
  } catch {
    return [];
  }
}

/** `ended with code 1`, `was ended by SIGKILL`, `could not be started: ...`. */
export function describeEnd(end: ProcessEnd): string {
  if (end.error !== undefined) return `could not be started: ${end.error.message}`;
  if (end.signal !== null) return `was ended by ${end.signal}`;
  return `ended with code ${String(end.code)}`;
}
