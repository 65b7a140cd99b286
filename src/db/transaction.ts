import type { Pool, PoolClient, QueryConfig, QueryResult, QueryResultRow } from 'pg';

/**
 * What was sent in each open transaction and not waited for. By client, so that a query module needs no more than
 * that to take part.
 */
const sentLater = new WeakMap<object, Promise<unknown>[]>();

/**
 * Runs `work` in one transaction: committed when it resolves, rolled back when it throws. The client is
 * always given back. Nothing is repeated, and `work` must make no network call of its own.
 *
 * @throws whatever `work`, a statement sent by `writeLater`, or the commit, throws
 */
export function transaction<Result>(
  pool: Pool,
  work: (client: PoolClient) => Promise<Result>,
): Promise<Result> {
  return run(pool, async (client) => {
    await client.query('BEGIN');
    return work(client);
  });
}

/**
 * The same with one round trip less: BEGIN leaves together with the first statements of `work`. Those must do no
 * harm alone (a lock, a read, an empty round): were BEGIN to fail, they would be on their way already, each a
 * transaction of its own. Nothing else can: the connection is ended before the first of their answers is read.
 */
export function pipelinedTransaction<Result>(
  pool: Pool,
  work: (client: PoolClient) => Promise<Result>,
): Promise<Result> {
  return run(pool, (client) => {
    joinWrites(client);
    client.query('BEGIN', (error: Error | null) => {
      if (error) client.connection.stream.destroy();
    });
    return work(client);
  });
}

async function run<Result>(
  pool: Pool,
  work: (client: PoolClient) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect();
  const sent: Promise<unknown>[] = [];
  sentLater.set(client, sent);
  // A connection whose rollback or commit failed is in an unknown state: it is destroyed, not reused.
  let broken: Error | undefined;
  try {
    const result = await work(client);
    await commit(client, sent);
    return result;
  } catch (error) {
    // A statement behind one that failed says only that the transaction is aborted.
    const settled = await Promise.allSettled(sent);
    const failed = settled.find((each) => each.status === 'rejected');
    broken = await rollback(client);
    throw failed ? failed.reason : error;
  } finally {
    sentLater.delete(client);
    client.release(broken);
  }
}

/**
 * Sends a statement whose result nobody needs before the commit: it travels with what is sent next. When it
 * fails, the transaction does, with its error.
 *
 * @returns its result, to be used when the transaction is committed
 */
export function writeLater<Row extends QueryResultRow>(
  client: PoolClient,
  query: QueryConfig,
): Promise<QueryResult<Row>> {
  const sent = sentLater.get(client);
  if (!sent) throw new Error('a statement was left to the commit outside a transaction');
  joinWrites(client);
  const answered = client.query<Row>(query);
  sent.push(answered);
  // It is waited for at the end of the transaction; until then its failure is nobody's yet.
  answered.catch(() => undefined);
  return answered;
}

/**
 * What is written to the connection in this turn of the event loop leaves in one system call: they cost more
 * than what they carry.
 */
export function joinWrites(client: PoolClient): void {
  const { stream } = client.connection;
  stream.cork();
  process.nextTick(() => stream.uncork());
}

// PostgreSQL answers COMMIT with ROLLBACK, and no error, when a statement inside failed and was swallowed.
async function commit(client: PoolClient, sent: readonly Promise<unknown>[]): Promise<void> {
  joinWrites(client);
  const committed = client.query('COMMIT');
  // Every one is heard of before the connection goes on to somebody else; the first that failed says why.
  await Promise.allSettled([...sent, committed]);
  for (const answered of sent) await answered;
  const { command } = await committed;
  if (command !== 'COMMIT') throw new Error('the transaction was rolled back by the database');
}

async function rollback(client: PoolClient): Promise<Error | undefined> {
  try {
    await client.query('ROLLBACK');
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
