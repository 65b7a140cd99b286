// npm run bench -- --scale: the same load on one, two and four workers and one and two API processes against
// one server, with what was at its limit. See bench/README.md.
import { cpus } from 'node:os';
import { childEnvironment } from '../src/config/child-environment';
import type { StackHome } from '../src/stack/home';
import { createRandom } from '../test/chaos/random';
import { createLoadDriver } from './load/play';
import { machineSeconds, threadSecondsOf } from './measure/cpu';
import { createPostgresMeter } from './measure/postgres';
import { readServiceRequests } from './measure/temporal';
import { watchWaits, type Waits } from './measure/waits';
import { report, runInHome, type RunReport } from './run-in-home';
import { readScaleOptions, SCALE_USAGE, type ScaleOptions } from './scale-options';
import { scaleTables } from './scale-report';
import { setStage, type Stage, type TemporalChoice } from './stage';
import {
  makeRoundhouseBook,
  nameOfLayout,
  startRoundhouseOn,
  type Layout,
} from './start-roundhouse';
import type { Subject } from './subject';
import { compareBooks, playTurn, type Turn } from './turn';

/** Of a new set of processes: compilers, caches and pools settle. */
const WARM_UP_SECONDS = 4;

/** One turn of one layout, with what limited it. */
export interface ScaleTurn {
  readonly temporal: TemporalChoice['kind'];
  readonly layout: Layout;
  readonly turn: Turn;
  /** Of all cores, 0 to 1: at work for anybody, and for the bench and what it measures. */
  readonly machineBusy: number;
  readonly machineOurs: number;
  /** The thread that worked most, by its process, in cores: one that is near 1 can do no more. */
  readonly busiestThread: { readonly process: string; readonly cores: number };
  readonly waits: Readonly<Record<string, Waits>>;
  /** Requests that each service of Temporal took: its limits are per service and host. */
  readonly serviceRequests: Readonly<Record<string, number>>;
  /** Transactions that wrote and bytes of WAL of Temporal's own PostgreSQL, where it has one. */
  readonly temporalWrites: { readonly writes: number; readonly walBytes: number } | undefined;
}

runInHome(SCALE_USAGE, readScaleOptions, async (options, home): Promise<RunReport> => {
  const turns: ScaleTurn[] = [];
  const faults: string[] = [];
  for (const temporal of options.temporal) {
    const found = await scaleOn(options, temporal, home);
    turns.push(...found.turns);
    faults.push(...found.faults.map((fault) => `${temporal.kind}: ${fault}`));
    // The next server begins with empty books.
    if (temporal !== options.temporal.at(-1)) await home.wipe(['logs']);
  }
  return { text: scaleTables(options, turns, faults), faults };
});

async function scaleOn(
  options: ScaleOptions,
  temporal: TemporalChoice,
  home: StackHome,
): Promise<{ turns: ScaleTurn[]; faults: string[] }> {
  const path = childEnvironment({}).PATH ?? '';
  const stage = await setStage({ home, seed: 1, path, temporal, report });
  const meter = await createPostgresMeter(stage.postgres.url('postgres'));
  const turns: ScaleTurn[] = [];
  const faults: string[] = [];
  try {
    const book = await makeRoundhouseBook(stage);
    // One provider for all layouts, whose books must agree at the end; it calls whoever is up.
    const up: { subject?: Subject } = {};
    const subjectOf = (): Subject => {
      if (!up.subject) throw new Error('nobody is up');
      return up.subject;
    };
    let driver: ReturnType<typeof createLoadDriver> | undefined;
    for (let repetition = 0; repetition < options.repetitions; repetition++) {
      for (const layout of rotated(options.layouts, repetition)) {
        up.subject = await startRoundhouseOn(stage, book, layout);
        driver ??= createLoadDriver(
          {
            ...up.subject,
            get callbackUrls() {
              return subjectOf().callbackUrls;
            },
          },
          { duplicates: 0.05, random: createRandom(1, 'duplicates') },
        );
        const seat = { subject: up.subject, driver };
        const play = (seconds: number) =>
          playTurn({ stage, meter }, seat, { shape: 'win', inFlight: options.inFlight, seconds });
        faults.push(...(await play(WARM_UP_SECONDS)).faults);
        const watched = await watch(stage, up.subject, () => play(options.seconds));
        turns.push({ temporal: temporal.kind, layout, ...watched });
        faults.push(...watched.turn.faults);
        report(
          `${temporal.kind}, processes ${nameOfLayout(layout)}: ` +
            `${(watched.turn.rounds / watched.turn.seconds).toFixed(1)} rounds/s`,
        );
        if (repetition === options.repetitions - 1 && turns.length % options.layouts.length === 0)
          faults.push(...(await compareBooks(seat)));
        await Promise.all(
          Object.values(up.subject.processes).map((one) => one.stop('SIGTERM', 20_000)),
        );
      }
    }
    await driver?.close();
    return { turns, faults };
  } finally {
    await meter.close();
    await stage.end();
  }
}

async function watch(
  stage: Stage,
  subject: Subject,
  play: () => Promise<Turn>,
): Promise<Omit<ScaleTurn, 'temporal' | 'layout'>> {
  const { postgres, temporal, temporalPostgres, wallet } = stage;
  const watchers = {
    postgres: await watchWaits(postgres.url('postgres')),
    ...(temporalPostgres
      ? { "temporal's postgres": await watchWaits(temporalPostgres.url('postgres')) }
      : {}),
  };
  const processes = { ...subject.processes, postgres, temporal, wallet };
  const threads = () =>
    Object.entries(processes).flatMap(([process, { pid }]) =>
      [...threadSecondsOf(pid ?? 0)].map(([thread, seconds]) => ({ process, thread, seconds })),
    );
  const before = new Map(threads().map(({ thread, seconds }) => [thread, seconds]));
  const machineBefore = machineSeconds();
  const meter = temporalPostgres && (await createPostgresMeter(temporalPostgres.url('postgres')));
  const writtenBefore = await meter?.read(null);
  const requestsBefore = await readServiceRequests(temporal.metricsUrl);
  const beganAt = performance.now();
  const turn = await play();
  const wallSeconds = (performance.now() - beganAt) / 1_000;
  const machine = machineSeconds();
  const busiest = threads()
    .map(({ process, thread, seconds }) => ({
      process,
      cores: (seconds - (before.get(thread) ?? 0)) / wallSeconds,
    }))
    .reduce((most, each) => (each.cores > most.cores ? each : most), { process: '', cores: 0 });
  const written = await meter?.read(null);
  const requests = await readServiceRequests(temporal.metricsUrl);
  await meter?.close();
  const waits: Record<string, Waits> = {};
  for (const [name, watcher] of Object.entries(watchers)) waits[name] = await watcher.end();
  const ours = Object.values(turn.cpu).reduce((sum, seconds) => sum + seconds, 0);
  return {
    turn,
    machineBusy: (machine.busy - machineBefore.busy) / (machine.all - machineBefore.all),
    machineOurs: ours / wallSeconds / cpus().length,
    busiestThread: busiest,
    waits,
    serviceRequests: Object.fromEntries(
      [...requests].map(([name, count]) => [name, count - (requestsBefore.get(name) ?? 0)]),
    ),
    temporalWrites:
      written && writtenBefore
        ? {
            writes: Number(written.writes - writtenBefore.writes),
            walBytes: Number(written.walBytes - writtenBefore.walBytes),
          }
        : undefined,
  };
}

function rotated<Item>(items: readonly Item[], by: number): Item[] {
  const first = by % items.length;
  return [...items.slice(first), ...items.slice(0, first)];
}
