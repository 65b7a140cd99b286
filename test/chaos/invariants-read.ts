import { createHash } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { audit } from '../../src/db/audit';
import type { Pool, PoolClient } from '../../src/db/pool';
import { sleep } from '../../src/lib/clock';
import type {
  Evidence,
  OpenCase,
  OurAttempt,
  OurBet,
  OurBook,
  OurObligation,
  OurOperation,
  OurRound,
  OurWorkflow,
} from './invariants-evidence';

const LOOKS_MAX = 40;
const LOOK_MS = 250;

/** Reads our book in one snapshot, with what our own audit has to say of it. */
export async function readOurBook(pool: Pool): Promise<OurBook> {
  const client = await pool.connect();
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    // Whatever a run left behind is read in one go; no player waits for it.
    await client.query("SET LOCAL statement_timeout = '120s'");
    await client.query("SET LOCAL idle_in_transaction_session_timeout = '120s'");
    const report = await audit(client);
    const book: OurBook = {
      operations: await readOperations(client),
      bets: await readBets(client),
      obligations: await readObligations(client),
      attempts: await readAttempts(client),
      rounds: await readRounds(client),
      openCases: await readCases(client),
      restRows: await readRest(client),
      wants: await readWants(client),
      contradictions: report.contradictions.map(
        ({ rule, where, detail }) => `audit: ${rule}: ${where}: ${detail}`,
      ),
    };
    await client.query('COMMIT');
    return book;
  } finally {
    client.release(true);
  }
}

async function readOperations(client: PoolClient): Promise<OurOperation[]> {
  const { rows } = await client.query<Omit<OurOperation, 'amount'> & { amount: string }>(
    `SELECT op.id, op.kind, p.prefix AS partner, r.player_id::text AS "playerId", r.round_ref AS "roundRef",
            op.transaction_ref AS "transaction", r.id::text AS "roundId", op.amount::text, op.currency,
            op.bet_id AS "betId", op.payout_state AS "payoutState", op.answer_result AS "answerResult"
       FROM operations op JOIN rounds r ON r.id = op.round_id JOIN partners p ON p.id = r.partner_id
      ORDER BY op.id`,
  );
  return rows.map((row) => ({ ...row, amount: BigInt(row.amount) }));
}

async function readBets(client: PoolClient): Promise<OurBet[]> {
  const { rows } = await client.query<Omit<OurBet, 'stake'> & { stake: string }>(
    `SELECT b.id, r.id::text AS "roundId", p.prefix AS partner, r.player_id::text AS "playerId",
            r.round_ref AS "roundRef", b.form, b.operation_id AS "operationId", b.stake::text, b.outcome,
            b.decision, b.payout_operation_id AS "payoutOperationId", b.paid
       FROM bets b JOIN rounds r ON r.id = b.round_id JOIN partners p ON p.id = r.partner_id`,
  );
  return rows.map((row) => ({ ...row, stake: BigInt(row.stake) }));
}

async function readObligations(client: PoolClient): Promise<OurObligation[]> {
  const { rows } = await client.query<OurObligation>(
    `SELECT bet_id AS "betId", round_id::text AS "roundId", verb, number, status, attempts,
            encode(sha256(convert_to(payload, 'UTF8')), 'hex') AS "payloadSha"
       FROM obligations`,
  );
  return rows;
}

async function readAttempts(client: PoolClient): Promise<OurAttempt[]> {
  const { rows } = await client.query<
    Omit<OurAttempt, 'startedMs' | 'endedMs'> & { started_at: Date; ended_at: Date | null }
  >(
    `SELECT bet_id AS "betId", verb, number, attempt, started_at, ended_at, result FROM attempts
      ORDER BY bet_id, verb, number, attempt`,
  );
  return rows.map(({ started_at, ended_at, ...row }) => ({
    ...row,
    startedMs: started_at.getTime(),
    endedMs: ended_at?.getTime() ?? null,
  }));
}

async function readRounds(client: PoolClient): Promise<OurRound[]> {
  const { rows } = await client.query<OurRound>(
    `SELECT r.id::text AS id, 'round/' || c.key || '/' || r.player_id || '/' || r.round_ref AS "workflowId",
            p.prefix AS partner, r.status
       FROM rounds r JOIN connections c ON c.id = r.connection_id JOIN partners p ON p.id = r.partner_id`,
  );
  return rows;
}

async function readCases(client: PoolClient): Promise<OpenCase[]> {
  const { rows } = await client.query<OpenCase>(
    `SELECT kind, round_id::text AS "roundId", bet_id AS "betId", operation_id AS "operationId"
       FROM cases WHERE status = 'open'`,
  );
  return rows;
}

async function readRest(client: PoolClient): Promise<Record<string, number>> {
  const { rows } = await client.query<{ table: string; rows: string }>(
    `SELECT 'attempts_rest' AS "table", count(*) AS rows FROM attempts_rest
     UNION ALL SELECT 'attempt_bytes_rest', count(*) FROM attempt_bytes_rest
     UNION ALL SELECT 'journal_rest', count(*) FROM journal_rest`,
  );
  return Object.fromEntries(rows.map((row) => [row.table, Number(row.rows)]));
}

async function readWants(client: PoolClient): Promise<OurBook['wants']> {
  const { rows } = await client.query<{ prefix: string; bet_end: boolean; history: boolean }>(
    `SELECT prefix, coalesce((settings->>'bet_end')::boolean, true) AS bet_end,
            coalesce((settings->>'history')::boolean, true) AS history
       FROM partners`,
  );
  return Object.fromEntries(
    rows.map(({ prefix, bet_end, history }) => [prefix, { betEnd: bet_end, history }]),
  );
}

/**
 * The rounds' workflows. Temporal's list lags behind, so one that seems to run although its round is closed
 * is asked itself.
 */
export async function readWorkflows(client: Client, ours: OurBook): Promise<OurWorkflow[]> {
  const closed = new Set(
    ours.rounds.filter(({ status }) => status === 'closed').map(({ workflowId }) => workflowId),
  );
  const found: OurWorkflow[] = [];
  for await (const one of client.workflow.list({ query: 'WorkflowType = "roundWorkflow"' })) {
    const id = one.workflowId;
    const seems = one.status.name === 'RUNNING';
    const running = seems && (!closed.has(id) || (await stillRuns(client, id)));
    found.push({ id, running, historyLength: one.historyLength });
  }
  return found;
}

/** A round that was just looked at has a short run of its own: it gets the time to end. */
async function stillRuns(client: Client, id: string): Promise<boolean> {
  for (let turn = 0; turn < LOOKS_MAX; turn += 1) {
    const { status } = await client.workflow.getHandle(id).describe();
    if (status.name !== 'RUNNING') return false;
    await sleep(LOOK_MS);
  }
  return true;
}

/**
 * Waits, within reason, for what closed rounds are still to do by time alone: their bet-ends leave after a
 * grace, and until then nothing is owed that a book could show.
 */
export async function untilQuiet(pool: Pool): Promise<void> {
  for (let turn = 0; turn < LOOKS_MAX; turn += 1) {
    const { rows } = await pool.query(
      `SELECT 1 FROM rounds r WHERE status = 'closed' AND due_at IS NOT NULL
          AND NOT EXISTS (SELECT 1 FROM cases c WHERE c.round_id = r.id AND c.status = 'open') LIMIT 1`,
    );
    if (rows.length === 0) return;
    await sleep(LOOK_MS);
  }
}

/**
 * The bet id of an operation, computed here from the specification's sentence and not by our own code:
 * SHA-256 over `[1, installation, connection number, kind, player, round, transaction]`. A chaos run has
 * one connection.
 */
export async function createBetIds(pool: Pool): Promise<Evidence['betIdOf']> {
  const { rows } = await pool.query<{ installation: string; connection: number }>(
    `SELECT i.id AS installation, min(c.id) AS connection FROM installation i, connections c GROUP BY i.id`,
  );
  const { installation = '', connection = 0 } = rows[0] ?? {};
  return ({ kind, playerId, round, transaction }) =>
    createHash('sha256')
      .update(JSON.stringify([1, installation, connection, kind, playerId, round, transaction]))
      .digest('hex')
      .slice(0, 24);
}
