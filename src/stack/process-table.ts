import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { sleep } from '../lib/clock';
import { systemErrorCode } from './stack-error';

/** True while a process with this id exists, whoever owns it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // It exists and belongs to somebody else.
    return systemErrorCode(error) === 'EPERM';
  }
  return !isZombie(pid);
}

// A dead child that nobody has waited for still answers to signal 0.
function isZombie(pid: number): boolean {
  return /^\d+ \(.*\) Z/s.test(readProc(pid, 'stat') ?? '');
}

/** The arguments a process runs with, joined by spaces; undefined when there is no such process. */
export function commandLineOf(pid: number): string | undefined {
  if (process.platform === 'linux') {
    const text = readProc(pid, 'cmdline');
    return text === undefined || text === '' ? undefined : text.split('\0').join(' ').trim();
  }
  return ps(pid, 'command');
}

/**
 * When a process was started, in whatever form the system tells it. Together with the id it names one
 * process for good: ids are used again, a start time under the same id is not.
 */
export function startTimeOf(pid: number): string | undefined {
  if (process.platform === 'linux') {
    // Field 22; the name in parentheses may itself hold spaces and parentheses.
    const stat = readProc(pid, 'stat');
    return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  }
  return ps(pid, 'lstart');
}

function readProc(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${String(pid)}/${file}`, 'utf8');
  } catch {
    return undefined;
  }
}

function ps(pid: number, column: string): string | undefined {
  try {
    const text = execFileSync('ps', ['-o', `${column}=`, '-p', String(pid)], { encoding: 'utf8' });
    return text.trim() === '' ? undefined : text.trim();
  } catch {
    return undefined;
  }
}

/** Sends a signal; a process that has ended meanwhile, or was never ours, is no error. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone already.
  }
}

/** Waits until a process that is not our child has ended; false when it outlives `timeoutMs`. */
export async function waitForEnd(pid: number, timeoutMs: number): Promise<boolean> {
  const end = Date.now() + timeoutMs;
  while (isAlive(pid)) {
    if (Date.now() >= end) return false;
    await sleep(50);
  }
  return true;
}

/** Ends a process that is not our child: politely first, with SIGKILL after `graceMs`. */
export async function endProcess(
  pid: number,
  signal: NodeJS.Signals = 'SIGTERM',
  graceMs = 5_000,
): Promise<void> {
  signalProcess(pid, signal);
  if (await waitForEnd(pid, graceMs)) return;
  signalProcess(pid, 'SIGKILL');
  await waitForEnd(pid, 5_000);
}
