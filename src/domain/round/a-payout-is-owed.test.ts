import {
  TERMS,
  declined,
  done,
  notSent,
  playRound,
  toldOf,
  unknown,
} from '../../../test/support/played-round';

/** SPEC §4 rules 6, 8 and 15. */
describe('a payout is owed from the commit of its row', () => {
  test('it is paid while the request waits, and answered with the wallet’s balance', () => {
    const round = playRound();
    round.takeStake('s', 500n);
    expect(toldOf(round.payout('p', 900n))).toBe('wait');
    expect(round.call('give', 's', done('104'))).toMatchObject({ stake: 500n, amount: 900n });
    expect(round.operation('payout', 'p')).toMatchObject({
      payoutState: 'paid',
      answer: { result: 'accepted', balance: '104' },
    });
  });

  test('at the deadline it is accepted with the projected balance, and the answer stays', () => {
    const round = playRound();
    round.stake('s', 500n);
    round.call('take', 's', done('95.509'));
    round.payout('p', 900n);
    round.call('give', 's', unknown);
    round.wait(TERMS.answerDeadlineMs);
    expect(round.deadline('payout', 'p')).toMatchObject({ result: 'accepted', balance: '104.5' });
    round.call('give', 's', done('999'));
    expect(round.payout('p', 900n)).toMatchObject({ result: 'accepted', balance: '104.5' });
  });

  test('the projected balance starts from the wallet’s last word, not from the bet that was decided last', () => {
    const round = playRound();
    round.stake('s1', 500n);
    const first = round.begin(round.callId('take', 's1'));
    round.wait(TERMS.answerDeadlineMs);
    round.deadline('stake', 's1');
    round.end(round.callId('take', 's1'), first?.attempt ?? 0, done('95'));
    round.wait(10);
    round.stake('s2', 300n);
    round.call('take', 's2', done('92'));
    round.wait(10);
    round.stake('s1', 500n); // confirms the first stake: no news from the wallet
    round.payout('p', 900n);
    round.wait(TERMS.answerDeadlineMs);
    expect(round.deadline('payout', 'p')).toMatchObject({ balance: '101' });
  });

  test('under `confirmed` the deadline says 1, and the repeat gets 0 once it is paid', () => {
    const round = playRound({ payoutAck: 'confirmed' });
    round.takeStake('s', 500n);
    round.payout('p', 900n);
    round.wait(TERMS.answerDeadlineMs);
    expect(toldOf(round.deadline('payout', 'p'))).toBe('failed');
    expect(round.operation('payout', 'p').answer).toBeNull();
    round.call('give', 's', done('104'));
    expect(round.operation('payout', 'p')).toMatchObject({ payoutState: 'paid', answer: null });
    expect(round.payout('p', 900n)).toMatchObject({ result: 'accepted', balance: '104' });
  });

  test('whatever the wallet says but done, it stays owed; a decline opens a case', () => {
    const round = playRound();
    round.takeStake('s', 500n);
    round.payout('p', 900n);
    for (const outcome of [unknown, notSent, declined('blocked'), declined('configuration')]) {
      round.wait(86_400_000);
      round.call('give', 's', outcome);
      expect(round.operation('payout', 'p').payoutState).toBe('owed');
    }
    expect(new Set(round.caseKinds())).toEqual(new Set(['declined_payout']));
    expect(round.cases[0]).toMatchObject({ amount: 900n, betId: round.betIdOf('s') });
    round.call('give', 's', done('104'));
    expect(round.operation('payout', 'p').payoutState).toBe('paid');
  });

  test('however often the wallet fails, it stays owed, and is paid once it answers', () => {
    const round = playRound();
    round.takeStake('s', 500n);
    round.payout('p', 900n);
    for (let attempt = 1; attempt <= 1_000; attempt++) {
      round.wait(3_600_000);
      round.call('give', 's', unknown);
    }
    expect(round.obligation('give', 's')).toMatchObject({ status: 'open', attempts: 1_000 });
    expect(round.operation('payout', 'p').payoutState).toBe('owed');
    round.call('give', 's', done('104'));
    expect(round.operation('payout', 'p').payoutState).toBe('paid');
    expect(round.bet('s').paid).toBe(true);
  });

  test('a repeat cuts the wait of its give short', () => {
    const round = playRound({ payoutAck: 'confirmed' });
    round.takeStake('s', 500n);
    round.payout('p', 900n);
    round.wait(TERMS.answerDeadlineMs);
    round.call('give', 's', unknown);
    round.wait(1);
    expect(round.payout('p', 900n)).toMatchObject({ hurry: [round.callId('give', 's')] });
  });

  test('a repeat cuts the wait of its carrier short too', () => {
    const round = playRound({ payoutAck: 'confirmed' });
    round.takeStake('s', 500n);
    round.payout('p1', 900n);
    round.payout('p2', 100n);
    round.wait(TERMS.answerDeadlineMs);
    round.call('take', 'own:p2', unknown);
    round.wait(1);
    expect(round.payout('p2', 100n)).toMatchObject({ hurry: [round.callId('take', 'own:p2')] });
  });

  test('above the limit it is recorded and held: code 1, a case, nothing moves', () => {
    const round = playRound({ payoutMax: 899n });
    round.takeStake('s', 500n);
    expect(toldOf(round.payout('p', 900n))).toBe('failed');
    expect(toldOf(round.payout('p', 900n))).toBe('failed');
    expect(round.operation('payout', 'p')).toMatchObject({ payoutState: 'held', betId: null });
    expect(round.cases).toMatchObject([{ kind: 'held_payout', amount: 900n }]);
    expect(round.obligation('give', 's')).toBeUndefined();
  });
});

describe('a payout in a round with no confirmed bet', () => {
  test('confirms its stake when that is open and done', () => {
    const round = playRound();
    round.stake('s', 500n);
    round.call('take', 's', unknown);
    round.wait(TERMS.answerDeadlineMs);
    round.deadline('stake', 's');
    round.call('take', 's', done('95'));
    expect(toldOf(round.payout('p', 900n))).toBe('wait');
    expect(round.bet('s')).toMatchObject({ decision: 'confirmed', payout: 900n });
    expect(round.stake('s', 500n)).toMatchObject({ result: 'accepted', balance: '95' });
  });

  test('confirms, of several open stakes, the one that its bet amount names', () => {
    const round = playRound();
    for (const [stake, amount] of [['s1', 500n] as const, ['s2', 300n] as const]) {
      round.stake(stake, amount);
      const begun = round.begin(round.callId('take', stake));
      round.wait(TERMS.answerDeadlineMs);
      round.deadline('stake', stake);
      round.wait(1);
      round.end(round.callId('take', stake), begun?.attempt ?? 0, done('95'));
    }
    round.payout('p', 900n, { betAmount: 300n });
    expect(round.bet('s1').decision).toBe('open');
    expect(round.bet('s2')).toMatchObject({ decision: 'confirmed', payout: 900n });
  });

  test('waits while the stake is unknown: code 1 even under `durable`, and it keeps the decision open', () => {
    const round = playRound();
    round.stake('s', 500n);
    round.call('take', 's', unknown);
    expect(toldOf(round.payout('p', 900n))).toBe('wait');
    round.wait(TERMS.answerDeadlineMs);
    expect(toldOf(round.deadline('payout', 'p'))).toBe('failed');
    expect(round.operation('payout', 'p')).toMatchObject({ payoutState: 'waiting', answer: null });
    round.tickAfter(7 * 86_400_000);
    expect(round.bet('s').decision).toBe('open');
    round.call('take', 's', done('95'));
    expect(round.bet('s')).toMatchObject({ decision: 'confirmed', payout: 900n });
    round.call('give', 's', done('104'));
    expect(round.payout('p', 900n)).toMatchObject({ result: 'accepted', balance: '104' });
    expect(round.stake('s', 500n)).toMatchObject({ result: 'accepted', balance: '95' });
  });

  test('of 0 waits alike, and its is_close closes the round once the stake counts', () => {
    const round = playRound();
    round.stake('s', 500n);
    round.call('take', 's', unknown);
    round.payout('p', 0n, { isClose: true });
    expect(round.rows.round.status).toBe('open');
    round.wait(10_000);
    round.call('take', 's', done('95'));
    expect(round.operation('payout', 'p').payoutState).toBe('nothing');
    expect(round.rows.round.closedBy).toBe('provider');
  });

  test('waits no longer once the stake is declined: code 8 for whoever asks, and a case', () => {
    const round = playRound();
    round.stake('s', 500n);
    const take = round.begin(round.callId('take', 's'));
    round.payout('p', 900n);
    round.end(round.callId('take', 's'), take?.attempt ?? 0, declined());
    expect(round.operation('payout', 'p').payoutState).toBe('void');
    expect(round.cases).toMatchObject([{ kind: 'payout_on_failed_stake', amount: 900n }]);
    round.wait(TERMS.answerDeadlineMs);
    expect(toldOf(round.deadline('payout', 'p'))).toBe('round_unknown');
    expect(toldOf(round.payout('p', 900n))).toBe('round_unknown');
    expect(round.operation('payout', 'p').answer).toBeNull();
  });

  test('a lost win of 0 needs no person', () => {
    const round = playRound();
    round.stake('s', 500n);
    const take = round.begin(round.callId('take', 's'));
    round.payout('p', 0n);
    round.end(round.callId('take', 's'), take?.attempt ?? 0, declined());
    expect(round.operation('payout', 'p').payoutState).toBe('void');
    expect(round.cases).toEqual([]);
  });

  test('is refused with 8 and a case when every stake has failed', () => {
    const round = playRound();
    round.stake('s', 500n);
    round.call('take', 's', declined());
    expect(toldOf(round.payout('p', 900n))).toBe('round_unknown');
    expect(round.cases).toMatchObject([{ kind: 'payout_on_failed_stake', amount: 900n }]);
    expect(toldOf(round.payout('p0', 0n))).toBe('round_unknown');
    expect(round.cases).toHaveLength(1);
  });

  test('is refused with 8 and a case when the round has no stake', () => {
    const round = playRound();
    expect(toldOf(round.payout('p', 900n))).toBe('round_unknown');
    expect(round.cases).toMatchObject([{ kind: 'orphan_payout', amount: 900n }]);
    expect(round.rows.operations).toEqual([]);
  });

  test('without a stake, a connection may have it paid on a carrier up to its limit, with a case', () => {
    const round = playRound({ orphanPayout: 'carrier', orphanPayoutMax: 900n });
    expect(toldOf(round.payout('p', 900n))).toBe('wait');
    expect(round.call('take', 'own:p', done('100'))).toMatchObject({ amount: 0n });
    expect(round.call('give', 'own:p', done('109'))).toMatchObject({ stake: 0n, amount: 900n });
    expect(round.operation('payout', 'p').answer).toEqual({ result: 'accepted', balance: '109' });
    expect(round.caseKinds()).toEqual(['orphan_payout']);
    expect(toldOf(round.payout('above', 901n))).toBe('round_unknown');
  });
});
