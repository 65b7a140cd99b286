import { createPool, type Pool } from '../../src/db/pool';
import { transaction } from '../../src/db/transaction';
import { sleep } from '../../src/lib/clock';
import { createTestDatabase } from '../support/postgres';

let pool: Pool;
let other: Pool;
let drop: () => Promise<void>;
beforeAll(async () => {
  const database = await createTestDatabase();
  drop = database.drop;
  pool = createPool({ databaseUrl: database.url, max: 2 });
  other = createPool({ databaseUrl: database.url, max: 1 });
});
afterAll(async () => {
  await pool.end();
  await other.end();
  await drop();
});

test('a connection that breaks in the middle of a transaction fails that transaction, not the process', async () => {
  const broken = transaction(pool, async (client) => {
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const gone = new Promise((resolve) => client.once('end', resolve));
    await other.query('SELECT pg_terminate_backend($1)', [rows[0]?.pid]);
    // Between two statements: nobody waits for an answer of this connection just now.
    await gone;
    await sleep(50);
    await client.query('SELECT 1');
  });
  await expect(broken).rejects.toThrow();
  const { rows } = await pool.query('SELECT 1 AS one');
  expect(rows).toEqual([{ one: 1 }]);
});
