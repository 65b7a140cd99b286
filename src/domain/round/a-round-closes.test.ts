import {
  START_MS,
  TERMS,
  declined,
  done,
  playRound,
  toldOf,
  unknown,
} from '../../../test/support/played-round';
import { nextLookAtMs, nextOf } from './next';

/** SPEC §4 rule 9. */
describe('a round closes', () => {
  const closes: [string, (round: ReturnType<typeof playRound>) => void, string][] = [
    [
      'an accepted payout with is_close',
      (round) => void round.payout('p', 900n, { isClose: true }),
      'provider',
    ],
    [
      'an accepted payout of 0 with is_close',
      (round) => void round.payout('p', 0n, { isClose: true }),
      'provider',
    ],
    [
      'a stake of another round',
      (round) => void round.apply({ type: 'close', by: 'next_stake' }),
      'next_stake',
    ],
    ['the end of the session', (round) => round.tickAfter(3_600_000), 'session_end'],
  ];
  test.each(closes)('on %s', (_, happens, by) => {
    const round = playRound({}, START_MS + 3_600_000);
    round.takeStake('s', 500n);
    happens(round);
    expect(round.rows.round).toMatchObject({ closedBy: by });
    expect(round.rows.round.status).not.toBe('open');
    expect(toldOf(round.stake('late', 500n))).toBe('round_closed');
    expect(round.rows.bets).toHaveLength(1);
  });

  test('on an accepted stake with is_close, not on one that is only asked for or declined', () => {
    const round = playRound();
    round.stake('declined', 500n, { isClose: true });
    round.call('take', 'declined', declined());
    round.stake('s', 500n, { isClose: true });
    expect(round.rows.round.status).toBe('open');
    round.call('take', 's', done('95'));
    expect(round.rows.round).toMatchObject({ status: 'closed', closedBy: 'provider' });
  });

  test('on the idle timer, counted from the last new operation', () => {
    const round = playRound();
    round.takeStake('s1', 500n);
    round.wait(1_000);
    round.takeStake('s2', 500n);
    expect(nextOf(round.draft).tickAtMs).toBe(START_MS + 1_000 + TERMS.idleCloseMs);
    round.tickAfter(TERMS.idleCloseMs - 1);
    expect(round.rows.round.status).toBe('open');
    round.tickAfter(1);
    expect(round.rows.round).toMatchObject({ closedBy: 'idle' });
  });

  test('the timer needs nobody on time: a stake that comes after it finds the round closed', () => {
    const round = playRound();
    round.takeStake('s', 500n);
    round.wait(TERMS.idleCloseMs);
    expect(toldOf(round.stake('late', 500n))).toBe('round_closed');
  });

  test('an accepted stake has the earlier rounds closed, once, and not where that is switched off', () => {
    const round = playRound();
    round.stake('s1', 500n);
    expect(round.rows.round.closesPrevious).toBe('no');
    round.call('take', 's1', done('95'));
    expect(nextOf(round.draft).closesPrevious).toBe(true);
    expect(nextLookAtMs(round.draft)).toBeLessThanOrEqual(round.nowMs);
    round.apply({ type: 'previous_closed' });
    round.takeStake('s2', 500n);
    expect(nextOf(round.draft).closesPrevious).toBe(false);

    const off = playRound({ closeOnNextStake: false });
    off.takeStake('s1', 500n);
    expect(nextOf(off.draft).closesPrevious).toBe(false);
  });

  test('a stake with no earlier round open has nobody look for one', () => {
    const round = playRound();
    round.withoutEarlierRounds();
    round.takeStake('s', 500n);
    expect(nextOf(round.draft).closesPrevious).toBe(false);
  });

  test('it is closing until each stake is decided and each payout paid', () => {
    const round = playRound();
    round.takeStake('s1', 500n);
    round.stake('s2', 300n);
    round.call('take', 's2', unknown);
    round.payout('p', 900n, { isClose: true });
    expect(round.rows.round.status).toBe('closing');
    round.call('take', 's2', done('92'));
    expect(round.bet('s2').decision).toBe('confirmed');
    expect(round.rows.round.status).toBe('closing');
    round.call('give', 's1', done('101'));
    expect(round.rows.round.status).toBe('closed');
  });

  test('closing ends no decision: a repeat inside the window still confirms', () => {
    const round = playRound();
    round.stake('s', 500n);
    round.call('take', 's', unknown);
    round.wait(TERMS.answerDeadlineMs);
    round.deadline('stake', 's');
    round.apply({ type: 'close', by: 'next_stake' });
    round.call('take', 's', done('95'));
    expect(round.rows.round.status).toBe('closing');
    expect(toldOf(round.stake('s', 500n))).toBe('accepted');
    expect(round.rows.round.status).toBe('closed');
  });

  test('closed by the provider, bet-end leaves at once', () => {
    const round = playRound();
    round.takeStake('s', 500n, { isClose: true });
    expect(round.obligation('end', 's')).toMatchObject({ status: 'open' });
  });

  test('closed by us, bet-end leaves after the grace, and a repeated win still lands on its bet', () => {
    const round = playRound();
    round.takeStake('s', 500n);
    round.settleCalls();
    round.apply({ type: 'close', by: 'next_stake' });
    expect(nextOf(round.draft).tickAtMs).toBe(round.nowMs + TERMS.closeGraceMs);
    round.tickAfter(TERMS.closeGraceMs - 1);
    expect(round.obligation('end', 's')).toBeUndefined();
    expect(toldOf(round.payout('p', 900n))).toBe('wait');
    expect(round.operation('payout', 'p').betId).toBe(round.betIdOf('s'));
    round.tickAfter(1);
    expect(round.obligation('end', 's')).toBeUndefined(); // after its settle-bet (rule 10)
    round.call('give', 's', done('104'));
    expect(round.call('end', 's', done())).toMatchObject({ stake: 500n, win: 900n });
  });

  test('a late payout of a round the provider closed gets 5 and a case; of 0, 5 and no case', () => {
    const round = playRound();
    round.takeStake('s', 500n, { isClose: true });
    expect(toldOf(round.payout('p0', 0n))).toBe('round_closed');
    expect(round.cases).toEqual([]);
    expect(toldOf(round.payout('p', 900n))).toBe('round_closed');
    expect(round.cases).toMatchObject([{ kind: 'late_payout', subject: 'p', amount: 900n }]);
    expect(round.rows.operations).toHaveLength(1);
  });

  test.each(['next_stake', 'session_end'] as const)(
    'a late payout of a round closed by us (%s) is paid, however late',
    (by) => {
      const round = playRound();
      round.takeStake('s', 500n);
      round.apply({ type: 'previous_closed' });
      round.apply({ type: 'close', by });
      round.tickAfter(TERMS.closeGraceMs);
      round.settleCalls();
      round.wait(30 * 86_400_000);
      expect(toldOf(round.payout('p', 900n))).toBe('wait');
      expect(nextOf(round.draft).atRest).toBe(false);
      round.settleCalls();
      expect(round.operation('payout', 'p')).toMatchObject({
        payoutState: 'paid',
        betId: round.betIdOf('own:p'),
      });
      expect(nextOf(round.draft).atRest).toBe(true);
    },
  );

  test('the provider’s own close outweighs ours: the next late payout is refused', () => {
    const round = playRound();
    round.takeStake('s', 500n);
    round.apply({ type: 'close', by: 'next_stake' });
    round.payout('p1', 900n, { isClose: true });
    expect(round.rows.round.closedBy).toBe('provider');
    round.apply({ type: 'close', by: 'session_end' });
    expect(round.rows.round.closedBy).toBe('provider');
    expect(toldOf(round.payout('p2', 900n))).toBe('round_closed');
    expect(toldOf(round.payout('p1', 900n))).toBe('wait'); // a known payout is owed all the same
  });

  test('a stake of 0 is a stake: it is taken, confirmed and ended like any other', () => {
    const round = playRound();
    expect(toldOf(round.stake('s', 0n))).toBe('wait');
    expect(round.call('take', 's', done('100'))).toMatchObject({ amount: 0n });
    round.payout('p', 900n, { isClose: true });
    expect(round.operation('payout', 'p').betId).toBe(round.betIdOf('s'));
    round.settleCalls();
    expect(round.obligation('end', 's')).toMatchObject({ status: 'done' });
  });
});

/** SPEC §4 rules 12 and 13. */
describe('a round comes to rest', () => {
  test('stakes of a round never wait for each other', () => {
    const round = playRound();
    round.stake('s1', 500n);
    round.call('take', 's1', unknown);
    round.takeStake('s2', 300n);
    expect(round.bet('s2').decision).toBe('confirmed');
  });

  test('not while anything is owed, undecided or open', () => {
    const round = playRound();
    const atRest = () => nextOf(round.draft).atRest;
    round.takeStake('s', 500n);
    expect(atRest()).toBe(false);
    round.settleCalls();
    expect(atRest()).toBe(false); // the earlier rounds are not closed yet, and this one is open
    round.apply({ type: 'previous_closed' });
    expect(atRest()).toBe(false);
    round.payout('p', 900n, { isClose: true });
    expect(atRest()).toBe(false);
    round.call('give', 's', done('104'));
    expect(atRest()).toBe(false); // bet-end and the record's update are owed
    round.call('end', 's', done());
    expect(atRest()).toBe(false);
    round.call('report', 's', done(), 2);
    expect(atRest()).toBe(true);
    expect(nextOf(round.draft)).toMatchObject({ calls: [], tickAtMs: null });
    expect(nextLookAtMs(round.draft)).toBeNull();
  });

  test('after the grace of our own close, not before', () => {
    const round = playRound();
    round.takeStake('s', 500n);
    round.apply({ type: 'previous_closed' });
    round.settleCalls();
    round.apply({ type: 'close', by: 'next_stake' });
    expect(round.rows.round.status).toBe('closed');
    expect(nextOf(round.draft).atRest).toBe(false);
    round.tickAfter(TERMS.closeGraceMs);
    round.settleCalls();
    expect(nextOf(round.draft).atRest).toBe(true);
  });

  test('an open round in which nothing counts rests, and is closed when it is idle', () => {
    const round = playRound();
    round.stake('s', 500n);
    round.call('take', 's', declined());
    expect(nextOf(round.draft)).toMatchObject({
      atRest: true,
      tickAtMs: START_MS + TERMS.idleCloseMs,
    });
    round.tickAfter(TERMS.idleCloseMs);
    expect(round.rows.round.status).toBe('closed');
  });

  test('a stake that only time will decide is looked at when its revive window ends', () => {
    const round = playRound();
    round.stake('s', 500n);
    const begun = round.begin(round.callId('take', 's'));
    const asked = round.nowMs;
    round.wait(TERMS.answerDeadlineMs);
    round.deadline('stake', 's');
    round.end(round.callId('take', 's'), begun?.attempt ?? 0, done('95'));
    expect(nextOf(round.draft).tickAtMs).toBe(
      asked + TERMS.answerDeadlineMs + TERMS.reviveWindowMs + 1,
    );
  });

  test('what is owed is looked at when it is due, and when its attempt should have ended', () => {
    const round = playRound();
    round.stake('s', 500n);
    expect(nextLookAtMs(round.draft)).toBe(round.nowMs);
    const take = round.callId('take', 's');
    const begun = round.begin(take);
    expect(nextLookAtMs(round.draft)).toBe(round.nowMs + TERMS.attemptTimeoutMs);
    round.end(take, begun?.attempt ?? 0, unknown);
    expect(nextLookAtMs(round.draft)).toBe(round.obligation('take', 's')?.nextAttemptMs);
  });
});
