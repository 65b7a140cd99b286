import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { migrate } from '../../src/db/migrate';
import { createEmptyDatabase, type TestDatabase } from '../support/postgres';

const log = { info: () => undefined };
let database: TestDatabase;
let folder: string;

beforeEach(async () => {
  database = await createEmptyDatabase();
  folder = await mkdtemp(path.join(tmpdir(), 'roundhouse-migrations-'));
  await writeFile(path.join(folder, '0001_first.sql'), 'CREATE TABLE first (n int);');
  await writeFile(path.join(folder, '0002_second.sql'), 'CREATE TABLE second (n int);');
});

afterEach(async () => {
  await database.drop();
  await rm(folder, { recursive: true });
});

async function query(sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: database.url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

test('the files of this version make a book, once', async () => {
  const { applied } = await migrate(database.url, log);
  expect(applied[0]).toBe('0001_parties.sql');
  expect(await migrate(database.url, log)).toEqual({ applied: [] });
  expect(await query('SELECT id FROM installation')).toHaveLength(1);
});

test('files are applied in order, and later ones when they come', async () => {
  expect(await migrate(database.url, log, folder)).toEqual({
    applied: ['0001_first.sql', '0002_second.sql'],
  });
  await writeFile(path.join(folder, '0003_third.sql'), 'INSERT INTO second VALUES (3);');
  expect(await migrate(database.url, log, folder)).toEqual({ applied: ['0003_third.sql'] });
  expect(await query('SELECT n FROM second')).toEqual([{ n: 3 }]);
});

test('processes that start together apply each file once between them', async () => {
  const results = await Promise.all(
    Array.from({ length: 4 }, () => migrate(database.url, log, folder)),
  );
  expect(results.flatMap(({ applied }) => applied)).toEqual(['0001_first.sql', '0002_second.sql']);
});

test('a file changed after it was applied is refused by name', async () => {
  await migrate(database.url, log, folder);
  await writeFile(path.join(folder, '0001_first.sql'), 'CREATE TABLE first (n bigint);');
  await expect(migrate(database.url, log, folder)).rejects.toThrow(/^0001_first\.sql was changed/);
});

test('other line endings are no change', async () => {
  await writeFile(path.join(folder, '0003_third.sql'), 'SELECT 1;\nSELECT 2;\n');
  await migrate(database.url, log, folder);
  await writeFile(path.join(folder, '0003_third.sql'), 'SELECT 1;\r\nSELECT 2;\r\n');
  expect(await migrate(database.url, log, folder)).toEqual({ applied: [] });
});

test('a database of a newer version is refused by name', async () => {
  await migrate(database.url, log, folder);
  await rm(path.join(folder, '0002_second.sql'));
  await expect(migrate(database.url, log, folder)).rejects.toThrow(/^0002_second\.sql was applied/);
});

test('a new file that would come before an applied one is refused', async () => {
  await rm(path.join(folder, '0001_first.sql'));
  await migrate(database.url, log, folder);
  await writeFile(path.join(folder, '0001_late.sql'), 'SELECT 1;');
  await expect(migrate(database.url, log, folder)).rejects.toThrow(/^0001_late\.sql comes before/);
});

test('a file that fails leaves nothing of itself, and what came before it stays', async () => {
  await writeFile(path.join(folder, '0003_broken.sql'), 'CREATE TABLE third (n int); SELECT 1/0;');
  await expect(migrate(database.url, log, folder)).rejects.toThrow(/^0003_broken\.sql failed: /);
  expect(await query(`SELECT to_regclass('third') AS third`)).toEqual([{ third: null }]);
  expect(await query('SELECT name FROM schema_migrations ORDER BY name')).toEqual([
    { name: '0001_first.sql' },
    { name: '0002_second.sql' },
  ]);
});

test.each([['003_short.sql'], ['0002_twice.sql'], ['0004-dash.sql']])(
  'a file named %s is refused by name',
  async (name) => {
    await writeFile(path.join(folder, name), 'SELECT 1;');
    await expect(migrate(database.url, log, folder)).rejects.toThrow(name);
  },
);
