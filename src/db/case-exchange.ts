import { formatAmount } from '../domain/money';
import { caseRow, type CaseRow } from './cases';
import type { Db } from './pool';

/** What the provider asked, as the book holds it. Amounts are decimal text. */
export interface ToldOperation {
  readonly operation: number;
  readonly kind: string;
  readonly transaction: string;
  readonly amount: string;
  readonly is_close: boolean;
  readonly requests: number;
  /** The stored answer; null while there is none. */
  readonly answer: string | null;
  readonly answer_balance: string | null;
  readonly answer_written_at: string | null;
  readonly created_at: string;
}

/** One call to the wallet: the bytes that every attempt sent, without their signature. */
export interface SentCall {
  readonly call: string;
  readonly status: string;
  readonly attempts: number;
  readonly next_attempt_at: string | null;
  /** Null before the first attempt. */
  readonly sent: string | null;
}

/** One attempt of such a call, and what came back. */
export interface ReceivedReply {
  readonly call: string;
  readonly attempt: number;
  readonly started_at: string;
  readonly ended_at: string | null;
  readonly result: string | null;
  readonly text: string | null;
  /** The reply's bytes as text, cut; null where nothing came. */
  readonly received: string | null;
}

/** Both sides of what a case is about. */
export interface CaseExchange {
  readonly provider: readonly ToldOperation[];
  readonly sent: readonly SentCall[];
  readonly received: readonly ReceivedReply[];
}

/** Of each call the first attempts and the last: how it began, and how it stands. */
const ATTEMPTS_EACH_END = 5;
/** Of each reply: more than any wallet's error page needs to be recognised by. */
const RECEIVED_CHARACTERS_SHOWN = 2_048;

/** Everything the book holds of the calls and requests that a case is about; empty lists where nothing was recorded. */
export async function caseExchange(db: Db, id: string): Promise<CaseExchange> {
  const row = await caseRow(db, id);
  return {
    provider: await operationsOf(db, row),
    sent: await callsOf(db, row),
    received: await repliesOf(db, row),
  };
}

async function operationsOf(db: Db, row: CaseRow): Promise<ToldOperation[]> {
  const { rows } = await db.query<{
    id: number;
    kind: string;
    transaction_ref: string;
    amount: string;
    exponent: number;
    is_close: boolean;
    requests: number;
    answer_result: string | null;
    answer_balance: string | null;
    answer_written_at: Date | null;
    created_at: Date;
  }>(
    `SELECT op.*, cu.exponent FROM operations op JOIN currencies cu ON cu.code = op.currency
      WHERE op.id IN (SELECT $1::int UNION SELECT b.operation_id FROM bets b WHERE b.id = $2
                      UNION SELECT b.payout_operation_id FROM bets b WHERE b.id = $2)
      ORDER BY op.id`,
    [row.operation_id, row.bet_id],
  );
  return rows.map((each) => ({
    operation: each.id,
    kind: each.kind,
    transaction: each.transaction_ref,
    amount: formatAmount(BigInt(each.amount), each.exponent),
    is_close: each.is_close,
    requests: each.requests,
    answer: each.answer_result,
    answer_balance: each.answer_balance,
    answer_written_at: iso(each.answer_written_at),
    created_at: each.created_at.toISOString(),
  }));
}

async function callsOf(db: Db, row: CaseRow): Promise<SentCall[]> {
  const { rows } = await db.query<{
    call: string;
    status: string;
    attempts: number;
    next_attempt_at: Date;
    payload: string | null;
  }>(
    `SELECT bet_id || '/' || verb || '/' || number AS call, status, attempts, next_attempt_at, payload
       FROM obligations WHERE bet_id = $1
      ORDER BY array_position(ARRAY['take', 'give', 'end', 'report'], verb), number`,
    [row.bet_id],
  );
  return rows.map((each) => ({
    call: each.call,
    status: each.status,
    attempts: each.attempts,
    next_attempt_at: each.status === 'open' ? iso(each.next_attempt_at) : null,
    sent: each.payload,
  }));
}

async function repliesOf(db: Db, row: CaseRow): Promise<ReceivedReply[]> {
  const { rows } = await db.query<{
    call: string;
    attempt: number;
    started_at: Date;
    ended_at: Date | null;
    result: string | null;
    text: string | null;
    received: string | null;
  }>(
    `SELECT a.bet_id || '/' || a.verb || '/' || a.number AS call, a.attempt, a.started_at, a.ended_at,
            a.result, a.text, left(bytes.received, ${RECEIVED_CHARACTERS_SHOWN}) AS received
       FROM (SELECT *, row_number() OVER (PARTITION BY verb, number ORDER BY started_at) AS from_first,
                    row_number() OVER (PARTITION BY verb, number ORDER BY started_at DESC) AS from_last
               FROM attempts WHERE bet_id = $1) a
       LEFT JOIN attempt_bytes bytes USING (bet_id, verb, number, attempt, started_at)
      WHERE from_first <= ${ATTEMPTS_EACH_END} OR from_last <= ${ATTEMPTS_EACH_END}
      ORDER BY a.started_at`,
    [row.bet_id],
  );
  return rows.map((each) => ({
    ...each,
    started_at: each.started_at.toISOString(),
    ended_at: iso(each.ended_at),
  }));
}

function iso(date: Date | null): string | null {
  return date === null ? null : date.toISOString();
}
