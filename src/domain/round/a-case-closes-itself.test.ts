import {
  declined,
  done,
  notSent,
  playRound,
  unknown,
  type PlayedRound,
} from '../../../test/support/played-round';
import { nextLookAtMs } from './next';

const MINUTE_MS = 60_000;

const settledKinds = (round: PlayedRound) => new Set(round.settled.map((row) => row.kind));

/** SPEC §5. */
describe('a stake of which the wallet says nothing definite', () => {
  test('gets a case once it is older than fifteen minutes, and is repeated all the same', () => {
    const round = playRound();
    round.stake('s', 500n);
    round.call('take', 's', unknown);
    round.wait(15 * MINUTE_MS);
    round.call('take', 's', unknown);
    expect(round.caseKinds()).toEqual([]);
    round.wait(1);
    round.call('take', 's', unknown);
    expect(new Set(round.caseKinds())).toEqual(new Set(['in_doubt']));
    expect(round.cases[0]).toMatchObject({ subject: round.betIdOf('s'), amount: 500n });
    expect(round.obligation('take', 's')).toMatchObject({ status: 'open', attempts: 3 });
  });

  test('gets it by time alone: the book asks to be looked at then, however far the next repeat is', () => {
    const round = playRound();
    const begunMs = round.nowMs;
    round.stake('s', 500n);
    round.call('take', 's', unknown);
    round.wait(14 * MINUTE_MS);
    round.call('take', 's', unknown);
    for (let repeat = 0; repeat < 8; repeat++) round.call('take', 's', unknown);
    expect(nextLookAtMs(round.draft)).toBe(begunMs + 15 * MINUTE_MS + 1);
    round.tickAfter(MINUTE_MS);
    expect(round.caseKinds()).toEqual([]);
    round.tickAfter(1);
    expect(round.caseKinds()).toEqual(['in_doubt']);
    expect(nextLookAtMs(round.draft)).toBeGreaterThan(round.nowMs);
  });

  test('is in doubt too where every later attempt was surely not sent: the first one may have charged', () => {
    const round = playRound();
    round.stake('s', 500n);
    round.call('take', 's', unknown);
    round.wait(15 * MINUTE_MS + 1);
    round.call('take', 's', notSent);
    expect(round.caseKinds()).toEqual(['in_doubt']);
  });

  test('is not in doubt where the call surely did not leave, nor for what is not a stake', () => {
    const round = playRound();
    round.takeStake('s', 500n);
    round.payout('p', 900n);
    round.payout('p2', 100n);
    round.wait(60 * MINUTE_MS);
    round.call('give', 's', unknown);
    round.call('take', 'own:p2', unknown);
    round.stake('s2', 500n);
    round.call('take', 's2', notSent);
    round.tickAfter(60 * MINUTE_MS);
    expect(round.caseKinds()).toEqual([]);
    expect(round.bet('s2').outcome).toBe('declined');
  });

  test.each([
    ['taken', done('95')],
    ['declined by a wallet that is certified', declined()],
  ])('has its cases closed by the decision that finds it %s', (_, outcome) => {
    const round = playRound({ dedupBeforeFunds: true });
    round.stake('s', 500n);
    round.call('take', 's', unknown);
    round.wait(16 * MINUTE_MS);
    expect(settledKinds(round)).toEqual(new Set());
    round.call('take', 's', outcome);
    expect(settledKinds(round)).toContain('in_doubt');
    expect(settledKinds(round)).toContain('decline_after_unknown');
    expect(settledKinds(round)).toContain('duplicate_refused');
    expect(round.settled[0]?.subject).toBe(round.betIdOf('s'));
  });

  test('has them closed where it turns out never to have been sent', () => {
    const round = playRound();
    round.stake('s', 500n);
    const call = round.callId('take', 's');
    const first = round.begin(call);
    round.wait(16 * MINUTE_MS);
    round.call('take', 's', notSent);
    round.end(call, first?.attempt ?? 0, notSent);
    round.tickAfter(1);
    expect(round.bet('s').outcome).toBe('declined');
    expect(settledKinds(round)).toContain('in_doubt');
  });

  test('has its other cases closed by a person who resolves one, and that one by the person', () => {
    const round = playRound();
    round.stake('s', 500n);
    round.call('take', 's', unknown);
    round.call('take', 's', declined());
    round.apply({
      type: 'resolve',
      resolution: {
        caseId: '3',
        kind: 'decline_after_unknown',
        subject: round.betIdOf('s'),
        operationId: null,
        betId: round.betIdOf('s'),
        as: 'accept-decline',
        payout: null,
      },
    });
    expect(settledKinds(round)).toContain('in_doubt');
    expect(settledKinds(round)).not.toContain('decline_after_unknown');
  });
});

describe('a payout that the wallet refused', () => {
  test('has its case closed when it is paid, and that of its bet-end stays', () => {
    const round = playRound();
    round.takeStake('s', 500n);
    round.payout('p', 900n, { isClose: true });
    round.call('give', 's', declined());
    round.call('give', 's', done('104'));
    expect(round.settled).toContainEqual({
      kind: 'declined_payout',
      subject: round.callId('give', 's'),
    });
    round.call('end', 's', declined());
    expect(round.cases.at(-1)).toMatchObject({
      kind: 'declined_payout',
      subject: round.callId('end', 's'),
    });
  });

  test('names the amount that is given back where it is a compensation', () => {
    const round = playRound();
    round.stake('s', 500n);
    round.call('take', 's', unknown);
    round.tickAfter(10 * MINUTE_MS);
    round.call('take', 's', done('95'));
    round.call('give', 's', declined());
    expect(round.cases).toMatchObject([{ kind: 'declined_payout', amount: 500n }]);
  });
});

test('a call that ends at its first attempt costs the book no look for cases', () => {
  const round = playRound();
  round.takeStake('s', 500n);
  round.payout('p', 900n, { isClose: true });
  round.settleCalls();
  expect(round.settled).toEqual([]);
});
