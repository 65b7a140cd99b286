// npm run chaos: plays rounds on a Roundhouse of its own while everything around it fails, and checks at
// the end that not a cent was lost and none was moved twice. What happens follows from the seed.
import { spawnSync } from 'node:child_process';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { openHome, type StackHome } from '../../src/stack/home';
import { readOptions, replayCommand, UsageError, USAGE, type ChaosOptions } from './options';
import { failuresOf, jsonLine, markdown } from './report';
import { runChaos } from './run';

const ROOT = join(__dirname, '..', '..');
const RUNS = join(tmpdir(), 'roundhouse-chaos');
const KEPT = 'kept';

const report = (line: string) => {
  process.stderr.write(`${new Date().toISOString().slice(11, 23)} ${line}\n`);
};

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  process.stderr.write(`seed ${String(options.seed)}: ${replayCommand(options)}\n`);
  await mkdir(RUNS, { recursive: true });
  await endKilledRuns();
  const home = await openHome(join(RUNS, `run-${String(process.pid)}`), report);
  const stopped = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => stopped.abort());
  }
  let ok = false;
  try {
    ok = await tell(options, home, stopped.signal);
  } finally {
    if (ok && !options.keep) {
      await home.wipe();
      await rm(home.dir, { recursive: true, force: true });
    } else {
      await writeFile(home.path(KEPT), '');
      await home.release();
      process.stderr.write(
        `seed ${String(options.seed)}; logs and books are kept in ${home.dir}\n`,
      );
      if (!ok) process.stderr.write(`the same again: ${replayCommand(options)}\n`);
    }
  }
  return ok ? 0 : 1;
}

async function tell(
  options: ChaosOptions,
  home: StackHome,
  stopped: AbortSignal,
): Promise<boolean> {
  const result = await runChaos(options, home, report, process.env.PATH ?? '', stopped);
  const text = markdown(result, commit());
  await writeFile(home.path('report.md'), text);
  await writeFile(home.path('faults.json'), JSON.stringify(result.faults, null, 2));
  if (options.report !== undefined) {
    await mkdir(dirname(options.report), { recursive: true });
    await writeFile(options.report, text);
  }
  process.stdout.write(`\n${text}\n`);
  if (options.json) process.stdout.write(`${jsonLine(result)}\n`);
  return failuresOf(result).length === 0;
}

/** The commit that runs, for the report; a source tree without git has none. */
function commit(): string | undefined {
  const { status, stdout } = spawnSync('git', ['describe', '--always', '--dirty'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  return status === 0 ? stdout.trim() : undefined;
}

/** A run that was killed left its processes; opening its folder ends them. Kept folders stay. */
async function endKilledRuns(): Promise<void> {
  for (const name of await readdir(RUNS)) {
    const dir = join(RUNS, name);
    try {
      const home = await openHome(dir, report);
      await home.release();
      if (!(await readdir(dir)).includes(KEPT)) await rm(dir, { recursive: true, force: true });
    } catch {
      // A run that is going on beside this one holds its folder.
    }
  }
}

main().then(
  // What is left open (a socket of the native SDK) must not keep a finished run alive.
  (code) => process.exit(code),
  (error: unknown) => {
    const isUsage = error instanceof UsageError;
    const text = error instanceof Error ? (isUsage ? error.message : error.stack) : String(error);
    process.stderr.write(`chaos: ${text ?? ''}\n${isUsage ? `${USAGE}\n` : ''}`);
    process.exit(isUsage ? 2 : 1);
  },
);
