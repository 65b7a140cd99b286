import { betId } from '../../src/domain/bet-id';
import type { BreakerState } from '../../src/domain/breaker';
import { decide, type EventResult, type RoundEvent } from '../../src/domain/round';
import type { CallContent } from '../../src/domain/round/attempt';
import type { CaseDraft, Draft, Fact, SettledCase } from '../../src/domain/round/draft';
import type { RequestReply } from '../../src/domain/round/request-reply';
import {
  obligationId,
  type BetRow,
  type ObligationRow,
  type OperationRow,
  type RoundRows,
  type Verb,
} from '../../src/domain/round/rows';
import type { RoundTerms } from '../../src/domain/round/terms';
import type { DeclineReason, WalletOutcome } from '../../src/domain/wallet-outcome';

export const START_MS = 1_700_000_000_000;
export const GAME = '1001';

/** The defaults of SPEC §5, for a currency of two decimals. */
export const TERMS: RoundTerms = {
  currency: 'EUR',
  exponent: 2,
  answerDeadlineMs: 4_500,
  reviveWindowMs: 60_000,
  idleCloseMs: 86_400_000,
  closeGraceMs: 5_000,
  attemptTimeoutMs: 2_000,
  payoutAck: 'durable',
  closeOnNextStake: true,
  orphanPayout: 'reject',
  orphanPayoutMax: null,
  stakeMax: null,
  payoutMax: null,
  extraPayout: 'carrier',
  dedupBeforeFunds: false,
  wantsBetEnd: true,
  wantsHistory: true,
};

export const done = (balance?: string): WalletOutcome =>
  balance === undefined
    ? { kind: 'done', text: 'HTTP 200' }
    : { kind: 'done', text: 'HTTP 200', balance };
export const declined = (reason: DeclineReason = 'funds'): WalletOutcome => ({
  kind: 'declined',
  reason,
  text: 'HTTP 402',
});
export const unknown: WalletOutcome = { kind: 'unknown', reason: 'timeout', text: 'no answer' };
export const notSent: WalletOutcome = { kind: 'not_sent', reason: 'connect', text: 'refused' };

interface StakeOptions {
  readonly isClose?: boolean;
  readonly game?: string;
}
interface PayoutOptions extends StakeOptions {
  readonly betAmount?: bigint | null;
}

export type PlayedRound = ReturnType<typeof playRound>;

/**
 * One round in memory, driven through `decide` as the book drives it: each decision works on a copy of
 * the rows, and a call's content is kept as its first attempt had it.
 */
export function playRound(terms: Partial<RoundTerms> = {}, sessionEndsMs: number | null = null) {
  let rows: RoundRows = {
    round: {
      id: '7',
      status: 'open',
      closedBy: null,
      closingAtMs: null,
      gameId: GAME,
      lastActivityMs: START_MS,
      closesPrevious: 'no',
    },
    operations: [],
    bets: [],
    obligations: [],
  };
  const contents = new Map<string, CallContent>();
  const cases: CaseDraft[] = [];
  const settled: SettledCase[] = [];
  const facts: Fact[] = [];
  let draft: Draft | undefined;
  let nowMs = START_MS;
  let breaker: BreakerState = 'closed';
  let earlierRoundsOpen = true;
  let balanceStood = false;
  let nextOperationId = 1;

  function idOf(kind: 'stake' | 'payout', transactionRef: string): string {
    const owner = { installation: '0'.repeat(16), connection: 1, playerId: '1', roundRef: '1' };
    return betId({ ...owner, kind, transactionRef });
  }

  function apply<Event extends RoundEvent>(event: Event): EventResult<Event> {
    const copy = copyOf(rows);
    const decision = decide(copy, event, {
      terms: { ...TERMS, ...terms },
      nowMs,
      random: 0.5,
      breaker,
      timeScale: 1,
      sessionEndsMs,
      earlierRoundsOpen,
      ownBetIdOf: (transactionRef) => idOf('payout', transactionRef),
      balanceStood,
    });
    rows = copy;
    ({ draft } = decision);
    cases.push(...decision.cases);
    settled.push(...decision.settled);
    facts.push(...decision.facts);
    return decision.result;
  }

  const round = {
    get rows(): RoundRows {
      return rows;
    },
    get draft(): Draft {
      if (!draft) apply({ type: 'tick' });
      return draft as Draft;
    },
    get nowMs(): number {
      return nowMs;
    },
    cases,
    /** Cases that decisions have settled, whether they were ever opened or not. */
    settled,
    facts,
    caseKinds: () => cases.map((row) => row.kind),

    /** This is the first round of its session, or every earlier one is closed. */
    withoutEarlierRounds(): void {
      earlierRoundsOpen = false;
    },

    /** Whether every reply from now on tells a balance that provably did not move. */
    setBalanceStood(stood: boolean): void {
      balanceStood = stood;
    },

    /** What the partner's breaker says from now on. */
    setBreaker(state: BreakerState): void {
      breaker = state;
    },

    /** Time passes; nobody looks. */
    wait(ms: number): void {
      nowMs += ms;
    },
    /** Time passes, then somebody looks. */
    tickAfter(ms: number): void {
      nowMs += ms;
      apply({ type: 'tick' });
    },
    apply,

    stake(transactionRef: string, amount: bigint, options: StakeOptions = {}): RequestReply {
      return apply({
        type: 'stake',
        request: {
          operationId: nextOperationId++,
          betId: idOf('stake', transactionRef),
          transactionRef,
          amount,
          gameId: options.game ?? GAME,
          isClose: options.isClose ?? false,
        },
      });
    },
    payout(transactionRef: string, amount: bigint, options: PayoutOptions = {}): RequestReply {
      return apply({
        type: 'payout',
        request: {
          operationId: nextOperationId++,
          transactionRef,
          amount,
          gameId: options.game ?? GAME,
          betAmount: options.betAmount ?? null,
          isClose: options.isClose ?? false,
        },
      });
    },
    /** @param untilMs the deadline of the request that is answered now; by default the latest one's */
    deadline(kind: 'stake' | 'payout', transactionRef: string, untilMs?: number): RequestReply {
      const { id, deadlineMs } = round.operation(kind, transactionRef);
      return apply({ type: 'deadline', operationId: id, untilMs: untilMs ?? deadlineMs });
    },
    unwritten: (transactionRef: string): null =>
      apply({
        type: 'answer_unwritten',
        operationId: round.operation('stake', transactionRef).id,
      }),

    /** Begins an attempt; undefined when the book says that nothing is to be sent now. */
    begin(call: string): { attempt: number; content: CallContent } | undefined {
      const drained = rows.obligations.some((row) => obligationId(row) === call && row.drained);
      const driver = drained ? 'drain' : 'round';
      const start = apply({ type: 'attempt_starts', call, driver });
      if (start.kind !== 'send') return undefined;
      const content = contents.get(call) ?? start.content;
      contents.set(call, content);
      return { attempt: start.attempt, content };
    },
    end: (call: string, attempt: number, outcome: WalletOutcome) =>
      apply({ type: 'attempt_ended', call, attempt, outcome }),
    /** One whole attempt of a call; answers what was sent. */
    call(verb: Verb, betRef: string, outcome: WalletOutcome, number = 1): CallContent {
      const call = round.callId(verb, betRef, number);
      const begun = round.begin(call);
      if (!begun) throw new Error(`nothing is sent of ${call}`);
      round.end(call, begun.attempt, outcome);
      return begun.content;
    },

    /** A call of a stake's bet, named by its transaction, or of a bet that belongs to a payout (`own:t`). */
    callId: (verb: Verb, betRef: string, number = 1): string =>
      obligationId({ betId: round.betIdOf(betRef), verb, number }),
    betIdOf: (betRef: string): string =>
      betRef.startsWith('own:') ? idOf('payout', betRef.slice(4)) : idOf('stake', betRef),
    bet(betRef: string): BetRow {
      const bet = rows.bets.find((row) => row.id === round.betIdOf(betRef));
      if (!bet) throw new Error(`no bet ${betRef}`);
      return bet;
    },
    operation(kind: 'stake' | 'payout', transactionRef: string): OperationRow {
      const operation = rows.operations.find(
        (row) => row.kind === kind && row.transactionRef === transactionRef,
      );
      if (!operation) throw new Error(`no ${kind} ${transactionRef}`);
      return operation;
    },
    obligation: (verb: Verb, betRef: string, number = 1): ObligationRow | undefined =>
      rows.obligations.find(
        (row) => row.betId === round.betIdOf(betRef) && row.verb === verb && row.number === number,
      ),
    /** What is owed now, as `verb betRef-number`, oldest first. */
    owed: (): Verb[] =>
      rows.obligations.filter((row) => row.status === 'open').map((row) => row.verb),

    /** A stake that is asked, taken and confirmed at once. */
    takeStake(transactionRef: string, amount: bigint, options: StakeOptions = {}): void {
      round.stake(transactionRef, amount, options);
      round.call('take', transactionRef, done('100'));
    },
    /** Makes every open call succeed until none is left. */
    settleCalls(balance = '100'): void {
      for (let turn = 0; turn < 50; turn++) {
        const row = rows.obligations.find((each) => each.status === 'open');
        if (!row) return;
        const call = obligationId(row);
        const begun = round.begin(call);
        if (begun) round.end(call, begun.attempt, done(balance));
      }
      throw new Error('the calls do not come to an end');
    },
  };
  return round;
}

/** A decision replaces whatever lies deeper than a row's own fields, so one level is a whole copy. */
function copyOf(rows: RoundRows): RoundRows {
  return {
    round: { ...rows.round },
    operations: rows.operations.map((row) => ({ ...row })),
    bets: rows.bets.map((row) => ({ ...row })),
    obligations: rows.obligations.map((row) => ({ ...row })),
  };
}

/** What the provider is told by an answer; `wait` while it is not answered. */
export function toldOf(reply: RequestReply): string {
  return reply.kind === 'wait' ? 'wait' : reply.result;
}
