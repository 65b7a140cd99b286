import type { Client } from '@temporalio/client';
import type { DrainActivities, DrainBatch, DrainReport } from '../contracts/drain';
import { driveRound } from '../contracts/drive-round';
import type { RoundView } from '../contracts/round';
import type { Book } from '../db/book';
import {
  drainedCalls,
  drainState,
  hurryDrain,
  markTold,
  untoldRounds,
  type DrainedCall,
  type DrainState,
} from '../db/drains';
import type { RoundContext } from '../db/round-rows';
import { roundToDrive } from '../db/round-view';
import { sleep } from '../lib/clock';
import type { Failpoints } from '../lib/failpoints';
import type { Logger } from '../lib/log';
import type { AttemptCall } from './attempt-call';

/**
 * Calls a batch makes for each that it makes at once: few enough that the next width is soon tried. A batch is an
 * activity with its own costs, which as many calls share however narrow it is; its time ends it all the same.
 */
const CALLS_PER_WIDTH = 8;
const CALLS_PER_BATCH_MIN = 64;
/** From so many calls for each at once on, a batch says how many are done a second. */
const TELLING_CALLS_PER_WIDTH = 4;
/** No further call is begun after this long, so that a batch ends well inside its activity. */
export const BATCH_MS = 5_000;
/** A drain asks its wallet at least this often: one that is back is noticed, whatever its calls wait for. */
const PROBE_EVERY_MS = 60_000;
/** A share of the partner's calls in flight, so that the backlog leaves room for those who play now. */
const DRAIN_SHARE = 0.5;
/**
 * What is owed goes first, then rounds that have nothing left to do are told so, one at a time with this much between:
 * their workflows take as much of Temporal and of us as a payout takes, and nobody waits for their end.
 */
const BETWEEN_ROUNDS_TOLD_MS = 25;
/** A backlog without an end must not keep them open for ever. */
const TOLD_BESIDE_CALLS = 1;
/** Calls that have become due meanwhile wait no longer than this. */
const TELLING_MS = 2_000;
const TOLD_PER_BATCH_MAX = TELLING_MS / BETWEEN_ROUNDS_TOLD_MS;
const HAND_OVER_MS = 10_000;
const NOTHING_MADE = { done: 0, failed: 0, lastFailure: '', perSecond: undefined };

/**
 * One batch of a partner's drain (rule 14): its oldest calls, `width` of them at once, each an attempt like
 * any other. While the breaker is open nothing is sent; half open, one call is the probe.
 */
export function createDrainCalls(deps: {
  book: Book;
  client: Client;
  attempt: AttemptCall;
  failpoint: Failpoints;
  timeScale: number;
  log: Logger;
}): DrainActivities['drainCalls'] {
  const { book, client, attempt, failpoint, timeScale, log } = deps;
  const { pool } = book;
  const probeEveryMs = Math.max(PROBE_EVERY_MS * timeScale, 500);
  /** When this worker last asked each partner's wallet. */
  const askedAt = new Map<number, number>();

  /** Until the round's workflow has heard of it, the book keeps the call on the drain's list. */
  async function tell(round: string, context: RoundContext, view: RoundView): Promise<void> {
    const toDrive = { ...roundToDrive(context, view), drain: null };
    try {
      await driveRound(client, toDrive, [], HAND_OVER_MS);
      await markTold(pool, round, view.version);
    } catch (error) {
      log.error(
        { err: error, round },
        'a round could not be told what its drain did; it is told later',
      );
    }
  }

  /** Tells rounds of what was made of theirs, by this drain or by one that died before it told. */
  async function tellTheUntold(partnerId: number, limit: number): Promise<void> {
    const endsAt = performance.now() + TELLING_MS;
    for (const round of await untoldRounds(pool, partnerId, limit)) {
      const { context, view } = await book.decideOn(round, { type: 'tick' });
      await tell(round, context, view);
      if (performance.now() > endsAt) return;
      await sleep(BETWEEN_ROUNDS_TOLD_MS);
    }
  }

  async function make({ round, call }: DrainedCall): Promise<{ kind: string; text: string }> {
    const attempted = await attempt(round, call, 'drain');
    if (attempted.kind === 'definite') {
      await failpoint('drain_committed', attempted.purpose);
      if (!attempted.view.atRest) await tell(round, attempted.context, attempted.view);
    }
    return { kind: attempted.kind, text: attempted.kind === 'failed' ? attempted.text : '' };
  }

  /** Makes the calls, `width` at once, until the batch's time is over. */
  async function makeAll(calls: DrainedCall[], width: number) {
    const beganAt = performance.now();
    const endsAt = beganAt + BATCH_MS;
    const left = [...calls];
    const made = { done: 0, failed: 0, lastFailure: '' };
    async function hand(): Promise<void> {
      for (let next = left.shift(); next; next = left.shift()) {
        const { kind, text } = await make(next);
        if (kind === 'definite') made.done += 1;
        if (kind === 'failed') {
          made.failed += 1;
          made.lastFailure = text;
        }
        if (performance.now() > endsAt) return;
      }
    }
    await Promise.all(Array.from({ length: width }, hand));
    const seconds = (performance.now() - beganAt) / 1_000;
    const tells = made.done >= width * TELLING_CALLS_PER_WIDTH;
    return { ...made, perSecond: tells ? made.done / seconds : undefined };
  }

  return async ({ partnerId, prefix, width, recovered }: DrainBatch): Promise<DrainReport> => {
    if (recovered) await hurryDrain(pool, partnerId);
    const before = await drainState(pool, partnerId);
    const atOnce = before.breaker === 'half_open' ? 1 : width;
    let made: Awaited<ReturnType<typeof makeAll>> | undefined;
    if (before.breaker !== 'open' && before.left > 0) {
      const many = Math.max(atOnce * CALLS_PER_WIDTH, CALLS_PER_BATCH_MIN);
      const count = before.breaker === 'half_open' ? 1 : many;
      const quietMs = performance.now() - (askedAt.get(partnerId) ?? -Infinity);
      const calls = await drainedCalls(pool, partnerId, count, quietMs >= probeEveryMs);
      if (calls.length > 0) {
        askedAt.set(partnerId, performance.now());
        made = await makeAll(calls, atOnce);
      }
    }
    if (before.untold > 0) {
      await tellTheUntold(partnerId, made ? TOLD_BESIDE_CALLS : TOLD_PER_BATCH_MAX);
    }
    const after = await drainState(pool, partnerId);
    const { done, failed, perSecond } = made ?? NOTHING_MADE;
    const callsInMs =
      after.breaker === 'open' ? after.openForMs + 1 : Math.min(after.nextDueMs, probeEveryMs);
    return {
      done,
      failed,
      perSecond,
      left: after.left + after.untold,
      nextInMs: after.untold > 0 ? 0 : callsInMs,
      widthMax: Math.max(1, Math.floor(after.maxInFlight * DRAIN_SHARE)),
      attemptMsMax: after.attemptMsMax,
      statement: statementOf(prefix, after, made ?? NOTHING_MADE, atOnce),
    };
  };
}

/** What an operator reads of it. */
function statementOf(
  prefix: string,
  { left, untold, breaker, oldestMs }: DrainState,
  { done, failed, lastFailure }: Pick<DrainReport, 'done' | 'failed'> & { lastFailure: string },
  atOnce: number,
): string[] {
  return [
    `${prefix}: ${left} call${left === 1 ? '' : 's'} owed, breaker ${breaker.replace('_', ' ')}`,
    ...(left > 0 ? [`the oldest bet is ${Math.round(oldestMs / 1_000)} s old`] : []),
    `last batch: ${done} done, ${failed} failed, ${atOnce} at once`,
    ...(untold > 0 ? [`${untold} made, of which their rounds are yet to be told`] : []),
    ...(lastFailure === '' ? [] : [`last failure: ${lastFailure}`]),
  ];
}
