import type { Pool, PoolClient, QueryConfig } from 'pg';

/**
 * What was sent in each open transaction and not waited for. By client, so that a query module needs no more
 * than the client to take part.
 */
const sentLater = new WeakMap<object, Promise<unknown>[]>();

/**
 * Runs `work` in one transaction: committed when it resolves, rolled back when it throws. The client is
 * always given back. Nothing is repeated, and `work` must make no network call of its own.
 *
 * Statements are pipelined: BEGIN leaves together with the first statements of `work`, COMMIT together with the
 * last, and each such group costs one round trip.
 *
 * @throws whatever `work`, a statement sent by `writeLater`, or the commit, throws
 */
export async function transaction<Result>(
  pool: Pool,
  work: (client: PoolClient) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect();
  const sent: Promise<unknown>[] = [];
  sentLater.set(client, sent);
  // A connection whose rollback or commit failed is in an unknown state: it is destroyed, not reused.
  let broken: Error | undefined;
  try {
    begin(client);
    const result = await work(client);
    await commit(client, sent);
    return result;
  } catch (error) {
    // A statement behind one that failed says only that the transaction is aborted.
    const [first = error] = faultsOf(await Promise.allSettled(sent));
    broken = await rollback(client);
    throw first;
  } finally {
    sentLater.delete(client);
    client.release(broken);
  }
}

/**
 * Sends a statement whose result nobody needs before the commit: it travels with what is sent next. When it
 * fails, the transaction does, with its error.
 */
export function writeLater(client: PoolClient, query: QueryConfig): void {
  const sent = sentLater.get(client);
  if (!sent) throw new Error('a statement was sent for later outside a transaction');
  joinWrites(client);
  const answered = client.query(query);
  sent.push(answered);
  // It is waited for at the end of the transaction; until then its failure is nobody's yet.
  answered.catch(() => undefined);
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

// Nobody waits for BEGIN alone. Were it to fail, the statements behind it, which are on their way already,
// would each be a transaction of their own: so the connection is ended before the first answer of any is read,
// and nothing more can be written.
function begin(client: PoolClient): void {
  joinWrites(client);
  client.query('BEGIN', (error: Error | null) => {
    if (error) client.connection.stream.destroy();
  });
}

// PostgreSQL answers COMMIT with ROLLBACK, and no error, when a statement inside failed and was swallowed.
async function commit(client: PoolClient, sent: readonly Promise<unknown>[]): Promise<void> {
  joinWrites(client);
  const committed = client.query('COMMIT');
  const [first] = faultsOf(await Promise.allSettled([...sent, committed]));
  if (first !== undefined) throw first;
  const { command } = await committed;
  if (command !== 'COMMIT') throw new Error('the transaction was rolled back by the database');
}

function faultsOf(settled: readonly PromiseSettledResult<unknown>[]): unknown[] {
  return settled.filter((each) => each.status === 'rejected').map((each) => each.reason as unknown);
}

async function rollback(client: PoolClient): Promise<Error | undefined> {
  try {
    await client.query('ROLLBACK');
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
