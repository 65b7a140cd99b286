import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { databaseUrl } from '../../src/stack/databases';
import { TEMPLATE_DATABASE, testVariable } from './variables';

export interface TestDatabase {
  readonly url: string;
  /** Removes it, ending whatever connections are left. */
  drop(): Promise<void>;
}

/** A database of its own for one test file, with every migration applied; a copy, so it is there at once. */
export function createTestDatabase(): Promise<TestDatabase> {
  return create(`TEMPLATE ${TEMPLATE_DATABASE}`);
}

/** A database without anything in it. */
export function createEmptyDatabase(): Promise<TestDatabase> {
  return create('TEMPLATE template0');
}

async function create(clause: string): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await onServer(`CREATE DATABASE ${name} ${clause}`);
  return {
    url: databaseUrl(testVariable('postgres'), name),
    drop: () => onServer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}

async function onServer(statement: string): Promise<void> {
  const client = new Client({ connectionString: testVariable('postgres') });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
