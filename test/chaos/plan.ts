import { createRandom, type Random } from './random';
import { failpointsOf, type FaultKind, type Scenario } from './scenarios';

/** A fault to come: what, when, for how long, and a stream of its own for everything else about it. */
export interface PlannedFault {
  readonly kind: FaultKind;
  /** From the start of the run. */
  readonly atMs: number;
  readonly durationMs: number;
  readonly random: Random;
}

export interface PlannedFailpoint {
  /** `<point>.<kind>`. */
  readonly name: string;
  readonly atMs: number;
}

export interface ChaosPlan {
  readonly faults: readonly PlannedFault[];
  readonly failpoints: readonly PlannedFailpoint[];
  /** After the run's own time, while failpoints are missing: what leads to the rare calls. */
  readonly extras: readonly PlannedFault[];
}

/** How long a fault lasts, in ms; of a kill, how long the process is down. */
const DURATIONS: Readonly<Partial<Record<FaultKind, readonly [number, number]>>> = {
  kill_api: [100, 1_500],
  kill_worker: [100, 2_500],
  kill_both_workers: [500, 4_000],
  kill_wallet: [100, 2_000],
  // Beyond every limit: the answer deadline, the attempt, the activity (attempt + 5 s), the sticky queue.
  pause_api: [3_000, 7_000],
  pause_worker: [6_500, 9_000],
  restart_postgres: [100, 1_500],
  restart_temporal: [100, 3_000],
  shift_clock: [6_000, 12_000],
  wallet_hangs: [2_000, 5_000],
  wallet_errs: [2_000, 5_000],
  wallet_loses_answers: [3_000, 8_000],
  wallet_garbles: [3_000, 6_000],
  wallet_refuses: [2_000, 5_000],
  // Beyond answer deadline and revive window together, so that stakes fail while they are unknown.
  wallet_dies_on_one_partner: [5_000, 10_000],
  wallet_loses_most_of_one_partner: [5_000, 10_000],
};
const LINK_MS = [1_000, 4_000] as const;

/** Faults begin after the first rounds run, and end before the last ones do. */
const BEGIN = 0.03;
const END = 0.95;
/** Failpoints are armed early enough that rare kinds of calls still come by. */
const FAILPOINTS_END = 0.6;
/** Each costs a process some seconds: armed faster than this, nothing would be alive to be killed. */
const FAILPOINT_EVERY_MS_MIN = 5_000;

/** Some calls are rare: given back, carried, drained. One wallet that dies again and again leads to them. */
const EXTRA_KINDS = ['wallet_dies_on_one_partner', 'wallet_loses_most_of_one_partner'] as const;
const EXTRA_EVERY_MS = 13_000;
const EXTRAS_MAX = 100;

/**
 * Everything the nemesis will do, from the seed alone: the same at every replay, whatever the machine's
 * pace.
 *
 * @param kills of API and worker processes, in place of the scenario's rates
 * @param apart API and worker are two processes
 */
export function planOf(
  seed: number,
  scenario: Scenario,
  runMs: number,
  kills: number | undefined,
  apart: boolean,
): ChaosPlan {
  const random = createRandom(seed, 'plan');
  const counts = countsOf(scenario, runMs, kills, random);
  const faults: PlannedFault[] = [];
  for (const [kind, count] of counts) {
    for (let index = 0; index < count; index++) {
      // Spread evenly, with a jitter of the whole share: never all at once, never at a beat.
      const share = (index + random.next()) / count;
      const atMs = Math.round(runMs * (BEGIN + (END - BEGIN) * share));
      faults.push(faultAt(kind, atMs, createRandom(seed, `${kind} ${String(index)}`)));
    }
  }
  faults.sort((one, other) => one.atMs - other.atMs);
  const names = scenario.failpoints ? random.shuffled(failpointsOf(apart)) : [];
  const failpointEveryMs = Math.max(
    (runMs * (FAILPOINTS_END - BEGIN)) / names.length,
    FAILPOINT_EVERY_MS_MIN,
  );
  const extras = Array.from({ length: scenario.failpoints ? EXTRAS_MAX : 0 }, (_, index) => {
    const kind = EXTRA_KINDS[index % EXTRA_KINDS.length] ?? EXTRA_KINDS[0];
    const own = createRandom(seed, `extra ${String(index)}`);
    return faultAt(kind, runMs + index * EXTRA_EVERY_MS, own);
  });
  return {
    faults,
    extras,
    failpoints: names.map((name, index) => ({
      name,
      atMs: Math.round(runMs * BEGIN + index * failpointEveryMs),
    })),
  };
}

function faultAt(kind: FaultKind, atMs: number, random: Random): PlannedFault {
  const [shortest, longest] = DURATIONS[kind] ?? LINK_MS;
  return { kind, atMs, durationMs: random.int(shortest, longest), random };
}

function countsOf(
  scenario: Scenario,
  runMs: number,
  kills: number | undefined,
  random: Random,
): Map<FaultKind, number> {
  const counts = new Map<FaultKind, number>();
  for (const [kind, perMinute] of Object.entries(scenario.perMinute) as [FaultKind, number][]) {
    // A rate below one a run is a chance of one.
    const count = Math.floor((perMinute * runMs) / 60_000 + random.next());
    if (count > 0) counts.set(kind, count);
  }
  if (kills !== undefined) {
    const both = Math.floor(kills / 6);
    const single = kills - 2 * both;
    counts.set('kill_both_workers', both);
    counts.set('kill_worker', Math.ceil(single / 2));
    counts.set('kill_api', Math.floor(single / 2));
  }
  return counts;
}
