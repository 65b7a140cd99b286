import { createHash } from 'node:crypto';
import type { Decision, RoundEvent } from '../domain/round';
import type { Fact, SettledCase } from '../domain/round/draft';
import { nextLookAtMs } from '../domain/round/next';
import type { RoundRows } from '../domain/round/rows';
import type { PoolClient } from './pool';
import type { LockedRound } from './round-rows';

const AT = (value: string) => `to_timestamp(${value} / 1000.0)`;

const SAVE_OPERATIONS = `
  INSERT INTO operations (id, round_id, kind, transaction_ref, business_date, amount, currency, game_id,
      is_close, bet_amount, bet_id, payout_state, requests, deadline_at, waiting, answer_result,
      answer_balance, created_at)
  SELECT id, $2, kind, "transactionRef", (${AT('"createdMs"')} AT TIME ZONE 'UTC')::date, amount, $3,
      "gameId", "isClose", "betAmount", "betId", "payoutState", requests, ${AT('"deadlineMs"')}, waiting,
      answer->>'result', answer->>'balance', ${AT('"createdMs"')}
    FROM json_to_recordset($1) AS row(id int, kind text, "transactionRef" text, amount bigint,
      "gameId" text, "isClose" boolean, "betAmount" bigint, "betId" text, "payoutState" text,
      requests int, "deadlineMs" bigint, waiting boolean, answer json, "createdMs" bigint)
  ON CONFLICT (id) DO UPDATE SET bet_id = excluded.bet_id, payout_state = excluded.payout_state,
      requests = excluded.requests, deadline_at = excluded.deadline_at, waiting = excluded.waiting,
      answer_result = excluded.answer_result, answer_balance = excluded.answer_balance`;

const SAVE_KEYS = `
  INSERT INTO operation_keys (connection_id, kind, player_id, round_ref, transaction_ref, operation_id, round_id)
  SELECT $2, kind, $3, $4, "transactionRef", id, $5
    FROM json_to_recordset($1) AS row(id int, kind text, "transactionRef" text)`;

const SAVE_BETS = `
  INSERT INTO bets (id, round_id, form, operation_id, stake, outcome, decision, stake_balance,
      payout_operation_id, payout, paid, last_balance, created_at, updated_at)
  SELECT id, $2, form, "operationId", stake, outcome, decision, "stakeBalance", "payoutOperationId",
      payout, paid, "lastBalance", ${AT('"createdMs"')}, ${AT('"updatedMs"')}
    FROM json_to_recordset($1) AS row(id text, form text, "operationId" int, stake bigint, outcome text,
      decision text, "stakeBalance" text, "payoutOperationId" int, payout bigint, paid boolean,
      "lastBalance" text, "createdMs" bigint, "updatedMs" bigint)
  ON CONFLICT (id) DO UPDATE SET outcome = excluded.outcome, decision = excluded.decision,
      stake_balance = excluded.stake_balance, payout_operation_id = excluded.payout_operation_id,
      payout = excluded.payout, paid = excluded.paid, last_balance = excluded.last_balance,
      updated_at = excluded.updated_at`;

const SAVE_OBLIGATIONS = `
  INSERT INTO obligations (bet_id, verb, number, round_id, status, attempts, uncertain, running_since,
      next_attempt_at, last_failure, repeats, drain_partner, reported, done_at)
  SELECT "betId", verb, number, $2, status, attempts, uncertain, ${AT('"runningSinceMs"')},
      ${AT('"nextAttemptMs"')}, "lastFailure", repeats, CASE WHEN drained THEN $3::int END, reported,
      ${AT('"doneMs"')}
    FROM json_to_recordset($1) AS row("betId" text, verb text, number int, status text, attempts int,
      uncertain int, "runningSinceMs" bigint, "nextAttemptMs" bigint, "lastFailure" text, repeats int,
      drained boolean, reported jsonb, "doneMs" bigint)
  ON CONFLICT (bet_id, verb, number) DO UPDATE SET status = excluded.status,
      attempts = excluded.attempts, uncertain = excluded.uncertain,
      running_since = excluded.running_since, next_attempt_at = excluded.next_attempt_at,
      last_failure = excluded.last_failure, repeats = excluded.repeats,
      drain_partner = excluded.drain_partner, reported = excluded.reported, done_at = excluded.done_at`;

const SAVE_ROUND = `
  WITH line AS (
    INSERT INTO journal (round_id, version, at, facts, hash)
    SELECT $1, $8, ${AT('$9::bigint')}, $10, $11 WHERE $10::text IS NOT NULL
  )
  UPDATE rounds SET status = $2, closed_by = $3, closing_at = ${AT('$4::bigint')}, closes_previous = $5,
      last_activity_at = ${AT('$6::bigint')}, due_at = ${AT('$7::bigint')}, version = $8,
      journal_head = coalesce($11, journal_head)
   WHERE id = $1`;

const OPEN_CASES = `
  INSERT INTO cases (kind, round_id, subject, operation_id, bet_id, amount, currency, evidence, opened_at)
  SELECT DISTINCT ON (kind, subject) kind, $2::bigint, subject, "operationId", "betId", amount, $3, evidence,
      ${AT('$4::bigint')}
    FROM json_to_recordset($1) AS row(kind text, subject text, "operationId" int, "betId" text,
      amount bigint, evidence jsonb)
  ON CONFLICT (kind, round_id, subject) DO UPDATE SET status = 'open', resolution = NULL,
      resolved_at = NULL, evidence = excluded.evidence || jsonb_build_object('resent_at', cases.resolved_at)
   WHERE cases.resolution = 'resend'`;

// Returns the cases that were open, so that the journal tells of those only.
const SETTLE_CASES = `
  UPDATE cases SET status = 'resolved', resolution = 'settled', resolved_at = ${AT('$3::bigint')}
    FROM json_to_recordset($1) AS row(kind text, subject text)
   WHERE round_id = $2 AND cases.kind = row.kind AND cases.subject = row.subject AND status = 'open'
  RETURNING cases.id, cases.kind`;

/**
 * Writes back what a decision changed, with its journal line, in the decision's own transaction.
 *
 * @returns the round's version: how many decisions have changed it
 */
export async function saveRound<Event extends RoundEvent>(
  client: PoolClient,
  change: {
    locked: LockedRound;
    rows: RoundRows;
    before: Snapshot;
    decision: Decision<Event>;
  },
): Promise<number> {
  const { locked, rows, before, decision } = change;
  const { context, nowMs } = locked;
  const operations = rows.operations.filter(
    (row) => before.operations.get(row.id) !== rowText(row),
  );
  const bets = rows.bets.filter((row) => before.bets.get(row.id) !== rowText(row));
  const obligations = rows.obligations.filter(
    (row) => before.obligations.get(`${row.betId}/${row.verb}/${row.number}`) !== rowText(row),
  );
  const added = operations.filter((row) => !before.operations.has(row.id));
  const touched =
    operations.length + bets.length + obligations.length + decision.facts.length > 0 ||
    before.round !== rowText(rows.round);
  // A case is written with its round: the book then looks at the round again when there is something to see.
  if (!touched && decision.cases.length === 0) return locked.version;

  const roundId = context.roundId;
  if (operations.length > 0) {
    await run(client, 'save_operations', SAVE_OPERATIONS, [
      list(operations),
      roundId,
      context.terms.currency,
    ]);
  }
  if (added.length > 0) {
    await run(client, 'save_operation_keys', SAVE_KEYS, [
      list(added),
      context.connectionId,
      context.playerId,
      context.roundRef,
      roundId,
    ]);
  }
  if (bets.length > 0) await run(client, 'save_bets', SAVE_BETS, [list(bets), roundId]);
  if (obligations.length > 0) {
    await run(client, 'save_obligations', SAVE_OBLIGATIONS, [
      list(obligations),
      roundId,
      context.partnerId,
    ]);
  }
  if (decision.cases.length > 0) {
    await run(client, 'open_cases', OPEN_CASES, [
      list(decision.cases),
      roundId,
      context.terms.currency,
      nowMs,
    ]);
  }
  const closed = await settleCases(client, roundId, decision.settled, nowMs);

  const version = locked.version + 1;
  const lines = [...decision.facts, ...closed];
  const facts = lines.length === 0 ? null : JSON.stringify(lines);
  const { round } = rows;
  await run(client, 'save_round', SAVE_ROUND, [
    roundId,
    round.status,
    round.closedBy,
    round.closingAtMs,
    round.closesPrevious,
    round.lastActivityMs,
    nextLookAtMs(decision.draft),
    version,
    nowMs,
    facts,
    facts === null ? null : chainHash(locked.journalHead, facts),
  ]);
  return version;
}

/** Closes the open cases whose matter the decision settled; answers a fact for each. */
async function settleCases(
  client: PoolClient,
  roundId: string,
  settled: readonly SettledCase[],
  nowMs: number,
): Promise<Fact[]> {
  if (settled.length === 0) return [];
  const { rows } = await client.query<{ id: string; kind: string }>({
    name: 'settle_cases',
    text: SETTLE_CASES,
    values: [list(settled), roundId, nowMs],
  });
  return rows.map(({ id, kind }) => ({
    kind: 'case_resolved',
    case: id,
    case_kind: kind,
    as: 'settled',
  }));
}

function list(rows: readonly object[]): string {
  return `[${rows.map(rowText).join(',')}]`;
}

async function run(
  client: PoolClient,
  name: string,
  text: string,
  values: unknown[],
): Promise<void> {
  await client.query({ name, text, values });
}

/** The rows as text, one a row, so that only what a decision changed is written back. */
interface Snapshot {
  readonly round: string;
  readonly operations: ReadonlyMap<number, string>;
  readonly bets: ReadonlyMap<string, string>;
  readonly obligations: ReadonlyMap<string, string>;
}

function rowText(row: object): string {
  return JSON.stringify(row, (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
}

export function snapshot(rows: RoundRows): Snapshot {
  return {
    round: rowText(rows.round),
    operations: new Map(rows.operations.map((row) => [row.id, rowText(row)])),
    bets: new Map(rows.bets.map((row) => [row.id, rowText(row)])),
    obligations: new Map(
      rows.obligations.map((row) => [`${row.betId}/${row.verb}/${row.number}`, rowText(row)]),
    ),
  };
}

/** SHA-256 over the hash before and the digest of the facts: the journal's chain (SPEC §7). */
export function chainHash(before: Buffer | null, facts: string): Buffer {
  const digest = createHash('sha256').update(facts).digest();
  return createHash('sha256')
    .update(before ?? Buffer.alloc(0))
    .update(digest)
    .digest();
}
