import type { Pool } from 'pg';
import { sleep } from '../../lib/clock';
import type { Bell } from './bell';

/** The state of PostgreSQL's transactions at one instant, as their numbers. */
interface Horizon {
  /** All transactions below this one have ended: what they wrote can be seen, and nothing joins it. */
  readonly complete: bigint;
  /** No transaction from this one on had begun. */
  readonly begun: bigint;
}

/** A step of a reader: everything that transactions from `from` up to, but without, `to` have committed. */
export interface Step {
  readonly from: bigint;
  readonly to: bigint;
}

export interface LiveFeed {
  /** Where a reader begins who is about to read what there is: nothing committed later is behind it. */
  cursor(): Promise<bigint>;
  /**
   * Follows the book from a cursor until the signal aborts: one step at once, then one after each ring that
   * `concerns` the reader, and one now and then for what no bell told of.
   */
  follow(from: bigint, concerns: Concerns, signal: AbortSignal): AsyncGenerator<Step>;
}

type Concerns = (userAgent: string | undefined) => boolean;

/** How often a reader looks without having been told; also keeps a silent connection open. */
const LOOK_ANYWAY_MS = 15_000;
/** A commit that overtook an older transaction is shown when that one has ended, a moment later. */
const SETTLE_MS = 50;
/** A burst of calls is shown in one go. */
const BURST_MS = 60;

/**
 * What has been committed since, without losing anything. Numbers of rows will not do for a cursor: they are given out
 * before the commit, so that row 6 can be seen while row 5 is still being written, and a reader who remembers 6 never
 * sees 5. Transactions do: below the oldest open one nothing is missing any more.
 */
export function createLiveFeed(pool: Pool, bell: Bell): LiveFeed {
  async function horizon(): Promise<Horizon> {
    const { rows } = await pool.query<{ complete: string; begun: string }>(
      `SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS complete,
              pg_snapshot_xmax(pg_current_snapshot())::text AS begun`,
    );
    return { complete: BigInt(rows[0]?.complete ?? '0'), begun: BigInt(rows[0]?.begun ?? '0') };
  }
  return {
    cursor: async () => (await horizon()).complete,
    async *follow(from, concerns, signal) {
      let rung = true;
      let wake = () => {};
      const forget = bell.listen((userAgent) => {
        if (!concerns(userAgent)) return;
        rung = true;
        wake();
      });
      signal.addEventListener('abort', () => wake(), { once: true });
      try {
        let at = from;
        let wanted = from;
        while (!signal.aborted) {
          const { complete, begun } = await horizon();
          // What rang has been committed, so it was begun before now; it is shown once it is complete.
          if (rung) wanted = begun;
          rung = false;
          // A cursor of another database, or made up: nothing is known of what its reader has seen.
          if (at > complete) at = complete;
          yield { from: at, to: complete };
          at = complete;
          await sleep(BURST_MS, signal);
          if (rung) continue;
          const pause = new AbortController();
          wake = () => pause.abort();
          if (!signal.aborted) await sleep(at < wanted ? SETTLE_MS : LOOK_ANYWAY_MS, pause.signal);
        }
      } finally {
        forget();
      }
    },
  };
}
