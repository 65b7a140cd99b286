import type { RoundRow } from '../domain/round/rows';
import type { PoolClient } from './pool';
import type { RoundContext } from './round-rows';
import { writeLater } from './transaction';

const AT = (value: string) => `to_timestamp(${value} / 1000.0)`;

/**
 * What decisions may have changed, a statement each, with the values it takes by name. Those they did
 * change are joined into one statement, so that all of it is written in one go.
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
      FROM json_to_recordset(:keys) AS row(id int, kind text, "transactionRef" text)`,

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
    INSERT INTO obligations (bet_id, verb, number, round_id, status, payload, attempts, uncertain,
        running_since, next_attempt_at, last_failure, repeats, drain_partner, reported, done_at)
    SELECT "betId", verb, number, :round, status, payload, attempts, uncertain, ${AT('"runningSinceMs"')},
        ${AT('"nextAttemptMs"')}, "lastFailure", repeats, CASE WHEN drained THEN :partner::int END, reported,
        ${AT('"doneMs"')}
      FROM json_to_recordset(:obligations) AS row("betId" text, verb text, number int, status text,
        payload text, attempts int, uncertain int, "runningSinceMs" bigint, "nextAttemptMs" bigint,
        "lastFailure" text, repeats int, drained boolean, reported jsonb, "doneMs" bigint)
    ON CONFLICT (bet_id, verb, number) DO UPDATE SET status = excluded.status,
        payload = coalesce(obligations.payload, excluded.payload),
        attempts = excluded.attempts, uncertain = excluded.uncertain,
        running_since = excluded.running_since, next_attempt_at = excluded.next_attempt_at,
        last_failure = excluded.last_failure, repeats = excluded.repeats,
        drain_partner = excluded.drain_partner, reported = excluded.reported, done_at = excluded.done_at`,

  begun: `
    INSERT INTO attempts (bet_id, verb, number, attempt, started_at)
    SELECT "betId", verb, number, attempt, ${AT('"startedMs"')}
      FROM json_to_recordset(:begun) AS row("betId" text, verb text, number int, attempt int,
        "startedMs" bigint)`,

  bytes: `
    INSERT INTO attempt_bytes (bet_id, verb, number, attempt, started_at, received)
    SELECT "betId", verb, number, attempt, ${AT('"startedMs"')}, received
      FROM json_to_recordset(:ended) AS row("betId" text, verb text, number int, attempt int,
        "startedMs" bigint, received text)
     WHERE received IS NOT NULL
    ON CONFLICT DO NOTHING`,

  // One record, not a set: by the number of rows that PostgreSQL expects of a set it may read a young table whole.
  // And no values of their own: by those it would plan the partitions anew each time.
  ended: `
    UPDATE attempts a SET ended_at = clock_timestamp(), result = row.result, text = row.text,
        http_status = row."httpStatus", balance = row.balance, next_attempt_at = ${AT('row."nextAttemptMs"')}
      FROM json_to_record(:ended::json->0) AS row("betId" text, verb text, number int, attempt int,
        "startedMs" bigint, result text, text text, "httpStatus" int, balance text, "nextAttemptMs" bigint)
     WHERE a.bet_id = row."betId" AND a.verb = row.verb AND a.number = row.number
       AND a.attempt = row.attempt AND a.started_at = ${AT('row."startedMs"')}`,

  cases: `
    INSERT INTO cases (kind, round_id, subject, operation_id, bet_id, amount, currency, evidence, opened_at)
    SELECT DISTINCT ON (kind, subject) kind, :round::bigint, subject, "operationId", "betId", amount,
        :currency, evidence, ${AT(':now::bigint')}
      FROM json_to_recordset(:cases) AS row(kind text, subject text, "operationId" int, "betId" text,
        amount bigint, evidence jsonb)
    ON CONFLICT (kind, round_id, subject) DO UPDATE SET status = 'open', resolution = NULL,
        resolved_at = NULL, evidence = excluded.evidence || jsonb_build_object('resent_at', cases.resolved_at)
     WHERE cases.resolution = 'resend'`,

  lines: `
    INSERT INTO journal (round_id, version, at, facts, hash)
    SELECT :round, version, ${AT(':now::bigint')}, facts, decode(hash, 'hex')
      FROM json_to_recordset(:lines) AS row(version int, facts text, hash text)`,
} as const;

export type Part = keyof typeof PARTS;
const PART_NAMES = Object.keys(PARTS) as Part[];

const SAVE_ROUND = `
  UPDATE rounds SET status = :status, closed_by = :closedBy, closing_at = ${AT(':closingMs::bigint')},
      closes_previous = :closesPrevious, last_activity_at = ${AT(':lastActivityMs::bigint')},
      due_at = ${AT(':dueMs::bigint')}, version = :version, journal_head = :hash
   WHERE id = :round`;

interface Statement {
  readonly name: string;
  readonly text: string;
  /** The names of its values, in their order. */
  readonly values: readonly string[];
}

/** Made once for each set of parts that was ever written: a database connection prepares each once. */
const statements = new Map<string, Statement>();

function statementOf(parts: readonly Part[]): Statement {
  // By number: PostgreSQL cuts a name after 63 characters, and two statements would be one.
  const name = ['save_round', ...parts.map((part) => PART_NAMES.indexOf(part))].join('_');
  const known = statements.get(name);
  if (known) return known;
  const withParts = parts.map((part) => `${part}_saved AS (${PARTS[part]})`).join(',');
  const made = numbered(name, `${withParts && `WITH ${withParts}`} ${SAVE_ROUND}`);
  statements.set(name, made);
  return made;
}

/** The named values of a statement as PostgreSQL takes them: by number. */
function numbered(name: string, text: string): Statement {
  const values: string[] = [];
  const byNumber = text.replace(/(?<!:):([a-z]\w*)/gi, (_, value: string) => {
    if (!values.includes(value)) values.push(value);
    return `$${values.indexOf(value) + 1}`;
  });
  return { name, text: byNumber, values };
}

const END_ATTEMPT = numbered('end_attempt', `WITH bytes_saved AS (${PARTS.bytes}) ${PARTS.ended}`);

/** What is to be written of a round: the rows as JSON texts, by the parts that they belong to. */
export interface RoundChange {
  readonly context: RoundContext;
  readonly round: RoundRow;
  readonly parts: Readonly<Record<Exclude<Part, 'bytes' | 'ended'>, readonly string[]>>;
  /** Attempts that have ended, as JSON texts. */
  readonly ended: readonly string[];
  readonly version: number;
  readonly journalHead: Buffer | null;
  /** The book's clock at these decisions, ms. */
  readonly nowMs: number;
  readonly dueMs: number | null;
}

/** Sends it, in the transaction that is open; it is answered at the transaction's end at the latest. */
export function saveRound(client: PoolClient, change: RoundChange): void {
  const { context, round } = change;
  const [first, others] = [change.ended.slice(0, 1), change.ended.slice(1)];
  const parts = { ...change.parts, bytes: first, ended: first };
  const statement = statementOf(PART_NAMES.filter((part) => parts[part].length > 0));
  const written: Record<string, unknown> = {
    round: context.roundId,
    currency: context.terms.currency,
    connection: context.connectionId,
    player: context.playerId,
    roundRef: context.roundRef,
    partner: context.partnerId,
    now: change.nowMs,
    version: change.version,
    hash: change.journalHead,
    status: round.status,
    closedBy: round.closedBy,
    closingMs: round.closingAtMs,
    closesPrevious: round.closesPrevious,
    lastActivityMs: round.lastActivityMs,
    dueMs: change.dueMs,
  };
  for (const part of PART_NAMES) written[part] = `[${parts[part].join(',')}]`;
  send(client, statement, written);
  for (const other of others) send(client, END_ATTEMPT, { ended: `[${other}]` });
}

function send(
  client: PoolClient,
  { name, text, values }: Statement,
  written: Readonly<Record<string, unknown>>,
): void {
  void writeLater(client, { name, text, values: values.map((value) => written[value]) });
}
