import { DefaultLogger, Runtime } from '@temporalio/worker';
import { sleep } from '../../src/lib/clock';
import type { StackHome } from '../../src/stack/home';
import { isAtRest, untilAtRest } from './drain';
import { armFailpoints } from './failpoints';
import { checkInvariants } from './invariants';
import { startMachine, type ChaosMachine } from './machine';
import { createNemesis } from './nemesis';
import type { ChaosOptions } from './options';
import { planOf } from './plan';
import { createChaosProvider } from './provider';
import { createRandom } from './random';
import type { ChaosResult } from './report';
import { CONNECTION_API_KEY, CONNECTION_KEY } from './world';

/** Rounds the provider plays at once. */
const CONCURRENCY = 8;
/** A run that misses rounds, faults or failpoints goes on, up to twice its time and this. */
const EXTRA_MS = 120_000;
/** The limit is a minute; what takes longer is still measured, so that the report tells how long. */
const PATIENCE_MS = 180_000;
const UP_AGAIN_MS = 60_000;
const PROGRESS_MS = 10_000;

/** One whole run: play under faults, stop the faults, come to rest, check. */
export async function runChaos(
  options: ChaosOptions,
  home: StackHome,
  report: (line: string) => void,
  path: string,
  stopped: AbortSignal,
): Promise<ChaosResult> {
  const { seed, scenario, apart } = options;
  // Histories are played back at the end; what the SDK would tell of that is told by the check.
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const machine = await startMachine({ home, scenario, seed, apart, report, path });
  try {
    return await playOn(machine, options, home, report, stopped);
  } finally {
    await machine.end();
  }
}

async function playOn(
  machine: ChaosMachine,
  options: ChaosOptions,
  home: StackHome,
  report: (line: string) => void,
  stopped: AbortSignal,
): Promise<ChaosResult> {
  const { seed, scenario } = options;
  const runMs = options.minutes * 60_000;
  const plan = planOf(seed, scenario, runMs, options.kills, options.apart);
  await machine.controlWallet({ modes: scenario.walletRates, certified: scenario.certified });
  const choices = createRandom(seed, 'which API process');
  const provider = createChaosProvider({
    seed,
    apiUrl: () => choices.pick(machine.apiUrls),
    connectionKey: CONNECTION_KEY,
    apiKey: CONNECTION_API_KEY,
    players: machine.world.players,
    bookFile: home.path('provider-book.jsonl'),
    repeats: scenario.providerRepeats,
  });
  const nemesis = createNemesis(machine, plan.faults, scenario.walletRates, report);
  const extras = createNemesis(machine, plan.extras, scenario.walletRates, report);
  const failpoints = armFailpoints(machine.failpointsDir, plan.failpoints, report);

  const beganAt = Date.now();
  report(
    `playing for ${String(options.minutes)} min, ${String(plan.faults.length)} faults planned`,
  );
  provider.start(CONCURRENCY);
  let faultsAreOver = false;
  const faults = Promise.all([nemesis.run(), failpoints.run()]).then(() => (faultsAreOver = true));
  const extraFaults = extras.run();
  for (let told = beganAt; !stopped.aborted; await sleep(250)) {
    const elapsedMs = Date.now() - beganAt;
    const enough = provider.stats().rounds >= options.rounds && faultsAreOver;
    if (elapsedMs >= (enough ? runMs : 2 * runMs + EXTRA_MS)) break;
    if (Date.now() - told >= PROGRESS_MS) {
      told = Date.now();
      report(`${seconds(elapsedMs)}: ${JSON.stringify(provider.stats())}`);
    }
  }

  report('the faults stop');
  const lastRounds = provider.stopNewRounds();
  for (const one of [nemesis, extras, failpoints]) one.stop();
  await Promise.all([faults, extraFaults]);
  const playedMs = Date.now() - beganAt;
  await allUp(machine);
  await machine.controlWallet({ modes: {} });
  const calmSince = Date.now();
  await lastRounds;
  await provider.settle();
  report('the provider has all its answers; waiting for everything to come to rest');
  const unrest = await untilAtRest(
    machine.pool,
    machine.client,
    !scenario.certified,
    PATIENCE_MS - (Date.now() - calmSince),
  );
  const drainMs = isAtRest(unrest) ? Date.now() - calmSince : null;
  report(drainMs === null ? 'NOT AT REST' : `at rest after ${seconds(drainMs)}; checking`);
  const invariants = await checkInvariants({
    pool: machine.pool,
    providerBook: provider.book(),
    walletJournalFile: machine.walletJournal,
    client: machine.client,
    drainMs: drainMs ?? Number.POSITIVE_INFINITY,
    scenario: scenario.name,
  });
  return {
    options,
    playedMs,
    provider: provider.stats(),
    faults: [...nemesis.records(), ...extras.records()],
    unbegunFaults: plan.faults.length - nemesis.records().length,
    kills: nemesis.kills(),
    failpointsHit: failpoints.hit(),
    failpointsMissing: failpoints.missing(),
    drainMs,
    unrest,
    invariants,
    ownEnds: counted(
      machine.processes().flatMap((one) => one.ownEnds().map((how) => `${one.name} ${how}`)),
    ),
    cases: await casesOf(machine),
  };
}

async function allUp(machine: ChaosMachine): Promise<void> {
  const up = await Promise.all(machine.processes().map((one) => one.untilUp(UP_AGAIN_MS)));
  const down = machine.processes().filter((_, index) => !up[index]);
  if (down.length > 0) {
    throw new Error(`did not come up again: ${down.map(({ name }) => name).join(', ')}`);
  }
}

/** By kind; those that the book or a person has resolved meanwhile are told apart. */
async function casesOf({ pool }: ChaosMachine): Promise<Record<string, number>> {
  const { rows } = await pool.query<{ kind: string; count: string }>(
    `SELECT CASE status WHEN 'open' THEN kind ELSE kind || ' (' || status || ')' END AS kind, count(*)
       FROM cases GROUP BY 1 ORDER BY 1`,
  );
  return Object.fromEntries(rows.map(({ kind, count }) => [kind, Number(count)]));
}

function counted(texts: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const text of texts) counts[text] = (counts[text] ?? 0) + 1;
  return counts;
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
