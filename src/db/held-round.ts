import { createHash } from 'node:crypto';
import type { Decision, RoundEvent } from '../domain/round';
import type { Fact, SettledCase } from '../domain/round/draft';
import { nextLookAtMs } from '../domain/round/next';
import { obligationId, type RoundRows } from '../domain/round/rows';
import { assert } from '../lib/assert';
import { endedAttempt, type AttemptEnd, type AttemptKey } from './attempts';
import type { PoolClient } from './pool';
import type { LockedRound, RoundAsLeft } from './round-rows';
import { saveRound } from './save-round';

/** A locked round between the first decision of a transaction and the statement that writes them all. */
export interface HeldRound {
  readonly locked: LockedRound;
  /**
   * Takes note of a decision that changed the round's rows in place.
   *
   * @returns the round's version: how many decisions have changed it
   */
  note<Event extends RoundEvent>(decision: Decision<Event>): Promise<number>;
  /** Takes note of an attempt that the latest decision let begin, and of the bytes that it sends. */
  noteBegun(key: AttemptKey, payload: string): void;
  /** Takes note of what an attempt came to, as the latest decision has heard it. */
  noteEnded(key: AttemptKey, end: AttemptEnd): void;
  /** Sends what is noted and not sent yet; it is answered at the transaction's end at the latest. */
  send(): void;
  /**
   * The round as the commit leaves it. Undefined while a drain has one of its calls: a drain's own statements
   * (src/db/drains.ts) change such rows without a decision.
   */
  left(): RoundAsLeft | undefined;
}

/**
 * Several decisions of one transaction read the round once, and are written in one statement with a journal line
 * each. Nothing of them has left before `send`.
 */
export function holdRound(client: PoolClient, locked: LockedRound): HeldRound {
  const { context, nowMs, rows } = locked;
  let { version, journalHead } = locked;
  let latest = snapshot(rows);
  let sent = { rows: latest, version };
  let dueMs: number | null = null;
  let cases: string[] = [];
  let lines: string[] = [];
  let begun: string[] = [];
  let ended: string[] = [];
  const payloads = new Map<string, string>();

  function addLine(facts: readonly Fact[]): void {
    if (facts.length === 0) return;
    const text = JSON.stringify(facts);
    journalHead = chainHash(journalHead, text);
    lines.push(rowText({ version, facts: text, hash: journalHead.toString('hex') }));
  }

  function send(): void {
    if (version === sent.version && lines.length + begun.length + ended.length === 0) return;
    const operations = changed(sent.rows.operations, latest.operations);
    const obligations = changed(sent.rows.obligations, latest.obligations);
    saveRound(client, {
      context,
      round: rows.round,
      parts: {
        operations: operations.map(([, text]) => text),
        keys: operations.filter(([id]) => !sent.rows.operations.has(id)).map(([, text]) => text),
        bets: changed(sent.rows.bets, latest.bets).map(([, text]) => text),
        obligations: obligations.map(([id, text]) => withPayload(text, payloads.get(id))),
        begun,
        cases,
        lines,
      },
      ended,
      version,
      journalHead,
      nowMs,
      dueMs,
    });
    sent = { rows: latest, version };
    cases = [];
    lines = [];
    begun = [];
    ended = [];
  }

  return {
    locked,
    async note(decision) {
      const before = latest;
      sortAsRead(rows);
      latest = snapshot(rows);
      // A case is written with its round: the book then looks at the round again when there is something to see.
      const isTouched = decision.facts.length + decision.cases.length > 0 || differ(before, latest);
      if (!isTouched) return version;
      version += 1;
      dueMs = nextLookAtMs(decision.draft);
      cases.push(...decision.cases.map(rowText));
      // A case may be opened by what time decided and settled by the event behind it: it is there to be closed.
      if (decision.settled.length > 0 && cases.length > 0) send();
      const closed = await settleCases(client, context.roundId, decision.settled, nowMs);
      addLine([...decision.facts, ...closed]);
      return version;
    },
    noteBegun(key, payload) {
      const call = obligationId(key);
      const isWritten = latest.obligations.get(call) !== sent.rows.obligations.get(call);
      assert(isWritten || key.attempt > 1, `the payload of ${call} goes with its row`);
      begun.push(rowText(key));
      payloads.set(call, payload);
    },
    noteEnded(key, end) {
      const call = rows.obligations.find((row) => obligationId(row) === obligationId(key));
      const nextAttemptMs = call?.status === 'open' ? call.nextAttemptMs : null;
      // One that was begun in this very transaction is written first.
      if (begun.includes(rowText(key))) send();
      ended.push(rowText(endedAttempt(key, end, nextAttemptMs)));
    },
    send,
    left: () =>
      rows.obligations.some(({ drained }) => drained)
        ? undefined
        : { rows, context, version, journalHead, sessionIdleMs: locked.sessionIdleMs },
  };
}

const SETTLE_CASES = `
  UPDATE cases SET status = 'resolved', resolution = 'settled',
         resolved_at = to_timestamp($3::bigint / 1000.0)
    FROM json_to_recordset($1) AS row(kind text, subject text)
   WHERE round_id = $2 AND cases.kind = row.kind AND cases.subject = row.subject AND status = 'open'
  RETURNING cases.id, cases.kind`;

/** Closes the open cases whose matter a decision settled; answers a fact for each that was open. */
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
    values: [JSON.stringify(settled), roundId, nowMs],
  });
  return rows.map(({ id, kind }) => ({
    kind: 'case_resolved',
    case: id,
    case_kind: kind,
    as: 'settled',
  }));
}

/** The next decision finds the rows in the order in which it would have read them (`LOAD_ROUND`). */
function sortAsRead({ operations, bets, obligations }: RoundRows): void {
  operations.sort((a, b) => a.id - b.id);
  bets.sort((a, b) => a.operationId - b.operationId);
  obligations.sort(
    (a, b) => compare(a.betId, b.betId) || compare(a.verb, b.verb) || a.number - b.number,
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** The rows as texts by what they are called in the round, so that only what was changed is written. */
interface Snapshot {
  readonly round: string;
  readonly operations: ReadonlyMap<string, string>;
  readonly bets: ReadonlyMap<string, string>;
  readonly obligations: ReadonlyMap<string, string>;
}

function snapshot(rows: RoundRows): Snapshot {
  return {
    round: JSON.stringify(rows.round),
    operations: new Map(rows.operations.map((row) => [String(row.id), rowText(row)])),
    bets: new Map(rows.bets.map((row) => [row.id, rowText(row)])),
    obligations: new Map(rows.obligations.map((row) => [obligationId(row), JSON.stringify(row)])),
  };
}

function differ(before: Snapshot, after: Snapshot): boolean {
  return (
    before.round !== after.round ||
    changed(before.operations, after.operations).length > 0 ||
    changed(before.bets, after.bets).length > 0 ||
    changed(before.obligations, after.obligations).length > 0
  );
}

/** No row ever goes. */
function changed(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): [string, string][] {
  return [...after].filter(([name, text]) => before.get(name) !== text);
}

/** Of a row with amounts: round and obligations have none, and are written without asking for each value. */
function rowText(row: object): string {
  return JSON.stringify(row, (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
}

function withPayload(row: string, payload: string | undefined): string {
  return payload === undefined ? row : `${row.slice(0, -1)},"payload":${JSON.stringify(payload)}}`;
}

/** SHA-256 over the hash before and the digest of the facts: the journal's chain (SPEC §7). */
export function chainHash(before: Buffer | null, facts: string): Buffer {
  const digest = createHash('sha256').update(facts).digest();
  return createHash('sha256')
    .update(before ?? Buffer.alloc(0))
    .update(digest)
    .digest();
}
