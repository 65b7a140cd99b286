import type { PoolClient } from 'pg';
import { lastSeal, sealHash } from '../src/db/seals';

/** As many as a seal of ours covers. */
const HEADS_PER_SEAL = 1_000;
/** A player's rounds in one session. */
export const ROUNDS_PER_SESSION = 20;
const DAY_SECONDS = 86_400;
/** Beyond anything the load driver numbers its rounds and transactions with. */
const FIRST_ROUND_REF = 1_000_000_000_000;
const FIRST_TRANSACTION_REF = 5_000_000_000_000_000;
/** The lock of src/db/seals.ts: seals are a chain, and the worker may be writing one. */
const SEALERS_LOCK = 4_007_001;

/** A round that was really played, of which the filled rounds are copies. */
export interface Template {
  readonly id: string;
  readonly betId: string;
  readonly operations: readonly number[];
  readonly transactions: readonly string[];
  readonly sessionId: string;
  readonly connectionId: number;
  readonly lines: readonly number[];
}

/** Where the new rows' numbers begin. */
export interface Places {
  readonly firstPlayer: number;
  readonly players: number;
  readonly firstSession: number;
  readonly firstRound: number;
  readonly firstOperation: number;
  /** The most operations a round has: each round has room for so many numbers. */
  readonly longest: number;
  readonly installation: string;
}

/** No foreign keys, and no triggers that keep a row as it is: the rows are copies of rows that passed them. */
export async function beUnchecked(client: PoolClient): Promise<void> {
  await client.query('SET LOCAL statement_timeout = 0');
  await client.query('SET LOCAL session_replication_role = replica');
}

/**
 * Copies a table's rows `t` for each row of `source`, all columns as they are but those that are told. Times
 * go back by `c.age` where the source has one.
 */
export async function copyRows(
  client: PoolClient,
  table: string,
  source: string,
  where: string,
  change: { readonly columns: Record<string, string>; readonly values: readonly unknown[] },
): Promise<void> {
  const { rows } = await client.query<{ name: string; type: string }>(
    `SELECT column_name AS name, data_type AS type FROM information_schema.columns
      WHERE table_schema = 'public' AND table_name = $1 ORDER BY ordinal_position`,
    [table],
  );
  const ages = source.includes('clone');
  const values = rows.map(({ name, type }) => {
    const told = change.columns[name];
    if (told !== undefined) return told;
    return ages && type === 'timestamp with time zone' ? `t.${name} - c.age` : `t.${name}`;
  });
  await client.query(
    `INSERT INTO ${table} (${rows.map(({ name }) => name).join(', ')}) OVERRIDING SYSTEM VALUE
     SELECT ${values.join(', ')} FROM ${source}, ${table} t WHERE ${where}`,
    [...change.values],
  );
}

export interface Chunk extends Places {
  readonly first: number;
  readonly count: number;
  readonly rounds: number;
  readonly days: number;
}

/** Adds one chunk of rounds, copies of the template, in the caller's transaction. */
export async function addChunk(
  client: PoolClient,
  template: Template,
  chunk: Chunk,
): Promise<void> {
  await beUnchecked(client);
  await makeClones(client, template, chunk);
  await makeChain(client, template);
  const ofRound = { round_id: 'c.round_id', bet_id: 'c.bet_id' };
  const operation = (column: string) =>
    `c.first_operation + array_position($2::int[], t.${column}) - 1`;
  const values = [template.id, template.operations];
  const transactionRef = (column: string) =>
    `(${String(FIRST_TRANSACTION_REF)} + ${operation(column)})::text`;
  const copy = (
    table: string,
    columns: Record<string, string>,
    where = 't.round_id = $1 AND $2::int[] IS NOT NULL',
    given: readonly unknown[] = values,
  ) => copyRows(client, table, 'clone c', where, { columns, values: given });

  await copy(
    'rounds',
    {
      id: 'c.round_id',
      player_id: 'c.player_id',
      session_id: 'c.session_id',
      round_ref: 'c.round_ref',
      journal_head:
        '(SELECT hash FROM chain WHERE round_id = c.round_id ORDER BY version DESC LIMIT 1)',
      sealed_version: 't.version',
    },
    't.id = $1 AND $2::int[] IS NOT NULL',
  );
  await copy('operations', {
    ...ofRound,
    id: operation('id'),
    transaction_ref: transactionRef('id'),
    business_date: `((t.created_at - c.age) AT TIME ZONE 'UTC')::date`,
  });
  await copy('operation_keys', {
    player_id: 'c.player_id',
    round_ref: 'c.round_ref',
    transaction_ref: transactionRef('operation_id'),
    operation_id: operation('operation_id'),
    round_id: 'c.round_id',
  });
  await copy('bets', {
    round_id: 'c.round_id',
    id: 'c.bet_id',
    operation_id: operation('operation_id'),
    payout_operation_id: operation('payout_operation_id'),
  });
  await copy(
    'obligations',
    { ...ofRound, payload: 'replace(t.payload, $3, c.bet_id)' },
    't.round_id = $1 AND $2::int[] IS NOT NULL',
    [...values, template.betId],
  );
  for (const table of ['attempts', 'attempt_bytes']) {
    await copy(table, { bet_id: 'c.bet_id' }, 't.bet_id = $1', [template.betId]);
  }
  await client.query(
    'INSERT INTO journal (round_id, version, at, facts, hash) SELECT * FROM chain',
  );
  await seal(client, chunk);
}

/** One row a round to be made: who it is, and how old. */
async function makeClones(client: PoolClient, template: Template, chunk: Chunk): Promise<void> {
  const { connectionId } = template;
  await client.query(
    `CREATE TEMP TABLE clone ON COMMIT DROP AS
     SELECT c.*, left(encode(sha256(convert_to(format('[1,"%s",%s,"stake","%s","%s","%s"]',
              $1::text, $2::int, player_id, round_ref,
              ${String(FIRST_TRANSACTION_REF)} + first_operation), 'UTF8')), 'hex'), 24) AS bet_id
       FROM (SELECT n, $3::bigint + n AS round_id, $4::bigint + n % $5::bigint AS player_id,
               $6::bigint + n / ($5::bigint * ${String(ROUNDS_PER_SESSION)}) * $5::bigint
                 + n % $5::bigint AS session_id,
               (${String(FIRST_ROUND_REF)} + n)::text AS round_ref,
               ($7::bigint + n * $8::int)::int AS first_operation,
               make_interval(secs => ${String(DAY_SECONDS)} * (1 + $9::float8 * (1 - n / $10::float8))) AS age
          FROM generate_series($11::bigint, $11::bigint + $12::bigint - 1) n) c`,
    [
      chunk.installation,
      connectionId,
      chunk.firstRound,
      chunk.firstPlayer,
      chunk.players,
      chunk.firstSession,
      chunk.firstOperation,
      chunk.longest,
      chunk.days,
      chunk.rounds,
      chunk.first,
      chunk.count,
    ],
  );
}

/** The journal of each: the template's facts with its own names in them, each line chained to the one before. */
async function makeChain(client: PoolClient, template: Template): Promise<void> {
  const { id, betId, operations, transactions, lines } = template;
  const renamed = operations.reduce((facts, operation, index) => {
    const own = `(c.first_operation + ${String(index)})`;
    const ref = `(${String(FIRST_TRANSACTION_REF)} + ${own})`;
    const numbered = `replace(${facts}, '"operation":${String(operation)},', '"operation":' || ${own} || ',')`;
    return `replace(${numbered}, '"${transactions[index] ?? ''}"', '"' || ${ref} || '"')`;
  }, `replace(t.facts, '${betId}', c.bet_id)`);
  // OFFSET 0 keeps the planner from writing each line's text into those that follow from it.
  const laterals = lines.map((version, index) => {
    const before = index === 0 ? `''::bytea` : `l${String(index - 1)}.hash`;
    return `CROSS JOIN LATERAL (SELECT at, facts,
        sha256(${before} || sha256(convert_to(facts, 'UTF8'))) AS hash
      FROM (SELECT t.at - c.age AS at, ${renamed} AS facts FROM journal t
             WHERE t.round_id = ${id} AND t.version = ${String(version)} OFFSET 0) f OFFSET 0) l${String(index)}`;
  });
  const told = lines.map((version, index) => {
    const line = `l${String(index)}`;
    return `(${String(version)}, ${line}.at, ${line}.facts, ${line}.hash)`;
  });
  await client.query(
    `CREATE TEMP TABLE chain ON COMMIT DROP AS
     SELECT c.round_id, v.* FROM clone c ${laterals.join('\n')}
      CROSS JOIN LATERAL (VALUES ${told.join(', ')}) v (version, at, facts, hash)`,
  );
  await client.query('CREATE INDEX ON chain (round_id, version); ANALYZE chain; ANALYZE clone');
}

/** Seals over the last line of each round, as src/db/seals.ts makes them. */
async function seal(client: PoolClient, { firstRound, first, count }: Chunk): Promise<void> {
  await client.query('SELECT pg_advisory_xact_lock($1)', [SEALERS_LOCK]);
  let last = await lastSeal(client);
  for (let from = first; from < first + count; from += HEADS_PER_SEAL) {
    const heads = Math.min(HEADS_PER_SEAL, first + count - from);
    const number = String(BigInt(last?.number ?? '0') + 1n);
    await client.query(
      `INSERT INTO sealed_heads (seal, round_id, version, head)
       SELECT DISTINCT ON (round_id) $1::bigint, round_id, version, hash FROM chain
        WHERE round_id >= $2::bigint AND round_id < $2::bigint + $3::bigint
        ORDER BY round_id, version DESC`,
      [number, firstRound + from, heads],
    );
    const { rows } = await client.query<{ digest: Buffer }>(
      'SELECT sealed_heads_digest($1) AS digest',
      [number],
    );
    const digest = rows[0]?.digest ?? Buffer.alloc(0);
    const sealedAtMs = Date.now();
    const previous = last === null ? null : Buffer.from(last.hash, 'hex');
    const hash = sealHash(previous, { number, sealedAtMs, heads, digest });
    await client.query(
      `INSERT INTO journal_seals (number, sealed_at, heads, digest, previous, hash)
       VALUES ($1, to_timestamp($2::bigint / 1000.0), $3, $4, $5, $6)`,
      [number, sealedAtMs, heads, digest, previous, hash],
    );
    last = { number, sealed_at: '', heads, hash: hash.toString('hex') };
  }
}
