import {
  GAME,
  TERMS,
  declined,
  done,
  playRound,
  toldOf,
  unknown,
  type PlayedRound,
} from '../../../test/support/played-round';
import { CASE_KINDS, type CaseKind } from './draft';
import type { PayoutRequest } from './payout';
import { RESOLUTIONS, RESOLUTIONS_OF, type Resolution } from './resolve';
import type { Verb } from './rows';

const MINUTE_MS = 60_000;

function heldRound(): PlayedRound {
  const round = playRound({ payoutMax: 899n });
  round.takeStake('s', 500n);
  round.payout('p', 900n);
  return round;
}

interface About {
  readonly kind?: CaseKind;
  /** The stake's transaction, where the case is about its bet. */
  readonly bet?: string;
  readonly call?: Verb;
  readonly payout?: PayoutRequest;
}

/** Resolves a case: of the held payout `p` unless told. */
function resolve(round: PlayedRound, as: Resolution, about: About = {}) {
  const { kind = 'held_payout', bet, call = 'take', payout = null } = about;
  const betId = bet === undefined ? null : round.betIdOf(bet);
  const held = kind === 'held_payout' ? round.operation('payout', 'p').id : null;
  const callCase = bet !== undefined && call !== 'take' ? round.callId(call, bet) : betId;
  return round.apply({
    type: 'resolve',
    resolution: {
      caseId: '3',
      kind,
      subject: callCase ?? 'p',
      operationId: held,
      betId,
      as,
      payout,
    },
  });
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

  test.each(['dismiss', 'resend', 'accept-decline'] as const)(
    'is neither paid nor refused by %s',
    (as) => {
      const round = heldRound();
      expect(resolve(round, as)).toMatchObject({ kind: 'refused' });
      expect(round.operation('payout', 'p').payoutState).toBe('held');
      expect(round.facts.map(({ kind }) => kind)).not.toContain('case_resolved');
    },
  );
});

/** SPEC §4 rule 3: a person may know what no reply can tell. */
describe('a stake that a person found not taken', () => {
  function refusedAfterUnknown(): PlayedRound {
    const round = playRound();
    round.stake('s', 500n);
    round.call('take', 's', unknown);
    round.wait(1_000);
    round.call('take', 's', declined());
    expect(round.caseKinds()).toEqual(['decline_after_unknown']);
    return round;
  }
  const ABOUT = { kind: 'decline_after_unknown', bet: 's' } as const;

  test('is declined: never asked for again, answered code 1 for ever, and nothing is given back', () => {
    const round = refusedAfterUnknown();
    expect(resolve(round, 'accept-decline', ABOUT)).toMatchObject({
      kind: 'resolved',
      text: expect.stringContaining('5.00 EUR') as string,
    });
    expect(round.bet('s')).toMatchObject({ outcome: 'declined', decision: 'failed' });
    expect(round.obligation('take', 's')?.status).toBe('dropped');
    expect(toldOf(round.stake('s', 500n))).toBe('failed');
    round.tickAfter(90 * 1_440 * MINUTE_MS);
    expect(round.begin(round.callId('take', 's'))).toBeUndefined();
    expect(gives(round)).toEqual([]);
    expect(round.rows.round.status).toBe('closed');
    expect(round.facts).toContainEqual({
      kind: 'decline_accepted',
      operation: round.operation('stake', 's').id,
      bet: round.betIdOf('s'),
    });
    expect(round.facts).toContainEqual({
      kind: 'case_resolved',
      case: '3',
      case_kind: 'decline_after_unknown',
      as: 'accept-decline',
    });
  });

  test('after its decision had failed keeps the answer it has, and is not compensated', () => {
    const round = refusedAfterUnknown();
    round.tickAfter(TERMS.answerDeadlineMs + TERMS.reviveWindowMs + 1);
    const answer = round.operation('stake', 's').answer;
    expect(answer).toMatchObject({ result: 'failed' });
    expect(resolve(round, 'accept-decline', ABOUT)).toMatchObject({ kind: 'resolved' });
    expect(round.operation('stake', 's').answer).toEqual(answer);
    expect(round.owed()).toEqual([]);
  });

  test('fails the payout that waited for it, with a case', () => {
    const round = refusedAfterUnknown();
    round.payout('p', 900n);
    resolve(round, 'accept-decline', ABOUT);
    expect(round.operation('payout', 'p').payoutState).toBe('void');
    expect(round.caseKinds()).toContain('payout_on_failed_stake');
    expect(gives(round)).toEqual([]);
  });

  test('but was taken stays taken', () => {
    const round = refusedAfterUnknown();
    round.call('take', 's', done('95'));
    expect(resolve(round, 'accept-decline', ABOUT)).toMatchObject({ kind: 'refused' });
    expect(round.bet('s')).toMatchObject({ outcome: 'done' });
  });

  test('is not declined while an attempt is under way', () => {
    const round = refusedAfterUnknown();
    const begun = round.begin(round.callId('take', 's'));
    expect(resolve(round, 'accept-decline', ABOUT)).toMatchObject({ kind: 'refused' });
    round.end(round.callId('take', 's'), begun?.attempt ?? 0, done('95'));
    expect(round.bet('s')).toMatchObject({ outcome: 'done' });
  });

  test('and of which an attempt then comes back done is told to a person: it cannot be given back', () => {
    const round = playRound();
    round.stake('s', 500n);
    const call = round.callId('take', 's');
    const first = round.begin(call);
    round.wait(TERMS.attemptTimeoutMs + 2_000);
    round.call('take', 's', unknown); // the first worker is taken for dead
    resolve(round, 'accept-decline', { kind: 'in_doubt', bet: 's' });
    round.end(call, first?.attempt ?? 0, done('95'));
    expect(round.bet('s').outcome).toBe('declined');
    expect(round.cases.at(-1)).toMatchObject({ kind: 'done_after_decline', amount: 500n });
    expect(round.owed()).toEqual([]);
  });

  test('is no carrier: what is owed to a player cannot be declined', () => {
    const round = playRound();
    round.takeStake('s', 500n);
    round.payout('p', 900n);
    round.payout('p2', 100n);
    round.call('take', 'own:p2', unknown);
    const about = { kind: 'duplicate_refused', bet: 'own:p2' } as const;
    expect(resolve(round, 'accept-decline', about)).toMatchObject({ kind: 'refused' });
    expect(round.obligation('take', 'own:p2')?.status).toBe('open');
  });
});

describe('a call that a person sends again', () => {
  test('is due at once, and only while it is open and nothing of it is under way', () => {
    const round = playRound();
    round.takeStake('s', 500n);
    round.payout('p', 900n);
    round.call('give', 's', declined());
    const about = { kind: 'declined_payout', bet: 's', call: 'give' } as const;
    expect(round.obligation('give', 's')?.nextAttemptMs).toBeGreaterThan(round.nowMs);
    expect(resolve(round, 'resend', about)).toMatchObject({ kind: 'resolved' });
    expect(round.obligation('give', 's')?.nextAttemptMs).toBe(round.nowMs);
    const begun = round.begin(round.callId('give', 's'));
    expect(resolve(round, 'resend', about)).toMatchObject({ kind: 'refused' });
    round.end(round.callId('give', 's'), begun?.attempt ?? 0, done('104'));
    expect(resolve(round, 'resend', about)).toMatchObject({ kind: 'refused' });
    expect(gives(round)).toMatchObject([{ attempts: 2, status: 'done' }]);
  });

  test('is not dismissed while it is open: what is owed has an open case that names it', () => {
    const round = playRound();
    round.takeStake('s', 500n);
    round.payout('p', 900n);
    round.call('give', 's', declined());
    const about = { kind: 'declined_payout', bet: 's', call: 'give' } as const;
    expect(resolve(round, 'dismiss', about)).toMatchObject({ kind: 'refused' });
    round.call('give', 's', done('104'));
    expect(resolve(round, 'dismiss', about)).toMatchObject({ kind: 'resolved' });
  });
});

/** SPEC §4 rules 8 and 9: refused without being recorded, paid by a person. */
describe('a refused payout', () => {
  const refusedPayout = (transactionRef = 'p', gameId = GAME): PayoutRequest => ({
    operationId: 77,
    transactionRef,
    amount: 900n,
    gameId,
    betAmount: null,
    isClose: false,
  });

  function lateWin(): PlayedRound {
    const round = playRound();
    round.takeStake('s', 500n, { isClose: true });
    round.settleCalls();
    expect(toldOf(round.payout('p', 900n))).toBe('round_closed');
    return round;
  }

  test('that came late is paid once on a bet of its own, and its repeat gets 0 and nothing more', () => {
    const round = lateWin();
    const about = { kind: 'late_payout', payout: refusedPayout() } as const;
    expect(resolve(round, 'pay', about)).toMatchObject({ kind: 'resolved' });
    round.call('take', 'own:p', done('95'));
    expect(round.call('give', 'own:p', done('104'))).toMatchObject({ stake: 0n, amount: 900n });
    expect(round.payout('p', 900n)).toMatchObject({ result: 'accepted', balance: '104' });
    expect(resolve(round, 'pay', about)).toMatchObject({ kind: 'refused' });
    expect(toldOf(round.payout('p', 901n))).toBe('failed');
    round.settleCalls();
    expect(gives(round)).toHaveLength(1);
  });

  test('without any stake is paid on a carrier', () => {
    const round = playRound();
    expect(toldOf(round.payout('p', 900n))).toBe('round_unknown');
    resolve(round, 'pay', { kind: 'orphan_payout', payout: refusedPayout() });
    round.settleCalls('104');
    expect(round.operation('payout', 'p')).toMatchObject({ id: 77, payoutState: 'paid' });
    expect(round.bet('own:p')).toMatchObject({ form: 'carrier', stake: 0n, payout: 900n });
  });

  test('is not paid where it is recorded already, of another game, or where no stake counts', () => {
    const late = lateWin();
    const other = { kind: 'late_payout', payout: refusedPayout('p', '1002') } as const;
    expect(resolve(late, 'pay', other)).toMatchObject({ kind: 'refused' });
    expect(resolve(late, 'pay', { kind: 'late_payout' })).toMatchObject({ kind: 'refused' });

    const carried = playRound({ orphanPayout: 'carrier' });
    carried.payout('p', 900n);
    const known = { kind: 'orphan_payout', payout: refusedPayout() } as const;
    expect(resolve(carried, 'pay', known)).toMatchObject({ kind: 'refused' });

    const failed = playRound();
    failed.stake('s', 500n);
    failed.call('take', 's', declined());
    expect(resolve(failed, 'pay', known)).toMatchObject({ kind: 'refused' });
    expect(failed.owed()).toEqual([]);
  });
});

describe('every kind of case', () => {
  test.each(CASE_KINDS)(
    '%s takes only its own resolutions, and a refusal changes nothing',
    (kind) => {
      for (const as of RESOLUTIONS) {
        if (RESOLUTIONS_OF[kind].includes(as)) continue;
        const round = heldRound();
        const before = JSON.stringify(round.rows, (_, value: unknown) =>
          typeof value === 'bigint' ? String(value) : value,
        );
        expect(resolve(round, as, { kind, bet: 's' })).toMatchObject({ kind: 'refused' });
        expect(
          JSON.stringify(round.rows, (_, value: unknown) =>
            typeof value === 'bigint' ? String(value) : value,
          ),
        ).toBe(before);
      }
    },
  );

  test('that only has to be looked at is dismissed with a line in the journal, and its round goes on', () => {
    const round = playRound();
    round.takeStake('s', 500n);
    const before = { ...round.rows };
    expect(resolve(round, 'dismiss', { kind: 'conflict' })).toMatchObject({ kind: 'resolved' });
    expect(round.rows).toEqual(before);
    expect(round.facts.at(-1)).toMatchObject({ kind: 'case_resolved', as: 'dismiss' });
  });
});
