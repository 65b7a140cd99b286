import { declined, done, playRound, toldOf } from '../../../test/support/played-round';
import type { RoundTerms } from './terms';

/** SPEC §4 rule 5. */
describe('an answer is sticky', () => {
  test('a repeated stake gets the stored answer, balance included, and moves nothing', () => {
    const round = playRound();
    round.stake('s', 500n);
    round.call('take', 's', done('95'));
    round.takeStake('later', 700n);
    for (let day = 0; day < 3; day++) {
      expect(round.stake('s', 500n)).toEqual({
        kind: 'answer',
        result: 'accepted',
        balance: '95',
        operationId: 1,
      });
      round.tickAfter(86_400_000);
    }
    expect(round.rows.bets).toHaveLength(2);
    expect(round.rows.obligations.filter((row) => row.verb === 'take')).toHaveLength(2);
  });

  test('a repeated payout gets the stored answer and is paid once', () => {
    const round = playRound();
    round.takeStake('s', 500n);
    round.payout('p', 900n);
    round.call('give', 's', done('104'));
    const first = round.payout('p', 900n);
    round.takeStake('s2', 300n);
    expect(round.payout('p', 900n)).toEqual(first);
    expect(first).toMatchObject({ result: 'accepted', balance: '104' });
    expect(round.rows.obligations.filter((row) => row.verb === 'give')).toHaveLength(1);
  });

  test.each<['stake' | 'payout', bigint, string]>([
    ['stake', 501n, '1001'],
    ['stake', 500n, '1002'],
    ['payout', 901n, '1001'],
    ['payout', 900n, '1002'],
  ])(
    'a repeated %s with other content (%s, game %s) gets code 1, moves nothing, opens one case',
    (kind, amount, game) => {
      const round = playRound();
      round.takeStake('s', 500n);
      round.payout('p', 900n);
      const before = structuredClone(round.rows);
      const reply =
        kind === 'stake' ? round.stake('s', amount, { game }) : round.payout('p', amount, { game });
      expect(toldOf(reply)).toBe('failed');
      expect(round.rows).toEqual(before);
      expect(round.cases).toMatchObject([
        { kind: 'conflict', operationId: round.operation(kind, kind[0] as string).id, amount },
      ]);
    },
  );

  test('another is_close or bet amount is only a warning', () => {
    const round = playRound();
    round.takeStake('s', 500n);
    round.payout('p', 900n, { betAmount: 500n });
    round.call('give', 's', done('104'));
    expect(toldOf(round.stake('s', 500n, { isClose: true }))).toBe('accepted');
    expect(toldOf(round.payout('p', 900n, { isClose: true, betAmount: null }))).toBe('accepted');
    expect(round.facts.filter((fact) => fact.kind === 'warning')).toHaveLength(2);
    expect(round.cases).toEqual([]);
    expect(round.rows.round.status).toBe('open');
  });

  test('a stake and a payout of one transaction id are two operations', () => {
    const round = playRound();
    round.takeStake('1', 500n);
    expect(toldOf(round.payout('1', 900n))).toBe('wait');
    expect(round.operation('payout', '1')).toMatchObject({ payoutState: 'owed' });
  });

  test('a declined stake stays declined, whatever the wallet would say now', () => {
    const round = playRound();
    round.stake('s', 500n);
    round.call('take', 's', declined());
    expect(toldOf(round.stake('s', 500n))).toBe('insufficient_funds');
    expect(round.begin(round.callId('take', 's'))).toBeUndefined();
  });

  test.each<[string, Partial<RoundTerms>, bigint, string]>([
    ['a stake above the limit', { stakeMax: 499n }, 500n, '1001'],
    ['a stake of another game', {}, 500n, '1002'],
  ])('%s is refused with nothing stored', (_, terms, amount, game) => {
    const round = playRound(terms);
    expect(round.stake('s', amount, { game })).toMatchObject({
      result: 'failed',
      operationId: null,
    });
    expect(round.rows).toMatchObject({ operations: [], bets: [], obligations: [] });
  });

  test('a payout for another game than its round’s is refused with a case', () => {
    const round = playRound();
    round.takeStake('s', 500n);
    expect(toldOf(round.payout('p', 900n, { game: '1002' }))).toBe('failed');
    expect(round.cases).toMatchObject([{ kind: 'conflict', subject: 'payout p', amount: 900n }]);
    expect(round.rows.operations).toHaveLength(1);
  });
});
