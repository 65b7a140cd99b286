import type { Clock } from '../lib/clock';
import type { Logger } from '../lib/log';
import type { Pool } from './pool';

/** How often a process compares its clock with the database's: a clock that is set wrongly is soon right again. */
const COMPARE_EVERY_MS = 10_000;

export interface BookClock extends Clock {
  close(): void;
}

/**
 * The database's clock as a process may read it without asking: its own clock, corrected by the difference
 * last seen. Every process then agrees about sessions and links with the book, which decides everything
 * else by that same clock (docs/decisions/0005), however wrong the machine's own time is.
 *
 * @param local the machine's clock
 * @throws the database's error when it cannot be asked the first time
 */
export async function createBookClock(deps: {
  pool: Pool;
  local: Clock;
  log: Logger;
}): Promise<BookClock> {
  const { pool, local, log } = deps;
  let aheadMs = 0;

  async function compare(): Promise<void> {
    const { rows } = await pool.query<{ now_ms: string }>(
      'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now_ms',
    );
    aheadMs = Number(rows[0]?.now_ms) - local.nowMs();
  }

  await compare();
  const timer = setInterval(() => {
    compare().catch((error: unknown) => log.warn({ err: error }, 'the clocks were not compared'));
  }, COMPARE_EVERY_MS);
  timer.unref();
  return { nowMs: () => local.nowMs() + aheadMs, close: () => clearInterval(timer) };
}
