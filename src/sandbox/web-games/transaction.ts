import type { Pool, PoolClient } from 'pg';

/** Runs `work` in one transaction; whatever it throws undoes everything. */
export async function inTransaction<T>(
  pool: Pool,
  work: (client: PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    const result = await work(client);
    await client.query('COMMIT');
    client.release();
    return result;
  } catch (error) {
    // Whatever state the connection is in, it is not worth keeping.
    client.release(true);
    throw error;
  }
}
