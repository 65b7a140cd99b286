import type { RouteOptions } from 'fastify';
import { addressBlock } from '../../lib/ip-list';
import type { Logger } from '../../lib/log';
import { createRateLimit } from './rate-limit';
import { createSeats, type Seats } from './seats';

/**
 * Failed authentications of one address (and connection) in a window. Keys have 256 random bits, so this
 * is not about guessing: a stranger must not keep the database busy. One success starts anew, so that an
 * address shared with somebody who is misconfigured goes on working.
 */
const FAILURES_MAX = 100;
/** So short that whoever corrects a mistake is let in soon. */
const FAILURE_WINDOW_S = 10;
/** `requests_per_second` is by the second. */
const CALL_WINDOW_S = 1;
/** Pages of one address: many players may share one (a mobile carrier's), and a launch is four requests. */
const PAGES_MAX = 1_000;
const PAGE_WINDOW_S = 10;

/**
 * Requests under way for each database connection: a request waits for wallets and workflows most of its time
 * and holds none meanwhile. With the default pool, 240 stakes; answered in 0.2 s each that is 1,200 a second.
 */
const IN_FLIGHT_PER_CONNECTION = 16;
/** What one partner may take of the stakes: a wallet that hangs fills its own part and no more. */
const PARTNER_SHARE = 0.5;
/** The partner API and the pages beside the stakes: their requests take milliseconds. */
const OTHERS_SHARE = 0.5;

/** Refusals are counted and told together: a line for each would be work for whoever floods us. */
const TOLD_EVERY_MS = 10_000;

/** All seats are taken: 503, and nothing was done. Not a fault, so nobody logs it as one. */
export class OverloadedError extends Error {
  override name = 'OverloadedError';
  readonly statusCode = 503;
}

/** Failures of authentication by address, before a request may cost anything. */
export interface Failures {
  /** Whole seconds an address has to wait; 0: it may go on. */
  wait(address: string): Promise<number>;
  count(address: string): Promise<void>;
  clear(address: string): void;
}

export interface Limits {
  /** Of the partner API: no key, a wrong key or prefix, an address that is not allowed. */
  readonly partnerFailures: Failures;
  /** Of callbacks: a wrong hash or an address that is not allowed, by connection; unknown connections. */
  callbackFailures(connectionKey?: string): Failures;
  /** Counts a call of a partner at one endpoint; whole seconds to wait, or 0. */
  partnerCall(partnerId: number, endpoint: string, perSecond: number): Promise<number>;
  /** Counts a signed stake or Authorization of a connection; whole seconds to wait, or 0. */
  connectionCall(connectionId: number, perSecond: number): Promise<number>;
  /** Counts a page shown to an address; whole seconds to wait, or 0. */
  page(address: string): Promise<number>;
  /** Requests under way. Payouts have seats of their own: no number of stakes takes one. */
  readonly stakes: Seats;
  readonly payouts: Seats;
  /**
   * Does work of the partner API or a page on one of the seats they share.
   *
   * @throws OverloadedError when there is none, before anything was done
   */
  seated<Result>(work: () => Result | Promise<Result>): Promise<Result>;
  /** Each partner's part of the stakes, by partner number. */
  readonly partnerStakes: Seats;
  /** Notes a refusal for the log. */
  refused(what: string): void;
}

/**
 * What one API process takes on. Each process counts for itself: behind a load balancer with N processes a
 * caller gets up to N times the rate.
 *
 * @param poolMax database connections of everything but payouts
 */
export function createLimits({ poolMax, log }: { poolMax: number; log: Logger }): Limits {
  const failures = createRateLimit(FAILURE_WINDOW_S);
  const calls = createRateLimit(CALL_WINDOW_S);
  const pages = createRateLimit(PAGE_WINDOW_S);
  const inFlightMax = poolMax * IN_FLIGHT_PER_CONNECTION;
  const others = createSeats(Math.ceil(inFlightMax * OTHERS_SHARE));
  const refused = createTeller(log);
  const failuresAt = (door: string): Failures => {
    const keyOf = (address: string) => `${door} ${addressBlock(address)}`;
    return {
      wait: (address) => failures.wait(keyOf(address), FAILURES_MAX),
      count: async (address) => void (await failures.count(keyOf(address), FAILURES_MAX)),
      clear: (address) => failures.clear(keyOf(address)),
    };
  };
  return {
    partnerFailures: failuresAt('partner'),
    callbackFailures: (connectionKey = '') => failuresAt(`callback ${connectionKey}`),
    partnerCall: (partnerId, endpoint, perSecond) =>
      calls.count(`partner ${partnerId} ${endpoint}`, perSecond),
    connectionCall: (connectionId, perSecond) =>
      calls.count(`connection ${connectionId}`, perSecond),
    page: (address) => pages.count(addressBlock(address), PAGES_MAX),
    stakes: createSeats(inFlightMax),
    payouts: createSeats(inFlightMax),
    partnerStakes: createSeats(Math.ceil(inFlightMax * PARTNER_SHARE)),
    async seated(work) {
      const release = others.take();
      if (!release) {
        refused('partner API and pages: under way');
        throw new OverloadedError();
      }
      try {
        return await work();
      } finally {
        release();
      }
    },
    refused,
  };
}

/** An `onRoute` hook: handlers of the scope run on the seats of the partner API and the pages. */
export function seatRoutes(limits: Limits): (route: RouteOptions) => void {
  return (route) => {
    const { handler } = route;
    route.handler = function (request, reply) {
      return limits.seated(() => handler.call(this, request, reply));
    };
  };
}

/** Says at most once in `TOLD_EVERY_MS` what was refused, and how often since the last time. */
function createTeller(log: Logger): (what: string) => void {
  let counts = new Map<string, number>();
  let toldAt = -Infinity;
  return (what) => {
    counts.set(what, (counts.get(what) ?? 0) + 1);
    if (performance.now() - toldAt < TOLD_EVERY_MS) return;
    toldAt = performance.now();
    log.warn({ refused: Object.fromEntries(counts) }, 'requests are refused: a limit is reached');
    counts = new Map();
  };
}
