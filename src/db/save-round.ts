import { createHash } from 'node:crypto';
import type { Decision, RoundEvent } from '../domain/round';
import type { Fact, SettledCase } from '../domain/round/draft';
import { nextLookAtMs } from '../domain/round/next';
import type { RoundRows } from '../domain/round/rows';
import type { PoolClient } from './pool';
import type { LockedRound } from './round-rows';
import { writeLater } from './transaction';

const AT = (value: string) => `to_timestamp(${value} / 1000.0)`;

/**
 * What a decision may have changed, a statement each, with the values it takes by name. Those a decision did
 * change are joined into one statement, so that a decision is written in one go.
 */
const PARTS = {
  operations: `
    INSERT INTO operations (id, round_id, kind, transaction_ref, business_date, amount, currency, game_id,
        is_close, bet_amount, bet_id, payout_state, requests, deadline_at, waiting, answer_result,
        answer_balance, created_at)
    SELECT id, :round, kind, "transactionRef", (${AT('"createdMs"')} AT TIME ZONE 'UTC')::date, amount,
        :currency, "gameId", "isClose", "betAmount", "betId", "payoutState", requests,
        ${AT('"deadlineMs"')}, waiting, answer->>'result', answer->>'balance', ${AT('"createdMs"')}
      FROM json_to_recordset(:operations) AS row(id int, kind text, "transactionRef" text, amount bigint,
        "gameId" text, "isClose" boolean, "betAmount" bigint, "betId" text, "payoutState" text,
        requests int, "deadlineMs" bigint, waiting boolean, answer json, "createdMs" bigint)
    ON CONFLICT (id) DO UPDATE SET bet_id = excluded.bet_id, payout_state = excluded.payout_state,
        requests = excluded.requests, deadline_at = excluded.deadline_at, waiting = excluded.waiting,
        answer_result = excluded.answer_result, answer_balance = excluded.answer_balance`,

  keys: `
    INSERT INTO operation_keys (connection_id, kind, player_id, round_ref, transaction_ref, operation_id,
        round_id)
    SELECT :connection, kind, :player, :roundRef, "transactionRef", id, :round
      FROM json_to_recordset(:added) AS row(id int, kind text, "transactionRef" text)`,

  bets: `
    INSERT INTO bets (id, round_id, form, operation_id, stake, outcome, decision, stake_balance,
        payout_operation_id, payout, paid, last_balance, created_at, updated_at)
    SELECT id, :round, form, "operationId", stake, outcome, decision, "stakeBalance", "payoutOperationId",
        payout, paid, "lastBalance", ${AT('"createdMs"')}, ${AT('"updatedMs"')}
      FROM json_to_recordset(:bets) AS row(id text, form text, "operationId" int, stake bigint, outcome text,
        decision text, "stakeBalance" text, "payoutOperationId" int, payout bigint, paid boolean,
        "lastBalance" text, "createdMs" bigint, "updatedMs" bigint)
    ON CONFLICT (id) DO UPDATE SET outcome = excluded.outcome, decision = excluded.decision,
        stake_balance = excluded.stake_balance, payout_operation_id = excluded.payout_operation_id,
        payout = excluded.payout, paid = excluded.paid, last_balance = excluded.last_balance,
        updated_at = excluded.updated_at`,

  obligations: `
    INSERT INTO obligations (bet_id, verb, number, round_id, status, attempts, uncertain, running_since,
        next_attempt_at, last_failure, repeats, drain_partner, reported, done_at)
    SELECT "betId", verb, number, :round, status, attempts, uncertain, ${AT('"runningSinceMs"')},
        ${AT('"nextAttemptMs"')}, "lastFailure", repeats, CASE WHEN drained THEN :partner::int END, reported,
        ${AT('"doneMs"')}
      FROM json_to_recordset(:obligations) AS row("betId" text, verb text, number int, status text,
        attempts int, uncertain int, "runningSinceMs" bigint, "nextAttemptMs" bigint, "lastFailure" text,
        repeats int, drained boolean, reported jsonb, "doneMs" bigint)
    ON CONFLICT (bet_id, verb, number) DO UPDATE SET status = excluded.status,
        attempts = excluded.attempts, uncertain = excluded.uncertain,
        running_since = excluded.running_since, next_attempt_at = excluded.next_attempt_at,
        last_failure = excluded.last_failure, repeats = excluded.repeats,
        drain_partner = excluded.drain_partner, reported = excluded.reported, done_at = excluded.done_at`,

  cases: `
    INSERT INTO cases (kind, round_id, subject, operation_id, bet_id, amount, currency, evidence, opened_at)
    SELECT DISTINCT ON (kind, subject) kind, :round::bigint, subject, "operationId", "betId", amount,
        :currency, evidence, ${AT(':now::bigint')}
      FROM json_to_recordset(:cases) AS row(kind text, subject text, "operationId" int, "betId" text,
        amount bigint, evidence jsonb)
    ON CONFLICT (kind, round_id, subject) DO UPDATE SET status = 'open', resolution = NULL,
        resolved_at = NULL, evidence = excluded.evidence || jsonb_build_object('resent_at', cases.resolved_at)
     WHERE cases.resolution = 'resend'`,

  line: `
    INSERT INTO journal (round_id, version, at, facts, hash)
    VALUES (:round, :version, ${AT(':now::bigint')}, :facts, :hash)`,
} as const;

type Part = keyof typeof PARTS;
const PART_NAMES = Object.keys(PARTS) as Part[];

const SAVE_ROUND = `
  UPDATE rounds SET status = :status, closed_by = :closedBy, closing_at = ${AT(':closingMs::bigint')},
      closes_previous = :closesPrevious, last_activity_at = ${AT(':lastActivityMs::bigint')},
      due_at = ${AT(':dueMs::bigint')}, version = :version,
      journal_head = coalesce(:hash, journal_head)
   WHERE id = :round`;

interface Statement {
  readonly name: string;
  readonly text: string;
  /** The names of its values, in their order. */
  readonly values: readonly string[];
}

/** Made once for each set of parts that a decision ever had: a database connection prepares each once. */
const statements = new Map<string, Statement>();

function statementOf(parts: readonly Part[]): Statement {
  const name = ['save_round', ...parts].join('_');
  const known = statements.get(name);
  if (known) return known;
  const withParts = parts.map((part) => `${part}_saved AS (${PARTS[part]})`).join(',');
  const made = numbered(name, `${withParts && `WITH ${withParts}`} ${SAVE_ROUND}`);
  statements.set(name, made);
  return made;
}

const OPEN_CASES = numbered('open_cases', PARTS.cases);

/** The named values of a statement as PostgreSQL takes them: by number. */
function numbered(name: string, text: string): Statement {
  const values: string[] = [];
  const byNumber = text.replace(/(?<!:):([a-z]\w*)/gi, (_, value: string) => {
    if (!values.includes(value)) values.push(value);
    return `$${values.indexOf(value) + 1}`;
  });
  return { name, text: byNumber, values };
}

function write(
  client: PoolClient,
  { name, text, values }: Statement,
  written: Readonly<Record<string, unknown>>,
): void {
  void writeLater(client, { name, text, values: values.map((value) => written[value]) });
}

// Returns the cases that were open, so that the journal tells of those only.
const SETTLE_CASES = `
  UPDATE cases SET status = 'resolved', resolution = 'settled', resolved_at = ${AT('$3::bigint')}
    FROM json_to_recordset($1) AS row(kind text, subject text)
   WHERE round_id = $2 AND cases.kind = row.kind AND cases.subject = row.subject AND status = 'open'
  RETURNING cases.id, cases.kind`;

/**
 * Writes back what a decision changed, with its journal line, in the decision's own transaction. Sent, and
 * answered at the transaction's end at the latest.
 *
 * @returns the round's version: how many decisions have changed it
 */
export async function saveRound<Event extends RoundEvent>(
  client: PoolClient,
  change: {
    locked: LockedRound;
    before: Snapshot;
    decision: Decision<Event>;
  },
): Promise<number> {
  const { locked, before, decision } = change;
  const { context, nowMs, rows } = locked;
  const { round } = rows;
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
    before.round !== rowText(round);
  // A case is written with its round: the book then looks at the round again when there is something to see.
  if (!touched && decision.cases.length === 0) return locked.version;

  const version = locked.version + 1;
  const written: Record<string, unknown> = {
    round: context.roundId,
    currency: context.terms.currency,
    connection: context.connectionId,
    player: context.playerId,
    roundRef: context.roundRef,
    partner: context.partnerId,
    operations: list(operations),
    added: list(added),
    bets: list(bets),
    obligations: list(obligations),
    cases: list(decision.cases),
    now: nowMs,
    version,
    status: round.status,
    closedBy: round.closedBy,
    closingMs: round.closingAtMs,
    closesPrevious: round.closesPrevious,
    lastActivityMs: round.lastActivityMs,
    dueMs: nextLookAtMs(decision.draft),
  };
  // A case may be opened by what time decided and settled by the event behind it: it is there to be closed.
  const opensFirst = decision.settled.length > 0 && decision.cases.length > 0;
  if (opensFirst) write(client, OPEN_CASES, written);
  const closed = await settleCases(client, context.roundId, decision.settled, nowMs);
  const lines = [...decision.facts, ...closed];
  const facts = lines.length === 0 ? null : JSON.stringify(lines);
  const changed: Record<Part, boolean> = {
    operations: operations.length > 0,
    keys: added.length > 0,
    bets: bets.length > 0,
    obligations: obligations.length > 0,
    cases: decision.cases.length > 0 && !opensFirst,
    line: facts !== null,
  };
  const hash = facts === null ? null : chainHash(locked.journalHead, facts);
  const statement = statementOf(PART_NAMES.filter((part) => changed[part]));
  write(client, statement, { ...written, facts, hash });
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
