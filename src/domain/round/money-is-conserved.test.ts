import fc from 'fast-check';
import { TERMS, toldOf } from '../../../test/support/played-round';
import {
  HAPPENINGS,
  createRandomRound,
  type Happening,
  type RandomRound,
} from '../../../test/support/random-round';
import { assert } from '../../lib/assert';
import { isAtRest, nextTickAtMs } from './derive';
import { nextLookAtMs, nextOf } from './next';
import { obligationId, type PayoutState, type RoundRows } from './rows';
import type { RoundTerms } from './terms';

/** Enough to find every fault that was put into the rules on trial; about ten seconds. */
const RUNS = 10_000;
const HAPPENINGS_MAX = 60;

const terms: fc.Arbitrary<Partial<RoundTerms>> = fc.record({
  payoutAck: fc.constantFrom('durable', 'confirmed'),
  extraPayout: fc.constantFrom('carrier', 'direct'),
  orphanPayout: fc.constantFrom('reject', 'carrier'),
  payoutMax: fc.constantFrom(null, null, null, 899n),
  dedupBeforeFunds: fc.boolean(),
  wantsBetEnd: fc.constantFrom(true, true, true, false),
  wantsHistory: fc.constantFrom(true, true, true, false),
});

const WEIGHTS: Record<(typeof HAPPENINGS)[number], number> = {
  stake: 5,
  'repeat stake': 4,
  'other stake': 1,
  payout: 5,
  'repeat payout': 3,
  begin: 6,
  end: 7,
  call: 10,
  answer: 4,
  'answer unwritten': 3,
  deadline: 3,
  'holder dies': 1,
  wait: 6,
  tick: 2,
  close: 1,
  'previous closed': 1,
  breaker: 2,
};
const happening: fc.Arbitrary<Happening> = fc.record({
  kind: fc.oneof(
    ...HAPPENINGS.map((kind) => ({ arbitrary: fc.constant(kind), weight: WEIGHTS[kind] })),
  ),
  which: fc.nat(34),
  how: fc.nat(65),
});

/** From each state of a payout to those that may follow it (rows.ts). */
const PAYOUT_STEPS: Record<PayoutState, readonly PayoutState[]> = {
  waiting: ['owed', 'paid', 'nothing', 'void'],
  owed: ['paid'],
  held: [],
  paid: [],
  void: [],
  nothing: [],
};

/** What one decision may change of what stood before it (SPEC §4 rules 4, 5, 7). */
function expectLawfulStep(before: RoundRows, after: RoundRows, reopens: boolean): void {
  before.bets.forEach((was, index) => {
    const bet = after.bets[index];
    assert(bet?.id === was.id, 'a bet is gone');
    assert(was.outcome === 'none' || bet.outcome === was.outcome, 'an outcome was overwritten');
    assert(was.decision !== 'failed' || bet.decision === 'failed', 'a failed stake came back');
    assert(
      was.decision !== 'confirmed' || bet.decision === 'confirmed' || reopens,
      'a confirmation was taken back',
    );
    assert(!was.paid || bet.paid, 'a payment was forgotten');
    if (bet.payoutOperationId === was.payoutOperationId && bet.payout === was.payout) return;
    assert(was.payoutOperationId === null, 'an attribution changed');
    const ended = before.obligations.some((row) => row.betId === was.id && row.verb === 'end');
    assert(!ended, 'a payout landed on an ended bet');
  });
  before.operations.forEach((was, index) => {
    const operation = after.operations[index];
    assert(operation?.id === was.id, 'an operation is gone');
    assert(
      was.answer === null ||
        (reopens && operation.answer === null) ||
        (operation.answer?.result === was.answer.result &&
          operation.answer.balance === was.answer.balance),
      'a stored answer changed',
    );
    assert(was.betId === null || operation.betId === was.betId, 'an attribution changed');
    if (was.payoutState === null || operation.payoutState === was.payoutState) return;
    assert(
      operation.payoutState !== null &&
        PAYOUT_STEPS[was.payoutState].includes(operation.payoutState),
      `a payout went from ${was.payoutState} to ${operation.payoutState}`,
    );
  });
  before.obligations.forEach((was, index) => {
    const row = after.obligations[index];
    assert(row && obligationId(row) === obligationId(was), 'an obligation is gone');
    assert(was.status !== 'done' || row.status === 'done', 'a done call is owed again');
    assert(
      was.status !== 'dropped' || row.status === 'dropped' || was.verb === 'report',
      'a dropped call is owed again',
    );
  });
}

/**
 * Rule 4: a wallet's reply alone confirms a stake only for a request that still waits, or for a payout
 * that waits for it; whoever was told code 1 at the deadline is charged by a repeat only.
 */
function expectNobodyChargedUnasked(before: RoundRows, { round, isAwaited }: RandomRound): void {
  if (before.operations.some((row) => row.payoutState === 'waiting')) return;
  for (const operation of round.rows.operations) {
    if (operation.kind !== 'stake') continue;
    const was = before.bets.find((row) => row.id === operation.betId);
    const bet = round.rows.bets.find((row) => row.id === operation.betId);
    if (was?.decision !== 'open' || bet?.decision !== 'confirmed') continue;
    assert(isAwaited(operation.transactionRef), 'a stake was confirmed for nobody');
  }
}

/** What holds of the rows at any time (SPEC §4 rules 1, 4, 7, 10, 11). */
function expectLawfulRows({ round, told }: RandomRound): void {
  const { operations, bets, obligations } = round.rows;
  const ids = new Set(obligations.map(obligationId));
  assert(ids.size === obligations.length, 'a call is owed twice');
  const paidFor = bets.flatMap((bet) => bet.payoutOperationId ?? []);
  assert(new Set(paidFor).size === paidFor.length, 'a payout is attributed twice');
  for (const operation of operations) {
    if (operation.kind !== 'stake' || operation.answer?.result !== 'accepted') continue;
    const bet = bets.find((row) => row.id === operation.betId);
    assert(
      bet?.outcome === 'done' && bet.decision === 'confirmed',
      'code 0 without (done, confirmed)',
    );
  }
  for (const row of obligations) {
    const bet = bets.find((each) => each.id === row.betId);
    assert(bet, 'a call without a bet');
    if (row.verb === 'take' || row.status === 'dropped') continue;
    assert(bet.outcome === 'done', `${row.verb} of a bet that is not done`);
    assert(bet.decision !== 'open', `${row.verb} of an undecided bet`);
    const wins = bet.payoutOperationId !== null;
    assert(row.verb !== 'give' || bet.decision === 'failed' || wins, 'a give without a payout');
    const owesGive = bet.decision === 'failed' || wins;
    assert(row.verb !== 'end' || !owesGive || bet.paid, 'bet-end before its settle-bet');
    if (row.verb !== 'report' || row.number === 1) continue;
    const earlier = obligations.find(
      (each) =>
        each.betId === row.betId && each.verb === 'report' && each.number === row.number - 1,
    );
    assert(earlier?.status === 'done', 'an update before the event before it');
  }
  for (const { kind, ref, result } of told) {
    if (result !== 'accepted') continue;
    const { payoutState } = round.operation(kind, ref);
    assert(
      kind === 'stake'
        ? round.bet(ref).decision === 'confirmed'
        : payoutState === 'owed' || payoutState === 'paid' || payoutState === 'nothing',
      'who was told code 0 was not told the truth',
    );
  }
  if (!isAtRest(round.draft)) {
    assert(
      nextLookAtMs(round.draft) !== null || nextOf(round.draft).drained,
      'neither the sweep nor a drain would ever find the round',
    );
    return;
  }
  assert(
    obligations.every((row) => row.status !== 'open'),
    'at rest with a call owed',
  );
  if (round.rows.round.status === 'open') {
    assert(nextTickAtMs(round.draft) !== null, 'the round would stay open for ever');
  }
}

/** SPEC §4 rule 13: at rest all books agree. */
function expectBooksAgree(world: RandomRound): void {
  const { round, wallet, stakes, payouts, effectOf } = world;
  let expected = 0n;
  for (const { ref, amount } of stakes) {
    const final = toldOf(round.stake(ref, amount));
    const operation = round.rows.operations.find(
      (row) => row.kind === 'stake' && row.transactionRef === ref,
    );
    if (!operation) {
      expect(final).toBe('round_closed');
      continue;
    }
    const bet = round.bet(ref);
    const taken = effectOf(bet.id, 'take');
    if (final === 'accepted') {
      expect(bet.decision).toBe('confirmed');
      expect(taken).toBe(-amount);
      expected -= amount;
    } else {
      expect(bet.decision).toBe('failed');
      // Never taken, or taken and given back.
      expect(bet.outcome).toBe(taken === undefined ? 'declined' : 'done');
      expect((taken ?? 0n) + (effectOf(bet.id, 'give') ?? 0n)).toBe(0n);
    }
  }
  for (const payout of payouts) {
    const final = toldOf(round.payout(payout.ref, payout.amount, payout));
    const operation = round.rows.operations.find(
      (row) => row.kind === 'payout' && row.transactionRef === payout.ref,
    );
    if (final === 'accepted') {
      expect(operation?.payoutState).toBe(payout.amount === 0n ? 'nothing' : 'paid');
      if (payout.amount > 0n) {
        expect(effectOf(operation?.betId ?? '', 'give')).toBe(payout.amount);
      }
      expected += payout.amount;
    } else if (payout.amount > 0n) {
      // No win is refused for good without a person hearing of it.
      const subjects = [payout.ref, String(operation?.id)];
      expect(round.cases.some((each) => subjects.includes(each.subject))).toBe(true);
    }
  }
  expect(wallet.delta()).toBe(expected);
}

/** Rules 10 and 11: each bet that counts, or was given back, is ended and recorded once, with the truth. */
function expectBetsReported({ round, sentOf, effectOf }: RandomRound, wants: RoundTerms): void {
  const { bets, obligations, round: row } = round.rows;
  expect(obligations.filter((each) => each.status === 'open')).toEqual([]);
  if (row.closedBy !== null) expect(row.status).toBe('closed');
  for (const bet of bets) {
    const reports = obligations.filter(
      (each) => each.betId === bet.id && each.verb === 'report' && each.status === 'done',
    );
    const ends = obligations.filter((each) => each.betId === bet.id && each.verb === 'end');
    const counts = bet.outcome === 'done';
    expect(ends).toHaveLength(counts && wants.wantsBetEnd ? 1 : 0);
    const received = effectOf(bet.id, 'give') ?? 0n;
    const truth = { stake: bet.stake, received };
    if (ends.length > 0) {
      expect(sentOf(bet.id, 'end')).toMatchObject({ stake: bet.stake, win: received });
    }
    if (!counts || !wants.wantsHistory) {
      expect(reports).toEqual([]);
      continue;
    }
    expect(sentOf(bet.id, 'report', reports.length)).toMatchObject(truth);
    // One create and one update tell all there is to tell; what is final at once needs no second.
    expect(reports.length).toBeLessThanOrEqual(
      bet.decision === 'failed' || bet.form !== 'stake' ? 1 : 2,
    );
  }
}

test('whatever happens, and in whatever order, money is moved once, answers stay, and the books agree at rest', () => {
  fc.assert(
    fc.property(
      terms,
      fc.array(happening, { maxLength: HAPPENINGS_MAX, size: 'max' }),
      (chosen, happenings) => {
        const world = createRandomRound(chosen);
        const { round } = world;
        for (const each of happenings) {
          const before = round.rows;
          world.happen(each);
          expectLawfulStep(before, round.rows, each.kind === 'answer unwritten');
          if (each.kind === 'end' || each.kind === 'call') {
            expectNobodyChargedUnasked(before, world);
          }
          expectLawfulRows(world);
        }
        let before = round.rows;
        world.driveToRest(() => {
          expectLawfulStep(before, round.rows, false);
          expectLawfulRows(world);
          before = round.rows;
        });
        expectBetsReported(world, { ...TERMS, ...chosen });
        expectBooksAgree(world);
        round.apply({ type: 'tick' });
        const tickAtMs = nextTickAtMs(round.draft);
        if (tickAtMs !== null) expect(tickAtMs).toBeGreaterThan(round.nowMs);
      },
    ),
    { numRuns: RUNS },
  );
}, 120_000);
