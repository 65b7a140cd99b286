import { Client, escapeIdentifier } from 'pg';
import { StackError, messageOf, systemErrorCode } from './stack-error';

/** The three books of the stack, on one server: ours, the sandbox provider's, the sandbox partner's. */
export interface StackDatabases {
  readonly roundhouse: string;
  readonly sandboxProvider: string;
  readonly sandboxPartner: string;
}

/** The same server under another database's name. */
export function databaseUrl(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${encodeURIComponent(database)}`;
  return changed.href;
}

export function databaseNameOf(url: string): string {
  return decodeURIComponent(new URL(url).pathname.slice(1));
}

/**
 * Makes a database unless it is there. `url` names it; the server's `postgres` database is used to make it.
 *
 * @throws StackError when the server cannot be reached or does not allow it
 */
export async function ensureDatabase(url: string, variable: string): Promise<void> {
  const name = databaseNameOf(url);
  try {
    await withClient(url, () => Promise.resolve());
    return;
  } catch (error) {
    // 3D000: the server answers, and has no such database.
    if (systemErrorCode(error) !== '3D000') throw unreachable(url, variable, error);
  }
  try {
    await withClient(databaseUrl(url, 'postgres'), (client) =>
      client.query(`CREATE DATABASE ${escapeIdentifier(name)}`),
    );
  } catch (error) {
    // 42P04: somebody else made it meanwhile.
    if (systemErrorCode(error) === '42P04') return;
    throw new StackError(
      `The database "${name}" does not exist and could not be made (${messageOf(error)}); ` +
        `make it yourself, or let the user of ${variable} create databases.`,
    );
  }
}

async function withClient<Result>(
  url: string,
  work: (client: Client) => Promise<Result>,
): Promise<Result> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

function unreachable(url: string, variable: string, error: unknown): StackError {
  const { hostname, port } = new URL(url);
  const place = `${hostname}:${port === '' ? '5432' : port}`;
  return new StackError(
    `PostgreSQL at ${place} cannot be used (${messageOf(error) || String(systemErrorCode(error))}); ` +
      `check ${variable}, or unset it to let npm start bring its own.`,
  );
}
