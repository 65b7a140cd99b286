import { TERMS, declined, done, playRound, unknown } from '../../../test/support/played-round';

/** SPEC §4 rule 7. */
describe('a payout finds its bet', () => {
  const bets = (round: ReturnType<typeof playRound>) =>
    round.rows.operations.filter((row) => row.kind === 'payout').map((row) => row.betId);

  test('the oldest bet whose stake is the bet amount, else the oldest', () => {
    const round = playRound();
    round.takeStake('s1', 500n);
    round.takeStake('s2', 300n);
    round.takeStake('s3', 300n);
    round.payout('p1', 10n, { betAmount: 300n });
    round.payout('p2', 20n, { betAmount: 300n });
    round.payout('p3', 30n, { betAmount: 300n });
    expect(bets(round)).toEqual(['s2', 's3', 's1'].map(round.betIdOf));
  });

  test('without a bet amount, or with one that no bet has, the oldest', () => {
    const round = playRound();
    round.takeStake('s1', 500n);
    round.takeStake('s2', 300n);
    round.payout('p1', 10n, { betAmount: 777n });
    round.payout('p2', 20n);
    expect(bets(round)).toEqual(['s1', 's2'].map(round.betIdOf));
  });

  test('never a bet that is open, failed, paid already, or ended', () => {
    const round = playRound();
    round.stake('failed', 500n);
    round.call('take', 'failed', declined());
    round.stake('open', 500n);
    const open = round.begin(round.callId('take', 'open'));
    round.takeStake('paid', 500n);
    round.payout('first', 10n);
    round.payout('p', 20n, { betAmount: 500n });
    expect(bets(round)).toEqual(['paid', 'own:p'].map(round.betIdOf));
    round.end(round.callId('take', 'open'), open?.attempt ?? 0, done('95'));
    expect(round.bet('open').payoutOperationId).toBeNull();
  });

  test('a bet whose bet-end exists takes no payout: a carrier does', () => {
    const round = playRound();
    round.takeStake('s', 500n);
    round.apply({ type: 'close', by: 'next_stake' });
    round.tickAfter(TERMS.closeGraceMs);
    expect(round.obligation('end', 's')).toBeDefined();
    round.payout('p', 900n, { betAmount: 500n });
    expect(bets(round)).toEqual([round.betIdOf('own:p')]);
  });

  test('the choice is written once: a better bet that comes later changes nothing', () => {
    const round = playRound();
    round.takeStake('s1', 500n);
    round.payout('p', 900n, { betAmount: 300n });
    round.takeStake('s2', 300n);
    round.payout('p', 900n, { betAmount: 300n });
    expect(bets(round)).toEqual([round.betIdOf('s1')]);
    expect(round.bet('s2').payoutOperationId).toBeNull();
  });

  test('a payout of 0 takes no bet, pays nothing and is accepted at once', () => {
    const round = playRound();
    round.stake('s', 500n);
    round.call('take', 's', done('95'));
    expect(round.payout('p0', 0n, { betAmount: 500n })).toMatchObject({
      result: 'accepted',
      balance: '95',
    });
    expect(round.operation('payout', 'p0')).toMatchObject({ payoutState: 'nothing', betId: null });
    expect(round.obligation('give', 's')).toBeUndefined();
    round.payout('p', 900n);
    expect(round.operation('payout', 'p').betId).toBe(round.betIdOf('s'));
  });

  test('a second payout of one bet goes on a carrier: /bet of 0 first, then settle-bet with bet 0', () => {
    const round = playRound();
    round.takeStake('s', 500n);
    round.payout('p1', 900n);
    round.payout('p2', 100n);
    expect(round.bet('own:p2')).toMatchObject({
      form: 'carrier',
      stake: 0n,
      decision: 'confirmed',
      outcome: 'none',
    });
    expect(round.obligation('give', 'own:p2')).toBeUndefined();
    expect(round.call('take', 'own:p2', done('104'))).toMatchObject({ verb: 'take', amount: 0n });
    expect(round.call('give', 'own:p2', done('105'))).toMatchObject({ stake: 0n, amount: 100n });
    expect(round.call('report', 'own:p2', done())).toMatchObject({
      number: 1,
      stake: 0n,
      received: 100n,
      stakeBalance: '104',
      lastBalance: '105',
    });
    round.settleCalls();
    expect(round.rows.obligations.filter((row) => row.verb === 'give')).toHaveLength(2);
  });

  test('a carrier is no stake: no deadline ends it, and no decline', () => {
    const round = playRound({ dedupBeforeFunds: true });
    round.takeStake('s', 500n);
    round.payout('p1', 900n);
    round.payout('p2', 100n);
    round.tickAfter(TERMS.answerDeadlineMs + TERMS.reviveWindowMs + 1);
    expect(round.bet('own:p2').decision).toBe('confirmed');
    round.call('take', 'own:p2', declined());
    expect(round.obligation('take', 'own:p2')?.status).toBe('open');
    expect(round.cases).toMatchObject([{ kind: 'declined_payout', amount: 100n }]);
    round.call('take', 'own:p2', unknown);
    round.call('take', 'own:p2', done('104'));
    round.call('give', 'own:p2', done('105'));
    expect(round.operation('payout', 'p2').payoutState).toBe('paid');
  });

  test('`direct` pays an extra payout under its own id, with no /bet before it', () => {
    const round = playRound({ extraPayout: 'direct' });
    round.takeStake('s', 500n);
    round.payout('p1', 900n);
    round.payout('p2', 100n);
    expect(round.bet('own:p2').form).toBe('direct');
    expect(round.obligation('take', 'own:p2')).toBeUndefined();
    expect(round.call('give', 'own:p2', done('105'))).toMatchObject({ stake: 0n, amount: 100n });
  });
});
