import { TERMS, playRound } from '../../../test/support/played-round';

/** SPEC §4 rule 4: confirmed → open. */
describe('a confirmed stake whose code 0 was not written', () => {
  test('is reopened by the process that knows it, and compensated when no repeat comes', () => {
    const round = playRound();
    round.takeStake('s', 500n);
    expect(round.owed()).toEqual(['report']);
    round.unwritten('s');
    expect(round.bet('s')).toMatchObject({ outcome: 'done', decision: 'open' });
    expect(round.operation('stake', 's').answer).toBeNull();
    expect(round.owed()).toEqual([]);
    round.tickAfter(TERMS.answerDeadlineMs + TERMS.reviveWindowMs + 1);
    expect(round.owed()).toEqual(['give']);
    round.settleCalls();
    expect(round.obligation('report', 's')).toMatchObject({ number: 1, status: 'done' });
    expect(round.obligation('report', 's', 2)).toBeUndefined();
  });

  test('is confirmed again by a repeat, and its record goes out once', () => {
    const round = playRound();
    round.takeStake('s', 500n);
    round.unwritten('s');
    expect(round.stake('s', 500n)).toMatchObject({ result: 'accepted', balance: '100' });
    expect(round.owed()).toEqual(['report']);
  });

  test('stays confirmed once a repeat was told the stored code 0', () => {
    const round = playRound();
    round.takeStake('s', 500n);
    expect(round.stake('s', 500n)).toMatchObject({ result: 'accepted' });
    round.unwritten('s');
    expect(round.bet('s').decision).toBe('confirmed');
    expect(round.stake('s', 500n)).toMatchObject({ result: 'accepted' });
  });

  test.each<[string, (round: ReturnType<typeof playRound>) => void]>([
    ['a payout', (round) => void round.payout('p', 900n)],
    ['a payout of 0', (round) => void round.payout('p', 0n)],
    ['a close', (round) => void round.apply({ type: 'close', by: 'next_stake' })],
    ['a record under way', (round) => void round.begin(round.callId('report', 's'))],
  ])('stays confirmed once %s builds on it', (_, builds) => {
    const round = playRound();
    round.takeStake('s', 500n);
    builds(round);
    round.unwritten('s');
    expect(round.bet('s').decision).toBe('confirmed');
    expect(round.operation('stake', 's').answer?.result).toBe('accepted');
  });

  test('stays confirmed when its request closed the round', () => {
    const round = playRound();
    round.takeStake('s', 500n, { isClose: true });
    round.unwritten('s');
    expect(round.bet('s').decision).toBe('confirmed');
  });
});
