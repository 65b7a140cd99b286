import fc from 'fast-check';
import { TERMS, toldOf } from '../../../test/support/played-round';
import {
  HAPPENINGS,
  createRandomRound,
  type Happening,
  type RandomRound,
} from '../../../test/support/random-round';
import { nextLookAtMs, nextOf } from './next';
import { obligationId, type PayoutState, type RoundRows } from './rows';
import type { RoundTerms } from './terms';

/** Enough to find every fault that was put into the rules on trial; about ten seconds. */
const RUNS = 2_000;
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
  for (const was of before.bets) {
    const bet = after.bets.find((row) => row.id === was.id);
    if (was.outcome !== 'none') expect(bet?.outcome).toBe(was.outcome);
    if (was.decision === 'failed') expect(bet?.decision).toBe('failed');
    if (was.decision === 'confirmed' && !reopens) expect(bet?.decision).toBe('confirmed');
    if (was.payoutOperationId !== null) {
      expect(bet).toMatchObject({ payoutOperationId: was.payoutOperationId, payout: was.payout });
    }
    if (bet && bet.payoutOperationId !== was.payoutOperationId) {
      expect(before.obligations.some((row) => row.betId === was.id && row.verb === 'end')).toBe(
        false,
      );
    }
    if (was.paid) expect(bet?.paid).toBe(true);
  }
  for (const was of before.operations) {
    const operation = after.operations.find((row) => row.id === was.id);
    if (was.answer && !(reopens && operation?.answer === null)) {
      expect(operation?.answer).toEqual(was.answer);
    }
    if (was.payoutState === null) continue;
    if (operation?.payoutState !== was.payoutState) {
      expect(PAYOUT_STEPS[was.payoutState]).toContain(operation?.payoutState);
    }
    if (was.betId !== null) expect(operation?.betId).toBe(was.betId);
  }
  for (const was of before.obligations) {
    if (was.status === 'open') continue;
    const row = after.obligations.find((each) => obligationId(each) === obligationId(was));
    if (was.status === 'done') expect(row?.status).toBe('done');
    else if (was.verb !== 'report') expect(row?.status).toBe('dropped');
  }
}

/** What holds of the rows at any time (SPEC §4 rules 1, 4, 7, 10, 11). */
function expectLawfulRows({ round, told }: RandomRound): void {
  const { operations, bets, obligations } = round.rows;
  expect(new Set(obligations.map(obligationId)).size).toBe(obligations.length);
  const payoutsOf = bets.flatMap((bet) => bet.payoutOperationId ?? []);
  expect(new Set(payoutsOf).size).toBe(payoutsOf.length);
  for (const operation of operations) {
    if (operation.kind !== 'stake' || operation.answer?.result !== 'accepted') continue;
    const bet = bets.find((row) => row.id === operation.betId);
    expect(bet).toMatchObject({ outcome: 'done', decision: 'confirmed' });
  }
  for (const row of obligations) {
    const bet = bets.find((each) => each.id === row.betId);
    if (row.verb === 'take' || row.status === 'dropped' || !bet) continue;
    expect(bet.outcome).toBe('done');
    expect(bet.decision).not.toBe('open');
    if (row.verb === 'give' && bet.decision === 'confirmed') {
      expect(bet.payoutOperationId).not.toBeNull();
    }
    if (row.verb === 'end' && (bet.decision === 'failed' || bet.payoutOperationId !== null)) {
      expect(bet.paid).toBe(true);
    }
    if (row.verb === 'report' && row.number > 1) {
      const earlier = obligations.find(
        (each) =>
          each.betId === row.betId && each.verb === 'report' && each.number === row.number - 1,
      );
      expect(earlier?.status).toBe('done');
    }
  }
  // Who was told a code 0 was told the truth for ever.
  for (const { kind, ref, result } of told) {
    if (result !== 'accepted') continue;
    const operation = round.operation(kind, ref);
    if (kind === 'stake') expect(round.bet(ref).decision).toBe('confirmed');
    else expect(['owed', 'paid', 'nothing']).toContain(operation.payoutState);
  }
  const next = nextOf(round.draft);
  // The sweep finds a round by its next look: one that is not at rest must have one.
  if (!next.atRest) expect(nextLookAtMs(round.draft)).not.toBeNull();
  else if (round.rows.round.status === 'open') expect(next.tickAtMs).not.toBeNull();
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
      expect([payout.ref, String(operation?.id)]).toEqual(
        expect.arrayContaining([
          expect.stringMatching(
            new RegExp(`^(${round.cases.map((each) => each.subject).join('|')})$`),
          ),
        ]),
      );
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
        const { tickAtMs } = nextOf(round.draft);
        if (tickAtMs !== null) expect(tickAtMs).toBeGreaterThan(round.nowMs);
      },
    ),
    { numRuns: RUNS },
  );
}, 120_000);
