import { Client } from 'pg';
import { startPostgres } from '../../src/stack/postgres';

/** One kind of statement as PostgreSQL's own account has it. */
export interface StatementTime {
  readonly query: string;
  readonly calls: number;
  /** Of the calls, those that were planned anew: a prepared statement may have one plan for ever. */
  readonly plans: number;
  /** Milliseconds from its plan to its last row: waiting for locks and for the processor is in it. */
  readonly ms: number;
}

/** Makes a data directory whose server counts statements from its next start on. */
export async function countStatementsIn(options: Parameters<typeof startPostgres>[0]) {
  const postgres = await startPostgres(options);
  await ask(postgres.url('postgres'), async (client) => {
    await client.query(`ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'`);
    await client.query(`ALTER SYSTEM SET pg_stat_statements.track_planning = on`);
  });
  await postgres.stop();
}

/** The statements on one database since the last `reset`, the dearest first. */
export async function statementTimes(url: string, database: string): Promise<StatementTime[]> {
  return ask(url, async (client) => {
    const { rows } = await client.query<StatementTime>(
      `SELECT regexp_replace(query, '\\s+', ' ', 'g') AS query, calls::int, plans::int,
              total_exec_time + total_plan_time AS ms
         FROM pg_stat_statements
        WHERE dbid = (SELECT oid FROM pg_database WHERE datname = $1) ORDER BY ms DESC`,
      [database],
    );
    return rows;
  });
}

/** From here on statements are counted anew. */
export async function resetStatementTimes(url: string): Promise<void> {
  await ask(url, async (client) => {
    await client.query('CREATE EXTENSION IF NOT EXISTS pg_stat_statements');
    await client.query('SELECT pg_stat_statements_reset()');
  });
}

/** Whose backend a process of PostgreSQL is. */
export async function backendNames(url: string): Promise<ReadonlyMap<number, string>> {
  return ask(url, async (client) => {
    const { rows } = await client.query<{ pid: number; name: string }>(
      `SELECT pid, CASE WHEN backend_type = 'client backend' THEN 'for ' || application_name
                   ELSE backend_type END AS name FROM pg_stat_activity`,
    );
    return new Map(rows.map(({ pid, name }) => [pid, name]));
  });
}

async function ask<Result>(
  url: string,
  work: (client: Client) => Promise<Result>,
): Promise<Result> {
  const client = new Client({ connectionString: url, application_name: 'bench' });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
