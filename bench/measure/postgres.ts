import { Client } from 'pg';

/** PostgreSQL's counters at one moment. */
export interface PostgresCounters {
  /** Transactions that wrote, of the whole server: exact, since each takes one number. */
  readonly writes: bigint;
  /** Bytes of WAL, of the whole server. */
  readonly walBytes: bigint;
  /** Transactions of one database, reading ones included; PostgreSQL tells them up to a second late. */
  readonly transactions: number;
}

/** Reads the counters without writing anything itself. */
export interface PostgresMeter {
  read(database: string | null): Promise<PostgresCounters>;
  close(): Promise<void>;
}

export async function createPostgresMeter(url: string): Promise<PostgresMeter> {
  const client = new Client({ connectionString: url });
  await client.connect();
  return {
    async read(database) {
      const { rows } = await client.query<{
        writes: string;
        wal: string;
        transactions: string | null;
      }>(
        `SELECT pg_snapshot_xmax(pg_current_snapshot())::text AS writes,
                pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::text AS wal,
                (SELECT xact_commit FROM pg_stat_database WHERE datname = $1)::text AS transactions`,
        [database],
      );
      const row = rows[0];
      return {
        writes: BigInt(row?.writes ?? 0),
        walBytes: BigInt(row?.wal ?? 0),
        transactions: Number(row?.transactions ?? 0),
      };
    },
    close: () => client.end(),
  };
}
