import {
  Pool,
  types,
  type PoolClient,
  type QueryConfig,
  type QueryResult,
  type QueryResultRow,
} from 'pg';

/** Anything that runs a statement: the pool, or a client inside a transaction. */
export interface Db {
  query<Row extends QueryResultRow>(
    statement: string | QueryConfig,
    values?: unknown[],
  ): Promise<QueryResult<Row>>;
}

export interface PoolOptions {
  readonly databaseUrl: string;
  /** Connections this process may hold at once. */
  readonly max: number;
  /** How the process shows in pg_stat_activity; `roundhouse` unless told. */
  readonly applicationName?: string;
  /**
   * Each statement is planned once a connection, for whatever values. Left to itself PostgreSQL plans one that names a
   * partitioned table anew each time, since it takes a plan for all partitions for dear, and the planning costs three
   * times what the statement does. For pools whose statements all find their rows by keys: never for lists that are
   * filtered by what somebody may leave out.
   */
  readonly plannedOnce?: boolean;
  /** Told of faults on idle connections; such a connection is replaced, nothing else happens. */
  readonly onError?: (error: Error) => void;
}

/** No statement of ours is slow; one that is holds locks a player waits for. */
const STATEMENT_TIMEOUT_MS = 10_000;
/** A transaction that waits for something other than the database is a bug; it must not hold locks for long. */
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 10_000;
/** Shorter than any answer deadline: better an early refusal than a queue for a connection. */
const CONNECT_TIMEOUT_MS = 3_000;
/**
 * A new connection plans every statement anew, in every connection of a pool: the burst after a quiet moment must not
 * pay for that. Long enough for quiet moments, short enough to give the server its memory back at night.
 */
const IDLE_MS = 600_000;

/** The part of a process's connections that is kept for payouts: fewer than stakes, most of which win nothing. */
const PAYOUT_SHARE = 0.25;

/**
 * Two pools out of one process's connections: stakes and everything else queue for theirs, and payouts
 * find their own free. Both begin empty, and plan each statement once.
 */
export function createPools(options: PoolOptions): { pool: Pool; payoutPool: Pool } {
  const payoutMax = Math.max(1, Math.floor(options.max * PAYOUT_SHARE));
  return {
    pool: createPool({ ...options, plannedOnce: true, max: options.max - payoutMax }),
    payoutPool: createPool({ ...options, plannedOnce: true, max: payoutMax }),
  };
}

const PLANNED_ONCE = '-c plan_cache_mode=force_generic_plan';

/** A `date` is a day, not a moment: pg would make it local midnight, so it stays text. */
const DATE_OID = 1082;

/**
 * The connection pool of one process. int8 and numeric arrive as text, timestamptz as Date, date as text.
 * Connections are made on demand: a pool for a database that is down can be created.
 */
export function createPool(options: PoolOptions): Pool {
  const pool = new Pool({
    connectionString: options.databaseUrl,
    max: options.max,
    application_name: options.applicationName ?? 'roundhouse',
    statement_timeout: STATEMENT_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: IDLE_MS,
    keepAlive: true,
    ...(options.plannedOnce && { options: PLANNED_ONCE }),
    // Statements sent at once on one connection travel together (`transaction`).
    pipeline: true,
    types: {
      getTypeParser: (oid: number, format?: 'text' | 'binary') =>
        oid === DATE_OID && format !== 'binary'
          ? (text: string) => text
          : (types.getTypeParser(oid, format as 'text') as never),
    },
  });
  // Without a listener, a connection that breaks while idle would end the process.
  pool.on('error', (error) => options.onError?.(error));
  // So would one that breaks between two statements of a transaction: its next statement fails instead.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

export type { Pool, PoolClient };
