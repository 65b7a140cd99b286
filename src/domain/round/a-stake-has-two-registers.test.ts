import {
  START_MS,
  TERMS,
  declined,
  done,
  notSent,
  playRound,
  toldOf,
  unknown,
} from '../../../test/support/played-round';

/** SPEC §4 rules 2 and 4. */
describe('a stake has two registers', () => {
  test('a stake that is taken while its request waits is confirmed with the wallet’s balance', () => {
    const round = playRound();
    expect(round.stake('s', 500n)).toEqual({
      kind: 'wait',
      operationId: 1,
      untilMs: START_MS + TERMS.answerDeadlineMs,
      hurry: [],
    });
    expect(round.bet('s')).toMatchObject({ outcome: 'none', decision: 'open' });
    round.call('take', 's', done('291.59'));
    expect(round.bet('s')).toMatchObject({ outcome: 'done', decision: 'confirmed' });
    expect(round.operation('stake', 's').answer).toEqual({
      result: 'accepted',
      balance: '291.59',
    });
  });

  test('the provider sees a balance that is cut, never rounded up', () => {
    const round = playRound();
    round.stake('s', 500n);
    round.call('take', 's', done('291.5999999'));
    expect(round.operation('stake', 's').answer?.balance).toBe('291.59');
    expect(round.bet('s').stakeBalance).toBe('291.5999999');
  });

  test('a code 1 at the deadline leaves the decision open, and a late done is not confirmed unasked', () => {
    const round = playRound();
    round.stake('s', 500n);
    round.call('take', 's', unknown);
    round.wait(TERMS.answerDeadlineMs);
    expect(toldOf(round.deadline('stake', 's'))).toBe('failed');
    expect(round.operation('stake', 's').answer).toBeNull();
    round.wait(1_000);
    round.call('take', 's', done('95'));
    expect(round.bet('s')).toMatchObject({ outcome: 'done', decision: 'open' });
    expect(round.owed()).toEqual([]);
  });

  test('a done that comes after the deadline confirms nothing, although nobody told the deadline', () => {
    const round = playRound();
    round.stake('s', 500n);
    const attempt = round.begin(round.callId('take', 's'));
    round.wait(TERMS.answerDeadlineMs + 1);
    round.end(round.callId('take', 's'), attempt?.attempt ?? 0, done('95'));
    expect(round.bet('s')).toMatchObject({ outcome: 'done', decision: 'open' });
  });

  test('a repeat inside the window that finds the stake done gets 0: one charge', () => {
    const round = playRound();
    round.stake('s', 500n);
    round.call('take', 's', unknown);
    round.wait(TERMS.answerDeadlineMs);
    round.deadline('stake', 's');
    round.call('take', 's', done('95'));
    round.wait(TERMS.reviveWindowMs);
    expect(round.stake('s', 500n)).toMatchObject({ result: 'accepted', balance: '95' });
    expect(round.rows.bets).toHaveLength(1);
    expect(round.obligation('take', 's')).toMatchObject({ status: 'done', attempts: 2 });
    expect(round.obligation('give', 's')).toBeUndefined();
  });

  test('the request that is at its deadline gets 0 when the stake is done, whatever an earlier request was told', () => {
    const round = playRound();
    round.stake('s', 500n);
    const attempt = round.begin(round.callId('take', 's'));
    round.wait(4_000);
    expect(toldOf(round.stake('s', 500n))).toBe('wait');
    round.wait(500);
    expect(toldOf(round.deadline('stake', 's'))).toBe('failed'); // the first request's
    round.wait(500);
    round.end(round.callId('take', 's'), attempt?.attempt ?? 0, done('95'));
    round.wait(3_500);
    expect(toldOf(round.deadline('stake', 's'))).toBe('accepted'); // the second's
    expect(round.bet('s').decision).toBe('confirmed');
  });

  test('the window counts from the answer deadline of the latest request', () => {
    const round = playRound();
    round.stake('s', 500n);
    round.call('take', 's', unknown);
    round.wait(TERMS.answerDeadlineMs + TERMS.reviveWindowMs);
    round.stake('s', 500n);
    round.tickAfter(TERMS.answerDeadlineMs + TERMS.reviveWindowMs);
    expect(round.bet('s').decision).toBe('open');
    round.tickAfter(1);
    expect(round.bet('s')).toMatchObject({ outcome: 'none', decision: 'failed' });
  });

  test('after the window a done stake is compensated: the stake goes back, then bet-end with win = stake, then one record', () => {
    const round = playRound();
    round.stake('s', 500n);
    round.call('take', 's', unknown);
    round.wait(TERMS.answerDeadlineMs);
    round.deadline('stake', 's');
    round.call('take', 's', done('95'));
    round.tickAfter(TERMS.reviveWindowMs + 1);
    expect(round.bet('s')).toMatchObject({ outcome: 'done', decision: 'failed' });
    expect(round.owed()).toEqual(['give']);
    expect(round.call('give', 's', done('100'))).toMatchObject({ stake: 500n, amount: 500n });
    expect(round.owed().sort()).toEqual(['end', 'report']);
    expect(round.call('end', 's', done())).toMatchObject({ stake: 500n, win: 500n });
    expect(round.call('report', 's', done())).toMatchObject({
      number: 1,
      stake: 500n,
      received: 500n,
      stakeBalance: '95',
      lastBalance: '100',
    });
    expect(round.owed()).toEqual([]);
    expect(round.stake('s', 500n)).toMatchObject({ result: 'failed' });
  });

  test('an unknown stake is never compensated; once it turns out done, it is at once', () => {
    const round = playRound();
    round.stake('s', 500n);
    round.call('take', 's', unknown);
    round.tickAfter(TERMS.answerDeadlineMs + TERMS.reviveWindowMs + 1);
    expect(round.bet('s')).toMatchObject({ outcome: 'none', decision: 'failed' });
    for (let hour = 0; hour < 48; hour++) {
      round.wait(3_600_000);
      round.call('take', 's', unknown);
      expect(round.owed()).toEqual(['take']);
    }
    round.call('take', 's', done('95'));
    expect(round.owed()).toEqual(['give']);
  });

  test('a failed stake of 0 is ended and recorded without a settle-bet', () => {
    const round = playRound();
    round.stake('s', 0n);
    round.call('take', 's', unknown);
    round.tickAfter(TERMS.answerDeadlineMs + TERMS.reviveWindowMs + 1);
    round.call('take', 's', done('100'));
    expect(round.owed().sort()).toEqual(['end', 'report']);
  });

  test('a first attempt never leaves after the answer deadline: the stake fails without a call', () => {
    const round = playRound();
    round.stake('s', 500n);
    round.wait(TERMS.answerDeadlineMs + 1);
    expect(round.begin(round.callId('take', 's'))).toBeUndefined();
    expect(round.bet('s')).toMatchObject({ outcome: 'declined', decision: 'failed' });
    expect(round.obligation('take', 's')).toMatchObject({ status: 'dropped', attempts: 0 });
    expect(round.stake('s', 500n)).toMatchObject({ result: 'failed' });
  });

  test('at its deadline a first attempt may still leave', () => {
    const round = playRound();
    round.stake('s', 500n);
    round.wait(TERMS.answerDeadlineMs);
    expect(round.begin(round.callId('take', 's'))?.attempt).toBe(1);
  });

  test('attempts that all ended "not sent" count as no attempt', () => {
    const round = playRound();
    round.stake('s', 500n);
    round.call('take', 's', notSent);
    round.call('take', 's', notSent);
    round.wait(TERMS.answerDeadlineMs + 1);
    expect(round.begin(round.callId('take', 's'))).toBeUndefined();
    expect(round.bet('s').outcome).toBe('declined');
  });

  test('a stake that failed as unknown and was never sent after all is not sent any more', () => {
    const round = playRound();
    const take = () => round.callId('take', 's');
    round.stake('s', 500n);
    const lost = round.begin(take());
    round.tickAfter(TERMS.answerDeadlineMs + TERMS.reviveWindowMs + 1);
    expect(round.bet('s')).toMatchObject({ outcome: 'none', decision: 'failed' });
    round.end(take(), lost?.attempt ?? 0, notSent);
    expect(round.begin(take())).toBeUndefined();
    expect(round.bet('s').outcome).toBe('declined');
    expect(round.owed()).toEqual([]);
  });

  test('a repeat after an unknown leaves after the deadline, for ever', () => {
    const round = playRound();
    round.stake('s', 500n);
    round.call('take', 's', unknown);
    round.wait(7 * 86_400_000);
    expect(round.begin(round.callId('take', 's'))).toMatchObject({ attempt: 2 });
  });

  test('every attempt asks for the same: one bet id, one amount', () => {
    const round = playRound();
    round.stake('s', 500n);
    const take = round.callId('take', 's');
    for (const attempt of [1, 2, 3]) {
      const content = { verb: 'take', betId: round.betIdOf('s'), amount: 500n };
      const start = round.apply({ type: 'attempt_starts', call: take, driver: 'round' });
      expect(start).toMatchObject({ kind: 'send', attempt, content });
      round.end(take, attempt, unknown);
      round.wait(60_000);
    }
  });

  test('an attempt without a result is not doubled while its worker may live, and counts as unknown after', () => {
    const round = playRound();
    round.stake('s', 500n);
    const take = round.callId('take', 's');
    round.begin(take);
    round.wait(TERMS.attemptTimeoutMs);
    expect(round.apply({ type: 'attempt_starts', call: take, driver: 'round' })).toMatchObject({
      kind: 'later',
    });
    round.wait(2_000);
    expect(round.apply({ type: 'attempt_starts', call: take, driver: 'round' })).toMatchObject({
      kind: 'send',
      attempt: 2,
      isRepeat: true,
    });
    round.end(take, 2, declined());
    expect(round.bet('s').outcome).toBe('none');
  });

  test.each([false, true])(
    'an outcome is never overwritten by the late result of a lost attempt (certified: %s)',
    (dedupBeforeFunds) => {
      const round = playRound({ dedupBeforeFunds });
      round.stake('s', 500n);
      const take = round.callId('take', 's');
      round.begin(take);
      round.wait(4_000);
      round.begin(take);
      round.end(take, 2, done('95'));
      round.end(take, 1, declined());
      expect(round.bet('s')).toMatchObject({ outcome: 'done', decision: 'confirmed' });
      expect(round.obligation('take', 's')?.status).toBe('done');
      expect(round.stake('s', 500n)).toMatchObject({ result: 'accepted', balance: '95' });
    },
  );

  test('a repeat cuts the wait between two attempts short', () => {
    const round = playRound();
    round.stake('s', 500n);
    round.wait(TERMS.answerDeadlineMs);
    round.call('take', 's', unknown);
    round.deadline('stake', 's');
    round.wait(100);
    expect(round.stake('s', 500n)).toMatchObject({
      kind: 'wait',
      hurry: [round.callId('take', 's')],
    });
    expect(round.obligation('take', 's')?.nextAttemptMs).toBe(round.nowMs);
  });

  test('repeats come soon while a provider waits, and by the schedule when none does', () => {
    const round = playRound();
    round.stake('s', 500n);
    const take = round.callId('take', 's');
    const first = round.begin(take);
    expect(round.end(take, first?.attempt ?? 0, unknown)).toMatchObject({ retryInMs: 250 });
    round.wait(TERMS.answerDeadlineMs);
    round.deadline('stake', 's');
    const waits = Array.from({ length: 12 }, () => {
      const begun = round.begin(take);
      return round.end(take, begun?.attempt ?? 0, unknown).retryInMs / 1_000;
    });
    expect(waits).toEqual([1, 2, 5, 10, 30, 60, 120, 300, 900, 1_800, 3_600, 3_600]);
  });
});

test('a repeat that waits is confirmed at once, although the first request was told code 1 meanwhile', () => {
  const round = playRound();
  const first = round.stake('s', 500n);
  round.call('take', 's', unknown);
  round.wait(3_000);
  const second = round.stake('s', 500n);
  if (first.kind !== 'wait' || second.kind !== 'wait') throw new Error('not asked');
  round.wait(first.untilMs - round.nowMs);
  expect(toldOf(round.deadline('stake', 's', first.untilMs))).toBe('failed');
  round.call('take', 's', done('95'));
  expect(round.bet('s').decision).toBe('confirmed');
  expect(round.operation('stake', 's').answer).toMatchObject({ result: 'accepted' });
});

test('a stake’s first byte has only as long to leave as its request is waited for', () => {
  const round = playRound();
  round.stake('s', 500n);
  round.wait(1_000);
  const call = round.callId('take', 's');
  expect(round.apply({ type: 'attempt_starts', call, driver: 'round' })).toMatchObject({
    leavesWithinMs: TERMS.answerDeadlineMs - 1_000,
  });
  round.end(call, 1, { kind: 'not_sent', reason: 'late', text: 'too late' });
  round.wait(TERMS.answerDeadlineMs);
  round.apply({ type: 'tick' });
  expect(round.bet('s')).toMatchObject({ outcome: 'declined', decision: 'failed' });
});
