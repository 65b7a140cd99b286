import { readInstallation } from '../src/db/installation';
import { createPool, type Pool } from '../src/db/pool';
import { transaction } from '../src/db/transaction';
import {
  addChunk,
  beUnchecked,
  copyRows,
  ROUNDS_PER_SESSION,
  type Places,
  type Template,
} from './copy-rounds';

/** Rounds one transaction adds at most: its temporary tables stay in memory. */
const CHUNK_ROUNDS_MAX = 20_000;
/** Kinds of rounds take turns, in a small book as well. */
const CHUNKS_MIN = 8;
/** Of a player: somebody who comes back ten times and spins twenty times. */
const ROUNDS_PER_PLAYER = 200;

export interface Filled {
  readonly rounds: number;
  readonly operations: number;
  readonly bytes: number;
}

/**
 * Fills a book with operations of the past. Rounds that were played on it and are at rest are copied, row by
 * row in every table, each under numbers, ids and a time of its own, with its journal chained and sealed: the
 * copies are whatever rounds of this version are, and `roundhouse audit` holds. What is not made anew is
 * inside the bytes of wallet calls: they name the template's player and times, which no rule compares.
 *
 * The user must be PostgreSQL's superuser: foreign keys are not checked row by row.
 *
 * @param days over which the operations are spread, the youngest a day old; history is kept by month
 * @param wholeServer the server is this book's alone, and is made fast and unsafe while it is filled
 */
export async function fillBook(
  databaseUrl: string,
  options: {
    readonly operations: number;
    readonly days: number;
    readonly wholeServer: boolean;
    readonly report: (line: string) => void;
  },
): Promise<Filled> {
  const { days, report } = options;
  const pool = createPool({ databaseUrl, max: 2 });
  try {
    const templates = await findTemplates(pool);
    const perRound = templates.reduce((sum, each) => sum + each.operations.length, 0);
    const rounds = Math.ceil((options.operations * templates.length) / perRound);
    if (options.wholeServer) await tune(pool, FAST);
    await makeMonths(pool, days);
    const places = await makePlayers(pool, templates, rounds);
    const chunkRounds = Math.min(CHUNK_ROUNDS_MAX, Math.ceil(rounds / CHUNKS_MIN));
    let told = Date.now();
    for (let first = 0, chunk = 0; first < rounds; first += chunkRounds, chunk++) {
      const template = templates[chunk % templates.length];
      if (!template) break;
      const count = Math.min(chunkRounds, rounds - first);
      await transaction(pool, (client) =>
        addChunk(client, template, { ...places, first, count, rounds, days }),
      );
      if (Date.now() - told < 15_000) continue;
      told = Date.now();
      report(`${String(first + count)} of ${String(rounds)} rounds are in the book`);
    }
    return await finish(pool, options.wholeServer);
  } finally {
    await pool.end();
  }
}

async function finish(pool: Pool, wholeServer: boolean): Promise<Filled> {
  const client = await pool.connect();
  try {
    await client.query('SET statement_timeout = 0');
    await client.query('VACUUM (ANALYZE)');
    if (wholeServer)
      await tune(pool, Object.fromEntries(Object.keys(FAST).map((key) => [key, undefined])));
    await client.query('CHECKPOINT');
    const { rows } = await client.query<Record<'rounds' | 'operations' | 'bytes', string>>(
      `SELECT (SELECT count(*) FROM rounds) AS rounds, (SELECT count(*) FROM operations) AS operations,
              pg_database_size(current_database()) AS bytes`,
    );
    const [row] = rows;
    return {
      rounds: Number(row?.rounds),
      operations: Number(row?.operations),
      bytes: Number(row?.bytes),
    };
  } finally {
    client.release();
  }
}

/** What may be lost while the book is filled is made again by filling it again. */
const FAST: Record<string, string> = {
  fsync: 'off',
  full_page_writes: 'off',
  synchronous_commit: 'off',
  autovacuum: 'off',
  max_wal_size: '8GB',
  maintenance_work_mem: '512MB',
};

/** Settings without a value go back to what they were. */
async function tune(pool: Pool, settings: Record<string, string | undefined>): Promise<void> {
  for (const [name, value] of Object.entries(settings)) {
    await pool.query(
      value === undefined ? `ALTER SYSTEM RESET ${name}` : `ALTER SYSTEM SET ${name} = '${value}'`,
    );
  }
  await pool.query('SELECT pg_reload_conf()');
}

/** The newest round at rest of each number of operations, with one bet. */
async function findTemplates(pool: Pool): Promise<Template[]> {
  const { rows } = await pool.query<{
    id: string;
    bet_id: string;
    operations: number[];
    transactions: string[];
    session_id: string;
    connection_id: number;
    lines: number[];
  }>(
    `SELECT DISTINCT ON (cardinality(o.operations)) r.id, b.id AS bet_id, o.operations, o.transactions,
            r.session_id, r.connection_id, j.lines
       FROM rounds r JOIN bets b ON b.round_id = r.id AND b.form = 'stake'
      CROSS JOIN LATERAL (SELECT array_agg(id ORDER BY id) AS operations,
         array_agg(transaction_ref ORDER BY id) AS transactions FROM operations WHERE round_id = r.id) o
      CROSS JOIN LATERAL (SELECT array_agg(version ORDER BY version) AS lines FROM journal
         WHERE round_id = r.id) j
      WHERE r.status = 'closed' AND r.due_at IS NULL
        AND (SELECT count(*) FROM bets WHERE round_id = r.id) = 1
        AND NOT EXISTS (SELECT 1 FROM obligations WHERE round_id = r.id AND status <> 'done')
        AND NOT EXISTS (SELECT 1 FROM operations WHERE round_id = r.id AND kind = 'stake'
                          AND (answer_result <> 'accepted' OR answer_written_at IS NULL))
      ORDER BY cardinality(o.operations), r.id DESC`,
  );
  if (rows.length === 0) throw new Error('the book has no round at rest that could be copied');
  return rows.map((row) => ({
    id: row.id,
    betId: row.bet_id,
    operations: row.operations,
    transactions: row.transactions,
    sessionId: row.session_id,
    connectionId: row.connection_id,
    lines: row.lines,
  }));
}

/** Partitions of past months, named as ensure_month_partitions() names them. */
async function makeMonths(pool: Pool, days: number): Promise<void> {
  await pool.query(`
    DO $$
    DECLARE parent text; first_day date;
    BEGIN
      FOREACH parent IN ARRAY ARRAY['attempts', 'attempt_bytes', 'journal'] LOOP
        FOR first_day IN SELECT generate_series(
            date_trunc('month', now() AT TIME ZONE 'UTC' - interval '${String(days + 2)} days'),
            date_trunc('month', now() AT TIME ZONE 'UTC'), '1 month')::date LOOP
          EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
            parent || to_char(first_day, '_YYYY_MM'), parent, first_day::timestamp AT TIME ZONE 'UTC',
            (first_day + interval '1 month') AT TIME ZONE 'UTC');
        END LOOP;
      END LOOP;
    END $$`);
}

/** Players and their sessions; and the numbers of the rounds and operations to come are set aside. */
async function makePlayers(pool: Pool, templates: Template[], rounds: number): Promise<Places> {
  const players = Math.max(1, Math.ceil(rounds / ROUNDS_PER_PLAYER));
  const sessions = players * Math.ceil(rounds / (players * ROUNDS_PER_SESSION));
  const longest = Math.max(...templates.map((each) => each.operations.length));
  const reserve = async (sequence: string, count: number): Promise<number> => {
    const { rows } = await pool.query<{ last: string }>(
      `SELECT setval(${sequence}, nextval(${sequence}) + $1::bigint) AS last`,
      [count],
    );
    return Number(rows[0]?.last) - count;
  };
  const firstPlayer = await reserve(`'player_numbers'::regclass`, players);
  const serial = (table: string) => `pg_get_serial_sequence('${table}', 'id')::regclass`;
  const firstSession = await reserve(serial('sessions'), sessions);
  const firstRound = await reserve(serial('rounds'), rounds);
  const firstOperation = await reserve(serial('operations'), rounds * longest);
  const { id: installation } = await readInstallation(pool);
  const [template] = templates;
  await transaction(pool, async (client) => {
    await beUnchecked(client);
    await client.query(
      `INSERT INTO players (player_id, partner_id, reference)
       SELECT $1::bigint + i, s.partner_id, 'filled-' || ($1::bigint + i)
         FROM generate_series(0, $2::bigint - 1) i, sessions s WHERE s.id = $3`,
      [firstPlayer, players, template?.sessionId],
    );
    await copyRows(client, 'sessions', 'generate_series(0, $1::bigint - 1) i', 't.id = $2', {
      values: [sessions, template?.sessionId, firstPlayer, players, firstSession],
      columns: {
        id: '$5::bigint + i',
        token_hash: `sha256(convert_to('filled-' || ($5::bigint + i), 'UTF8'))`,
        player_id: '$3::bigint + i % $4::bigint',
        ended_at: 't.created_at',
      },
    });
  });
  return { firstPlayer, players, firstSession, firstRound, firstOperation, longest, installation };
}
