import { Client } from 'pg';
import { sleep } from '../src/lib/clock';
import type { BenchPlayer } from './accounts';
import type { System } from './full';
import type { FullOptions } from './full-options';
import { createLoadDriver, type LoadDriver, type Played } from './load/play';
import { createRandom } from '../test/chaos/random';
import { report } from './run-in-home';

/** What live rounds were like while something else went on. */
export interface Live {
  readonly rounds: number;
  readonly seconds: number;
  /** Milliseconds, one a call. */
  readonly stakes: readonly number[];
  readonly payouts: readonly number[];
  /** The longest time without any answer, ms: live traffic that stops shows here. */
  readonly longestGapMs: number;
  /** Calls sent again because of a code 1, and stakes that were refused to the end. */
  readonly retries: number;
  readonly refused: number;
  readonly faults: readonly string[];
}

export interface Burst {
  readonly before: Live;
  readonly during: Live;
  readonly closed: number;
  /** Until the wallet had everything of every round. */
  readonly seconds: number;
  readonly retries: number;
  readonly faults: readonly string[];
}

export interface Outage {
  readonly owed: number;
  /** Live rounds of the other partner: before, while the wallet is out, and while the backlog drains. */
  readonly neighbourBefore: Live;
  readonly neighbourOut: Live;
  readonly neighbourDrain: Live;
  /** Live rounds of the partner itself, before and while the backlog drains. */
  readonly ownBefore: Live;
  readonly ownDrain: Live;
  /** The same while the rounds that were paid are told, and their workflows end. */
  readonly ownTold: Live;
  /** From the wallet's return until the drain paid: the breaker asks it again within a minute. */
  readonly noticedSeconds: number;
  /** From then until the wallet had the last owed payout. */
  readonly drainSeconds: number;
  /** From then until every round's workflow had heard of it. */
  readonly tellingSeconds: number;
  /** Payouts of the backlog a second, since the drain pays. */
  readonly drainedPayouts: number;
  /** Payouts a second when nothing is owed and nothing else goes on: the peak the drain is held against. */
  readonly peakPayouts: number;
  readonly faults: readonly string[];
}

const LIVE_LANES = 4;
const NEIGHBOUR_LANES = 2;
/**
 * Players look at their rounds. Lanes without a pause take all that the machine has, and whatever comes beside them
 * doubles their times by taking its share: these six take a fifth of it.
 */
const PAUSE_MS = 750;
/** With their pauses, live rounds are some five a second: a 99th percentile wants two hundred. */
const BEFORE_SECONDS = 40;
const FINISH_MS = 1_800_000;
/** A payout that the wallet does not answer is accepted at its deadline, 4.5 s later: fourteen a second, half of what the machine does. */
const OUTAGE_LANES = 64;
/** After everything is paid the seconds until live rounds are measured again. */
const SETTLE_MS = 2_000;

/** Closes many open rounds at once, beside live ones. */
export async function playBurst(
  options: FullOptions,
  system: System,
  players: readonly BenchPlayer[],
): Promise<Burst> {
  const { seat } = system;
  const { wallet } = seat.subject;
  const before = await playLive(seat.driver, LIVE_LANES, forSeconds(BEFORE_SECONDS));
  report(`closing ${String(players.length)} rounds at once`);
  const { finished } = await wallet.books();
  const beganAt = performance.now();
  let closing = true;
  const live = playLive(seat.driver, LIVE_LANES, () => closing);
  const closed = await seat.driver.each('payout', { players, lanes: options.lanes });
  const answeredSeconds = (performance.now() - beganAt) / 1_000;
  report(`${String(closed.rounds.length)} closes are answered in ${answeredSeconds.toFixed(1)} s`);
  const wanted = finished + closed.rounds.length;
  const isFinished = await wallet.untilFinished(wanted, FINISH_MS);
  const seconds = (performance.now() - beganAt) / 1_000;
  closing = false;
  const during = await live;
  const faults = [...before.faults, ...closed.faults, ...during.faults];
  if (!isFinished) faults.push('the wallet did not get everything of the rounds that were closed');
  return {
    before,
    during,
    closed: closed.rounds.length,
    seconds,
    retries: closed.retries,
    faults,
  };
}

/** Lets a partner's wallet be out until many payouts are owed, and sees how they are paid when it is back. */
export async function playOutage(
  options: FullOptions,
  system: System,
  players: readonly BenchPlayer[],
): Promise<Outage> {
  const { seat, book } = system;
  const { wallet } = book;
  const { lanes } = options;
  const neighbours = createLoadDriver(
    { ...seat.subject, players: book.neighbours.players, wallet: book.neighbours.wallet },
    { duplicates: 0, random: createRandom(1, 'neighbours'), firstRound: NEIGHBOURS_FROM },
  );
  const livePair = async (goOn: () => boolean) =>
    Promise.all([
      playLive(seat.driver, LIVE_LANES, goOn),
      playLive(neighbours, NEIGHBOUR_LANES, goOn),
    ]);
  try {
    report(`opening ${String(players.length)} rounds twice: for the peak, and for the outage`);
    const faults: string[] = [];
    const open = async () => {
      const played = await seat.driver.each('stake', { players, lanes });
      faults.push(...played.faults);
    };
    await open();
    const peakPayouts = await paidPerSecond(system, () =>
      seat.driver.each('payout', { players, lanes }),
    );
    await open();
    const [ownBefore, neighbourBefore] = await livePair(forSeconds(BEFORE_SECONDS));
    report('the wallet is out');
    await wallet.beOut(true);
    let isOut = true;
    const out = playLive(neighbours, NEIGHBOUR_LANES, () => isOut);
    const { finished } = await wallet.books();
    const owed: Played = await seat.driver.each('payout', { players, lanes: OUTAGE_LANES });
    faults.push(...owed.faults);
    isOut = false;
    const neighbourOut = await out;
    const count = await owedPayouts(book.databaseUrl);
    report(`the wallet is back; ${String(count)} payouts are owed`);
    await wallet.beOut(false);
    const returnedAt = performance.now();
    await untilOwed(book.databaseUrl, count * (1 - PAID_SHARE));
    const beganAt = performance.now();
    // Before that the partner's own stakes are refused: its breaker is open (rule 14).
    let drains = true;
    const live = livePair(() => drains);
    await untilOwed(book.databaseUrl, DRAINED);
    const drainSeconds = (performance.now() - beganAt) / 1_000;
    drains = false;
    const [ownDrain, neighbourDrain] = await live;
    let isTelling = true;
    const toldFrom = performance.now();
    const telling = playLive(seat.driver, LIVE_LANES, () => isTelling);
    await untilTold(book.databaseUrl);
    const tellingSeconds = (performance.now() - toldFrom) / 1_000;
    isTelling = false;
    const ownTold = await telling;
    const isFinished = await wallet.untilFinished(
      finished + owed.rounds.length + ownDrain.rounds + ownTold.rounds,
      FINISH_MS,
    );
    if (!isFinished) faults.push('the wallet did not get everything that was owed');
    for (const each of [
      ownBefore,
      ownDrain,
      ownTold,
      neighbourBefore,
      neighbourOut,
      neighbourDrain,
    ])
      faults.push(...each.faults);
    return {
      owed: count,
      neighbourBefore,
      neighbourOut,
      neighbourDrain,
      ownBefore,
      ownDrain,
      ownTold,
      noticedSeconds: (beganAt - returnedAt) / 1_000,
      drainSeconds,
      tellingSeconds,
      drainedPayouts: (count * (1 - PAID_SHARE)) / drainSeconds,
      peakPayouts,
      faults,
    };
  } finally {
    await neighbours.close();
  }
}

/** Live rounds owe payouts as well, a few at a time: the backlog is gone when no more than theirs are left. */
const DRAINED = LIVE_LANES + NEIGHBOUR_LANES;
/** Of the backlog, when the drain is said to pay: its first calls are probes. */
const PAID_SHARE = 0.02;
/** Rounds are numbered by each provider's driver; both speak for the same connection. */
const NEIGHBOURS_FROM = 500_000_000;

async function paidPerSecond(system: System, pay: () => Promise<Played>): Promise<number> {
  const { book } = system;
  const beganAt = performance.now();
  const { rounds } = await pay();
  while ((await owedPayouts(book.databaseUrl)) > 0) await sleep(50);
  const perSecond = rounds.length / ((performance.now() - beganAt) / 1_000);
  await sleep(SETTLE_MS);
  return perSecond;
}

/** Waits until no more payouts than that are owed; or for half an hour, and the wallet's books will tell. */
const untilOwed = (databaseUrl: string, count: number) =>
  untilAtMost(() => owedPayouts(databaseUrl), count);

/** Waits until no round is on a drain's list; or for half an hour. */
const untilTold = (databaseUrl: string) =>
  untilAtMost(
    () => countOf(databaseUrl, 'SELECT count(*)::int FROM obligations WHERE drain_partner > 0'),
    0,
  );

async function untilAtMost(look: () => Promise<number>, count: number): Promise<void> {
  const endsAt = performance.now() + FINISH_MS;
  while ((await look()) > count && performance.now() < endsAt) await sleep(200);
}

const owedPayouts = (databaseUrl: string) =>
  countOf(
    databaseUrl,
    `SELECT count(*)::int FROM obligations WHERE status = 'open' AND verb = 'give'`,
  );

async function countOf(databaseUrl: string, query: string): Promise<number> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ count: number }>(query);
    return rows[0]?.count ?? 0;
  } finally {
    await client.end();
  }
}

function forSeconds(seconds: number): () => boolean {
  const endsAt = performance.now() + seconds * 1_000;
  return () => performance.now() < endsAt;
}

async function playLive(driver: LoadDriver, lanes: number, goOn: () => boolean): Promise<Live> {
  const beganAt = performance.now();
  const played = await driver.play({ shape: 'win', inFlight: lanes, pauseMs: PAUSE_MS, goOn });
  const { rounds, calls, retries, refused, faults } = played;
  const seconds = (performance.now() - beganAt) / 1_000;
  const of = (kind: 'stake' | 'payout') =>
    calls
      .filter((call) => call.kind === kind)
      .map(({ sentNs, answeredNs }) => Number(answeredNs - sentNs) / 1e6);
  const answers = calls.map(({ answeredNs }) => Number(answeredNs) / 1e6).sort((a, b) => a - b);
  const gaps = answers.map((at, index) => at - (answers[index - 1] ?? at));
  return {
    rounds: rounds.length,
    seconds,
    stakes: of('stake'),
    payouts: of('payout'),
    longestGapMs: Math.max(0, ...gaps),
    retries,
    refused,
    faults,
  };
}
