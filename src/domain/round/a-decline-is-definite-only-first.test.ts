import { declined, done, notSent, playRound, unknown } from '../../../test/support/played-round';
import type { DeclineReason } from '../wallet-outcome';
import type { AnswerResult } from './rows';

/** SPEC §4 rule 3, §5. */
describe('a decline is definite only when every earlier attempt surely sent nothing', () => {
  const answers: readonly [DeclineReason, AnswerResult, string[]][] = [
    ['funds', 'insufficient_funds', []],
    ['blocked', 'player_blocked', []],
    ['player_not_found', 'player_unknown', []],
    ['configuration', 'failed', ['configuration_decline']],
  ];
  test.each(answers)('a first decline (%s) is told as %s, for ever', (reason, result, cases) => {
    const round = playRound();
    round.stake('s', 500n);
    round.call('take', 's', declined(reason));
    expect(round.bet('s')).toMatchObject({ outcome: 'declined', decision: 'failed' });
    expect(round.operation('stake', 's').answer).toEqual({ result, balance: null });
    expect(round.caseKinds()).toEqual(cases);
    round.wait(3_600_000);
    expect(round.stake('s', 500n)).toMatchObject({ result });
    expect(round.owed()).toEqual([]);
  });

  test('after attempts that ended "not sent" it is definite', () => {
    const round = playRound();
    round.stake('s', 500n);
    round.call('take', 's', notSent);
    round.call('take', 's', notSent);
    round.call('take', 's', declined());
    expect(round.bet('s').outcome).toBe('declined');
    expect(round.cases).toEqual([]);
  });

  test('after an unknown it decides nothing, opens a case, and the call is repeated', () => {
    const round = playRound();
    round.stake('s', 500n);
    round.call('take', 's', unknown);
    round.call('take', 's', declined());
    expect(round.bet('s')).toMatchObject({ outcome: 'none', decision: 'open' });
    expect(round.cases).toMatchObject([
      { kind: 'decline_after_unknown', betId: round.betIdOf('s'), amount: 500n },
    ]);
    round.call('take', 's', done('95'));
    expect(round.bet('s')).toMatchObject({ outcome: 'done', decision: 'confirmed' });
  });

  test('after an unknown, "not sent" is not definite either', () => {
    const round = playRound();
    round.stake('s', 500n);
    round.call('take', 's', unknown);
    round.call('take', 's', notSent);
    round.tickAfter(5_000);
    expect(round.bet('s').outcome).toBe('none');
    round.call('take', 's', declined());
    expect(round.bet('s').outcome).toBe('none');
  });

  test('a lost attempt counts as unknown until its own result says that nothing was sent', () => {
    const round = playRound();
    round.stake('s', 500n);
    const take = round.callId('take', 's');
    round.begin(take);
    round.wait(4_000);
    const second = round.begin(take);
    round.end(take, 1, notSent);
    round.end(take, second?.attempt ?? 0, declined());
    expect(round.bet('s').outcome).toBe('declined');
  });

  test('a partner that looks for the bet_id first is believed on a repeat', () => {
    const round = playRound({ dedupBeforeFunds: true });
    round.stake('s', 500n);
    round.call('take', 's', unknown);
    round.call('take', 's', declined());
    expect(round.bet('s')).toMatchObject({ outcome: 'declined', decision: 'failed' });
    expect(round.cases).toEqual([]);
  });

  test('a decline that comes after the stake failed as unknown leaves the told answer', () => {
    const round = playRound({ dedupBeforeFunds: true });
    round.stake('s', 500n);
    round.call('take', 's', unknown);
    round.tickAfter(70_000);
    round.call('take', 's', declined());
    expect(round.bet('s')).toMatchObject({ outcome: 'declined', decision: 'failed' });
    expect(round.stake('s', 500n)).toMatchObject({ result: 'failed' });
    expect(round.owed()).toEqual([]);
  });

  test('a duplicate refusal and a negative balance open a case and decide nothing', () => {
    const round = playRound();
    round.stake('s', 500n);
    round.call('take', 's', { kind: 'unknown', reason: 'duplicate', text: 'HTTP 409' });
    round.call('take', 's', {
      kind: 'unknown',
      reason: 'negative_balance',
      text: 'HTTP 200',
      flags: ['negative_balance'],
    });
    expect(round.caseKinds()).toEqual(['duplicate_refused', 'negative_balance']);
    expect(round.bet('s').outcome).toBe('none');
  });
});
