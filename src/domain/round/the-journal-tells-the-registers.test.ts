import fc from 'fast-check';
import { declined, notSent, playRound } from '../../../test/support/played-round';
import { HAPPENINGS, createRandomRound, type Happening } from '../../../test/support/random-round';
import { assert } from '../../lib/assert';
import { emptyReplay, replayedTotals, replayLine } from './replay';
import { replayDifferences } from './replay-differences';
import type { RoundTerms } from './terms';

const RUNS = 500;
/** What makes money move comes more often than what only asks again. */
const OFTEN: Happening['kind'][] = ['stake', 'payout', 'begin', 'end', 'call', 'call', 'call'];

const terms: fc.Arbitrary<Partial<RoundTerms>> = fc.record({
  payoutAck: fc.constantFrom('durable', 'confirmed'),
  extraPayout: fc.constantFrom('carrier', 'direct'),
  orphanPayout: fc.constantFrom('reject', 'carrier'),
  payoutMax: fc.constantFrom(null, null, 899n),
  dedupBeforeFunds: fc.boolean(),
  wantsBetEnd: fc.boolean(),
  wantsHistory: fc.boolean(),
});
const happening: fc.Arbitrary<Happening> = fc.record({
  kind: fc.constantFrom(...HAPPENINGS, ...OFTEN),
  which: fc.nat(34),
  how: fc.nat(65),
});

function replayed(facts: Parameters<typeof replayLine>[1]) {
  const replay = emptyReplay();
  replayLine(replay, facts);
  return replay;
}

test('whatever happens, the journal alone tells every register of the round', () => {
  fc.assert(
    fc.property(terms, fc.array(happening, { maxLength: 60, size: 'max' }), (chosen, all) => {
      const world = createRandomRound(chosen);
      const { round } = world;
      const replay = emptyReplay();
      let lines = 0;
      const expectToldAll = () => {
        replayLine(replay, round.facts.slice(lines));
        lines = round.facts.length;
        const differences = replayDifferences(replay, round.rows);
        assert(differences.length === 0, JSON.stringify(differences));
      };
      for (const each of all) {
        world.happen(each);
        expectToldAll();
      }
      world.driveToRest(expectToldAll);
      expectToldAll();
      const totals = replayedTotals(replay);
      expect(totals.paid - totals.staked).toBe(world.wallet.delta());
    }),
    { numRuns: RUNS },
  );
}, 120_000);

describe('a register that somebody changed is named', () => {
  const round = playRound();
  round.takeStake('1', 500n);
  round.payout('2', 900n, { isClose: true });
  round.settleCalls();
  const { rows, facts } = round;
  const differences = (changed: Partial<typeof rows>) =>
    replayDifferences(replayed(facts), { ...rows, ...changed });

  test('an honest round has none, and its totals are those of the journal', () => {
    expect(differences({})).toEqual([]);
    expect(replayedTotals(replayed(facts))).toEqual({
      staked: 500n,
      paid: 900n,
      owed: 0n,
      givenBack: 0n,
    });
  });

  test('an amount', () => {
    const bets = rows.bets.map((row) => ({ ...row, payout: 901n }));
    expect(differences({ bets })).toEqual([
      { where: `bet ${round.betIdOf('1')}`, detail: 'payout: 901, by its journal 900' },
    ]);
  });

  test('a status', () => {
    expect(differences({ round: { ...rows.round, status: 'open' } })).toEqual([
      { where: 'the round', detail: 'status: open, by its journal closed' },
    ]);
  });

  test('a row that is gone, and one that nobody wrote', () => {
    expect(differences({ operations: rows.operations.slice(1) })).toEqual([
      { where: 'operation 1', detail: 'only in the journal' },
    ]);
    const [first] = rows.operations;
    const operations = [...rows.operations, { ...first!, id: 99 }];
    expect(differences({ operations })).toEqual([
      { where: 'operation 99', detail: 'its journal does not know it' },
    ]);
  });

  test('a call that was never made, or never answered', () => {
    const obligations = rows.obligations.map((row) => ({
      ...row,
      status: 'open' as const,
      attempts: row.attempts + 1,
    }));
    const details = differences({ obligations }).map((one) => one.detail);
    expect(details).toContain('attempts: 2, by its journal 1');
    expect(details).toContain('status: open, by its journal done or dropped');
  });
});

test('a refusal after what was never sent is definite, and its stake cannot be made undecided again', () => {
  const round = playRound();
  round.stake('1', 500n);
  round.call('take', '1', notSent);
  round.wait(1_000);
  round.call('take', '1', declined());
  const replay = replayed(round.facts);
  expect(replayDifferences(replay, round.rows)).toEqual([]);
  const bets = round.rows.bets.map((row) => ({ ...row, outcome: 'none' as const }));
  expect(replayDifferences(replay, { ...round.rows, bets })).toEqual([
    { where: `bet ${round.betIdOf('1')}`, detail: 'outcome: none, by its journal declined' },
  ]);
});

test('an answer that was taken back is in neither', () => {
  const round = playRound();
  round.takeStake('1', 500n);
  round.unwritten('1');
  expect(round.operation('stake', '1').answer).toBeNull();
  expect(replayDifferences(replayed(round.facts), round.rows)).toEqual([]);
});
