import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { Client } from 'pg';
import type { Logger } from '../lib/log';

/** The database and the migration files disagree in a way that only a person can settle. */
export class MigrationError extends Error {
  override name = 'MigrationError';
}

interface Migration {
  readonly name: string;
  readonly sql: string;
  readonly sha256: string;
}

const FOLDER = path.join(__dirname, 'migrations');
const FILE_NAME = /^\d{4}_[a-z0-9_]+\.sql$/;
/** Any constant does, as long as every version of Roundhouse uses the same. */
const LOCK_KEY = 7_685_421_306;

/**
 * Brings a database to this version: applies the numbered files in order, each in a transaction of its
 * own, forward only. Repeating it does nothing; of several processes one works and the others wait.
 *
 * @param folder where the files lie; only tests pass another than ours
 * @returns the names of the files applied by this call
 * @throws MigrationError when an applied file was changed or is missing, or a new one is out of order
 */
export async function migrate(
  databaseUrl: string,
  log: Pick<Logger, 'info'>,
  folder: string = FOLDER,
): Promise<{ applied: string[] }> {
  const migrations = await readMigrations(folder);
  const client = new Client({
    connectionString: databaseUrl,
    application_name: 'roundhouse migrate',
    connectionTimeoutMillis: 10_000,
  });
  // A connection lost between two statements fails the next one; without a listener it would end the process.
  client.on('error', () => undefined);
  await client.connect();
  try {
    // Held by the connection, so it also goes when this process dies.
    await client.query('SELECT pg_advisory_lock($1)', [LOCK_KEY]);
    await client.query(`CREATE TABLE IF NOT EXISTS schema_migrations (
      name text PRIMARY KEY, sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`);
    const pending = await pendingOf(client, migrations);
    for (const migration of pending) {
      await apply(client, migration);
      log.info({ migration: migration.name }, 'migration applied');
    }
    return { applied: pending.map((migration) => migration.name) };
  } finally {
    await client.end();
  }
}

async function readMigrations(folder: string): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort();
  const numbers = new Set<string>();
  for (const name of names) {
    if (!FILE_NAME.test(name)) throw new MigrationError(`${name}: not named NNNN_words.sql`);
    const number = name.slice(0, 4);
    if (numbers.has(number)) throw new MigrationError(`${name}: number ${number} is taken twice`);
    numbers.add(number);
  }
  return Promise.all(
    names.map(async (name) => {
      // A checkout with other line endings is the same migration.
      const sql = (await readFile(path.join(folder, name), 'utf8')).replace(/\r\n/g, '\n');
      return { name, sql, sha256: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}

async function pendingOf(client: Client, migrations: Migration[]): Promise<Migration[]> {
  const { rows } = await client.query<{ name: string; sha256: string }>(
    'SELECT name, sha256 FROM schema_migrations ORDER BY name',
  );
  const files = new Map(migrations.map((migration) => [migration.name, migration]));
  for (const { name, sha256 } of rows) {
    const file = files.get(name);
    if (!file) {
      throw new MigrationError(
        `${name} was applied to this database but is not in this version: run the newer version`,
      );
    }
    if (file.sha256 !== sha256) {
      throw new MigrationError(
        `${name} was changed after it was applied: restore it, and put the change into a new file`,
      );
    }
  }
  const applied = new Set(rows.map((row) => row.name));
  const last = rows.at(-1)?.name ?? '';
  const pending = migrations.filter((migration) => !applied.has(migration.name));
  const late = pending.find((migration) => migration.name < last);
  if (late) throw new MigrationError(`${late.name} comes before ${last}, which is applied already`);
  return pending;
}

async function apply(client: Client, migration: Migration): Promise<void> {
  await client.query('BEGIN');
  try {
    await client.query(migration.sql);
    await client.query('INSERT INTO schema_migrations (name, sha256) VALUES ($1, $2)', [
      migration.name,
      migration.sha256,
    ]);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw new MigrationError(
      `${migration.name} failed: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}
