// npm run bench: plays the same rounds on Roundhouse and on its peers, in turn on one machine, and tells
// what each of them costs. What it measures and how is told in bench/README.md.
import { resolve } from 'node:path';
import { childEnvironment } from '../src/config/child-environment';
import type { StackHome } from '../src/stack/home';
import { createRandom } from '../test/chaos/random';
import { countRounds, type Counts } from './counts';
import { createLoadDriver } from './load/play';
import { createPostgresMeter } from './measure/postgres';
import { readOptions, USAGE, type BenchOptions } from './options';
import { jsonLine, tables, type BenchResult } from './report';
import { report, runInHome } from './run-in-home';
import { setStage, type Stage } from './stage';
import { startDbos, startForwarder, startRestate, startTextbook } from './start-peers';
import { startApart, startRoundhouse } from './start-roundhouse';
import type { Subject, SubjectName } from './subject';
import { compareBooks, playTurn, type Seat, type Turn } from './turn';

/** Long enough for compilers and caches to settle, and for the first rounds of a lane. */
const WARM_UP = { shape: 'win', inFlight: 8, seconds: 4 } as const;

const STARTERS: Record<SubjectName, (stage: Stage, profileDir?: string) => Promise<Subject>> = {
  roundhouse: startRoundhouse,
  apart: startApart,
  textbook: startTextbook,
  dbos: startDbos,
  restate: startRestate,
  forwarder: startForwarder,
};

async function run(options: BenchOptions, home: StackHome): Promise<BenchResult> {
  const { seed, duplicates, subjects } = options;
  const stage = await setStage({
    home,
    seed,
    path: childEnvironment({}).PATH ?? '',
    temporal: options.temporal,
    report,
  });
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

runInHome(USAGE, readOptions, async (options, home) => {
  const result = await run(options, home);
  const json = options.json ? `\n${jsonLine(result)}` : '';
  return { text: `${tables(result)}${json}`, faults: result.faults };
});
