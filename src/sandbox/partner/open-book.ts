import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Pool, type PoolClient } from 'pg';
import type { Logger } from '../../lib/log';

/** A connection inside an open transaction. */
export type Transaction = PoolClient;

/** One wallet call holds one connection for a few statements; more would only queue inside PostgreSQL. */
const POOL_MAX = 10;
const CONNECT_TIMEOUT_MS = 5_000;
/** A call that waits longer than this for a row is given up: the caller repeats it with the same bet_id. */
const STATEMENT_TIMEOUT_MS = 10_000;
/** Any constant will do: two processes that start at once must not create the tables at once. */
const SCHEMA_LOCK = 4_120_771;

export function createBookPool(databaseUrl: string, log: Logger): Pool {
  const pool = new Pool({
    connectionString: databaseUrl,
    max: POOL_MAX,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    application_name: 'sandbox-partner',
  });
  // Without a listener, a connection that the server ends while idle would end this process.
  pool.on('error', (error) => log.warn({ err: error }, 'an idle database connection was lost'));
  return pool;
}

/** Runs `work` in one transaction: committed when it returns, rolled back when it throws. */
export async function inTransaction<Result>(
  pool: Pool,
  work: (tx: Transaction) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('BEGIN');
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch((rollbackError: unknown) => {
      broken = rollbackError instanceof Error ? rollbackError : new Error('rollback failed');
    });
    throw error;
  } finally {
    client.release(broken);
  }
}

/**
 * Creates what is missing of the casino's tables.
 *
 * @throws Error when the database already keeps a book in another currency: amounts would change their meaning
 */
export async function prepareBook(pool: Pool, currency: string): Promise<void> {
  const schema = await readFile(path.join(__dirname, 'schema.sql'), 'utf8');
  await inTransaction(pool, async (tx) => {
    await tx.query('SELECT pg_advisory_xact_lock($1)', [SCHEMA_LOCK]);
    await tx.query(schema);
    await tx.query(
      "INSERT INTO setting (name, value) VALUES ('currency', $1) ON CONFLICT DO NOTHING",
      [currency],
    );
    const kept = await tx.query<{ value: string }>(
      "SELECT value FROM setting WHERE name = 'currency'",
    );
    if (kept.rows[0]?.value !== currency) {
      throw new Error(
        `this casino's book is kept in ${String(kept.rows[0]?.value)}, not in ${currency}`,
      );
    }
  });
}
