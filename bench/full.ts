// npm run bench -- --full: whether it stays fast. An empty system and one with a book of millions of operations
// and thousands of open rounds, side by side; then thousands of rounds closed at once, and thousands of payouts
// owed after an outage of the wallet, each beside live rounds. See bench/README.md.
import { readFileSync, statSync } from 'node:fs';
import { childEnvironment } from '../src/config/child-environment';
import type { AuditReport } from '../src/db/audit';
import { createPool, type Pool } from '../src/db/pool';
import { sleep } from '../src/lib/clock';
import { openHome, type StackHome } from '../src/stack/home';
import { createRandom } from '../test/chaos/random';
import { fillBook, type Filled } from './fill-book';
import { FULL_USAGE, readFullOptions, type FullOptions } from './full-options';
import { fullTables, type FullResult } from './full-report';
import { createLoadDriver, type Played } from './load/play';
import { createPostgresMeter, type PostgresMeter } from './measure/postgres';
import { judgePlans, largeRelations, readPlans, tellPlans } from './measure/plans';
import { residentBytesOf } from './measure/memory';
import { playBurst, playOutage } from './burst';
import { report, runInHome } from './run-in-home';
import { setStage, type Stage } from './stage';
import {
  contradictionsOf,
  makeRoundhouseBook,
  runCommand,
  startRoundhouseOn,
  type RoundhouseBook,
} from './start-roundhouse';
import type { Subject } from './subject';
import { playTurn, type Seat, type Turn } from './turn';

/** Players of the other partner, whose live rounds an outage must not touch. */
const NEIGHBOURS = 4;
const WARM_UP = { shape: 'win', inFlight: 8, seconds: 4 } as const;
/** A sweep is every 10 s, a seal every minute: both are among the statements that are looked at. */
const PLANS_SECONDS = 75;
/** Connections were ended: the server makes its own anew. */
const RECONNECT_MS = 3_000;

/** One system, running. */
export interface System {
  readonly stage: Stage;
  readonly meter: PostgresMeter;
  readonly book: RoundhouseBook;
  readonly pool: Pool;
  readonly seat: Seat;
}

runInHome(FULL_USAGE, readFullOptions, async (options, home) => {
  const other = await openHome(`${home.dir}-full`, report);
  const systems: System[] = [];
  try {
    systems.push(await startSystem(home, options, 0));
    systems.push(await startSystem(other, options, Math.max(options.openRounds, options.owed)));
    const [empty, full] = systems;
    if (!empty || !full) throw new Error('two systems');
    const result = await measure(options, empty, full);
    return { text: fullTables(options, result), faults: result.faults };
  } finally {
    for (const system of systems) await endSystem(system);
    if (!options.keep) await other.wipe();
    await other.release();
  }
});

async function startSystem(home: StackHome, options: FullOptions, many: number): Promise<System> {
  const path = childEnvironment({}).PATH ?? '';
  const stage = await setStage({ home, seed: 1, path, temporal: options.temporal, report });
  const meter = await createPostgresMeter(stage.postgres.url('postgres'));
  // Live rounds have players of their own, before those of the many.
  report(`making ${String(many)} players`);
  const book = await makeRoundhouseBook(stage, { players: 32 + many, neighbours: NEIGHBOURS });
  const subject = await startRoundhouseOn(stage, book, { servers: 1 });
  const driver = createLoadDriver(subject, {
    duplicates: 0.05,
    random: createRandom(1, 'duplicates'),
  });
  const pool = createPool({ databaseUrl: book.databaseUrl, max: 1 });
  const system = { stage, meter, book, pool, seat: { subject, driver } };
  await playTurn(system, system.seat, WARM_UP);
  await playTurn(system, system.seat, { ...WARM_UP, shape: 'lost' });
  return system;
}

async function endSystem({ stage, meter, pool, seat }: System): Promise<void> {
  await seat.driver.close();
  await pool.end();
  await meter.close();
  await stage.end();
}

async function measure(options: FullOptions, empty: System, full: System): Promise<FullResult> {
  const faults: string[] = [];
  const filled = await fill(options, full);
  const memory = await openMany(options, full, faults);
  const turns = await compare(options, empty, full, faults);
  const plans = await lookAtPlans(full);
  faults.push(
    ...plans.flatMap(({ query, faults: each }) => [...each].map((fault) => `${fault}: ${query}`)),
  );
  const many = full.seat.subject.players.slice(32);
  const burst = await playBurst(options, full, many.slice(0, options.openRounds));
  const outage = await playOutage(options, full, many.slice(0, options.owed));
  faults.push(...burst.faults, ...outage.faults);
  const auditSeconds = options.audit ? auditAll(full, faults) : null;
  return { filled, memory, turns, plans, burst, outage, auditSeconds, faults };
}

/** Reads all of the book: an hour or more for some millions of operations. */
function auditAll({ book }: System, faults: string[]): number {
  report('auditing the whole book');
  const beganAt = performance.now();
  faults.push(...contradictionsOf(JSON.parse(runCommand(book, 'audit')) as AuditReport));
  return (performance.now() - beganAt) / 1_000;
}

async function fill(options: FullOptions, { book }: System): Promise<Filled & { seconds: number }> {
  report(`filling a book with ${String(options.operations)} operations`);
  const beganAt = performance.now();
  const filled = await fillBook(book.databaseUrl, {
    operations: options.operations,
    days: options.days,
    wholeServer: true,
    report,
  });
  return { ...filled, seconds: (performance.now() - beganAt) / 1_000 };
}

/** Opens the many rounds; answers what each process grew by. */
async function openMany(
  { openRounds, lanes }: FullOptions,
  { stage, seat }: System,
  faults: string[],
): Promise<FullResult['memory']> {
  const processes = {
    ...seat.subject.processes,
    temporal: stage.temporal,
    ...(stage.temporalPostgres ? { "temporal's postgres": stage.temporalPostgres } : {}),
  };
  const resident = () =>
    Object.fromEntries(
      Object.entries(processes).map(([name, { pid }]) => [name, residentBytesOf(pid ?? 0)]),
    );
  const before = resident();
  report(`opening ${String(openRounds)} rounds`);
  const beganAt = performance.now();
  const players = seat.subject.players.slice(32, 32 + openRounds);
  const played: Played = await seat.driver.each('stake', { players, lanes });
  const seconds = (performance.now() - beganAt) / 1_000;
  faults.push(...played.faults);
  await sleep(5_000);
  const after = resident();
  return {
    rounds: played.rounds.length,
    seconds,
    grownBytes: Object.fromEntries(
      Object.entries(after).map(([name, bytes]) => [name, bytes - (before[name] ?? 0)]),
    ),
  };
}

async function compare(
  { inFlight, seconds, repetitions }: FullOptions,
  empty: System,
  full: System,
  faults: string[],
): Promise<{ empty: Turn[]; full: Turn[] }> {
  const turns = { empty: [] as Turn[], full: [] as Turn[] };
  const cell = { shape: 'win', inFlight, seconds } as const;
  for (const system of [empty, full])
    await playTurn(system, system.seat, { ...WARM_UP, seconds: 2 });
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const order =
      repetition % 2 === 0 ? (['empty', 'full'] as const) : (['full', 'empty'] as const);
    for (const name of order) {
      const system = name === 'empty' ? empty : full;
      const turn = await playTurn(system, system.seat, cell);
      turns[name].push(turn);
      faults.push(...turn.faults.map((fault) => `${name}: ${fault}`));
      report(
        `${String(repetition + 1)}. ${name}: ${(turn.rounds / turn.seconds).toFixed(1)} rounds/s`,
      );
    }
  }
  return turns;
}

/** Every statement of live rounds, sweep, seals and lists, as PostgreSQL carries them out on the full book. */
async function lookAtPlans(system: System): Promise<FullResult['plans']> {
  const { stage, pool, seat, book } = system;
  const { logFile } = stage.postgres;
  report('looking at the plans of every statement');
  await tellPlans(pool, 'log');
  await sleep(RECONNECT_MS);
  const from = statSync(logFile).size;
  await playAll(system, seat.subject);
  for (const command of [
    ['cases', 'list'],
    ['partner', 'list'],
    ['audit-log', 'show'],
  ]) {
    runCommand(book, ...command);
  }
  await sleep(PLANS_SECONDS * 1_000);
  await tellPlans(pool, 'off');
  await sleep(RECONNECT_MS);
  const text = readFileSync(logFile).subarray(from).toString('utf8');
  return judgePlans(readPlans(text), await largeRelations(pool));
}

async function playAll(system: System, subject: Subject): Promise<void> {
  for (const shape of ['win', 'lost'] as const) {
    await playTurn(system, { ...system.seat, subject }, { shape, inFlight: 4, seconds: 4 });
  }
}
