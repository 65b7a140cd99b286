import { mkdir, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openHome, type StackHome } from '../src/stack/home';

const RUNS = join(tmpdir(), 'roundhouse-bench');

/** What a run of the bench has to say, and what was wrong. */
export interface RunReport {
  readonly text: string;
  readonly faults: readonly string[];
}

/** Wrong arguments: the message, then how it is used. */
export class UsageError extends Error {}

export const report = (line: string) => {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`);
};

/**
 * Runs one program of the bench in a folder of its own, prints what it found and ends the process: with 0
 * when nothing was wrong, 1 when something was, 2 on wrong arguments. The folder is removed unless there
 * were faults or `keep` asks for its logs.
 */
export function runInHome<Options extends { readonly keep: boolean }>(
  usage: string,
  readOptions: (args: readonly string[]) => Options,
  work: (options: Options, home: StackHome) => Promise<RunReport>,
): void {
  run(readOptions, work).then(
    // What is left open (a socket of the native SDK) must not keep a finished run alive.
    (code) => process.exit(code),
    (error: unknown) => {
      const isUsage = error instanceof UsageError;
      const text = error instanceof Error ? (isUsage ? error.message : error.stack) : String(error);
      process.stderr.write(`bench: ${text ?? ''}\n${isUsage ? `${usage}\n` : ''}`);
      process.exit(isUsage ? 2 : 1);
    },
  );
}

async function run<Options extends { readonly keep: boolean }>(
  readOptions: (args: readonly string[]) => Options,
  work: (options: Options, home: StackHome) => Promise<RunReport>,
): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  await mkdir(RUNS, { recursive: true });
  await endKilledRuns();
  const home = await openHome(join(RUNS, `run-${String(process.pid)}`), report);
  let result: RunReport | undefined;
  try {
    result = await work(options, home);
  } finally {
    if (options.keep || result === undefined || result.faults.length > 0) {
      await home.release();
      report(`logs are kept in ${home.dir}`);
    } else {
      await home.wipe();
      await rm(home.dir, { recursive: true, force: true });
    }
  }
  process.stdout.write(`${result.text}\n`);
  return result.faults.length === 0 ? 0 : 1;
}

/** A run that was killed left its processes; opening its folder ends them. */
async function endKilledRuns(): Promise<void> {
  for (const name of await readdir(RUNS)) {
    const dir = join(RUNS, name);
    try {
      const home = await openHome(dir, report);
      await home.release();
    } catch {
      // A run that is going on beside this one holds its folder.
    }
  }
}
