import type { ShownBet, ShownCall, ShownOperation, ShownRound } from '../../../db/show-round';
import { currencyOf } from '../../../domain/currency';
import { cutToMinor, EXPONENT_MAX, formatFixed, parseAmount } from '../../../domain/money';
import { assert } from '../../../lib/assert';

/** A round in the words of its player; amounts with all the currency's decimals. */
export interface RoundResult {
  readonly title: string;
  readonly product: string;
  readonly roundRef: string;
  readonly currency: string;
  readonly status: string;
  readonly closedBy: string | null;
  readonly startedAt: string;
  readonly lines: readonly ResultLine[];
  /** Wins less stakes, as far as they are done. */
  readonly result: string;
  /** What we still owe the casino of this round. */
  readonly owed: readonly string[];
}

export interface ResultLine {
  readonly at: string;
  readonly what: 'Stake' | 'Win';
  readonly amount: string;
  readonly state: string;
  /** The balance the game was told after it; null while there is none. */
  readonly balance: string | null;
  readonly betId: string | null;
}

const STATUSES: Readonly<Record<string, string>> = {
  open: 'open',
  closing: 'closing: something is still under way',
  closed: 'closed',
};

const CLOSERS: Readonly<Record<string, string>> = {
  provider: 'the game',
  next_stake: 'us, because the next round began',
  session_end: 'us, because the session ended',
  idle: 'us, because nothing happened any more',
};

const PAYOUT_STATES: Readonly<Record<string, string>> = {
  waiting: 'waits for its stake',
  held: 'being checked by a person',
  owed: 'under way',
  paid: 'done',
  nothing: 'done',
  void: 'refused',
};

/** Tells the book's view of a round as its result page shows it. */
export function roundResultOf({ round, operations, bets, calls }: ShownRound): RoundResult {
  const exponent = currencyOf(round.currency)?.exponent ?? EXPONENT_MAX;
  const betOf = (betId: string | null) => bets.find((bet) => bet.bet_id === betId);
  const states = operations.map((operation) => stateOf(operation, betOf(operation.bet_id), calls));
  const minor = operations.map(({ amount }) => minorOf(amount, exponent));
  const result = operations.reduce((sum, { kind }, index) => {
    if (states[index] !== 'done') return sum;
    const amount = minor[index] ?? 0n;
    return kind === 'stake' ? sum - amount : sum + amount;
  }, 0n);
  return {
    title: round.game,
    product: round.product,
    roundRef: round.round,
    currency: round.currency,
    status: STATUSES[round.status] ?? round.status,
    closedBy: round.closed_by === null ? null : (CLOSERS[round.closed_by] ?? round.closed_by),
    startedAt: round.created_at,
    lines: operations.map((operation, index) => ({
      at: operation.created_at,
      what: operation.kind === 'stake' ? 'Stake' : 'Win',
      amount: formatFixed(minor[index] ?? 0n, exponent),
      state: states[index] ?? '',
      balance: balanceText(operation.answer_balance, exponent),
      betId: operation.bet_id,
    })),
    result: formatFixed(result, exponent),
    owed: owedOf(operations, bets, calls, exponent, round.currency),
  };
}

function stateOf(
  operation: ShownOperation,
  bet: ShownBet | undefined,
  calls: readonly ShownCall[],
): string {
  if (operation.kind === 'payout') return PAYOUT_STATES[operation.payout_state ?? 'void'] ?? '';
  if (bet?.decision === 'confirmed') return 'done';
  if (bet?.decision !== 'failed') return bet ? 'under way' : 'refused';
  const back = calls.find((call) => call.bet_id === bet.bet_id && call.verb === 'give');
  if (!back) return 'refused';
  return back.status === 'done' ? 'given back' : 'being given back';
}

function owedOf(
  operations: readonly ShownOperation[],
  bets: readonly ShownBet[],
  calls: readonly ShownCall[],
  exponent: number,
  currency: string,
): string[] {
  const money = (text: string) => `${formatFixed(minorOf(text, exponent), exponent)} ${currency}`;
  const owed = calls
    .filter(({ status }) => status === 'open')
    .map(({ bet_id, verb }) => {
      const bet = bets.find((one) => one.bet_id === bet_id);
      if (verb === 'take') return `the decision on the stake of ${money(bet?.stake ?? '0')}`;
      if (verb === 'end') return 'the end of the bet';
      if (verb === 'report') return 'the history record';
      return bet?.decision === 'failed'
        ? `the stake of ${money(bet.stake)}, back`
        : `the win of ${money(bet?.payout ?? '0')}`;
    });
  const waiting = operations
    .filter(({ payout_state }) => payout_state === 'waiting' || payout_state === 'held')
    .map(({ amount }) => `the win of ${money(amount)}`);
  return [...new Set([...waiting, ...owed])];
}

function minorOf(text: string, exponent: number): bigint {
  const parsed = parseAmount(text, exponent);
  assert(parsed.ok, 'the book prints amounts of its own currencies');
  return parsed.minor;
}

/** A wallet may count in more decimals than the currency has; what is shown is cut, never rounded up. */
function balanceText(balance: string | null, exponent: number): string | null {
  if (balance === null) return null;
  const minor = cutToMinor(balance, exponent);
  return minor === undefined ? balance : formatFixed(minor, exponent);
}
