import type { Replay } from './replay';
import type { Answer, BetRow, ClosedBy, ObligationRow, OperationRow, RoundStatus } from './rows';

/** The registers of a round that its journal tells too. */
export interface Registers {
  readonly round: { readonly status: RoundStatus; readonly closedBy: ClosedBy | null };
  readonly operations: readonly Pick<
    OperationRow,
    'id' | 'kind' | 'transactionRef' | 'amount' | 'isClose' | 'betId' | 'payoutState' | 'answer'
  >[];
  readonly bets: readonly Pick<
    BetRow,
    | 'id'
    | 'form'
    | 'operationId'
    | 'stake'
    | 'outcome'
    | 'decision'
    | 'payoutOperationId'
    | 'payout'
    | 'paid'
  >[];
  readonly obligations: readonly Pick<
    ObligationRow,
    'betId' | 'verb' | 'number' | 'status' | 'attempts'
  >[];
}

/** What a register holds; several, where the journal allows several. */
type Value = string | number | bigint | boolean | null | undefined;

/** A register that says something else than the journal. */
export interface ReplayDifference {
  readonly where: string;
  readonly detail: string;
}

/**
 * Compares a round's registers with its journal. Whoever changes a row behind the rules' back, and even
 * behind the triggers', leaves the journal as it was; whoever changes that, breaks its chain.
 */
export function replayDifferences(replay: Replay, registers: Registers): ReplayDifference[] {
  const found: ReplayDifference[] = [];
  const compare = (
    where: string,
    told: Readonly<Record<string, Value | readonly Value[]>>,
    row: object,
  ) => {
    const read = row as Readonly<Record<string, Value>>;
    for (const [name, value] of Object.entries(told)) {
      const allowed: readonly Value[] = [value].flat();
      if (allowed.includes(read[name])) continue;
      const journal = allowed.map((each) => text(each)).join(' or ');
      found.push({ where, detail: `${name}: ${text(read[name])}, by its journal ${journal}` });
    }
  };
  const { round, operations, bets, obligations } = registers;
  compare('the round', { status: replay.status, closedBy: replay.closedBy }, round);

  compareKeys(found, 'operation', replay.operations.keys(), operations, (row) => row.id);
  for (const row of operations) {
    const told = replay.operations.get(row.id);
    if (!told) continue;
    const { payoutStates: payoutState, answer, ...rest } = told;
    compare(
      `operation ${row.id}`,
      { ...rest, payoutState, answer: answerText(answer) },
      { ...row, answer: answerText(row.answer) },
    );
  }

  compareKeys(found, 'bet', replay.bets.keys(), bets, (row) => row.id);
  for (const row of bets) {
    const told = replay.bets.get(row.id);
    if (!told) continue;
    const { outcomes: outcome, given, uncertain: _, ...rest } = told;
    // A failed stake of 0 has nothing to give back and counts as settled once it is known.
    const settled = told.decision === 'failed' && told.stake === 0n && row.outcome === 'done';
    compare(`bet ${row.id}`, { ...rest, outcome, paid: given || settled }, { ...row });
  }

  const calls = new Map(obligations.map((row) => [`${row.betId}/${row.verb}/${row.number}`, row]));
  for (const [name, told] of replay.calls) {
    if (!calls.has(name)) found.push({ where: `call ${name}`, detail: 'only in the journal' });
    else compare(`call ${name}`, { attempts: told.attempts }, { ...calls.get(name) });
  }
  for (const [name, row] of calls) {
    const told = replay.calls.get(name);
    if (!told && row.attempts > 0) {
      found.push({
        where: `call ${name}`,
        detail: `${row.attempts} attempts, by its journal none`,
      });
    }
    // A take that was refused for good stays dropped, whatever a late reply says.
    const allowed = told?.done ? ['done', ...(row.verb === 'take' ? ['dropped'] : [])] : undefined;
    compare(`call ${name}`, { status: allowed ?? ['open', 'dropped'] }, { ...row });
  }
  return found;
}

function compareKeys<Key, Row>(
  found: ReplayDifference[],
  what: string,
  told: Iterable<Key>,
  rows: readonly Row[],
  keyOf: (row: Row) => Key,
): void {
  const journal = new Set(told);
  for (const row of rows) {
    const key = keyOf(row);
    if (!journal.delete(key)) {
      found.push({ where: `${what} ${String(key)}`, detail: 'its journal does not know it' });
    }
  }
  for (const key of journal) {
    found.push({ where: `${what} ${String(key)}`, detail: 'only in the journal' });
  }
}

function answerText(answer: Answer | null): string {
  return answer === null ? 'none' : `${answer.result} ${answer.balance ?? ''}`.trim();
}

function text(value: Value): string {
  return value === null || value === undefined ? 'none' : String(value);
}
