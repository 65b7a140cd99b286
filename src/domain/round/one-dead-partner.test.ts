import {
  TERMS,
  declined,
  done,
  notSent,
  playRound,
  toldOf,
  unknown,
  type PlayedRound,
} from '../../../test/support/played-round';
import { statement } from './describe';
import { nextLookAtMs, nextOf } from './next';

/** An owed payout that the wallet has not answered `times` times, in the background. */
function unansweredPayout(times: number): PlayedRound {
  const round = playRound();
  round.takeStake('s', 500n);
  round.payout('p', 900n);
  round.wait(TERMS.answerDeadlineMs + 1);
  round.deadline('payout', 'p');
  for (let attempt = 0; attempt < times; attempt++) {
    round.call('give', 's', unknown);
    round.wait(3_600_000);
  }
  return round;
}
const ownCalls = (round: PlayedRound) => nextOf(round.draft).calls.map(({ verb }) => verb);

describe('an owed call leaves its round for the partner’s drain', () => {
  test('when its fifth background repeat is due, and not before', () => {
    const four = unansweredPayout(4);
    expect(four.obligation('give', 's')?.drained).toBe(false);
    const five = unansweredPayout(5);
    expect(five.obligation('give', 's')).toMatchObject({ drained: true, status: 'open' });
    expect(ownCalls(five)).toEqual(['report']);
    expect(nextOf(five.draft)).toMatchObject({ drained: true, atRest: false });
  });

  test('at once when the breaker is open, and the sweep then leaves the round alone', () => {
    const round = playRound();
    round.withoutEarlierRounds();
    round.takeStake('s', 500n);
    round.call('report', 's', done());
    round.setBreaker('open');
    round.payout('p', 900n, { isClose: true });
    expect(round.obligation('give', 's')?.drained).toBe(true);
    expect(ownCalls(round)).toEqual([]);
    expect(nextLookAtMs(round.draft)).toBeNull();
  });

  test('and is attempted by the drain only', () => {
    const round = unansweredPayout(5);
    const call = round.callId('give', 's');
    expect(round.apply({ type: 'attempt_starts', call, driver: 'round' })).toEqual({
      kind: 'definite',
    });
    expect(round.apply({ type: 'attempt_starts', call, driver: 'drain' })).toMatchObject({
      kind: 'send',
      purpose: 'payout',
    });
  });

  test('an attempt that begins while the breaker is open moves instead of being sent', () => {
    const round = playRound();
    round.takeStake('s', 500n);
    round.payout('p', 900n);
    round.setBreaker('open');
    const call = round.callId('give', 's');
    expect(round.apply({ type: 'attempt_starts', call, driver: 'round' })).toEqual({
      kind: 'definite',
    });
    expect(round.obligation('give', 's')).toMatchObject({ drained: true, attempts: 0 });
  });

  test('repeats that a waiting provider brings sooner do not count', () => {
    const round = playRound();
    round.takeStake('s', 500n);
    round.payout('p', 900n);
    for (let attempt = 0; attempt < 8; attempt++) round.call('give', 's', unknown);
    expect(round.obligation('give', 's')).toMatchObject({ drained: false, repeats: 0 });
    round.wait(TERMS.answerDeadlineMs + 1);
    round.deadline('payout', 'p');
    round.call('give', 's', unknown);
    const row = round.obligation('give', 's');
    expect((row?.nextAttemptMs ?? 0) - round.nowMs).toBe(1_000);
  });

  test('and comes back to its round when the provider repeats, unless the breaker is open', () => {
    const repeat = (round: PlayedRound) => {
      round.apply({ type: 'tick' });
      return round.payout('q', 100n, { betAmount: 500n });
    };
    const back = playRound({ payoutAck: 'confirmed' });
    back.takeStake('s', 500n);
    back.payout('p', 900n);
    back.wait(TERMS.answerDeadlineMs + 1);
    back.deadline('payout', 'p');
    for (let attempt = 0; attempt < 5; attempt++) {
      back.call('give', 's', unknown);
      if (attempt < 4) back.wait(3_600_000);
    }
    expect(back.obligation('give', 's')?.drained).toBe(true);
    expect(back.payout('p', 900n)).toMatchObject({
      kind: 'wait',
      hurry: [back.callId('give', 's')],
    });
    expect(ownCalls(back)).toContain('give');
    expect(toldOf(repeat(back))).toBe('wait');

    const open = playRound({ payoutAck: 'confirmed' });
    open.takeStake('s', 500n);
    open.payout('p', 900n);
    open.call('give', 's', unknown);
    open.setBreaker('open');
    open.wait(TERMS.answerDeadlineMs + 1);
    open.deadline('payout', 'p');
    open.payout('p', 900n);
    expect(ownCalls(open)).not.toContain('give');
  });
});

describe('a stake while the breaker is open', () => {
  test('is not sent when it was recorded just before, and fails as never sent', () => {
    const round = playRound();
    round.stake('s', 500n);
    round.setBreaker('open');
    expect(round.begin(round.callId('take', 's'))).toBeUndefined();
    round.wait(TERMS.answerDeadlineMs + 1);
    expect(toldOf(round.deadline('stake', 's'))).toBe('failed');
    expect(round.bet('s')).toMatchObject({ outcome: 'declined', decision: 'failed' });
    expect(round.obligation('take', 's')).toMatchObject({ status: 'dropped', attempts: 0 });
  });

  test('is sent as a probe when the breaker is half open', () => {
    const round = playRound();
    round.setBreaker('half_open');
    round.takeStake('s', 500n);
    expect(round.bet('s').decision).toBe('confirmed');
  });

  test('whose first attempt surely did not leave is not sent again', () => {
    const round = playRound();
    round.stake('s', 500n);
    round.call('take', 's', notSent);
    round.setBreaker('open');
    round.wait(300);
    expect(round.begin(round.callId('take', 's'))).toBeUndefined();
    expect(round.obligation('take', 's')?.drained).toBe(false);
  });

  test('that is unknown goes on being asked, by the drain, with the same content', () => {
    const round = playRound({ dedupBeforeFunds: true });
    round.stake('s', 500n);
    const first = round.call('take', 's', unknown);
    round.setBreaker('open');
    round.tickAfter(5_000);
    expect(round.obligation('take', 's')?.drained).toBe(true);
    expect(round.call('take', 's', declined())).toEqual(first);
    expect(round.bet('s').outcome).toBe('declined');
  });
});

test('the statement tells an operator that a call waits in the drain', () => {
  const round = unansweredPayout(5);

  expect(statement(round.draft).join('\n')).toContain(
    "payout 9.00 EUR waits in the partner's drain after 5 attempts, last: unknown (timeout): no answer",
  );
});
