import { nextOpenMs, PROBES_TO_CLOSE, type BreakerTerms } from '../domain/breaker';
import type { Db } from './pool';

/** Half open, one new stake may leave as a probe this often: a wallet that is still dead robs few players of a spin. */
const PROBE_EVERY_MS = 1_000;

/**
 * A call ended badly. Opens the breaker when the caller's window says so, or opens it again when it was
 * half open; while it is open nothing changes.
 *
 * @returns whether the breaker opened now
 */
export async function noteBadCall(
  db: Db,
  partnerId: number,
  terms: BreakerTerms,
  windowIsBad: boolean,
): Promise<boolean> {
  if (windowIsBad) {
    const { rowCount } = await db.query(
      `INSERT INTO partner_breakers (partner_id, opened_at, open_ms, open_until, probe_from)
       SELECT $1::int, now, $2::int, now + make_interval(secs => $2::int / 1000.0),
              now + make_interval(secs => $2::int / 1000.0)
         FROM clock_timestamp() AS now ON CONFLICT DO NOTHING`,
      [partnerId, terms.openMsMin],
    );
    if (rowCount === 1) return true;
  }
  const { rows } = await db.query<{ open_ms: number }>(
    'SELECT open_ms FROM partner_breakers WHERE partner_id = $1 AND open_until <= clock_timestamp()',
    [partnerId],
  );
  const halfOpen = rows[0];
  if (!halfOpen) return false;
  const openMs = nextOpenMs(halfOpen.open_ms, terms);
  const { rowCount } = await db.query(
    `UPDATE partner_breakers SET open_ms = $2::int, good = 0,
            open_until = clock_timestamp() + make_interval(secs => $2::int / 1000.0),
            probe_from = clock_timestamp() + make_interval(secs => $2::int / 1000.0)
      WHERE partner_id = $1 AND open_until <= clock_timestamp()`,
    [partnerId, openMs],
  );
  return rowCount === 1;
}

/**
 * A call of a partner whose breaker is not closed was answered. Closes it when enough were.
 *
 * @returns whether it is closed now
 */
export async function noteGoodCall(db: Db, partnerId: number): Promise<boolean> {
  const { rowCount } = await db.query(
    'DELETE FROM partner_breakers WHERE partner_id = $1 AND good + 1 >= $2',
    [partnerId, PROBES_TO_CLOSE],
  );
  if (rowCount === 1) return true;
  await db.query('UPDATE partner_breakers SET good = good + 1 WHERE partner_id = $1', [partnerId]);
  return false;
}

/**
 * Whether a new stake may be asked for (rule 14): always while the breaker is closed, never while it is
 * open, and one a second while it is half open, as a probe.
 */
export async function mayStake(db: Db, partnerId: number): Promise<boolean> {
  const { rows } = await db.query<{ half_open: boolean }>({
    name: 'breaker_of',
    text: 'SELECT open_until <= clock_timestamp() AS half_open FROM partner_breakers WHERE partner_id = $1',
    values: [partnerId],
  });
  if (!rows[0]) return true;
  if (!rows[0].half_open) return false;
  const { rowCount } = await db.query(
    `UPDATE partner_breakers SET probe_from = clock_timestamp() + make_interval(secs => $2 / 1000.0)
      WHERE partner_id = $1 AND open_until <= clock_timestamp() AND probe_from <= clock_timestamp()`,
    [partnerId, PROBE_EVERY_MS],
  );
  return rowCount === 1;
}
