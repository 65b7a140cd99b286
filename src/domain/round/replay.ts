import { parseObligationId } from './rows';
import type {
  Answer,
  BetForm,
  ClosedBy,
  Decision,
  Outcome,
  PayoutState,
  RoundStatus,
} from './rows';
import { answerIn, type Fact } from './draft';

/** What the journal's facts alone say of an operation. */
export interface ReplayedOperation {
  readonly kind: 'stake' | 'payout';
  readonly transactionRef: string;
  readonly amount: bigint;
  readonly isClose: boolean;
  betId: string | null;
  /** The states that the facts allow: no fact tells a payout that waits from one that is held. */
  payoutStates: readonly (PayoutState | null)[];
  answer: Answer | null;
}

export interface ReplayedBet {
  readonly form: BetForm;
  readonly operationId: number;
  readonly stake: bigint;
  /** More than one where only a setting of that day tells whether a refusal was definite (rule 3). */
  outcomes: readonly Outcome[];
  decision: Decision;
  payoutOperationId: number | null;
  payout: bigint;
  given: boolean;
  uncertain: number;
}

export interface ReplayedCall {
  attempts: number;
  done: boolean;
}

/** A round as its journal tells it. */
export interface Replay {
  status: RoundStatus;
  closedBy: ClosedBy | null;
  readonly operations: Map<number, ReplayedOperation>;
  readonly bets: Map<string, ReplayedBet>;
  readonly calls: Map<string, ReplayedCall>;
}

/** A round's money by its journal, in minor units. */
export interface RoundTotals {
  /** Stakes that count. */
  readonly staked: bigint;
  /** Payouts that the wallet has confirmed. */
  readonly paid: bigint;
  /** Payouts that are owed. */
  readonly owed: bigint;
  /** Stakes that were taken, did not count, and were given back. */
  readonly givenBack: bigint;
}

export function emptyReplay(): Replay {
  return {
    status: 'open',
    closedBy: null,
    operations: new Map(),
    bets: new Map(),
    calls: new Map(),
  };
}

/** Applies the facts of one journal line; lines come in the order of their versions. */
export function replayLine(replay: Replay, facts: readonly Fact[]): void {
  for (const fact of facts) replayFact(replay, fact);
}

/**
 * One fact. Facts that change no register (repeats, warnings, answers that were not stored) and kinds
 * that this version does not know are passed over.
 */
function replayFact(replay: Replay, fact: Fact): void {
  const operation = replay.operations.get(Number(fact.operation));
  const bet = replay.bets.get(String(fact.bet));
  switch (fact.kind) {
    case 'stake_requested':
      requested(replay, fact, 'stake');
      replay.bets.set(String(fact.bet), newBet('stake', Number(fact.operation), amountOf(fact)));
      break;
    case 'stake_confirmed':
      if (bet) bet.decision = 'confirmed';
      break;
    case 'stake_failed':
      if (bet) bet.decision = 'failed';
      break;
    case 'stake_reopened':
      if (bet) bet.decision = 'open';
      if (operation) operation.answer = null;
      break;
    case 'never_sent':
    case 'decline_accepted':
      if (bet) bet.outcomes = ['declined'];
      break;
    case 'payout_requested':
      requested(replay, fact, 'payout');
      break;
    case 'payout_released':
      if (operation) operation.payoutStates = ['waiting'];
      break;
    case 'payout_owed':
      payoutOwed(replay, fact, operation);
      break;
    case 'payout_paid':
      if (operation) operation.payoutStates = ['paid'];
      break;
    case 'payout_of_nothing':
      if (operation) operation.payoutStates = ['nothing'];
      break;
    case 'payout_void':
      if (operation) operation.payoutStates = ['void'];
      break;
    case 'answer':
      if (operation) operation.answer = answerIn(fact);
      break;
    case 'attempt':
      attemptBegan(replay, fact);
      break;
    case 'attempt_ended':
      attemptEnded(replay, fact);
      break;
    case 'closing':
      replay.closedBy = String(fact.by) as ClosedBy;
      if (replay.status === 'open') replay.status = 'closing';
      break;
    case 'closed':
      replay.status = 'closed';
      break;
  }
}

function amountOf(fact: Fact): bigint {
  return BigInt(String(fact.amount));
}

function requested(replay: Replay, fact: Fact, kind: 'stake' | 'payout'): void {
  replay.operations.set(Number(fact.operation), {
    kind,
    transactionRef: String(fact.transaction),
    amount: amountOf(fact),
    isClose: fact.is_close === true,
    betId: kind === 'stake' ? String(fact.bet) : null,
    payoutStates: kind === 'stake' ? [null] : ['waiting', 'held'],
    answer: null,
  });
}

function newBet(form: BetForm, operationId: number, stake: bigint): ReplayedBet {
  return {
    form,
    operationId,
    stake,
    outcomes: [form === 'direct' ? 'done' : 'none'],
    decision: form === 'stake' ? 'open' : 'confirmed',
    payoutOperationId: null,
    payout: 0n,
    given: false,
    uncertain: 0,
  };
}

function payoutOwed(replay: Replay, fact: Fact, operation: ReplayedOperation | undefined): void {
  const betId = String(fact.bet);
  const id = Number(fact.operation);
  const bet = replay.bets.get(betId) ?? newBet(String(fact.form) as BetForm, id, 0n);
  bet.payoutOperationId = id;
  bet.payout = amountOf(fact);
  replay.bets.set(betId, bet);
  if (!operation) return;
  operation.betId = betId;
  operation.payoutStates = ['owed'];
}

function attemptBegan(replay: Replay, fact: Fact): void {
  const call = replay.calls.get(String(fact.call)) ?? { attempts: 0, done: false };
  call.attempts = Number(fact.attempt);
  replay.calls.set(String(fact.call), call);
  const bet = takenBet(replay, fact);
  if (!bet) return;
  bet.uncertain += 1;
  // Only a call that is not definite is attempted again: an earlier refusal was none.
  if (bet.outcomes.length > 1) bet.outcomes = ['none'];
}

function attemptEnded(replay: Replay, fact: Fact): void {
  const call = replay.calls.get(String(fact.call));
  if (call && fact.result === 'done') call.done = true;
  const key = parseObligationId(String(fact.call));
  const given = key?.verb === 'give' ? replay.bets.get(key.betId) : undefined;
  if (given && fact.result === 'done') given.given = true;
  const bet = takenBet(replay, fact);
  if (!bet || !bet.outcomes.includes('none')) return; // definite before this result came
  if (fact.result === 'done') {
    bet.outcomes = bet.outcomes.length > 1 ? ['declined', 'done'] : ['done'];
  } else if (fact.result === 'declined' && bet.form === 'stake') {
    bet.outcomes = bet.uncertain === 1 ? ['declined'] : ['none', 'declined'];
  } else if (fact.result === 'not_sent') {
    bet.uncertain -= 1;
  }
}

/** The bet that a fact about a take is about. */
function takenBet(replay: Replay, fact: Fact): ReplayedBet | undefined {
  const key = parseObligationId(String(fact.call));
  return key?.verb === 'take' ? replay.bets.get(key.betId) : undefined;
}

/** What a round moved, told by its journal: no counter is kept anywhere (rule 13). */
export function replayedTotals(replay: Replay): RoundTotals {
  const sum = (amounts: bigint[]) => amounts.reduce((total, amount) => total + amount, 0n);
  const operations = [...replay.operations.values()];
  const bets = [...replay.bets.values()];
  const payouts = (state: PayoutState) =>
    sum(operations.filter((row) => row.payoutStates[0] === state).map((row) => row.amount));
  return {
    staked: sum(bets.filter((bet) => bet.decision === 'confirmed').map((bet) => bet.stake)),
    paid: payouts('paid'),
    owed: payouts('owed'),
    givenBack: sum(
      bets.filter((bet) => bet.decision === 'failed' && bet.given).map((bet) => bet.stake),
    ),
  };
}
