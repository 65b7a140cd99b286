import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import {
  access,
  chmod,
  constants,
  mkdir,
  open,
  readFile,
  readdir,
  rm,
  stat,
} from 'node:fs/promises';
import { join } from 'node:path';
import { canReach, postgresUser, sharedRoot } from './postgres-binaries';
import { commandLineOf, endProcess, isAlive, startTimeOf } from './process-table';
import type { RunningProcess } from './running-process';
import { StackError, messageOf, systemErrorCode } from './stack-error';

/** Its presence says that a folder is ours, so that `--fresh` can never empty anything else. */
const MARKER = '.roundhouse-home';
const LOCK = 'supervisor.json';
const PROCESSES = 'pids.json';
/** Names the database's folder when it could not lie in the state folder itself. */
const POSTGRES_PLACE = 'postgres-place';

interface ProcessRecord {
  readonly name: string;
  readonly pid: number;
  /** With the id, names one process for good; null where the system does not tell. */
  readonly startTime: string | null;
}

/** The state folder of one stack, held by one supervisor at a time. */
export interface StackHome {
  readonly dir: string;
  path(name: string): string;
  logFile(name: string): string;
  /** Where PostgreSQL keeps its data: below the state folder unless its account cannot go there. */
  postgresDir(report: (line: string) => void): Promise<string>;
  /** Remembers a process, so that the next start finds it should we be killed. */
  remember(process: RunningProcess): void;
  /** Writes a file only its owner can read, whole or not at all. */
  writeSecret(name: string, content: unknown): void;
  /** Removes everything but the folder itself, and the files named. */
  wipe(except?: readonly string[]): Promise<void>;
  /** Gives the folder back: the next supervisor may take it. */
  release(): Promise<void>;
}

/**
 * Takes the state folder for this process: makes it when needed, refuses one that another running stack
 * holds, and ends what a killed run left behind.
 *
 * @throws StackError when it cannot be written, is in use, or holds somebody else's files
 */
export async function openHome(dir: string, report: (line: string) => void): Promise<StackHome> {
  await prepareFolder(dir);
  await lock(dir);
  await endLeftovers(dir, report);
  const processes = new Map<string, ProcessRecord>();
  const path = (name: string) => join(dir, name);
  return {
    dir,
    path,
    logFile: (name) => join(dir, 'logs', `${name}.log`),
    postgresDir: (tell) => postgresDir(dir, tell),
    remember(running) {
      if (running.pid === undefined) return;
      processes.set(running.name, recordOf(running.name, running.pid));
      writeWhole(path(PROCESSES), [...processes.values()]);
    },
    writeSecret: (name, content) => writeWhole(path(name), content),
    wipe: (except = []) => wipe(dir, except),
    async release() {
      await rm(path(PROCESSES), { force: true });
      await rm(path('stack.json'), { force: true });
      await rm(path(LOCK), { force: true });
    },
  };
}

async function prepareFolder(dir: string): Promise<void> {
  try {
    await mkdir(dir, { recursive: true });
    await access(dir, constants.R_OK | constants.W_OK | constants.X_OK);
    const names = await readdir(dir);
    if (names.length === 0) writeFileSync(join(dir, MARKER), 'The state of a Roundhouse stack.\n');
    else if (!names.includes(MARKER)) {
      throw new StackError(
        `${dir} holds other files and is not a Roundhouse state folder; ` +
          'set ROUNDHOUSE_HOME to an empty folder or one that does not exist yet.',
      );
    }
    // As root, the database runs under another account, which must get through to its own folder.
    const { mode } = await stat(dir);
    if (process.getuid?.() === 0 && (mode & 0o011) !== 0o011) await chmod(dir, mode | 0o011);
  } catch (error) {
    if (error instanceof StackError) throw error;
    throw new StackError(
      `The state folder ${dir} cannot be used (${systemErrorCode(error) ?? messageOf(error)}); ` +
        'make it writable for you, or set ROUNDHOUSE_HOME to another folder.',
    );
  }
}

async function lock(dir: string): Promise<void> {
  const path = join(dir, LOCK);
  for (;;) {
    try {
      const file = await open(path, 'wx', 0o600);
      await file.writeFile(JSON.stringify(recordOf('supervisor', process.pid)));
      await file.close();
      return;
    } catch (error) {
      if (systemErrorCode(error) !== 'EEXIST') throw error;
    }
    const holder = parseRecords(`[${await readFile(path, 'utf8').catch(() => '')}]`)[0];
    if (holder !== undefined && holder.pid !== process.pid && isSameProcess(holder)) {
      throw new StackError(
        `Roundhouse is already running on ${dir} (process ${String(holder.pid)}); ` +
          'use that one, stop it with Ctrl-C, or set ROUNDHOUSE_HOME and the ports for a second one.',
      );
    }
    await rm(path, { force: true });
  }
}

// In the order of a shutdown: callers first, the database last.
async function endLeftovers(dir: string, report: (line: string) => void): Promise<void> {
  const path = join(dir, PROCESSES);
  const records = parseRecords(await readFile(path, 'utf8').catch(() => '[]'));
  const left = records.filter(isSameProcess);
  const rank = (name: string) => (name === 'PostgreSQL' ? 2 : name === 'Temporal' ? 1 : 0);
  for (const step of [0, 1, 2]) {
    await Promise.all(
      left
        .filter((record) => rank(record.name) === step)
        .map(async (record) => {
          report(
            `ending ${record.name} (process ${String(record.pid)}), left by a run that was killed`,
          );
          await endProcess(
            record.pid,
            step === 2 ? 'SIGINT' : 'SIGTERM',
            step === 2 ? 10_000 : 4_000,
          );
        }),
    );
  }
  await rm(path, { force: true });
}

function recordOf(name: string, pid: number): ProcessRecord {
  return { name, pid, startTime: startTimeOf(pid) ?? null };
}

function isSameProcess(record: ProcessRecord): boolean {
  if (!isAlive(record.pid) || commandLineOf(record.pid) === undefined) return false;
  return record.startTime !== null && startTimeOf(record.pid) === record.startTime;
}

function parseRecords(text: string): ProcessRecord[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value.filter(isRecord) : [];
  } catch {
    return [];
  }
}

function isRecord(value: unknown): value is ProcessRecord {
  if (typeof value !== 'object' || value === null) return false;
  if (!('name' in value && 'pid' in value && 'startTime' in value)) return false;
  return typeof value.name === 'string' && typeof value.pid === 'number' && value.pid > 1;
}

async function postgresDir(dir: string, report: (line: string) => void): Promise<string> {
  const own = join(dir, 'postgres');
  const place = join(dir, POSTGRES_PLACE);
  if (existsSync(place)) return readFileSync(place, 'utf8').trim();
  if (existsSync(own) || (await canReach(own, await postgresUser()))) return own;
  const name = `state-${createHash('sha256').update(dir).digest('hex').slice(0, 12)}`;
  const elsewhere = join(await sharedRoot(), name, 'postgres');
  writeFileSync(place, `${elsewhere}\n`);
  report(
    `PostgreSQL does not run as root, and ${dir} is closed to other users: ` +
      `its data is kept in ${elsewhere}`,
  );
  return elsewhere;
}

async function wipe(dir: string, except: readonly string[]): Promise<void> {
  if (!existsSync(join(dir, MARKER))) {
    throw new StackError(`${dir} is not a Roundhouse state folder; nothing was removed.`);
  }
  const place = join(dir, POSTGRES_PLACE);
  if (existsSync(place)) {
    const elsewhere = readFileSync(place, 'utf8').trim();
    // Only a folder that postgresDir above could have named.
    if (/\/roundhouse\/state-[0-9a-f]{12}\/postgres$/.test(elsewhere)) {
      await rm(join(elsewhere, '..'), { recursive: true, force: true });
    }
  }
  for (const name of await readdir(dir)) {
    if (name !== MARKER && name !== LOCK && !except.includes(name)) {
      await rm(join(dir, name), { recursive: true, force: true });
    }
  }
}

function writeWhole(path: string, content: unknown): void {
  const unfinished = `${path}.unfinished`;
  writeFileSync(unfinished, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  renameSync(unfinished, path);
}
