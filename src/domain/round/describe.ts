import { formatFixed } from '../money';
import { assertNever } from '../../lib/assert';
import { callName, givenAmount } from './attempt';
import { type Draft, betOf, obligationOf } from './draft';
import type { BetRow, ObligationRow, OperationRow } from './rows';

/** The round as a statement for operators, a line an operation (SPEC §3 "Operators"). */
export function statement(draft: Draft): string[] {
  const lines = draft.rows.operations.map((operation) =>
    operation.kind === 'stake' ? stakeLine(draft, operation) : payoutLine(draft, operation),
  );
  for (const bet of draft.rows.bets) {
    const compensation = bet.decision === 'failed' && obligationOf(draft, bet.id, 'give');
    if (compensation) {
      lines.push(`stake ${money(draft, bet.stake)} given back ${progress(compensation)}`);
    }
    const end = obligationOf(draft, bet.id, 'end');
    if (end) lines.push(end.status === 'done' ? 'bet-end sent' : `bet-end ${progress(end)}`);
    const reports = draft.rows.obligations.filter(
      (row) => row.betId === bet.id && row.verb === 'report',
    );
    const open = reports.find((row) => row.status === 'open');
    if (open) lines.push(`history ${progress(open)}`);
    else if (reports.length > 0) lines.push('history delivered');
  }
  return lines;
}

/** A stake's line ends with its two registers, as the book has them. */
function stakeLine(draft: Draft, operation: OperationRow): string {
  const bet = operation.betId === null ? undefined : betOf(draft, operation.betId);
  const amount = `stake ${money(draft, operation.amount)}`;
  if (!bet) return amount;
  return `${stakeFate(draft, operation, bet, amount)} [outcome ${bet.outcome}, decision ${bet.decision}]`;
}

function stakeFate(draft: Draft, operation: OperationRow, bet: BetRow, amount: string): string {
  if (bet.decision === 'failed') {
    const fate = bet.outcome === 'none' ? 'failed, the wallet has not told' : 'failed';
    return `${amount} ${fate} (${operation.answer?.result ?? 'failed'})`;
  }
  if (bet.decision === 'confirmed') return `${amount} done`;
  if (bet.outcome === 'done') return `${amount} taken, answer open`;
  const take = obligationOf(draft, bet.id, 'take');
  return `${amount} ${take ? progress(take) : 'asked'}`;
}

function payoutLine(draft: Draft, operation: OperationRow): string {
  const amount = `payout ${money(draft, operation.amount)}`;
  const state = operation.payoutState;
  switch (state) {
    case 'paid':
    case 'nothing':
      return `${amount} done`;
    case 'owed': {
      const give =
        operation.betId === null ? undefined : obligationOf(draft, operation.betId, 'give');
      return `${amount} ${give ? progress(give) : 'owed'}`;
    }
    case 'waiting':
      return `${amount} waits for its stake`;
    case 'held':
      return `${amount} held for a person`;
    case 'void':
    case null:
      return `${amount} refused`;
    default:
      return assertNever(state);
  }
}

function progress(row: ObligationRow): string {
  if (row.status === 'done') return 'done';
  if (row.status === 'dropped') return 'not sent';
  const last = row.lastFailure === null ? '' : `, last: ${row.lastFailure}`;
  if (row.drained) {
    return `waits in the partner's drain after ${row.attempts} attempt${row.attempts === 1 ? '' : 's'}${last}`;
  }
  return row.attempts === 0 ? 'under way' : `under way, attempt ${row.attempts}${last}`;
}

/** What an operator reads beside the activity that drives the call. */
export function callLabel(draft: Draft, row: ObligationRow): string {
  const bet = betOf(draft, row.betId);
  if (!bet) return callName(row);
  const what = WORDS[row.verb];
  if (row.verb === 'report') return `${what} (${row.number === 1 ? 'create' : 'update'})`;
  const amount = row.verb === 'take' ? bet.stake : givenAmount(bet);
  return `${labelPrefix(bet, row)}${what} ${money(draft, amount)}`;
}

const WORDS = { take: 'stake', give: 'payout', end: 'bet-end', report: 'history' } as const;

function labelPrefix(bet: BetRow, row: ObligationRow): string {
  if (bet.decision === 'failed' && row.verb === 'give') return 'compensating ';
  return bet.form === 'carrier' && row.verb === 'take' ? 'carrier ' : '';
}

function money(draft: Draft, amount: bigint): string {
  return `${formatFixed(amount, draft.terms.exponent)} ${draft.terms.currency}`;
}
