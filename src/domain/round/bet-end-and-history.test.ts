import { TERMS, declined, done, playRound, unknown } from '../../../test/support/played-round';
import { isAtRest } from './derive';

/** SPEC §4 rules 10 and 11. */
describe('bet-end', () => {
  test('leaves once per confirmed bet, after its settle-bet is confirmed', () => {
    const round = playRound();
    round.takeStake('s', 500n);
    round.payout('p', 900n, { isClose: true });
    expect(round.obligation('end', 's')).toBeUndefined();
    round.call('give', 's', unknown);
    expect(round.obligation('end', 's')).toBeUndefined();
    round.call('give', 's', done('104'));
    expect(round.call('end', 's', unknown)).toMatchObject({ stake: 500n, win: 900n });
    expect(round.call('end', 's', done())).toMatchObject({ stake: 500n, win: 900n });
    round.settleCalls();
    round.tickAfter(86_400_000);
    expect(round.rows.obligations.filter((row) => row.verb === 'end')).toHaveLength(1);
    expect(round.begin(round.callId('end', 's'))).toBeUndefined();
  });

  test('of a lost bet says a win of 0', () => {
    const round = playRound();
    round.takeStake('s', 500n, { isClose: true });
    expect(round.call('end', 's', done())).toMatchObject({ stake: 500n, win: 0n });
  });

  test('of a carrier says a stake of 0', () => {
    const round = playRound();
    round.takeStake('s', 500n);
    round.payout('p1', 900n);
    round.payout('p2', 100n, { isClose: true });
    round.call('take', 'own:p2', done('104'));
    round.call('give', 'own:p2', done('105'));
    expect(round.call('end', 'own:p2', done())).toMatchObject({ stake: 0n, win: 100n });
  });

  test('does not change the balance after the bet', () => {
    const round = playRound();
    round.stake('s', 500n, { isClose: true });
    round.call('take', 's', done('95'));
    round.call('end', 's', done('777'));
    expect(round.call('report', 's', done())).toMatchObject({ lastBalance: '95' });
  });

  test('a declined stake has none, and no partner that does not want it gets one', () => {
    const round = playRound();
    round.stake('s', 500n);
    round.call('take', 's', declined());
    round.apply({ type: 'close', by: 'session_end' });
    round.tickAfter(TERMS.closeGraceMs);
    expect(round.owed()).toEqual([]);

    const unwanted = playRound({ wantsBetEnd: false, wantsHistory: false });
    unwanted.takeStake('s', 500n, { isClose: true });
    expect(unwanted.owed()).toEqual([]);
  });
});

describe('history', () => {
  test('one create once the bet is confirmed, one update for everything since', () => {
    const round = playRound();
    round.stake('s', 500n);
    expect(round.obligation('report', 's')).toBeUndefined();
    round.call('take', 's', done('95'));
    expect(round.call('report', 's', done())).toMatchObject({
      number: 1,
      stake: 500n,
      received: 0n,
      stakeBalance: '95',
      lastBalance: '95',
    });
    round.payout('p', 900n, { isClose: true });
    expect(round.obligation('report', 's', 2)).toBeUndefined();
    round.call('give', 's', done('104'));
    expect(round.call('report', 's', done(), 2)).toMatchObject({
      number: 2,
      received: 900n,
      stakeBalance: '95',
      lastBalance: '104',
    });
    round.settleCalls();
    expect(round.obligation('report', 's', 3)).toBeUndefined();
  });

  test('a bet that is final at once needs no second', () => {
    const lost = playRound();
    lost.takeStake('s', 500n, { isClose: true });
    lost.settleCalls();
    expect(lost.obligation('report', 's', 1)).toMatchObject({ status: 'done' });
    expect(lost.obligation('report', 's', 2)).toBeUndefined();

    const won = playRound();
    won.takeStake('s', 500n);
    won.payout('p', 900n);
    won.call('give', 's', done('104'));
    expect(won.call('report', 's', done())).toMatchObject({ number: 1, received: 900n });
    won.payout('p0', 0n, { isClose: true });
    won.settleCalls();
    expect(won.obligation('report', 's', 2)).toBeUndefined();
  });

  test('a bet lost without the provider’s close is updated when our own close ends it', () => {
    const round = playRound();
    round.takeStake('s', 500n);
    round.settleCalls();
    round.apply({ type: 'close', by: 'next_stake' });
    expect(round.obligation('report', 's', 2)).toBeUndefined();
    round.tickAfter(TERMS.closeGraceMs);
    expect(round.obligation('report', 's', 2)).toMatchObject({ status: 'open' });
    round.settleCalls();
    expect(round.obligation('report', 's', 3)).toBeUndefined();
  });

  test('the update waits for the create’s 200, which tells what it told at first', () => {
    const round = playRound();
    round.takeStake('s', 500n);
    const create = round.call('report', 's', unknown);
    round.payout('p', 900n, { isClose: true });
    round.call('give', 's', done('104'));
    round.call('end', 's', done());
    expect(round.obligation('report', 's', 2)).toBeUndefined();
    expect(round.call('report', 's', unknown)).toEqual(create);
    expect(round.call('report', 's', declined('configuration'))).toEqual(create);
    expect(round.call('report', 's', done())).toMatchObject({ received: 0n });
    expect(round.call('report', 's', done(), 2)).toMatchObject({ received: 900n });
    expect(round.begin(round.callId('report', 's'))).toBeUndefined();
    expect(round.owed()).toEqual([]);
  });

  test('the record waits for no bet-end', () => {
    const round = playRound();
    round.takeStake('s', 500n, { isClose: true });
    round.call('end', 's', unknown);
    round.call('report', 's', done());
    expect(round.owed()).toEqual(['end']);
  });

  test('a declined stake has no record, and a stake that is done but undecided has none yet', () => {
    const round = playRound();
    round.stake('declined', 500n);
    round.call('take', 'declined', declined());
    round.stake('open', 500n);
    round.call('take', 'open', unknown);
    round.wait(TERMS.answerDeadlineMs);
    round.deadline('stake', 'open');
    round.call('take', 'open', done('95'));
    expect(round.owed()).toEqual([]);
  });

  test('a compensated bet has one record, after its compensation', () => {
    const round = playRound();
    round.stake('s', 500n);
    round.call('take', 's', unknown);
    round.tickAfter(TERMS.answerDeadlineMs + TERMS.reviveWindowMs + 1);
    round.call('take', 's', done('95'));
    expect(round.obligation('report', 's')).toBeUndefined();
    round.settleCalls();
    round.apply({ type: 'close', by: 'session_end' });
    round.tickAfter(TERMS.closeGraceMs);
    expect(round.rows.obligations.map((row) => [row.verb, row.number, row.status])).toEqual([
      ['take', 1, 'done'],
      ['give', 1, 'done'],
      ['end', 1, 'done'],
      ['report', 1, 'done'],
    ]);
  });

  test('a lost bet of a round closed by us is reported as final after the grace, bet-end wanted or not', () => {
    for (const wantsBetEnd of [true, false]) {
      const round = playRound({ wantsBetEnd });
      round.withoutEarlierRounds();
      round.takeStake('s', 500n);
      round.call('report', 's', done());
      round.apply({ type: 'close', by: 'next_stake' });
      expect(round.owed()).toEqual([]);
      round.tickAfter(TERMS.closeGraceMs);
      expect(round.owed()).toContain('report');
      round.settleCalls();
      expect(isAtRest(round.draft)).toBe(true);
      // Nothing lands on it any more: what comes late has a carrier of its own.
      round.payout('late', 900n);
      expect(round.bet('s').payoutOperationId).toBeNull();
      round.settleCalls();
      expect(round.bet('own:late').paid).toBe(true);
    }
  });

  test('no partner that does not want it gets one', () => {
    const round = playRound({ wantsHistory: false });
    round.takeStake('s', 500n, { isClose: true });
    expect(round.owed()).toEqual(['end']);
  });
});
