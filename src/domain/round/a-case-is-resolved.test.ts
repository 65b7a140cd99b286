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
import type { CaseKind } from './draft';
import type { Resolution } from './resolve';

const MINUTE_MS = 60_000;

function heldRound(): PlayedRound {
  const round = playRound({ payoutMax: 899n });
  round.takeStake('s', 500n);
  round.payout('p', 900n);
  return round;
}

function resolve(round: PlayedRound, as: Resolution, kind: CaseKind = 'held_payout') {
  const operationId =
    kind === 'held_payout' ? round.operation('payout', 'p').id : round.operation('stake', 's').id;
  return round.apply({ type: 'resolve', resolution: { caseId: '3', kind, operationId, as } });
}

const gives = (round: PlayedRound) => round.rows.obligations.filter((row) => row.verb === 'give');

/** SPEC §4 rule 15. */
describe('a held payout', () => {
  test('that is to be paid is owed on its bet, paid once, and its next repeat is accepted', () => {
    const round = heldRound();
    expect(resolve(round, 'pay')).toMatchObject({
      kind: 'resolved',
      text: expect.stringContaining(`owed on bet ${round.betIdOf('s')}`) as string,
    });
    expect(round.operation('payout', 'p')).toMatchObject({
      payoutState: 'owed',
      betId: round.betIdOf('s'),
      answer: null,
    });
    expect(round.facts).toContainEqual({
      kind: 'case_resolved',
      case: '3',
      case_kind: 'held_payout',
      as: 'pay',
    });
    expect(round.call('give', 's', done('104'))).toMatchObject({ amount: 900n });
    expect(gives(round)).toHaveLength(1);
    // The provider was told that it failed; what it was never told is no answer yet.
    expect(round.operation('payout', 'p')).toMatchObject({ payoutState: 'paid', answer: null });
    expect(round.payout('p', 900n)).toMatchObject({ result: 'accepted', balance: '104' });
  });

  test('that is to be paid is answered like any other when it is repeated before the wallet has paid', () => {
    const round = heldRound();
    resolve(round, 'pay');
    expect(toldOf(round.payout('p', 900n))).toBe('wait');
    round.wait(TERMS.answerDeadlineMs);
    expect(round.deadline('payout', 'p')).toMatchObject({ result: 'accepted', balance: '109' });
    round.call('give', 's', done('104'));
    expect(gives(round)).toHaveLength(1);
  });

  test('paid twice by people is paid once', () => {
    const round = heldRound();
    resolve(round, 'pay');
    const owed = JSON.stringify(gives(round));
    expect(resolve(round, 'pay')).toMatchObject({ kind: 'refused' });
    expect(resolve(round, 'void')).toMatchObject({ kind: 'refused' });
    expect(JSON.stringify(gives(round))).toBe(owed);
    round.settleCalls();
    expect(resolve(round, 'pay')).toMatchObject({ kind: 'refused' });
    round.settleCalls();
    expect(gives(round)).toMatchObject([{ attempts: 1, status: 'done' }]);
  });

  test('that is paid after its bet was ended is carried by a bet of its own', () => {
    const round = heldRound();
    round.payout('q', 0n, { isClose: true });
    round.settleCalls();
    expect(round.rows.round.status).toBe('closed');
    resolve(round, 'pay');
    round.call('take', 'own:p', done('100'));
    expect(round.call('give', 'own:p', done('109'))).toMatchObject({ stake: 0n, amount: 900n });
    expect(round.operation('payout', 'p').payoutState).toBe('paid');
  });

  test('that said it closes its round closes it when it is paid', () => {
    const round = playRound({ payoutMax: 899n });
    round.takeStake('s', 500n);
    round.payout('p', 900n, { isClose: true });
    expect(round.rows.round.status).toBe('open');
    resolve(round, 'pay');
    round.settleCalls();
    expect(round.rows.round).toMatchObject({ status: 'closed', closedBy: 'provider' });
  });

  test('that is void is refused for ever, and nothing moves', () => {
    const round = heldRound();
    expect(resolve(round, 'void')).toMatchObject({ kind: 'resolved' });
    for (const days of [0, 1, 400]) {
      round.tickAfter(days * 1_440 * MINUTE_MS);
      expect(toldOf(round.payout('p', 900n))).toBe('round_closed');
    }
    expect(resolve(round, 'pay')).toMatchObject({ kind: 'refused' });
    expect(gives(round)).toEqual([]);
  });

  test('that has no stake left which counts is not paid', () => {
    const round = playRound({ payoutMax: 899n });
    round.stake('s', 500n);
    round.payout('p', 900n);
    round.call('take', 's', declined());
    expect(resolve(round, 'pay')).toMatchObject({ kind: 'refused' });
    expect(round.operation('payout', 'p').payoutState).toBe('held');
    expect(round.caseKinds()).toEqual(['held_payout']);
  });

  test('whose stake is unknown waits for it once it is to be paid', () => {
    const round = playRound({ payoutMax: 899n });
    round.stake('s', 500n);
    round.payout('p', 900n);
    round.call('take', 's', unknown);
    resolve(round, 'pay');
    expect(round.operation('payout', 'p').payoutState).toBe('waiting');
    round.tickAfter(60 * MINUTE_MS);
    round.call('take', 's', done('95'));
    round.call('give', 's', done('104'));
    expect(round.operation('payout', 'p').payoutState).toBe('paid');
  });

  test.each(['dismiss'] as const)('is neither paid nor refused by %s', (as) => {
    const round = heldRound();
    expect(resolve(round, as)).toMatchObject({ kind: 'refused' });
    expect(round.operation('payout', 'p').payoutState).toBe('held');
    expect(round.facts.map(({ kind }) => kind)).not.toContain('case_resolved');
  });
});

describe('any other case', () => {
  test('is dismissed with a line in the journal, and its round goes on as it was', () => {
    const round = playRound();
    round.takeStake('s', 500n);
    const before = { ...round.rows };
    expect(resolve(round, 'dismiss', 'conflict')).toMatchObject({ kind: 'resolved' });
    expect(round.rows).toEqual(before);
    expect(round.facts.at(-1)).toMatchObject({ kind: 'case_resolved', as: 'dismiss' });
  });

  test.each(['pay', 'void'] as const)('is not resolved by %s', (as) => {
    const round = playRound();
    round.takeStake('s', 500n);
    const before = { ...round.rows };
    expect(resolve(round, as, 'declined_payout')).toMatchObject({ kind: 'refused' });
    expect(round.rows).toEqual(before);
  });
});

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
    expect(round.cases).toMatchObject([
      { kind: 'in_doubt', subject: round.betIdOf('s'), amount: 500n },
    ]);
    expect(round.obligation('take', 's')).toMatchObject({ status: 'open', attempts: 3 });
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
    round.call('take', 's2', unknown);
    round.wait(60 * MINUTE_MS);
    round.call('take', 's2', notSent);
    expect(round.caseKinds()).toEqual([]);
  });
});
