// npm run bench: plays the same rounds on Roundhouse and on its peers, in turn on one machine, and tells
// what each of them costs. What it measures and how is told in bench/README.md.
import { mkdir, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { childEnvironment } from '../src/config/child-environment';
import { openHome, type StackHome } from '../src/stack/home';
import { createRandom } from '../test/chaos/random';
import { countRounds, type Counts } from './counts';
import { createLoadDriver } from './load/play';
import { createPostgresMeter } from './measure/postgres';
import { readOptions, USAGE, UsageError, type BenchOptions } from './options';
import { jsonLine, tables, type BenchResult } from './report';
import { setStage, type Stage } from './stage';
import { startDbos, startForwarder, startRestate, startTextbook } from './start-peers';
import { startRoundhouse } from './start-roundhouse';
import type { Subject, SubjectName } from './subject';
import { compareBooks, playTurn, type Seat, type Turn } from './turn';

const RUNS = join(tmpdir(), 'roundhouse-bench');
/** Long enough for compilers and caches to settle, and for the first rounds of a lane. */
const WARM_UP = { shape: 'win', inFlight: 8, seconds: 4 } as const;

const report = (line: string) => {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`);
};

const STARTERS: Record<SubjectName, (stage: Stage, profileDir?: string) => Promise<Subject>> = {
  roundhouse: startRoundhouse,
  textbook: startTextbook,
  dbos: startDbos,
  restate: startRestate,
  forwarder: startForwarder,
};

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  await mkdir(RUNS, { recursive: true });
  await endKilledRuns();
  const home = await openHome(join(RUNS, `run-${String(process.pid)}`), report);
  let result: BenchResult | undefined;
  try {
    result = await run(options, home);
  } finally {
    if (options.keep || result === undefined || result.faults.length > 0) {
      await home.release();
      report(`logs are kept in ${home.dir}`);
    } else {
      await home.wipe();
      await rm(home.dir, { recursive: true, force: true });
    }
  }
  process.stdout.write(`${tables(result)}\n`);
  if (options.json) process.stdout.write(`${jsonLine(result)}\n`);
  return result.faults.length === 0 ? 0 : 1;
}

async function run(options: BenchOptions, home: StackHome): Promise<BenchResult> {
  const { seed, duplicates, subjects } = options;
  const stage = await setStage({ home, seed, path: childEnvironment({}).PATH ?? '', report });
  const meter = await createPostgresMeter(stage.postgres.url('postgres'));
  const tools = { stage, meter };
  const seats: Seat[] = [];
  const faults: string[] = [];
  const turns: Turn[] = [];
  const counts = new Map<SubjectName, Counts>();
  try {
    for (const name of subjects) {
      report(`starting ${name}`);
      const profileDir = options.profileDir === undefined ? undefined : resolve(options.profileDir);
      const subject = await STARTERS[name](stage, profileDir);
      const random = createRandom(seed, `duplicates of ${name}`);
      seats.push({ subject, driver: createLoadDriver(subject, { duplicates, random }) });
    }
    for (const seat of seats) {
      const { faults: first } = await playTurn(tools, seat, WARM_UP);
      faults.push(...first.map((fault) => `${seat.subject.name}: ${fault}`));
    }
    for (const seat of seats) {
      report(`counting ${String(options.countRounds)} rounds of ${seat.subject.name}`);
      counts.set(seat.subject.name, await countRounds(tools, seat, options.countRounds));
    }
    for (let repetition = 0; repetition < options.repetitions; repetition++) {
      for (const cell of cellsOf(options)) {
        for (const seat of rotated(seats, repetition)) {
          const turn = await playTurn(tools, seat, { ...cell, seconds: options.seconds });
          turns.push(turn);
          faults.push(...turn.faults.map((fault) => `${turn.subject}: ${fault}`));
          report(describe(repetition, turn));
        }
      }
    }
    for (const seat of seats) {
      const differences = await compareBooks(seat);
      faults.push(...differences.map((difference) => `${seat.subject.name}: ${difference}`));
    }
    return { options, turns, counts, faults };
  } finally {
    for (const { driver } of seats) await driver.close();
    await meter.close();
    await stage.end();
  }
}

function cellsOf({ shapes, inFlight }: BenchOptions) {
  return shapes.flatMap((shape) => inFlight.map((each) => ({ shape, inFlight: each })));
}

/** Every subject goes first, last and in between equally often. */
function rotated<Item>(items: readonly Item[], by: number): Item[] {
  const first = by % items.length;
  return [...items.slice(first), ...items.slice(0, first)];
}

function describe(repetition: number, turn: Turn): string {
  const { subject, shape, inFlight, rounds, seconds } = turn;
  const rate = (rounds / seconds).toFixed(1);
  return `${String(repetition + 1)}. ${shape}, ${String(inFlight)} in flight: ${subject} ${rate} rounds/s`;
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

main().then(
  // What is left open (a socket of the native SDK) must not keep a finished run alive.
  (code) => process.exit(code),
  (error: unknown) => {
    const isUsage = error instanceof UsageError;
    const text = error instanceof Error ? (isUsage ? error.message : error.stack) : String(error);
    process.stderr.write(`bench: ${text ?? ''}\n${isUsage ? `${USAGE}\n` : ''}`);
    process.exit(isUsage ? 2 : 1);
  },
);
