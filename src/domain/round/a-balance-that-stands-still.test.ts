import { done, playRound, unknown, type PlayedRound } from '../../../test/support/played-round';
import { stillBalance } from './still-balance';

/** What a reply to a call would be taken for, before it is recorded. */
const suspicion = (round: PlayedRound, call: string, balance: string) =>
  stillBalance(round.rows, call, done(balance), 2);

describe('a wallet whose balance does not move though it had to', () => {
  test.each(['95', '95.00', '95.004', '9.5e1'])(
    'is suspected when a payout leaves the balance of its stake as it was: 95 and %s',
    (balance) => {
      const round = playRound();
      round.stake('s', 500n);
      round.call('take', 's', done('95'));
      round.payout('p', 900n);
      expect(suspicion(round, round.callId('give', 's'), balance)).toEqual({
        before: { betId: round.betIdOf('s'), verb: 'take' },
        call: { betId: round.betIdOf('s'), verb: 'give' },
      });
    },
  );

  test('is suspected when a stake leaves the balance of the round as it was', () => {
    const round = playRound();
    round.takeStake('s', 500n);
    round.payout('p', 900n);
    round.call('give', 's', done('109'));
    round.stake('s2', 500n);
    expect(suspicion(round, round.callId('take', 's2'), '109')).toEqual({
      before: { betId: round.betIdOf('s'), verb: 'give' },
      call: { betId: round.betIdOf('s2'), verb: 'take' },
    });
  });

  test('is not suspected when the balance moved, was never told before, or had nothing to move for', () => {
    const round = playRound();
    round.stake('s', 500n);
    expect(suspicion(round, round.callId('take', 's'), '95')).toBeUndefined();
    round.call('take', 's', done('95'));
    round.payout('p', 900n, { isClose: true });
    expect(suspicion(round, round.callId('give', 's'), '104')).toBeUndefined();
    expect(suspicion(round, round.callId('give', 's'), '95.01')).toBeUndefined();
    expect(stillBalance(round.rows, round.callId('give', 's'), unknown, 2)).toBeUndefined();
    round.call('give', 's', done('104'));
    expect(suspicion(round, round.callId('end', 's'), '104')).toBeUndefined();
    const free = playRound();
    free.takeStake('s', 500n);
    free.stake('zero', 0n);
    expect(suspicion(free, free.callId('take', 'zero'), '100')).toBeUndefined();
  });

  test('is told to a person, in the journal too, and the payout is done all the same', () => {
    const round = playRound();
    round.takeStake('s', 500n);
    round.payout('p', 900n);
    round.setBalanceStood(true);
    round.call('give', 's', done('100'));
    expect(round.operation('payout', 'p').payoutState).toBe('paid');
    expect(round.cases).toMatchObject([
      { kind: 'balance_did_not_move', subject: round.callId('give', 's'), amount: 900n },
    ]);
    expect(round.facts).toContainEqual({
      kind: 'alarm',
      call: round.callId('give', 's'),
      about: 'balance_did_not_move',
      text: 'done, balance 100',
    });
  });
});
