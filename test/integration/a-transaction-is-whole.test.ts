import { createPool, type Pool } from '../../src/db/pool';
import { pipelinedTransaction, transaction, writeLater } from '../../src/db/transaction';
import { createTestDatabase } from '../support/postgres';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let pool: Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool({ databaseUrl: database.url, max: 2 });
  await pool.query('CREATE TABLE notes (id int PRIMARY KEY)');
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

beforeEach(() => pool.query('TRUNCATE notes'));

const note = (id: number) => ({ text: 'INSERT INTO notes VALUES ($1)', values: [id] });
const notes = async () =>
  (await pool.query<{ id: number }>('SELECT id FROM notes ORDER BY id')).rows.map(({ id }) => id);

describe.each([
  ['a transaction', transaction],
  ['a pipelined transaction', pipelinedTransaction],
])('%s', (_, begin) => {
  test('has written everything when it resolves, also what nobody waited for', async () => {
    await begin(pool, (client) => {
      void writeLater(client, note(1));
      void writeLater(client, note(2));
      return Promise.resolve();
    });
    expect(await notes()).toEqual([1, 2]);
  });

  test('fails with the error of the statement that nobody waited for, and has written nothing', async () => {
    const work = begin(pool, async (client) => {
      void writeLater(client, note(3));
      void writeLater(client, note(3));
      // It fails as well, because of the one before it: that says nothing.
      await client.query(note(4));
    });
    await expect(work).rejects.toMatchObject({ code: '23505' });
    expect(await notes()).toEqual([]);
  });

  test('fails at its commit when a statement that nobody waited for does', async () => {
    const work = begin(pool, (client) => {
      void writeLater(client, note(5));
      void writeLater(client, note(5));
      return Promise.resolve('done');
    });
    await expect(work).rejects.toMatchObject({ code: '23505' });
    expect(await notes()).toEqual([]);
  });

  test('writes nothing when it could not begin', async () => {
    const broken = createPool({ databaseUrl: database.url, max: 1 });
    broken.on('connect', (client) => {
      const query = client.query.bind(client) as (...asked: unknown[]) => unknown;
      const wrongly = (asked: unknown, ...rest: unknown[]) =>
        query(asked === 'BEGIN' ? 'BEGIN WRONGLY' : asked, ...rest);
      Object.assign(client, { query: wrongly });
    });
    const work = begin(broken, async (client) => {
      await client.query('SELECT 1');
      await client.query(note(6));
    });
    await expect(work).rejects.toThrow();
    await broken.end();
    expect(await notes()).toEqual([]);
  });
});
